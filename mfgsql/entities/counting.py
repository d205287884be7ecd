"""What was found of what there is, by class; counts of batches add up to those of all rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

from mfgsql.entities.words import OUTSIDE, Span, tags_of, word_units

Counts = dict[str, list[int]]  # of a class: hits, how often it was said, how often it is true


def span_counts(truth: Collection[Span], said: Collection[Span]) -> Counts:
    """Of the spans of one text by label; a hit has label, begin and stop right."""
    true, told = {span[:3] for span in truth}, {span[:3] for span in said}
    counts: Counts = defaultdict(lambda: [0, 0, 0])
    for at, spans in enumerate((true & told, told, true)):
        for span in spans:
            counts[span[0]][at] += 1
    return counts


def token_counts(truth: Sequence[str], said: Sequence[str]) -> Counts:
    """Of the words of one text by tag."""
    counts: Counts = defaultdict(lambda: [0, 0, 0])
    for true, told in zip(truth, said, strict=True):
        of_true = counts[true]
        of_true[0] += true == told
        of_true[2] += 1
        counts[told][1] += 1
    return counts


def row_counts(text: str, truth: Collection[Span], said: Collection[Span]) -> tuple[Counts, Counts]:
    """Of one text: by label of its spans, and by tag of its words."""
    units = word_units(text)
    return span_counts(truth, said), token_counts(tags_of(units, truth), tags_of(units, said))


def added(total: Counts, more: Counts) -> Counts:
    """Both together."""
    none = [0, 0, 0]
    return {
        name: [a + b for a, b in zip(total.get(name, none), more.get(name, none), strict=True)] for name in total | more
    }


def row_sums(spans: Counts, tokens: Counts) -> tuple[int, int, int, int, int, int]:
    """Over the classes: spans hit, said and true; words with the right tag, words, and words in no span.

    Of these `FIGURES` are made; they add up over rows.
    """
    hits, said, true = (sum(c[i] for c in spans.values()) for i in range(3))
    right, words = (sum(c[i] for c in tokens.values()) for i in (0, 2))
    return hits, said, true, right, words, tokens[OUTSIDE][2] if OUTSIDE in tokens else 0
