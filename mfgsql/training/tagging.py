"""How well spans are found while a network learns, over the words whose tags it was asked for.

And how well by who only knows how each word is mostly tagged, which is what a network has to beat; a like baseline is
that of Tjong Kim Sang & De Meulder, "Introduction to the CoNLL-2003 Shared Task" (CoNLL 2003).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mfgsql.entities import FIGURES, Counts, added, row_sums, span_counts, spans_of, token_counts
from mfgsql.entities.words import OUTSIDE
from mfgsql.features.fields import NOT_ASKED, Tags, Texts
from mfgsql.tasks import Target
from mfgsql.tasks.task import Array
from mfgsql.training.rows import Rows, RowSource

_ROWS = 4_096  # that are looked at together


class Tagged:
    """Counts over batches.

    Args:
        target: whose classes are the tags.
    """

    def __init__(self, target: Target) -> None:
        self._tags = np.array(target.classes, dtype=object)
        self._spans: Counts = {}
        self._tokens: Counts = {}

    def add(self, truth: Array, said: Array) -> None:
        """Numbers of tags, [rows, pieces] each; -100 where nothing was asked."""
        for true, told in zip(truth, said, strict=True):
            asked = true != NOT_ASKED
            tags = [self._tags[row[asked]].tolist() for row in (true, told)]
            units = [(at, at + 1) for at in range(int(asked.sum()))]
            self._spans = added(self._spans, span_counts(*(spans_of(units, each) for each in tags)))
            self._tokens = added(self._tokens, token_counts(*tags))

    @property
    def spans(self) -> int:
        """True ones."""
        return sum(counts[2] for counts in self._spans.values())

    def metrics(self) -> dict[str, float]:
        """The figures by name."""
        sums = np.array(row_sums(self._spans, self._tokens), np.float64)
        return {name: float(figure(sums)) for name, figure in FIGURES.items()}


def by_usual_tags(train: RowSource, judged: RowSource, target: Target, pieces: int) -> Tagged:
    """Rows judged by giving each word the tag that its first piece mostly has in the rows learnt from; new ones none.

    Args:
        pieces: that the tokenizer knows.
    """
    seen = np.zeros((pieces, len(target.classes)), np.int32)
    for shown, tags in _words(train):
        np.add.at(seen, (shown, tags), 1)
    usual = np.where(seen.any(axis=1), seen.argmax(axis=1), target.classes.index(OUTSIDE))
    found = Tagged(target)
    for rows in judged.in_order(_ROWS):
        truth, shown = _padded(rows)
        found.add(truth, np.where(truth == NOT_ASKED, NOT_ASKED, usual[shown]))
    return found


def _words(source: RowSource) -> Iterator[tuple[Array, Array]]:
    for rows in source.in_order(_ROWS):
        truth, shown = _padded(rows)
        asked = truth != NOT_ASKED
        yield shown[asked], truth[asked]


def _padded(rows: Rows) -> tuple[Array, Array]:
    """Tags and pieces by rows, [rows, pieces of the longest]; of rows whose tags are not known nothing is asked."""
    texts = rows.fields[0]
    assert isinstance(texts, Texts), "tags are of a text"
    assert isinstance(rows.truth, Tags), "the truth of spans"
    truth = rows.truth.padded()
    return np.where(rows.truth.known[:, None], truth, NOT_ASKED), texts.padded(texts.flat, 0).numpy()
