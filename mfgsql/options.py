"""Options of a statement: which there are, what each means, and between which values it may lie.

A class of options is a dataclass whose fields are made by `number`, `choice` and `flag`, against which
`checked_options` holds what a statement gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import Field, field, fields
from typing import Any

from mfgsql.errors import OptionError, did_you_mean, one_of


def number(default: float, low: float, high: float, what: str) -> Any:
    """A field of a number from ``low`` to ``high``, whole where the default is."""
    return field(default=default, metadata={"low": low, "high": high, "what": what})


def choice(default: str, *choices: str, what: str) -> Any:
    """A field of a word, one of these."""
    return field(default=default, metadata={"choices": choices, "what": what})


def flag(default: bool, *, what: str) -> Any:
    """A field that is true or false."""
    return field(default=default, metadata={"what": what})


def checked_options(kind: type, options: Mapping[str, Any], *, also: Iterable[str] = ()) -> dict[str, Any]:
    """Values of a class's fields, as they were given; those that are NULL are left out, as are others.

    Args:
        also: names of options that are none of its fields.

    Raises:
        OptionError: an option is unknown, or its value out of range.
    """
    known = {f.name: f for f in fields(kind)}
    check_options(options, [*known, *also])
    return {n: _checked(known[n], value) for n, value in options.items() if n in known and value is not None}


def check_options(options: Mapping[str, Any], allowed: Iterable[str], *, short: Iterable[str] = ()) -> None:
    """Refuse options that do not exist.

    Args:
        short: other names of some, which are known, too.

    Raises:
        OptionError: the first of them, and those that exist.
    """
    known = list(allowed)
    for name in options:
        if name not in known:
            hint = did_you_mean(name, [*short, *known])
            raise OptionError(f"Unknown option '{name}'; allowed are {one_of(known)}.{hint}")


def read_whole(name: str, told: Any, least: int, most: int) -> int | None:
    """A whole number among options; None where it isn't given.

    Raises:
        OptionError: it is none, or out of its range.
    """
    if told is not None and (isinstance(told, bool) or not isinstance(told, int) or not least <= told <= most):
        raise OptionError(f"{name} is a whole number from {least:,} to {most:,}, not {told!r}.")
    return told


def _checked(one: Field[Any], value: Any) -> Any:
    kind: type = type(one.default)
    name, rule = one.name, one.metadata
    if kind is bool:
        if not isinstance(value, bool):
            raise OptionError(f"{name} ({rule['what']}) is true or false, not {value!r}.")
        return value
    if "choices" in rule:
        if str(value).lower() not in rule["choices"]:
            hint = did_you_mean(str(value), rule["choices"])
            raise OptionError(f"{name} is {one_of(rule['choices'])}, not {value!r}.{hint}")
        return str(value).lower()
    try:
        found = float(value)
    except (TypeError, ValueError):
        found = float("nan")
    if isinstance(value, bool) or not rule["low"] <= found <= rule["high"] or (kind is int and found % 1):
        sort = "a whole number" if kind is int else "a number"
        ends = f"from {_told(rule['low'])} to {_told(rule['high'])}"
        raise OptionError(f"{name} ({rule['what']}) is {sort} {ends}, not {value!r}.")
    return kind(found)


def _told(end: float) -> str:
    return f"{end:,.0f}" if float(end).is_integer() else f"{end:g}"
