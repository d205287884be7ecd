"""Annotated texts of a snapshot, and the spans that a version finds in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mfgsql.engine.unseen import Unseen, arrays
from mfgsql.entities import Counts, Span, added, row_counts, row_sums
from mfgsql.features.spans import parse_spans
from mfgsql.scoring import Scorer
from mfgsql.scoring.spans import find_spans
from mfgsql.tasks.task import Array


@dataclass(frozen=True)
class TaggedRows:
    """Texts with their spans, as annotated and as found; rows of which either is unknown are left out."""

    texts: list[str]
    truth: list[list[Span]]
    found: list[list[Span]]

    @classmethod
    def of(cls, scorer: Scorer, rows: Unseen) -> TaggedRows:
        """What a version says of judged rows of a snapshot that has its text and its target."""
        (name,), target = scorer.model.manifest.features.names, scorer.model.target.name
        columns = arrays(rows.judged.select([name, target]))
        texts = pc.cast(columns[name], pa.string())
        truth, _ = parse_spans(columns[target], texts, target)
        lines = zip(texts.to_pylist(), truth, find_spans(scorer, columns, len(texts)), strict=True)
        known = [(text, list(spans), found) for text, spans, found in lines if text is not None and spans is not None]
        return cls([k[0] for k in known], [k[1] for k in known], [k[2] for k in known])

    def counts(self) -> tuple[Counts, Counts]:
        """Of all rows, by label of their spans and by tag of their words."""
        spans: Counts = {}
        tokens: Counts = {}
        for line in zip(self.texts, self.truth, self.found, strict=True):
            of_spans, of_tokens = row_counts(*line)
            spans, tokens = added(spans, of_spans), added(tokens, of_tokens)
        return spans, tokens

    def sums(self) -> Array:
        """Of each row what `mfgsql.entities.row_sums` names, int64 [rows, 6]."""
        lines = zip(self.texts, self.truth, self.found, strict=True)
        return np.array([row_sums(*row_counts(*line)) for line in lines], np.int64).reshape(-1, 6)
