"""Precision, recall and F1 of counts, as seqeval reports spans and scikit-learn tokens; a division by zero gives 0."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from mfgsql.entities.counting import Counts
from mfgsql.entities.words import OUTSIDE

Array = npt.NDArray[Any]
Rows = list[dict[str, Any]]


def _share(part: Array, whole: Array) -> Array:
    return np.divide(part, whole, out=np.zeros(np.shape(whole)), where=np.asarray(whole) > 0)


# Of sums that `row_sums` names, [..., 6]: the first decides.
FIGURES: dict[str, Callable[[Array], Array]] = {
    "span_f1": lambda sums: _share(2 * sums[..., 0], sums[..., 1] + sums[..., 2]),
    "span_precision": lambda sums: _share(sums[..., 0], sums[..., 1]),
    "span_recall": lambda sums: _share(sums[..., 0], sums[..., 2]),
    "token_accuracy": lambda sums: _share(sums[..., 3], sums[..., 4]),  # micro F1 of the tags, O among them
}


def micro_f1(counts: Counts) -> float:
    """Over all classes together."""
    hits, said, support = (sum(c[i] for c in counts.values()) for i in range(3))
    return 2 * hits / (said + support) if said + support else 0.0


def entity_report(spans: Counts) -> Rows:
    """Rows of level ``span``, class, precision, recall, f1, support: each label, then the averages over labels."""
    return _report("span", spans, sorted(spans))


def token_report(tokens: Counts) -> Rows:
    """The same of level ``token``: each tag, ``B-`` and ``I-`` of a label together, ``O`` last, then the averages."""
    return _report("token", tokens, sorted(tokens, key=lambda tag: (tag == OUTSIDE, tag[2:], tag)))


def _report(level: str, counts: Counts, names: Iterable[str]) -> Rows:
    ordered = list(names)
    table = np.array([counts[name] for name in ordered], dtype=np.float64).reshape(-1, 3)
    each, support = _scores(table), table[:, 2]
    weights = _share(support, np.full(len(support), support.sum()))
    averages = {
        "micro avg": _scores(table.sum(axis=0)),
        "macro avg": each.mean(axis=0) if len(each) else np.zeros(3),
        "weighted avg": weights @ each,
    }
    rows = [_row(level, name, *pair) for name, *pair in zip(ordered, each, support, strict=True)]
    return rows + [_row(level, name, scores, support.sum()) for name, scores in averages.items()]


def _scores(table: Array) -> Array:
    """Precision, recall and F1 of hits, said and support, [..., 3]."""
    hits, said, support = table[..., 0], table[..., 1], table[..., 2]
    return np.stack([_share(hits, said), _share(hits, support), _share(2 * hits, said + support)], axis=-1)


def _row(level: str, name: str, scores: Array, support: float) -> dict[str, Any]:
    precision, recall, f1 = scores.tolist()
    return {
        "level": level, "class": name, "precision": precision, "recall": recall, "f1": f1, "support": int(support),
    }  # fmt: skip
