"""Which rows of a source a version has learnt from: rows are known again by the hash of what the model reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from mfgsql.engine.learnt import snapshot_of, snapshots_of
from mfgsql.engine.quoting import quote_identifier
from mfgsql.training.snapshot import SPLIT, VALIDATION

if TYPE_CHECKING:
    from pathlib import Path

    from mfgsql.catalog import Version
    from mfgsql.engine.engine import Engine
    from mfgsql.manifest import Manifest

_CHUNK = "__ml_learnt"
Hashes = npt.NDArray[np.uint64]


def hash_of(engine: Engine, version: Version, manifest: Manifest, alias: str) -> str:
    """SQL of a row's hash; NULL where the version's rows aren't known any more.

    Args:
        alias: of the source, quoted.
    """
    with engine.cursor() as cursor:
        path = snapshot_of(engine, cursor, version.name)
    return "NULL::UBIGINT" if path is None else _hash(_compared(path, manifest), alias)


def learnt(engine: Engine, con: duckdb.DuckDBPyConnection, version: str, manifest: Manifest) -> tuple[Hashes, bool]:
    """Hashes of the rows that some part of the version, or of those that it went on from, was trained on, and whether
    these are all: a snapshot may be gone.
    """
    own = snapshot_of(engine, con, version)
    compared = {} if own is None else _compared(own, manifest)
    if not compared:
        return np.zeros(0, np.uint64), False
    paths = snapshots_of(engine, con, version)
    parts = [part for path in paths if path is not None for part in _hashes(con, path, compared, manifest)]
    return np.unique(np.concatenate(parts)) if parts else np.zeros(0, np.uint64), None not in paths


def _hashes(
    con: duckdb.DuckDBPyConnection, path: Path, compared: dict[str, str], manifest: Manifest
) -> Iterator[Hashes]:
    """Of the rows of a snapshot that were trained on."""
    least = VALIDATION if manifest.backbone.groups == 1 else np.iinfo(np.int8).max  # one part judged, and learnt not
    sql = f"SELECT {_hash(compared, _CHUNK)} AS h FROM {_CHUNK} WHERE {quote_identifier(SPLIT)} >= 0 " + (
        f"AND {quote_identifier(SPLIT)} < {least}"
    )
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(columns=[*compared, SPLIT]):
            con.register(_CHUNK, pa.Table.from_batches([batch]))
            try:
                yield np.asarray(con.execute(sql).fetchnumpy()["h"], np.uint64)
            finally:
                con.unregister(_CHUNK)


def _compared(path: Path, manifest: Manifest) -> dict[str, str]:
    """By column what its values are compared as; not of times and nested values, whose types differ too freely."""
    schema = pq.read_schema(path)
    found = {}
    for name in manifest.features.names:
        kind = schema.field(name).type if name in schema.names else pa.null()
        kind = kind.value_type if pa.types.is_dictionary(kind) else kind
        if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
            found[name] = "DOUBLE"
        elif pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_boolean(kind):
            found[name] = "VARCHAR"
    return found


def _hash(compared: dict[str, str], alias: str) -> str:
    values = [f"TRY_CAST({alias}.{quote_identifier(name)} AS {kind})" for name, kind in compared.items()]
    return f"hash({', '.join(values)})" if values else "NULL::UBIGINT"
