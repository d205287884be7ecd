"""Rows as they are now, of which variants are asked about: read once, with what each model makes of them."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from mfgsql.engine.conditions import Judge
from mfgsql.engine.familiar import encode
from mfgsql.engine.histories import check_order, places
from mfgsql.engine.quoting import quote_identifier
from mfgsql.engine.recommending.asked import Asked
from mfgsql.engine.unseen import arrays
from mfgsql.errors import DataError
from mfgsql.features import Batch
from mfgsql.features.histories import firsts
from mfgsql.features.numeric import as_float
from mfgsql.scoring import RowStatus, Scorer
from mfgsql.scoring.histories import Asked as Latest
from mfgsql.scoring.histories import Histories, place
from mfgsql.scoring.scorer import row_status
from mfgsql.training.windows import HISTORY, MOMENT

MOST = 1_000  # rows that are recommended for at once
_MOST_OF_HISTORIES = 2_000_000
_NOW, _ROW = "__ml_now", "__ml_row"
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Present:
    """Rows as they are.

    Attributes:
        table: of the source's columns, as many rows. texts: the same as texts, of columns that stay in the result.
        batches: of each model. status: of each row, the first model's that is not ok.
    """

    table: pa.Table
    texts: pa.Table
    batches: list[Batch]
    status: list[RowStatus]

    def __len__(self) -> int:
        return len(self.table)


def read_present(con: duckdb.DuckDBPyConnection, asked: Asked, scorers: list[Scorer]) -> Present:
    """Read the source; of histories the newest row of each.

    Raises:
        DataError: too many rows.
    """
    history = next((m.history for m in asked.manifests if m.history is not None), None)
    also = ""
    if history is not None:
        by_lower = {n.lower(): n for n in asked.types}
        roles = {"entity": by_lower.get((history.entity or "").lower()), "order_by": by_lower[history.order_by.lower()]}
        check_order(str(roles["order_by"]), asked.types[str(roles["order_by"])])
        also = places(roles, asked.types)
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {_NOW} AS SELECT *, row_number() OVER () AS {_ROW}{also} FROM {asked.source.sql}"
    )
    if history is None:
        _check_rows(con, f"SELECT count(*) FROM {_NOW}", MOST)
        return _of_rows(con, asked, scorers)
    lost = f"{MOMENT} IS NULL" + (f" OR {quote_identifier(str(roles['entity']))} IS NULL" if history.entity else "")
    con.execute(f"DELETE FROM {_NOW} WHERE {lost}")
    _check_rows(con, f"SELECT count(*) FROM {_NOW}", _MOST_OF_HISTORIES)
    _check_rows(con, f"SELECT count(DISTINCT {HISTORY}) FROM {_NOW}", MOST)
    return _of_histories(con, asked, scorers)


def _check_rows(con: duckdb.DuckDBPyConnection, sql: str, most: int) -> None:
    row = con.execute(sql).fetchone()
    if row and row[0] > most:
        raise DataError(f"The source has {row[0]:,} rows or histories, and {most:,} can be recommended for at once.",
                        remedy=f"Choose some: 'SELECT * FROM my_table LIMIT {most}'.")  # fmt: skip


def _selected(con: duckdb.DuckDBPyConnection, columns: list[str], order: str, where: str = "true") -> pa.Table:
    named = ", ".join(columns) or "1 AS __ml_none"
    return con.execute(f"SELECT {named} FROM {_NOW} WHERE {where} ORDER BY {order}").to_arrow_table()


def _texts(con: duckdb.DuckDBPyConnection, asked: Asked, where: str = "true") -> pa.Table:
    columns = [f"CAST({quote_identifier(n)} AS VARCHAR) AS {quote_identifier(n)}" for n in asked.kept]
    return _selected(con, [*columns, _ROW], _ROW, where)


def _of_rows(con: duckdb.DuckDBPyConnection, asked: Asked, scorers: list[Scorer]) -> Present:
    table = _selected(con, [quote_identifier(n) for n in asked.types], _ROW).combine_chunks()
    table = _computed(con, asked, table, np.arange(len(table)))
    encoded = [encode(s.model.manifest, table) for s in scorers]
    status = [row_status(batch.flags, len(table)) for batch in encoded]
    return Present(table, _texts(con, asked), encoded, status)


def _computed(con: duckdb.DuckDBPyConnection, asked: Asked, table: pa.Table, which: Integers) -> pa.Table:
    """With columns that models read and that follow from others computed, of some rows."""
    derived = asked.goals.derived
    judge = Judge(con, [], asked.types, [derived[name] for name in asked.computed.values()])
    columns = {name: table[name].take(pa.array(which)).combine_chunks() for name in judge.columns}
    numbers = judge.numbers({"": which} | columns).T
    for name, new in zip(asked.computed, numbers, strict=True):
        values = as_float(table[name].combine_chunks())[0].copy()
        values[which] = new
        table = table.set_column(table.column_names.index(name), name, pa.array(values, from_pandas=True))
    return table


def _of_histories(con: duckdb.DuckDBPyConnection, asked: Asked, scorers: list[Scorer]) -> Present:
    reader = next(m for m in asked.manifests if m.history is not None)
    values = ", ".join(quote_identifier(n) for n in reader.features.names)
    columns = [*(quote_identifier(n) for n in asked.types), HISTORY, MOMENT, _ROW]
    rows = _selected(con, columns, f"{HISTORY}, {MOMENT}, hash({values})").combine_chunks()
    first = firsts(rows[HISTORY].to_numpy())
    last = np.flatnonzero(np.append(np.diff(first) != 0, True)) if len(rows) else np.zeros(0, np.int64)
    rows = _computed(con, asked, rows, last)
    number = rows[_ROW].to_numpy()[last]
    back = np.argsort(number)
    last = last[back]
    table = rows.take(pa.array(last)).combine_chunks()
    batches, status = [], []
    for scorer in scorers:
        batch, told = _newest(scorer, rows, table, first, back)
        batches.append(batch)
        status.append(told)
    chosen = f"{_ROW} IN ({', '.join(map(str, number.tolist())) or 'NULL'})"
    return Present(table, _texts(con, asked, chosen), batches, status)


def _newest(
    scorer: Scorer, rows: pa.Table, table: pa.Table, first: Integers, back: Integers
) -> tuple[Batch, RowStatus]:
    """Windows that end at the newest rows, or these as a model of rows takes them; in the order of the source."""
    manifest = scorer.model.manifest
    if manifest.history is None:
        batch = encode(manifest, table)
        return batch, row_status(batch.flags, len(table))
    by_lower = {n.lower(): n for n in rows.column_names}
    columns = arrays(pa.table({n: rows[by_lower[n.lower()]] for n in manifest.features.names}))
    placed = place(scorer, Histories(columns, rows[MOMENT].combine_chunks(), first), Latest(latest=True))
    windows = placed.track.windows(placed.ends[placed.asked][back])
    order = pa.array(back)
    told = placed.status
    void = None if told.void is None else told.void[back]
    return Batch(*windows), RowStatus(told.status.take(order), told.reason.take(order), void)
