"""Nelson's eight rules over a chain of points, as frames of a window.

Columns that they read: the point ``__ml_x0``, the two before it ``__ml_1`` and ``__ml_2``, the center ``__ml_mid``,
and the statistic's own deviation ``__ml_scale``. A rule holds at the point that completes its pattern; of "two of
three" and "four of five" that point is one. No quotient is taken: a deviation of 0 divides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from mfgsql.engine.charts.chart import CHAIN

WORDS = {
    1: "rule 1: beyond 3 sigma",
    2: "rule 2: 9 points on one side",
    3: "rule 3: 6 points rising or falling",
    4: "rule 4: 14 points alternating",
    5: "rule 5: 2 of 3 points beyond 2 sigma on one side",
    6: "rule 6: 4 of 5 points beyond 1 sigma on one side",
    7: "rule 7: 15 points within 1 sigma",
    8: "rule 8: 8 points beyond 1 sigma on either side",
}
RANGE = "range"
_OFF = "(__ml_x0 - __ml_mid)"


def conditions(wanted: Sequence[int]) -> tuple[str, list[tuple[str, str]]]:
    """Window columns (beginning with a comma), and each rule's condition with its words."""
    columns, holds = [], []
    for rule in wanted:
        window, condition = _RULES[rule]
        columns += [f", {sql} AS __ml_r{rule}{part}" for part, sql in window.items()]
        holds.append((condition.format(r=f"__ml_r{rule}"), WORDS[rule]))
    return "".join(columns), holds


def _count(condition: str, points: int) -> str:
    """How many of the last points, this one among them, meet a condition."""
    return f"sum(CAST({condition} AS TINYINT)) OVER (__ml_chain ROWS {points - 1} PRECEDING)"


def _sides(beyond: int, points: int) -> dict[str, str]:
    return {
        "u": _count(f"{_OFF} > {beyond} * __ml_scale", points),
        "d": _count(f"{_OFF} < -{beyond} * __ml_scale", points),
    }


def _on_a_side(beyond: int, least: int) -> str:
    return (
        f"({_OFF} > {beyond} * __ml_scale AND {{r}}u >= {least} "
        f"OR {_OFF} < -{beyond} * __ml_scale AND {{r}}d >= {least})"
    )


_STEP = "sign(__ml_x0 - __ml_1)"
_RULES: dict[int, tuple[dict[str, str], str]] = {
    1: ({}, f"abs{_OFF} > 3 * __ml_scale"),
    2: ({"": f"sum(sign{_OFF}) OVER (__ml_chain ROWS 8 PRECEDING)"}, "abs({r}) = 9"),
    3: ({"": f"sum({_STEP}) OVER (__ml_chain ROWS 4 PRECEDING)"}, "abs({r}) = 5"),
    4: ({"": _count(f"{_STEP} * sign(__ml_1 - __ml_2) = -1", 12)}, "{r} = 12"),
    5: (_sides(2, 3), _on_a_side(2, 2)),
    6: (_sides(1, 5), _on_a_side(1, 4)),
    7: ({"": _count(f"abs{_OFF} < __ml_scale", 15)}, "{r} = 15"),
    8: ({"": _count(f"abs{_OFF} > __ml_scale", 8)}, "{r} = 8"),
}
CHAIN_WINDOW = f"WINDOW __ml_chain AS ({CHAIN} ORDER BY __ml_n)"
