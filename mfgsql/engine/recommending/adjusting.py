"""Columns that may be set: in which range, by which steps, or to which values."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mfgsql.engine.conditions import Range
from mfgsql.engine.recommending.adjustable import Adjustable, limits
from mfgsql.errors import OptionError, did_you_mean, one_of
from mfgsql.features import Encoder, FeatureSet
from mfgsql.features.categorical import CategoricalEncoder
from mfgsql.features.numeric import NumericEncoder
from mfgsql.features.profile import NUMERIC_TYPES, TEXT_TYPES, base_type

FORM = (
    "a list of columns, as ['water', 'cement'], or a struct that says more of each, as {'water': [140, 190], "
    "'line': ['A', 'B'], 'cement': {'low': 200, 'high': 400, 'step': 5}}"
)
_FIELDS = ("low", "high", "step", "values")
_OF_KIND = {"boolean": frozenset({"BOOLEAN"}), "categorical": TEXT_TYPES}


def read_adjust(told: Any) -> dict[str, Any]:
    """By column what is said of it, or None.

    Raises:
        OptionError: nothing may be adjusted, or it is no such list or struct.
    """
    if isinstance(told, str):
        told = [name.strip() for name in told.split(",")]
    if isinstance(told, list) and told and all(isinstance(name, str) and name for name in told):
        return dict.fromkeys(told)
    if isinstance(told, dict) and told:
        return dict(told)
    raise OptionError(f"adjust says what may be set: {FORM}.", remedy="As in: adjust := ['water', 'cement'].")


def adjustables(
    told: Mapping[str, Any],
    features: Sequence[FeatureSet],
    types: Mapping[str, str],
    roles: Collection[str],
    beyond: bool,
) -> list[Adjustable]:
    """The columns, each in the range that all models that read it know.

    Args:
        types: of the source's columns. roles: columns that say whose row it is, and when.
        beyond: whether numbers may leave the range of the rows learnt from.

    Raises:
        OptionError: a column isn't read by a model, or is of a kind that can't be set.
    """
    found: list[Adjustable] = []
    for name, wish in told.items():
        encoders = [e for f in features for e in f.encoders if e.column.name.lower() == name.lower()]
        if not encoders or name.lower() in roles:
            can = sorted({e.column.name for f in features for e in f.encoders if _settable(e)} - set(roles))
            why = "says whose row it is and when" if name.lower() in roles else "is no column that the model reads"
            raise OptionError(f"'{name}' can't be adjusted: it {why}.{did_you_mean(name, can)}",
                              remedy=f"It reads, and one could set, {one_of(can)}.")  # fmt: skip
        if not all(map(_settable, encoders)):
            raise OptionError(f"'{name}' can't be adjusted: it is {kind_of(encoders[0])}; numbers, categories and "
                              "truth values can be set.")  # fmt: skip
        spelt = next(n for n in types if n.lower() == name.lower())
        if spelt in (a.name for a in found):
            raise OptionError(f"adjust names '{name}' twice.")
        one = _of_encoders(spelt, types[spelt], encoders)
        found.append(_wished(one, wish, beyond))
    return found


def _settable(encoder: Encoder) -> bool:
    return isinstance(encoder, NumericEncoder | CategoricalEncoder)


def kind_of(encoder: Encoder) -> str:
    """What a model takes a column for, in words."""
    return {
        "temporal": "a time", "text": "a text", "image": "a picture", "categorical": "a category",
        "boolean": "a truth value",
    }.get(encoder.kind, encoder.kind)  # fmt: skip


def _of_encoders(name: str, type_name: str, encoders: Sequence[Encoder]) -> Adjustable:
    here = limits(type_name)
    one = Adjustable(name, type_name, here.low, here.high)
    for encoder in encoders:
        kinds = NUMERIC_TYPES if isinstance(encoder, NumericEncoder) else _OF_KIND[encoder.kind]
        if base_type(type_name) not in kinds:
            what = {"numeric": "numbers", "boolean": "truth values"}.get(encoder.kind, "texts")
            raise OptionError(f"'{name}' can't be adjusted: the source has {type_name}, and the model learnt {what}.",
                              remedy="Cast it in the source: SELECT * REPLACE (... AS ...) FROM ...")  # fmt: skip
        if isinstance(encoder, NumericEncoder):
            one = replace(one, low=max(one.low, encoder.low), high=min(one.high, encoder.high))
        elif isinstance(encoder, CategoricalEncoder):
            kept = [c for c in one.choices or encoder.categories if c in encoder.categories]
            one = replace(one, choices=tuple(kept))
    return one


def _wished(one: Adjustable, wish: Any, beyond: bool) -> Adjustable:
    """As the caller wants it, within what is known."""
    told = _as_struct(one, wish)
    if unknown := [field for field in told if field not in _FIELDS]:
        raise OptionError(f"adjust says of '{one.name}' {unknown[0]!r}, which is none of {one_of(_FIELDS)}.")
    values = told.get("values")
    if one.choices or values is not None:
        return _chosen(one, values, told, beyond)
    for field in ("low", "high", "step"):
        if told.get(field) is not None and not _is_number(told[field]):
            raise OptionError(f"{field} of '{one.name}' in adjust is a number, not {told[field]!r}.")
    low, high, step = (None if told.get(field) is None else float(told[field]) for field in ("low", "high", "step"))
    if low is not None and high is not None and low > high:
        raise OptionError(f"'{one.name}' in adjust goes from {low:g} to {high:g}: low is above high.",
                          remedy=f"As in: adjust := {{'{one.name}': [{high:g}, {low:g}]}}.")  # fmt: skip
    if step is not None and step <= 0:
        raise OptionError(f"step of '{one.name}' in adjust is above 0, not {step:g}.")
    asked, known = Range(*_ends(low, high, -math.inf, math.inf)), Range(one.low, one.high)
    left = (Range(*_ends(low, high, known.low, known.high)) if beyond else asked & known) & limits(one.type)
    if left.low > left.high:
        raise OptionError(
            f"'{one.name}' may be {asked.low:g} to {asked.high:g} by adjust, and the model has learnt from "
            f"{one.low:g} to {one.high:g}.", remedy="Where you dare: options := {'beyond': true}.")  # fmt: skip
    anchor = low if step is not None and low is not None else 0.0
    return replace(one, low=left.low, high=left.high, step=step or 0.0, anchor=anchor)


def _ends(low: float | None, high: float | None, least: float, last: float) -> tuple[float, float]:
    return least if low is None else low, last if high is None else high


def _as_struct(one: Adjustable, wish: Any) -> dict[str, Any]:
    if wish is None:
        return {}
    if isinstance(wish, dict):
        return wish
    if _is_number(wish) and not one.choices:
        return {"step": wish}
    if isinstance(wish, list) and len(wish) == 2 and not one.choices and all(map(_is_number, wish)):
        return {"low": wish[0], "high": wish[1]}
    if isinstance(wish, list) and wish:
        return {"values": wish}
    raise OptionError(f"adjust says of '{one.name}' {wish!r}: it is {FORM}.")


def _chosen(one: Adjustable, values: Any, told: Mapping[str, Any], beyond: bool) -> Adjustable:
    """One of listed values, or of those the model knows."""
    if set(told) - {"values"}:
        raise OptionError(f"adjust says of '{one.name}' both values and a range, or a range of what are categories.")
    if values is None:
        return one
    if not isinstance(values, list) or not values:
        raise OptionError(f"values of '{one.name}' in adjust are a list, not {values!r}.")
    texts = tuple(dict.fromkeys(str(v).lower() if isinstance(v, bool) else str(v) for v in values))
    if not one.choices:
        if not all(map(_is_number, values)):
            raise OptionError(f"values of '{one.name}' in adjust are numbers, not {values!r}.")
        new = [t for v, t in zip(dict.fromkeys(values), texts, strict=True) if not one.low <= float(v) <= one.high]
    else:
        new = [text for text in texts if text not in one.choices]
    if new and not beyond:
        raise OptionError(
            f"'{one.name}' may be {one_of(new)} by adjust, which the model has not learnt from."
            f"{did_you_mean(new[0], one.choices)}", remedy="Where you dare: options := {'beyond': true}.")  # fmt: skip
    return replace(one, choices=texts)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
