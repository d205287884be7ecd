"""Findings of drift as rows: what is far enough from chance, and large enough, is drift."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mfgsql.drift.distributions import Comparison, adjusted
from mfgsql.engine.drifting.asked import Asked
from mfgsql.engine.planning import Rows
from mfgsql.scoring.vectors import HISTORY, ROW

COLUMNS = {
    "kind": "VARCHAR", "feature": "VARCHAR", "statistic": "VARCHAR", "value": "DOUBLE", "reference": "DOUBLE",
    "p_value": "DOUBLE", "p_adjusted": "DOUBLE", "psi": "DOUBLE", "lower": "DOUBLE", "upper": "DOUBLE",
    "drifted": "BOOLEAN", "rows": "BIGINT", "since": "VARCHAR", "ml_reason": "VARCHAR",
}  # fmt: skip
_OF_COLUMNS = ("feature", "missing", "unseen", "embedding")
_FEWEST = 30  # rows of which little can be told
_NAMED = 5  # features in a summary


@dataclass
class Finding:
    """One comparison.

    Attributes:
        kind: feature, missing, unseen, score, embedding, performance or stream. feature: what it is of.
        large: whether the change is large enough to count; None: it follows from the index.
        drifted: said already, of what is no test; None else.
    """

    kind: str
    feature: str
    rows: int
    statistic: str | None = None
    value: float | None = None
    reference: float | None = None
    p_value: float | None = None
    psi: float | None = None
    lower: float | None = None
    upper: float | None = None
    since: str | None = None
    reason: str | None = None
    large: bool | None = None
    drifted: bool | None = None
    p_adjusted: float | None = None

    @classmethod
    def of(cls, kind: str, feature: str, rows: int, found: Comparison, reason: str | None = None) -> Finding:
        """Of two samples."""
        return cls(kind, feature, rows, found.statistic, found.value, found.reference, found.p_value, found.psi,
                   reason=reason)  # fmt: skip

    def row(self) -> dict[str, Any]:
        """As the result has it."""
        return {name: getattr(self, "reason" if name == "ml_reason" else name) for name in COLUMNS}


def judged(findings: Sequence[Finding], asked: Asked, rows: int) -> Rows:
    """The rows of the result: a summary, then the most severe first."""
    tests = [f for f in findings if f.p_value is not None]
    for found, p_value in zip(tests, adjusted([f.p_value or 0.0 for f in tests]), strict=True):
        found.p_adjusted = p_value
        large = found.large if found.large is not None else (found.psi or 0.0) >= asked.psi
        found.drifted = p_value < asked.alpha and large
    ranked = sorted(findings, key=_severity)
    return [_summary(findings, rows).row(), *(f.row() for f in ranked)]


def _severity(found: Finding) -> tuple[Any, ...]:
    """What drifted first: by kinds in which it hurts most, then by how large it is; what can't be told last."""
    hurts = ("performance", "stream").index(found.kind) if found.kind in ("performance", "stream") else 2
    return (found.drifted is None, not found.drifted, hurts if found.drifted else 2, -(found.psi or 0.0),
            1.0 if found.p_value is None else found.p_value, found.kind, found.feature)  # fmt: skip


def _summary(findings: Sequence[Finding], rows: int) -> Finding:
    """How many features drifted, and what else did."""
    of_columns = [f for f in findings if f.kind in _OF_COLUMNS and f.feature not in (HISTORY, ROW)]
    names = list(dict.fromkeys(f.feature for f in of_columns))
    drifted = sorted((f for f in of_columns if f.drifted), key=_severity)
    moved = list(dict.fromkeys(f.feature for f in drifted))
    others = list(dict.fromkeys(f.kind for f in findings if f.drifted and f not in of_columns))
    more = f", {len(moved) - _NAMED} more" if len(moved) > _NAMED else ""
    words = f"{len(moved)} of {len(names)} features drifted"
    words += f" ({', '.join(moved[:_NAMED])}{more})" if moved else ""
    words += f"; {', '.join(others)} drifted" if others else ""
    words += f"; {rows} rows tell little" if rows < _FEWEST else ""
    return Finding("summary", "", rows, "drifted", float(len(moved)), float(len(names)), reason=words,
                   drifted=bool(moved or others))  # fmt: skip
