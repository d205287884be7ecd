"""How well spans are found while a network learns: over the words whose tags it was asked for."""

from __future__ import annotations

import numpy as np

from mfgsql.entities import FIGURES, Counts, added, row_sums, span_counts, spans_of, token_counts
from mfgsql.features.fields import NOT_ASKED
from mfgsql.tasks import Target
from mfgsql.tasks.task import Array


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

    def metrics(self) -> dict[str, float]:
        """The figures by name."""
        sums = np.array(row_sums(self._spans, self._tokens), np.float64)
        return {name: float(figure(sums)) for name, figure in FIGURES.items()}
