"""What of a recipe is searched, and between which values: as a statement tells, else by the backbone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from mfgsql.errors import OptionError
from mfgsql.features import Grid, History
from mfgsql.options import check_options
from mfgsql.training.recipe import Recipe
from mfgsql.training.spec import TrainSpec

FORM = "options := {'lr': {'low': 1e-4, 'high': 1e-2, 'log': true}, 'layers': [2, 4, 6], 'epochs': 20}"
SHAPE = ("width", "layers", "heads", "patch")  # what a base has decided
_SHORT = {"lr": "learning_rate"}
_NAMES = tuple(f.name for f in fields(Recipe))
_KINDS = {f.name: type(f.default) for f in fields(Recipe)}
_FIXED = (  # each changes which rows judge, or what they are judged by: then trials would not compare
    "seed", "backbone", "folds", "validation", "loss", "class_weight", "mask_ratio", "window", "memory", "fill",
    "shortest", "span", "horizon", "season", "refit", "gaps", "cap", "channels",
)  # fmt: skip


@dataclass(frozen=True)
class Range:
    """Numbers from ``low`` to ``high``, both included; whole ones, or each as far from the last as ``step`` says.

    Attributes:
        log: whether ratios count, not differences.
    """

    low: float
    high: float
    log: bool = False
    step: float | None = None
    whole: bool = False


@dataclass(frozen=True)
class Choice:
    """One of these values."""

    values: tuple[Any, ...]


Space = dict[str, Range | Choice]


def parted(options: Mapping[str, Any], about_rows: tuple[str, ...]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Options that are fixed, and those that are searched, under their whole names.

    Args:
        about_rows: names of options that are no recipe's, and may be lists.

    Raises:
        OptionError: one is told twice.
    """
    fixed: dict[str, Any] = {}
    searched: dict[str, Any] = {}
    for told, value in options.items():
        name = _SHORT.get(told, told)
        if name in fixed or name in searched:
            raise OptionError(f"{told} and {name} are the same option: leave one of them out.")
        if isinstance(value, dict | list) and name not in about_rows:
            searched[name] = value
        else:
            fixed[name] = value
    return fixed, searched


def read_space(told: Mapping[str, Any]) -> Space:
    """Ranges (structs) and choices (lists) as SQL gives them.

    Raises:
        OptionError: an option is unknown or can't be searched, or a value is beyond what it may be.
    """
    check_options(told, _NAMES, short=_SHORT)
    space: Space = {}
    for name, value in told.items():
        if name in _FIXED:
            raise OptionError(f"{name} can't be searched: trials are compared by the same rows and the same measure.",
                              remedy=f"Say one value: options := {{'{name}': ...}}.")  # fmt: skip
        space[name] = _choice(name, value) if isinstance(value, list) else _range(name, value)
    return space


def _choice(name: str, values: list[Any]) -> Choice:
    read = tuple(dict.fromkeys(_checked(name, value) for value in values))
    if len(read) < 2:
        raise OptionError(f"{name} is to be chosen of two values or more, not of {values!r}: a single one is fixed.")
    return Choice(read)


def _range(name: str, told: Mapping[str, Any]) -> Range:
    form = f"A range is as {FORM.partition(' := ')[2]}"
    if _KINDS[name] is str:
        raise OptionError(f"{name} is a word, which has no range: list its values, as in {{'{name}': ['a', 'b']}}.")
    unknown = [n for n in told if n not in ("low", "high", "log", "step")]
    if unknown or told.get("low") is None or told.get("high") is None:
        what = f"'{unknown[0]}'" if unknown else f"'{'low' if told.get('low') is None else 'high'}'"
        raise OptionError(f"The range of {name} {'has an unknown' if unknown else 'lacks'} {what}. {form}.")
    low, high, log, step = (told.get(n) for n in ("low", "high", "log", "step"))
    low, high, whole = _checked(name, low), _checked(name, high), _KINDS[name] is int
    if low >= high:
        raise OptionError(f"The range of {name} goes from {low:g} to {high:g}: low is to be below high.")
    if log not in (None, True, False):
        raise OptionError(f"log of {name} is true or false, not {log!r}.")
    if log and low <= 0:
        raise OptionError(f"The range of {name} is logarithmic and begins at {low:g}: it has to begin above 0.")
    if step is not None and (log or not _is_step(step, high - low, whole=whole)):
        sort = "a whole number" if whole else "a number"
        raise OptionError(f"step of {name} is {sort} up to the range's length, of no logarithmic one; not {step!r}.")
    return Range(low, high, bool(log), step, whole)


