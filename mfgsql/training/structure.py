"""Whether a network asks for another structure, by how its training went, and which one that is.

One that errs as much on the rows that it learnt from as on those held out, while its loss falls no more, can't say what
they tell; one that errs far less on the rows learnt from has learnt them by heart (Goodfellow et al., "Deep Learning",
2016, section 5.2). Neither asks for anything where little is left to tell.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from mfgsql.training.recipe import Recipe

MOST_WIDTH, MOST_LAYERS = 4096, 48  # of a `Recipe`
LEAST_WIDTH = 4
_LEFT = 0.1  # of a naive guess's error: what is left below it is not worth another network
_BY_HEART = 0.6  # of the error on rows held out: below it, rows are learnt by heart
_AS_HIGH = 0.8  # and above it the network can't say what they tell
_FLAT, _LAST = 0.02, 3  # of the loss, by which it still fell in the last judgements
_FEW = 5_000  # rows: of more, a network that is too large for them is not what keeps it from telling others
_RECOVERED = 0.5  # of a fall, that learning gives back where the network can express what is new


@dataclass(frozen=True)
class Shape:
    """What of a network is tried: width and layers of `Recipe`; heads divide the width."""

    width: int
    layers: int
    heads: int = 1


@dataclass(frozen=True)
class Fall:
    """That new rows are told worse than those learnt from, beyond chance; values of a metric.

    Attributes:
        past, before: what the champion had on rows it had learnt, and on the new ones. now: the candidate on these.
    """

    metric: str
    past: float
    before: float
    now: float

    @property
    def recovered(self) -> bool:
        """Whether learning gave back at least half."""
        fallen, back = self.past - self.before, self.now - self.before
        return fallen == 0 or back / fallen >= _RECOVERED


@dataclass(frozen=True)
class Signs:
    """How a training went; errors are such as add up over rows: log losses, squared errors.

    Attributes:
        learnt, held_out, naive: the error on rows learnt from, on rows held out, and of a naive guess on these.
        curve: losses on the rows held out during the training, of what it started from first.
        rows: learnt from. fall: of what is new; None: there was none.
    """

    learnt: float
    held_out: float
    naive: float
    curve: tuple[float, ...]
    rows: int
    fall: Fall | None = None


@dataclass(frozen=True)
class Wish:
    """Another structure, if any: None: as it is."""

    larger: bool | None
    why: str


def wish_of(signs: Signs) -> Wish:
    """What a training asks for, and why."""
    learnt, held, naive = signs.learnt, signs.held_out, signs.naive
    told = f"error {learnt:.3g} on rows learnt from, {held:.3g} on those held out, {naive:.3g} of a naive guess"
    if not all(math.isfinite(error) for error in (learnt, held, naive)) or held < _LEFT * naive:
        return Wish(None, f"nothing asks for it ({told})")
    if learnt < _BY_HEART * held:
        if signs.rows < _FEW:
            return Wish(False, f"it has learnt {signs.rows:,} rows by heart ({told})")
        return Wish(None, f"more rows would serve it, not another structure ({told})")
    if learnt < _AS_HIGH * held or not _flat(signs.curve):
        return Wish(None, f"nothing asks for it ({told})")
    if signs.fall is not None and not signs.fall.recovered:
        fall = signs.fall
        values = f"{fall.metric} {fall.past:.3g} -> {fall.before:.3g}, and {fall.now:.3g} after learning"
        return Wish(True, f"what is new is told worse, and learning gave back little of it ({values})")
    return Wish(True, f"it learns no more ({told})")


def _flat(curve: tuple[float, ...]) -> bool:
    """Whether the loss fell no more in the end."""
    known = [loss for loss in curve if math.isfinite(loss)]
    before = known[: max(1, len(known) - _LAST)]
    return len(known) > 1 and min(before) - min(known) <= _FLAT * abs(min(known))


def other_shape(now: Shape, usual: Shape, *, larger: bool) -> Shape | None:
    """The next one: twice or half the width, or a layer where the width is as usual or can't change; None: no more."""
    if larger:
        wide = replace(now, width=2 * now.width) if 2 * now.width <= MOST_WIDTH else None
        deep = replace(now, layers=now.layers + 1) if now.layers < MOST_LAYERS else None
        return (deep or wide) if now.layers < usual.layers and now.width >= usual.width else (wide or deep)
    half = now.width // 2 // now.heads * now.heads
    if half >= LEAST_WIDTH:
        return replace(now, width=half)
    return replace(now, layers=now.layers - 1) if now.layers > 1 else None


def usual_shape(recipe: Recipe) -> Shape:
    """That of the backbone, where a statement says nothing."""
    usual = Recipe().settled(recipe.backbone, recipe.folds)
    return Shape(usual.width, usual.layers)


def apart(now: Shape, other: Shape) -> str:
    """``width 96 instead of 64``."""
    name = "width" if now.width != other.width else "layers"
    return f"{name} {getattr(other, name)} instead of {getattr(now, name)}"
