"""Files and frames that know their columns' types: Parquet here, JSON and Excel through it."""

from __future__ import annotations

from mfgsql.engine.loading.csv_ import quote_path
from mfgsql.engine.loading.job import Job
from mfgsql.engine.loading.part import Column, Part
from mfgsql.engine.quoting import quote_identifier

_COARSE = ("TIMESTAMP_S", "TIMESTAMP_MS")  # few functions take them, and a TIMESTAMP holds all of theirs


def read_parquet(job: Job, path: str) -> Part:
    """The part of one Parquet file."""
    relation = f"read_parquet({quote_path(path)}, hive_partitioning = false)"
    return Part(path, relation, columns_of(job, relation))


def columns_of(job: Job, relation: str) -> tuple[Column, ...]:
    """The relation's own columns."""
    return tuple(_column(row[0], row[1]) for row in job.rows(f"DESCRIBE SELECT * FROM {relation}"))


def _column(name: str, kind: str) -> Column:
    quoted = quote_identifier(name)
    if kind in _COARSE:
        return Column(name, "TIMESTAMP", f"CAST({quoted} AS TIMESTAMP)")
    return Column(name, kind, quoted, quoted if kind == "VARCHAR" else None)
