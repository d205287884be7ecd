"""Spans of text that have a label: their words, their tags, and how well they were found. Plain Python and numpy."""

from mfgsql.entities.counting import Counts, added, row_counts, row_sums, span_counts, token_counts
from mfgsql.entities.figures import FIGURES, entity_report, micro_f1, token_report
from mfgsql.entities.words import Span, Unit, spans_of, tags_of, whole_words, word_units

__all__ = [
    "FIGURES",
    "Counts",
    "Span",
    "Unit",
    "added",
    "entity_report",
    "micro_f1",
    "row_counts",
    "row_sums",
    "span_counts",
    "spans_of",
    "tags_of",
    "token_counts",
    "token_report",
    "whole_words",
    "word_units",
]
