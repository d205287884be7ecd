"""Texts in, labelled spans out: what the tags of their words come to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np
import pyarrow as pa

from mfgsql.entities import Span, spans_of
from mfgsql.features import Batch
from mfgsql.features.fields import Texts
from mfgsql.scoring.scorer import Scorer
from mfgsql.scoring.turns import in_turns


def find_spans(scorer: Scorer, columns: Mapping[str, pa.Array], rows: int) -> list[list[Span]]:
    """The spans of each row's text, in order; none where there is no text.

    Args:
        columns: an Arrow array under the name of the model's only feature.
    """
    return [spans for batch in in_turns(scorer.model, columns, rows) for spans in spans_of_batch(scorer, batch)]


def spans_of_batch(scorer: Scorer, batch: Batch) -> list[list[Span]]:
    """The same of encoded rows: of the tags of the words that begin in each piece."""
    said = scorer.predict_batch(batch)
    texts = cast("Texts", batch.fields[0])
    tags = np.array(scorer.model.target.classes, dtype=object)
    assert said.scores is not None, "tags have probabilities"
    found = []
    for row in range(len(batch)):
        first, units = texts.words(row)
        at = first.numpy()
        found.append(spans_of(units, tags[said.values[row, at]].tolist(), said.scores[row, at].tolist()))
    return found
