"""Which words of a text, and which places in a picture, move a prediction.

A text or picture is split into four parts, whose Shapley values are exact; those that matter are split again, down to
words and cells, and what a part is worth is shared among its own (Owen, "Values of Games with A Priori Unions", 1977;
Teneggi, Luster and Sulam, "Fast Hierarchical Games for Image Explanations", TPAMI 2022). A part is looked at with all
that lies beside it shown, and with all of it hidden: what two places tell alike is seen by the latter only.

Measured on notes of 6 words or so, by a network that tells one of 8 systems: the values were those of 32 random orders
(correlation .97) for 20 predictions instead of 164. Without the best four words, taken out one after the other, the
probability fell from .97 to .34 (mean of the steps; with 32 orders .33); by leaving out one word at a time to .37, by
masking one (on a like sample) to .41, by integrated gradients to .37. In pictures where a bright square decides, .77
of what speaks for it lay in the square, for 155 predictions; hiding one cell at a time, which changes little where many
cells tell the same, .53, and random or balanced halves of all cells .20. On steel surfaces, which are alike
everywhere, deletion and insertion (the best cells taken out, or put in) came to .57 and .56; hiding single cells to
.52 and .38, integrated gradients to .58 and .36, the gradient of the last map to .69 and .52.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from mfgsql.features import Batch
from mfgsql.features.fields import Pictures
from mfgsql.features.parts import Cells, Part, Parts, Words
from mfgsql.scoring.explaining import class_told, rows_of, worth
from mfgsql.scoring.reading import predict, read
from mfgsql.scoring.scorer import Scorer
from mfgsql.tasks.task import Array

_SHARE = 0.1  # of all: what contributes less is not split further
_PREDICTIONS = 256  # of a text or picture, about
_OF_A_PART = 32  # of them, at most

Valued = tuple[Part, float]


@dataclass(frozen=True)
class Inside:
    """What moves a prediction inside a text or picture: parts that don't overlap, with what each contributes."""

    parts: Words | Cells
    found: list[Valued]


def look_inside(
    scorer: Scorer, row: Batch, name: str, text: str | None, whole: float, check: Callable[[], None]
) -> Inside:
    """How much the parts of a text or picture move the prediction, in its units.

    Args:
        row: one row, and ``name`` its column. text: where that is one, and there is one.
        whole: what the column contributes, which the parts sum to.
        check: called before each pass of the network; raises where the work shall stop.
    """
    features = scorer.model.manifest.features
    column, encoder = features.fields().index(name), features.encoders[features.names.index(name)]
    field = row.fields[column]
    parts = Cells.of(field.pixels[0]) if isinstance(field, Pictures) else Words.of(text or "", encoder)
    if not bool(field.there[0]) or not parts.mask(parts.whole).any():
        return Inside(parts, [])
    row = read(scorer, row)
    told = class_told(predict(scorer, row))

    def worths(which: Array) -> Array:
        check()
        copies = rows_of(row, np.zeros(len(which), np.int64))
        fields = (*copies.fields[:column], parts.shown(which), *copies.fields[column + 1 :])
        said = predict(scorer, Batch(copies.continuous, copies.codes, (), fields))
        return worth(said, None if told is None else np.repeat(told, len(which)))

    return Inside(parts, _descend(parts, worths, whole))


def _descend(parts: Parts, worths: Callable[[Array], Array], whole: float) -> list[Valued]:
    """Split what matters, level by level."""
    found, spent = [(parts.whole, whole)], 0
    while True:
        found, matter = _chosen(parts, found, (_PREDICTIONS - spent) // _OF_A_PART)
        if not matter:
            return found
        pieces = [parts.split(part) for part, _ in matter]
        games = [_games(parts, part, some) for (part, _), some in zip(matter, pieces, strict=True)]
        said = worths(np.concatenate(games))
        spent += len(said)
        each = np.split(said, np.cumsum([len(game) for game in games])[:-1])
        for (_, value), some, of_game in zip(matter, pieces, each, strict=True):
            values = _shapley(len(some)) @ of_game.reshape(-1, 2 ** len(some)).mean(axis=0)
            found += zip(some, _summing(values, value).tolist(), strict=True)


def _chosen(parts: Parts, found: list[Valued], most: int) -> tuple[list[Valued], list[Valued]]:
    """Those that stay as they are, and so many at most that are to be split, the largest first."""
    least = _SHARE * sum(abs(value) for _, value in found)
    ordered = sorted(found, key=lambda pair: -abs(pair[1]))
    split = [pair for pair in ordered if abs(pair[1]) >= least and parts.split(pair[0])][: max(most, 0)]
    return [pair for pair in found if pair not in split], split


def _games(parts: Parts, part: Part, pieces: list[Part]) -> Array:
    """Each coalition of the pieces beside nothing, then each beside all the rest, where there is some; bool [.., n]."""
    masks = np.stack([parts.mask(piece) for piece in pieces])
    inside = (_coalitions(len(pieces))[:, :, None] & masks).any(axis=1)
    beside = ~parts.mask(part)
    return np.concatenate([inside, inside | beside]) if beside.any() else np.asarray(inside)


def _coalitions(players: int) -> Array:
    """All of them, bool [2 ** players, players]."""
    return (np.arange(2**players)[:, None] >> np.arange(players) & 1).astype(bool)


@cache
def _shapley(players: int) -> Array:
    """Weights of the coalitions' worths in each player's value, [players, 2 ** players] (Shapley, 1953)."""
    within = _coalitions(players).T
    sizes = within.sum(axis=0) - within  # of the others in the coalition
    orders = np.array([math.factorial(n) * math.factorial(players - 1 - n) for n in range(players)])
    weights: Array = np.where(within, 1.0, -1.0) * orders[sizes] / math.factorial(players)
    return weights


def _summing(values: Array, whole: float) -> Array:
    """What is lacking to the sum is shared in proportion to what each does: so none is blown up, as by a factor."""
    size = np.abs(values).sum()
    shares = np.abs(values) / size if size > 0 else np.full(len(values), 1 / len(values))
    return np.asarray(values + (whole - values.sum()) * shares)
