"""Rows of the past that a model learns again, which ones it has learnt at all, and how versions did on each batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from mfgsql.catalog.artifacts import drop_artifact, new_artifact, read_artifact, write_artifact
from mfgsql.catalog.migrate import SCHEMA


@dataclass(frozen=True)
class Replay:
    """A row of ``ml_catalog.replays``."""

    model: str
    root: int
    version: int
    artifact: str
    bytes: int
    rows: int


@dataclass(frozen=True)
class Shadow:
    """A row of ``ml_catalog.shadows``: the champion and a rival on one batch, before it was learnt from."""

    run_id: str
    model: str
    champion: int
    rival: int | None
    role: str | None
    rows: int
    metric: str
    champion_value: float | None
    rival_value: float | None
    difference: float | None
    lower: float | None
    upper: float | None
    decision: str


@dataclass(frozen=True)
class ClassStep:
    """A row of ``ml_catalog.steps``: how a version knows a class, beside the champion that it went on from."""

    run_id: str
    model: str
    version: int
    class_: str
    since: int
    rows: int
    recall: float | None
    before: float | None


def replay_of(con: duckdb.DuckDBPyConnection, model: str, root: int) -> Replay | None:
    """What is kept of the past, where it belongs to versions that go back to this one."""
    row = con.execute(
        f"SELECT model, root, version, artifact, bytes, rows FROM {SCHEMA}.replays WHERE model = ? AND root = ?",
        [model, root],
    ).fetchone()
    return Replay(*row) if row else None


def read_replay(con: duckdb.DuckDBPyConnection, replay: Replay) -> bytes:
    """Its Parquet file."""
    return read_artifact(con, replay.artifact, replay.bytes)


def keep_replay(con: duckdb.DuckDBPyConnection, model: str, root: int, version: int, data: bytes, rows: int) -> None:
    """Put a file in the place of the one before, inside the caller's transaction."""
    drop_replay(con, model)
    name = new_artifact()
    write_artifact(con, name, data)
    values = [model, root, version, name, len(data), rows]
    con.execute(f"INSERT INTO {SCHEMA}.replays VALUES (?, ?, ?, ?, ?, ?, now())", values)


def drop_replay(con: duckdb.DuckDBPyConnection, model: str) -> None:
    """Delete what is kept of a model's past, inside the caller's transaction."""
    rows = con.execute(f"DELETE FROM {SCHEMA}.replays WHERE model = ? RETURNING artifact", [model]).fetchall()
    for (name,) in rows:
        drop_artifact(con, name)


def add_learnt(
    con: duckdb.DuckDBPyConnection, model: str, root: int, version: int, hashes: npt.NDArray[np.uint64]
) -> None:
    """Record rows that a version was the first to learn, inside the caller's transaction; those of another root go."""
    con.execute(f"DELETE FROM {SCHEMA}.learnt WHERE model = ? AND root <> ?", [model, root])
    with _given(con, hashes) as table:
        con.execute(
            f"INSERT INTO {SCHEMA}.learnt SELECT DISTINCT $model, $root, $version, hash FROM {table} "
            f"WHERE hash NOT IN (SELECT hash FROM {SCHEMA}.learnt WHERE model = $model)",
            {"model": model, "root": root, "version": version},
        )


def learnt_among(
    con: duckdb.DuckDBPyConnection, model: str, root: int, hashes: npt.NDArray[np.uint64]
) -> dict[str, npt.NDArray[Any]]:
    """Of these rows those that were learnt: columns ``hash`` and ``version``, the first that did, [found]."""
    with _given(con, hashes) as table:
        return con.execute(
            f"SELECT hash, version FROM {SCHEMA}.learnt WHERE model = ? AND root = ? "
            f"AND hash IN (SELECT hash FROM {table})",
            [model, root],
        ).fetchnumpy()


@contextmanager
def _given(con: duckdb.DuckDBPyConnection, hashes: npt.NDArray[np.uint64]) -> Iterator[str]:
    """A table of hashes, for a while; its name."""
    con.register("__ml_hashes", pa.table({"hash": hashes}))
    try:
        yield "__ml_hashes"
    finally:
        con.unregister("__ml_hashes")


def forget_past(con: duckdb.DuckDBPyConnection, model: str) -> None:
    """Delete all that is kept of how a model went on learning, inside the caller's transaction."""
    drop_replay(con, model)
    for table in ("shadows", "steps", "learnt"):
        con.execute(f"DELETE FROM {SCHEMA}.{table} WHERE model = ?", [model])


def add_shadows(con: duckdb.DuckDBPyConnection, shadows: Iterable[Shadow]) -> None:
    """Record comparisons, inside the caller's transaction."""
    for shadow in shadows:
        con.execute(f"INSERT INTO {SCHEMA}.shadows VALUES ({', '.join('?' * 13)}, now())", list(astuple(shadow)))


def add_steps(con: duckdb.DuckDBPyConnection, steps: Iterable[ClassStep]) -> None:
    """Record how classes are known, inside the caller's transaction."""
    for step in steps:
        con.execute(f"INSERT INTO {SCHEMA}.steps VALUES (?, ?, ?, ?, ?, ?, ?, ?)", list(astuple(step)))


def first_seen(con: duckdb.DuckDBPyConnection, model: str) -> dict[str, int]:
    """The version in which each class of a model was new, as far as that was recorded."""
    rows = con.execute(f"SELECT class, min(since) FROM {SCHEMA}.steps WHERE model = ? GROUP BY class", [model])
    return dict(rows.fetchall())
