"""Judging spans that were found in texts: counts of each row, and figures of all counts."""

import pyarrow as pa

from mfgsql.engine.engine import Engine
from mfgsql.engine.functions import udf
from mfgsql.engine.spans import COUNTS, SUMS, count_spans, measure_spans, report_spans, sum_spans


@udf("_ml_span_counts", COUNTS, volatile=True)
def ml_span_counts(engine: Engine, text: pa.Array, truth: pa.Array, found: pa.Array) -> pa.Array:
    """Of each row by label of spans and by tag of words: hits, how often it was said, how often it is true."""
    return count_spans(text, truth, found)


@udf("_ml_span_sums", SUMS, volatile=True)
def ml_span_sums(engine: Engine, text: pa.Array, truth: pa.Array, found: pa.Array) -> pa.Array:
    """Of each row over all labels: spans hit, said, true; words right, all, and outside of spans."""
    return sum_spans(text, truth, found)


@udf("_ml_span_report", "VARCHAR")
def ml_span_report(engine: Engine, target: pa.Array, counts: pa.Array) -> pa.Array:
    """The report (JSON rows) of the counts of all rows."""
    return report_spans(target, counts)


@udf("_ml_span_metrics", "VARCHAR")
def ml_span_metrics(engine: Engine, target: pa.Array, sums: pa.Array, rows: pa.Array) -> pa.Array:
    """Metrics (JSON rows) of kinds of rows, and how many rows are of each."""
    return measure_spans(target, sums, rows)