def _is_step(step: Any, most: float, *, whole: bool) -> bool:
    number = isinstance(step, int | float) and not isinstance(step, bool)
    return number and 0 < step <= most and math.isfinite(step) and not (whole and step % 1)


def _checked(name: str, value: Any) -> Any:
    """A value as the recipe has it."""
    if value is None or isinstance(value, dict | list):
        raise OptionError(f"A value of {name} is {value!r}, which is none.")
    return getattr(Recipe.parse({name: value}), name)


def usual_space(spec: TrainSpec, *, based: bool) -> Space:
    """What is searched where the statement does not say.

    Args:
        based: whether a base gives the network's shape.
    """
    recipe = spec.recipe
    space = dict(_USUAL[recipe.backbone])
    if recipe.backbone == "ensemble":
        space["members"] = Choice(tuple(sorted({max(1, recipe.members // 2), recipe.members, recipe.members * 2})))
    if recipe.backbone == "series" and spec.objective is None:
        reads = spec.history or spec.grid
        space |= {"patch": _patches(reads)} if reads else {}
    if recipe.adapter == "lora" and "rank" in _NAMES:
        space["rank"] = Choice((2, 4, 8, 16))
    if based:
        space["base_rate"] = Range(0.02, 1.0, log=True)
    left_out = SHAPE if based else ()
    return {n: s for n, s in space.items() if n not in left_out and not (isinstance(s, Choice) and len(s.values) < 2)}


def _patches(how: History | Grid) -> Choice:
    """Lengths of a token that part the window: the usual one, shorter and longer ones."""
    fits = [p for p in range(1, how.window // 2 + 1) if how.window % p == 0 and how.window // p <= _MOST_TOKENS]
    near = sorted(fits, key=lambda p: abs(math.log(p / how.patch)))[:3]
    return Choice(tuple(sorted({*near, how.patch})))


def settled(space: Space, spec: TrainSpec, recipe: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What a training has of the searched options where it leaves them open.

    Args:
        recipe: as the lineage of its model tells it, if there is one.
    """
    told, reads = recipe or spec.recipe.to_dict(), spec.history or spec.grid
    return {name: reads.patch if name == "patch" and reads else told[name] for name in space}


_MOST_TOKENS = 64
_DECAY = Range(1e-4, 0.3, log=True)
_OF_TRANSFORMERS: Space = {
    "width": Range(32, 128, step=16, whole=True), "layers": Range(1, 5, whole=True), "heads": Choice((2, 4, 8)),
    "dropout": Range(0.0, 0.4), "weight_decay": _DECAY,
}  # fmt: skip
_USUAL: dict[str, Space] = {
    "ensemble": {
        "learning_rate": Range(3e-3, 6e-2, log=True), "width": Range(32, 256, log=True, whole=True),
        "layers": Range(1, 4, whole=True), "dropout": Range(0.0, 0.4), "weight_decay": _DECAY,
    },
    "transformer": {"learning_rate": Range(2e-4, 5e-3, log=True), **_OF_TRANSFORMERS},
    "series": {"learning_rate": Range(3e-4, 1e-2, log=True), **_OF_TRANSFORMERS},
    "mixed": {
        "learning_rate": Range(1e-4, 5e-3, log=True), "base_rate": Range(0.02, 1.0, log=True),
        "dropout": Range(0.0, 0.4),
    },
}  # fmt: skip
