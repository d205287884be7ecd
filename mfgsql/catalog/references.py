"""What a version said of rows it was judged on: what later rows are compared with."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import duckdb

from mfgsql.catalog.artifacts import drop_artifact, new_artifact, read_artifact, write_artifact
from mfgsql.catalog.migrate import SCHEMA


@dataclass(frozen=True)
class Reference:
    """A row of ``ml_catalog.references``.

    Attributes:
        kind: score, error, performance or embedding. feature: the output, metric or column that it is of.
        rows: that it was taken from. value, deviation: of a metric, and how far resampled rows take it.
        quantiles: of numbers, at equal steps of probability. counts: of classes, by name.
        vectors: a sample of them, as a safetensors file.
    """

    kind: str
    feature: str
    rows: int
    value: float | None = None
    deviation: float | None = None
    quantiles: tuple[float, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    vectors: bytes | None = None


def add_references(con: duckdb.DuckDBPyConnection, model: str, version: int, references: Sequence[Reference]) -> None:
    """Record them, inside the caller's transaction; vectors lie in tables of their own, as weights do."""
    for one in references:
        artifact = None
        if one.vectors is not None:
            artifact = new_artifact()
            write_artifact(con, artifact, one.vectors)
        con.execute(
            f"INSERT INTO {SCHEMA}.references VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                model, version, one.kind, one.feature, one.rows, one.value, one.deviation, list(one.quantiles),
                json.dumps(dict(one.counts), ensure_ascii=False), artifact, len(one.vectors or b"") or None,
            ],
        )  # fmt: skip


def read_references(con: duckdb.DuckDBPyConnection, model: str, version: int) -> list[Reference]:
    """Those of a version; none where it was made before there were any, or imported."""
    rows = con.execute(
        f"SELECT kind, feature, rows, value, deviation, quantiles, counts, artifact, bytes FROM {SCHEMA}.references "
        "WHERE model = ? AND version = ? ORDER BY kind, feature",
        [model, version],
    ).fetchall()
    return [
        Reference(
            kind, feature, count, value, deviation, tuple(quantiles or ()), json.loads(counts or "{}"),
            None if artifact is None else read_artifact(con, artifact, size),
        )
        for kind, feature, count, value, deviation, quantiles, counts, artifact, size in rows
    ]  # fmt: skip


def drop_references(con: duckdb.DuckDBPyConnection, model: str, version: int) -> None:
    """Forget those of a version, inside the caller's transaction."""
    rows = con.execute(
        f"DELETE FROM {SCHEMA}.references WHERE model = ? AND version = ? RETURNING artifact", [model, version]
    ).fetchall()
    for (artifact,) in rows:
        if artifact is not None:
            drop_artifact(con, artifact)
