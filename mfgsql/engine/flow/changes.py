"""Changes of stations as users write them, ``'station 4: -10 %'``, parsed; and changes worth trying, written so."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from mfgsql.errors import OptionError, did_you_mean
from mfgsql.flow.bottlenecks import Floats, Integers
from mfgsql.flow.simulation import Change

FORMS = "'<station>: -10 %', '<station>: -1 min' (or s, h) or '<station>: +1 machine'"
_FORM = re.compile(r"\s*(.+?)\s*:\s*([+\-−])\s*(\d+(?:[.,]\d+)?)\s*(%|percent|[a-z]+)\s*", re.IGNORECASE | re.DOTALL)
_SECONDS = {"s": 1, "sec": 1, "second": 1, "min": 60, "minute": 60, "h": 3600, "hour": 3600}
_SHOWN = 12  # stations in an error
USUAL_COSTS = {"minute": 1.0, "percent": 0.1, "machine": 10.0}


def read_changes(told: Any) -> list[str]:
    """The texts, which are of the right form; none of NULL.

    Raises:
        OptionError: one is not.
    """
    texts = [told] if isinstance(told, str) else told
    if texts is None:
        return []
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise OptionError(f"change is a text or a list of texts, {FORMS}, not {told!r}.")
    parts = [part for text in texts for part in text.split(";") if part.strip()]
    for part in parts or [""]:
        _parsed(part)
    return parts


def parse_changes(
    texts: Sequence[str], names: Sequence[Any], times: Sequence[Floats], machines: Integers
) -> list[Change]:
    """What they say, of stations of these names.

    Args:
        times: of each station's operations, in seconds.

    Raises:
        OptionError: there is no such station, or it can't be changed like that.
    """
    known = {str(name).lower(): number for number, name in enumerate(names)}
    found = []
    for text in texts:
        name, sign, amount, unit = _parsed(text)
        if name.lower() not in known:
            listed = ", ".join(map(str, names[:_SHOWN])) + (", ..." if len(names) > _SHOWN else "")
            raise OptionError(f"There is no station '{name}'.{did_you_mean(name, map(str, names))}",
                              remedy=f"There are {listed}.")  # fmt: skip
        station = known[name.lower()]
        found.append(_change(text, station, sign * amount, unit, times[station], int(machines[station])))
    return found


def _parsed(text: str) -> tuple[str, int, float, str]:
    match = _FORM.fullmatch(text)
    unit = match[4].lower().removesuffix("s") or "s" if match else ""
    unit = {"percent": "%", "sec": "s", "machine": "machine"}.get(unit, unit)
    if match is None or (unit not in _SECONDS and unit not in ("%", "machine")):
        raise OptionError(f"The change '{text.strip()}' can't be read: it is {FORMS}.")
    amount = float(match[3].replace(",", "."))
    if amount == 0:
        raise OptionError(f"The change '{text.strip()}' changes nothing.", remedy=f"A change is {FORMS}.")
    if unit == "machine" and amount != int(amount):
        raise OptionError(f"The change '{text.strip()}' is of a part of a machine: machines are whole.")
    return match[1].strip(), 1 if match[2] == "+" else -1, amount, unit


def _change(text: str, station: int, amount: float, unit: str, times: Floats, machines: int) -> Change:
    if unit == "machine":
        if machines + amount < 1:
            raise OptionError(
                f"The change '{text.strip()}' leaves no machine: there {'is' if machines == 1 else 'are'} {machines}."
            )
        return Change(station, machines=int(amount))
    if unit == "%":
        if amount <= -100:
            raise OptionError(
                f"The change '{text.strip()}' leaves no time at all.", remedy="Less than 100 % can be taken off."
            )
        return Change(station, factor=1 + amount / 100)
    seconds, usual = amount * _SECONDS[unit], float(sorted(times.tolist())[len(times) // 2])
    if seconds <= -usual:
        raise OptionError(
            f"The change '{text.strip()}' takes off more than an operation there takes: {usual / 60:,.2g} min."
        )
    return Change(station, seconds=-seconds)


def read_costs(told: Any) -> dict[str, float] | None:
    """What it costs to take off a minute or a percent, and what a machine costs; None where that isn't told. Kinds
    without a cost aren't suggested.

    Raises:
        OptionError: unknown kinds, or no numbers above 0.
    """
    if told is None:
        return None
    if not isinstance(told, Mapping) or not told:
        raise OptionError(f"costs is a struct, as {{'minute': 100, 'percent': 40, 'machine': 50000}}, not {told!r}.")
    for name, value in told.items():
        number = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < float("inf")
        if name not in USUAL_COSTS or not number:
            hint = "" if name in USUAL_COSTS else did_you_mean(str(name), USUAL_COSTS)
            raise OptionError(
                f"costs are of a minute, a percent or a machine, numbers above 0, not {{{name!r}: {value!r}}}.{hint}"
            )
    return {name: float(value) for name, value in told.items()}


def candidates(
    names: Sequence[Any], worst: Sequence[int], times: Sequence[Floats], costs: Mapping[str, float]
) -> list[tuple[str, float]]:
    """Changes worth trying, with what each costs.

    Args:
        worst: numbers of the stations that limit the line, the worst first.
    """
    kinds = {"percent": ("-10 %", 10 * costs.get("percent", 0.0)), "minute": ("-1 min", costs.get("minute", 0.0)),
             "machine": ("+1 machine", costs.get("machine", 0.0))}  # fmt: skip
    found: list[tuple[str, float]] = []
    for station in worst:
        slow = sorted(times[station].tolist())[len(times[station]) // 2] > 120
        for kind, (words, cost) in kinds.items():
            if kind in costs and (kind != "minute" or slow):
                found.append((f"{names[station]}: {words}", cost))
    for kind in ("percent", "minute", "machine"):
        both = [one for one in found if one[0].endswith(kinds[kind][0])][:2]
        if len(both) == 2:
            return [*found, ("; ".join(text for text, _ in both), sum(cost for _, cost in both))]
    return found
