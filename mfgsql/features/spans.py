"""Spans of a batch of texts as they are learnt from and answered with; what can't be right is left out, and told.

Places count characters (code points) from 0, stop excluded: see `mfgsql.entities.words`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from mfgsql.entities import Span, word_units
from mfgsql.features.annotations import Annotations, read_annotations

__all__ = ["REASONS", "SPANS", "Faults", "Span", "parse_spans", "word_units", "write_spans"]

Array = npt.NDArray[Any]
REASONS = ("has no label", "has no place", "leaves the text", "is empty", "overlaps another", "can't be read")
_NO_LABEL, _NO_PLACE, _LEAVES, _EMPTY, _OVERLAPS, _UNREADABLE = range(len(REASONS))
SPANS = pa.list_(
    pa.struct(
        [
            ("label", pa.string()),
            ("text", pa.string()),
            ("begin", pa.int64()),
            ("stop", pa.int64()),
            ("score", pa.float64()),
        ]
    )
)


@dataclass(frozen=True)
class Faults:
    """What was left out.

    Attributes:
        rows: int64 [faults]. numbers: which span of the row, from 1, or 0 for all that the row holds. reasons: places
            in `REASONS`.
    """

    rows: Array
    numbers: Array
    reasons: Array

    def of(self, row: int) -> list[str]:
        """In words, as ``span 2 leaves the text``."""
        mine = np.flatnonzero(self.rows == row).tolist()
        pairs = sorted((int(self.numbers[i]), REASONS[self.reasons[i]]) for i in mine)
        return [f"span {number} {reason}" if number else reason for number, reason in pairs]

    def counts(self) -> Counter[str]:
        """How many of each reason; those of batches add up."""
        return Counter(REASONS[i] for i in self.reasons.tolist())


def parse_spans(values: pa.Array, texts: pa.Array, name: str = "spans") -> tuple[list[list[Span] | None], Faults]:
    """The spans of each row by place, none on another, and what was left out; None where a row's spans are unknown.

    Spaces at a span's ends are no part of it. Of spans that overlap the longer stays, of equals the first.

    Args:
        values: ``LIST(STRUCT(label, begin, stop))`` (also: type, entity; start; end), or JSON of that. texts: what the
            spans lie in, as many. name: of the column, for the error.

    Raises:
        DataError: the column's type can't hold spans; a bad value never raises.
    """
    found = read_annotations(values, name)
    whole = texts.cast(pa.string())
    faults = _faults(found, np.asarray(pc.fill_null(pc.utf8_length(whole), 0), np.int64))
    begin, stop = _trimmed(found, whole, faults < 0)
    faults[(faults < 0) & (begin == stop)] = _EMPTY
    order = np.flatnonzero(faults < 0)
    order = order[np.lexsort((order, begin[order], found.rows[order]))]
    overlapping = _overlapping(found.rows[order], begin[order], stop[order])
    faults[order[overlapping]] = _OVERLAPS
    order = order[~overlapping]
    labels = found.label.take(pa.array(order)).to_pylist()
    spans = list(map(Span, labels, begin[order].tolist(), stop[order].tolist()))
    ends = np.append(0, np.cumsum(np.bincount(found.rows[order], minlength=len(values)))).tolist()
    rows = [spans[ends[row] : ends[row + 1]] if known else None for row, known in enumerate(found.known.tolist())]
    return rows, _told(found, faults)


def _faults(found: Annotations, lengths: Array) -> Array:
    """What is wrong with each span taken alone; -1: nothing."""
    unlabelled = np.asarray(pc.fill_null(pc.equal(pc.binary_length(found.label), 0), True), bool)
    leaves = (found.begin < 0) | (found.begin > lengths[found.rows]) | (found.stop > lengths[found.rows])
    conditions = [unlabelled, ~found.placed, leaves, found.stop <= found.begin]
    return np.select(conditions, [_NO_LABEL, _NO_PLACE, _LEAVES, _EMPTY], default=-1)


def _trimmed(found: Annotations, texts: pa.Array, right: Array) -> tuple[Array, Array]:
    """Begin and stop without spaces at the ends; equal where there is nothing else. Others than ``right`` stay."""
    begin, stop = found.begin.copy(), found.stop.copy()
    which = np.flatnonzero(right)
    rows, numbers = np.unique(found.rows[which], return_inverse=True)
    annotated = texts.take(pa.array(rows)).to_pylist()
    for at, number, first, last in zip(which.tolist(), numbers.tolist(), begin[which].tolist(), stop[which].tolist(),
                                       strict=True):  # fmt: skip
        text = annotated[number]
        if text[first].isspace() or text[last - 1].isspace():
            said = text[first:last]
            begin[at] = first + len(said) - len(said.lstrip())
            stop[at] = begin[at] + len(said.strip())
    return begin, stop


def _overlapping(rows: Array, begin: Array, stop: Array) -> Array:
    """Mask of spans that give way to others; they come by row and begin."""
    losers = np.zeros(len(rows), bool)
    # Where any two of a row overlap, two neighbours do.
    close = (rows[1:] == rows[:-1]) & (begin[1:] < stop[:-1])
    for row in np.unique(rows[1:][close]).tolist():
        first, last = np.searchsorted(rows, [row, row + 1]).tolist()
        places = list(zip(begin[first:last].tolist(), stop[first:last].tolist(), strict=True))
        kept: list[tuple[int, int]] = []
        for at in sorted(range(len(places)), key=lambda at: places[at][0] - places[at][1]):
            here = bisect_left(kept, places[at])
            before, behind = kept[here - 1 : here], kept[here : here + 1]
            if (before and before[0][1] > places[at][0]) or (behind and behind[0][0] < places[at][1]):
                losers[first + at] = True
            else:
                kept.insert(here, places[at])
    return losers


def _told(found: Annotations, faults: Array) -> Faults:
    wrong, broken = np.flatnonzero(faults >= 0), np.flatnonzero(found.unreadable)
    numbers = wrong - np.searchsorted(found.rows, found.rows[wrong]) + 1
    return Faults(
        rows=np.append(found.rows[wrong], broken),
        numbers=np.append(numbers, np.zeros_like(broken)),
        reasons=np.append(faults[wrong], np.full(len(broken), _UNREADABLE)),
    )


def write_spans(texts: pa.Array, rows: Iterable[Sequence[Span] | None]) -> pa.Array:
    """As ``ml_predict`` gives them: an array of type `SPANS`, NULL where a row has None."""
    offsets: list[int | None] = []
    found: list[tuple[str, str, int, int, float | None]] = []
    for text, spans in zip(texts.to_pylist(), rows, strict=True):
        offsets.append(None if spans is None else len(found))
        found += [(s.label, text[s.begin : s.stop], s.begin, s.stop, s.score) for s in spans or ()]
    columns = list(zip(*found, strict=True)) or [()] * len(SPANS.value_type)
    fields = [pa.array(column, field.type) for column, field in zip(columns, SPANS.value_type, strict=True)]
    structs = pa.StructArray.from_arrays(fields, fields=list(SPANS.value_type))
    return pa.ListArray.from_arrays(pa.array([*offsets, len(found)], pa.int32()), structs, type=SPANS)
