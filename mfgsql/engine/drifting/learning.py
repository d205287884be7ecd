"""How columns were in the rows that a version learnt from, where it went on from another one."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from mfgsql.catalog import Version
from mfgsql.engine.profiling import describe, profile_columns
from mfgsql.engine.quoting import quote_identifier
from mfgsql.features import ColumnProfile
from mfgsql.training.snapshot import HASH

Recorded = tuple[ColumnProfile | str, str | None, str | None]  # profile or name, kind, why left out
_ROWS, _FILE = "__ml_learnt_from", "__ml_learnt_file"


def features_of_snapshot(con: duckdb.DuckDBPyConnection, version: Version, path: Path | None) -> list[Recorded]:
    """What is to be recorded of the columns of a version that goes on from another one, as `add_features` takes it: of
    those that are read as they are in its own snapshot, each row counted once, of the others as it was. Types stay
    those of the source, by which later sources are judged.

    Args:
        con: a cursor that finds the catalog. version: the one before. path: of the new one's snapshot; None: nothing
            was learnt from it, and all is as it was.
    """
    known = _recorded(con, version)
    if path is None:
        return known
    now = _profiled(con, path, {told.name for told, kind, _ in known if kind and isinstance(told, ColumnProfile)})
    return [
        (replace(now[told.name], type=told.type), kind, why)
        if isinstance(told, ColumnProfile) and told.name in now
        else (told, kind, why)
        for told, kind, why in known
    ]


def _recorded(con: duckdb.DuckDBPyConnection, version: Version) -> list[Recorded]:
    """What is recorded of a version's columns, in the order of the records."""
    rows = con.execute(
        'SELECT kind, left_out, feature, type, rows, nulls, "distinct", minimum, maximum, mean, deviation, quantiles, '
        "top FROM ml_catalog.features WHERE model = ? AND version = ? ORDER BY rowid",
        [version.model, version.version],
    ).fetchall()
    return [(_profile(*told) if told[1] is not None else told[0], kind, why) for kind, why, *told in rows]


def _profile(*told: Any) -> ColumnProfile:
    name, kind, rows, nulls, distinct, low, high, mean, deviation, quantiles, top = told
    return ColumnProfile(
        name, kind, rows, nulls, distinct, minimum=low, maximum=high, mean=mean, deviation=deviation,
        quantiles=tuple(quantiles or ()), top=tuple((value, count) for value, count in json.loads(top or "[]")),
    )  # fmt: skip


def _profiled(con: duckdb.DuckDBPyConnection, path: Path, names: Collection[str]) -> dict[str, ColumnProfile]:
    """Profiles of some columns of a snapshot, by name."""
    con.register(_FILE, pq.read_table(path, columns=[*names, HASH]))
    try:
        columns = ", ".join(map(quote_identifier, [*names, HASH]))
        con.execute(f"CREATE OR REPLACE TEMP TABLE {_ROWS} AS SELECT {columns} FROM {_FILE}")
    finally:
        con.unregister(_FILE)
    types = describe(con, _ROWS)
    del types[HASH]
    profiles = profile_columns(con, _ROWS, types, order=HASH)
    con.execute(f"DROP TABLE {_ROWS}")
    return {profile.name: profile for profile in profiles}
