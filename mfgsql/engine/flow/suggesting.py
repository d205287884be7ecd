"""Changes of a line that are worth it: the stations that limit it are made faster in turn, each by the same dice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mfgsql.engine.flow.changes import USUAL_COSTS, candidates, parse_changes
from mfgsql.engine.flow.whatif import LEAST, WhatIf
from mfgsql.engine.planning import Rows
from mfgsql.flow.bottlenecks import critical_path
from mfgsql.flow.simulation import Run

SUGGESTIONS = {
    "rank": "BIGINT", "change": "VARCHAR", "gain": "DOUBLE", "lower": "DOUBLE", "upper": "DOUBLE",
    "lead_time": "DOUBLE", "cost": "DOUBLE", "gain_per_cost": "DOUBLE", "suggestion": "VARCHAR", "ml_status": "VARCHAR",
    "ml_reason": "VARCHAR",
}  # fmt: skip
_WORST, _SHARE = 3, 0.05  # stations that suggestions are made for, and their least share of the critical path
_UNTOLD = "costs weren't told: a minute counts as 1, ten percent as 1, a machine as 10"


def suggestions(played: WhatIf, costs: Mapping[str, float] | None) -> Rows:
    """Changes of the stations that limit the line, the best gain for its cost first; those that bring nothing, or no
    more than one of their parts, last.

    Args:
        costs: of a minute, a percent and a machine; None: the usual ones.
    """
    measure, sign = ("lead_time", -1.0) if played.release == "log" else ("throughput", 1.0)
    rows, alone = [], dict[str, list[Run]]()
    for text, cost in candidates(played.log.names, _worst(played), played.line.times, costs or USUAL_COSTS):
        changes = parse_changes(text.split("; "), played.log.names, played.line.times, played.log.machines)
        now, then = played.played(changes, played.asked or LEAST)
        row = _brings(played, measure, sign, now, then) | {"change": text, "cost": cost}
        row["gain_per_cost"] = row["gain"] / cost
        part = _no_better(played, measure, sign, text, alone, then)
        row["sure"] = part is None and row["lower"] is not None and row["lower"] > 0
        words = f"no better than {part} alone" if part else f"{row['gain_per_cost']:.3g} for each unit of cost"
        row["suggestion"] = f"{text}: {row['suggestion']}" + (f"; {words}" if part or row["sure"] else "")
        if costs is None:
            row["ml_reason"] += f"; {_UNTOLD}"
        alone[text] = then
        rows.append(row)
    rows.sort(key=lambda r: (not r.pop("sure"), -r["gain_per_cost"], r["change"]))
    return [row | {"rank": number} for number, row in enumerate(rows, 1)]


def _worst(played: WhatIf) -> list[int]:
    """Numbers of the stations that limit the line, the worst first."""
    path = critical_path(played.operations, played.near, played.check)
    lasts = np.bincount(path.owner + 1, path.stop - path.begin, len(played.log.names) + 1)[1:]
    shares = lasts / played.log.clock.length
    order = [int(i) for i in np.argsort(-shares, kind="stable") if shares[i] >= _SHARE]
    return order[:_WORST] or [int(np.argmax(shares))]


def _brings(played: WhatIf, measure: str, sign: float, now: list[Run], then: list[Run]) -> dict[str, Any]:
    """The gain with its interval, above 0 where it is one."""
    found, lead = (played.effect(m, *played.pairs(m, now, then)) for m in (measure, "lead_time"))
    low, high = (None if end is None else sign * end + 0.0 for end in (found["lower"], found["upper"])[:: int(sign)])
    return {
        "gain": sign * found["difference"] + 0.0, "lower": low, "upper": high, "lead_time": lead["difference"] + 0.0,
        "suggestion": played.words(found, measure),
    } | played.told(now, then)  # fmt: skip


def _no_better(
    played: WhatIf, measure: str, sign: float, text: str, alone: Mapping[str, list[Run]], then: list[Run]
) -> str | None:
    """The part of a change of several that brings as much by itself, by the same dice; None where there is none."""
    for part in text.split("; "):
        if part == text or part not in alone:
            continue
        more = played.effect(measure, *played.pairs(measure, alone[part], then))
        least = more["lower"] if sign > 0 else more["upper"]
        if least is None or sign * least <= 0:
            return part
    return None
