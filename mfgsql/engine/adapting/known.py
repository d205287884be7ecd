"""Which rows of a batch are known, to the champion, to another version, or among those that are kept of the past."""

from __future__ import annotations

from dataclasses import dataclass, replace

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from mfgsql.catalog.replays import learnt_among
from mfgsql.engine.adapting.past import BATCH, STANDS, Past
from mfgsql.engine.exporting import COLUMNS
from mfgsql.engine.identity import keys_of
from mfgsql.engine.learnt import twins
from mfgsql.manifest import Manifest
from mfgsql.tasks.task import Array
from mfgsql.training.windows import HISTORY, MOMENT


@dataclass(frozen=True)
class Known:
    """What is known of a batch's rows, bool [rows].

    Attributes:
        keys: which row it is, uint64 [rows]. learnt: by the champion. given: to any version. kept: of the past.
    """

    keys: Array
    learnt: Array
    given: Array
    kept: Array

    @classmethod
    def of(cls, catalog: duckdb.DuckDBPyConnection, rows: pa.Table, manifest: Manifest, past: Past) -> Known:
        """Look for each row in the catalog, in the rows that are kept, and in those that the first version learnt."""
        keys, champion = keys_of(catalog, rows, manifest), past.champion
        found = learnt_among(catalog, champion.model, past.root, keys)
        learnt = np.isin(keys, found["hash"][found["version"] <= champion.version])
        given, kept = np.isin(keys, found["hash"]), np.zeros(len(rows), bool)
        if past.learnt is not None:
            columns = (pq.read_schema(past.learnt).metadata or {}).get(COLUMNS)
            learnt |= _there(twins(rows, pl.scan_parquet(past.learnt), columns), len(rows))
        if past.rows is not None:
            learnt |= _same(rows, past.rows.filter(pa.array(past.has_learnt)))
            kept = _at_their_moment(rows, past.rows) if HISTORY in rows.column_names else _same(rows, past.rows)
        return cls(keys, learnt, given | learnt | kept, kept)


def without(past: Past, new: pa.Table) -> Past:
    """The past without rows that are given anew: of histories those of the same machine and moment."""
    if past.rows is None:
        return past
    find = _at_their_moment if HISTORY in new.column_names else _same
    return replace(past, rows=past.rows.filter(pa.array(~find(past.rows, new))))


def _same(rows: pa.Table, others: pa.Table) -> Array:
    """Which rows are among others, bool [rows]."""
    told, theirs = (others.schema.metadata or {}).get(COLUMNS), _bare(others)
    return _there(twins(_bare(rows), pl.LazyFrame(pl.from_arrow(theirs)), told), len(rows))


def _at_their_moment(rows: pa.Table, others: pa.Table) -> Array:
    """Which rows of histories have the machine and the moment of one among others, bool [rows]."""
    mine, theirs = (pl.DataFrame({n: pl.Series(t[n].to_numpy()) for n in (HISTORY, MOMENT)}) for t in (rows, others))
    found = mine.join(theirs.unique().with_columns(there=True), on=[HISTORY, MOMENT], how="left", maintain_order="left")
    return np.asarray(found["there"].fill_null(value=False).to_numpy())


def _bare(rows: pa.Table) -> pa.Table:
    return rows.drop_columns([n for n in (BATCH, STANDS) if n in rows.column_names])


def _there(parts: pl.DataFrame | None, rows: int) -> Array:
    return np.zeros(rows, bool) if parts is None else np.asarray(parts["least"].is_not_null().to_numpy())
