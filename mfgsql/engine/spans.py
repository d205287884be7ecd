"""``ml_classification_report`` and ``ml_evaluate`` of models that find spans: counts of rows, which SQL adds up."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict

import numpy as np
import pyarrow as pa

from mfgsql.engine.planning import json_rows
from mfgsql.engine.quoting import quote_literal
from mfgsql.entities import Counts, entity_report, row_counts, row_sums, token_report
from mfgsql.errors import SourceError

COUNTS = "STRUCT(level VARCHAR, class VARCHAR, hits BIGINT, said BIGINT, support BIGINT)[]"
SUMS = "BIGINT[]"
_FIELDS = ("level", "class", "hits", "said", "support")
_TYPE = pa.list_(pa.struct([(n, pa.string()) for n in _FIELDS[:2]] + [(n, pa.int64()) for n in _FIELDS[2:]]))
_REPORT = {"level": "VARCHAR", "class": "VARCHAR", "precision": "DOUBLE", "recall": "DOUBLE", "f1": "DOUBLE",
           "support": "BIGINT"}  # fmt: skip
_METRICS = {"metric": "VARCHAR", "value": "DOUBLE", "baseline": "DOUBLE", "lower": "DOUBLE", "upper": "DOUBLE",
            "rows": "BIGINT"}  # fmt: skip


def compared(text: str, target: str) -> str:
    """The columns that the plans below take beside ``__ml``: SQL of a row's text, and of its true spans."""
    return f"{text} AS __text, {target} AS __truth"


def plan_span_report(scored: str, target: str) -> str:
    """The report by label and by tag.

    Args:
        scored: a SELECT of ``__text``, ``__truth`` and ``__ml``, whose ``spans`` were found. target: the column's name.
    """
    counts = f"SELECT unnest(_ml_span_counts(__text, __truth, __ml.spans), recursive := true) FROM ({scored})"
    rows = (
        f"(SELECT list(struct_pack({', '.join(f'{n} := {n}' for n in _FIELDS)})) AS counts FROM "
        f"(SELECT level, class, {', '.join(f'CAST(sum({n}) AS BIGINT) AS {n}' for n in _FIELDS[2:])} "
        f"FROM ({counts}) GROUP BY level, class))"
    )
    return json_rows(f"_ml_span_report({quote_literal(target)}, counts)", _REPORT, rows)


def plan_span_metrics(scored: str, target: str) -> str:
    """Metrics with intervals; arguments as of `plan_span_report`. Rows whose counts are equal are one kind."""
    kinds = (
        "SELECT sums, count(*) AS rows FROM "
        f"(SELECT _ml_span_sums(__text, __truth, __ml.spans) AS sums FROM ({scored})) "
        "WHERE sums IS NOT NULL GROUP BY sums"
    )
    rows = f"(SELECT list(sums ORDER BY sums) AS s, list(rows ORDER BY sums) AS r FROM ({kinds}))"
    return json_rows(f"_ml_span_metrics({quote_literal(target)}, s, r)", _METRICS, rows)


def count_spans(text: pa.Array, truth: pa.Array, found: pa.Array) -> pa.Array:
    """Counts of each row by level and class; NULL where truth or prediction is unknown."""
    levels: list[str] = []
    classes: list[str] = []
    numbers: list[list[int]] = []
    offsets: list[int | None] = []
    for counted in _counted(text, truth, found):
        offsets.append(None if counted is None else len(levels))
        for level, counts in zip(("span", "token"), counted or (), strict=False):
            levels += [level] * len(counts)
            classes += counts.keys()
            numbers += counts.values()
    table = np.array(numbers, np.int64).reshape(-1, 3)
    columns = [pa.array(levels, pa.string()), pa.array(classes, pa.string()), *map(pa.array, table.T.copy())]
    structs = pa.StructArray.from_arrays(columns, fields=list(_TYPE.value_type))
    return pa.ListArray.from_arrays(pa.array([*offsets, len(levels)], pa.int32()), structs, type=_TYPE)


def sum_spans(text: pa.Array, truth: pa.Array, found: pa.Array) -> pa.Array:
    """Sums of each row over its classes, as lists; NULL where truth or prediction is unknown."""
    sums = [None if counted is None else row_sums(*counted) for counted in _counted(text, truth, found)]
    return pa.array(sums, pa.list_(pa.int64()))


def _counted(text: pa.Array, truth: pa.Array, found: pa.Array) -> Iterator[tuple[Counts, Counts] | None]:
    from mfgsql.features.spans import parse_spans  # its package needs torch

    (true, _), (said, _) = parse_spans(truth, text), parse_spans(found, text)
    for row, expected, answered in zip(text.to_pylist(), true, said, strict=True):
        if row is None or expected is None or answered is None:
            yield None
        else:
            yield row_counts(row, expected, answered)


def report_spans(target: pa.Array, counts: pa.Array) -> pa.Array:
    """JSON rows of the counts of all rows, which are one list."""
    return _of_all(target, counts, lambda: [*_reported(counts.flatten())])


def _reported(counts: pa.Array) -> Iterator[dict[str, object]]:
    by_level: dict[str, Counts] = {"span": {}, "token": {}}
    for row in counts.to_pylist():
        by_level[row["level"]][row["class"]] = [row["hits"], row["said"], row["support"]]
    yield from entity_report(by_level["span"])
    yield from token_report(by_level["token"])


def measure_spans(target: pa.Array, sums: pa.Array, rows: pa.Array) -> pa.Array:
    """JSON rows of metrics, of kinds of rows, which are one list each."""
    from mfgsql.evaluation.spans import evaluate_spans

    def measured() -> list[dict[str, object]]:
        each = sums.flatten()
        table = np.asarray(each.flatten()).reshape(len(each), -1)
        return [asdict(row) for row in evaluate_spans(table, np.asarray(rows.flatten()))]

    return _of_all(target, sums, measured)


def _of_all(target: pa.Array, lists: pa.Array, compute: Callable[[], list[dict[str, object]]]) -> pa.Array:
    if not lists[0].is_valid:
        raise SourceError(f"No row of the source has {target[0].as_py()!r} to compare with.")
    return pa.array([json.dumps(compute(), ensure_ascii=False)])
