"""Columns of paths of a training source: the pictures are read once, and frozen with the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import duckdb
import pyarrow as pa

from mfgsql.engine.quoting import quote_identifier, quote_literal
from mfgsql.features.pictures import PATHS
from mfgsql.features.profile import PICTURE_PATHS, TEXT_TYPES, base_type

Reader = Callable[[pa.Array], tuple[pa.Array, list[str | None]]]  # bytes of files, by path, and why there are none
FILES = "__ml_files"
_END = 6  # characters that tell a file of a picture
_TOGETHER = 8  # files that are read at a time
_TOLD = 3  # files named in a warning


def path_columns(con: duckdb.DuckDBPyConnection, source: str, types: Mapping[str, str]) -> list[str]:
    """Names of the columns whose texts name files of pictures."""
    texts = [name for name, kind in types.items() if base_type(kind) in TEXT_TYPES]
    if not texts:
        return []
    ends = (f"right(CAST({quote_identifier(name)} AS VARCHAR), {_END})" for name in texts)
    likely = ", ".join(f"avg(regexp_matches({end}, {quote_literal(PATHS)})::INT)" for end in ends)
    shares = con.execute(f"SELECT {likely} FROM {source}").fetchone() or ()
    return [name for name, share in zip(texts, shares, strict=True) if share is not None and share >= PICTURE_PATHS]


def read_files(
    con: duckdb.DuckDBPyConnection, source: str, names: list[str], read: Reader, check: Callable[[], None]
) -> list[str]:
    """The files that some columns name, by path into a temporary table; what could not be read, in words."""
    every = " UNION ALL ".join(f"SELECT CAST({quote_identifier(n)} AS VARCHAR) AS path FROM {source}" for n in names)
    distinct = f"SELECT DISTINCT path FROM ({every}) WHERE path IS NOT NULL ORDER BY path"
    paths = con.execute(distinct).to_arrow_table()["path"]
    schema = pa.schema([("path", pa.string()), ("data", pa.large_binary())])
    lost: list[str] = []

    def batches() -> Iterator[pa.RecordBatch]:
        for start in range(0, len(paths), _TOGETHER):
            check()
            some = paths.slice(start, _TOGETHER).combine_chunks().cast(pa.string())
            data, reasons = read(some)
            lost.extend(f"{p}: {r}" for p, r in zip(some.to_pylist(), reasons, strict=True) if r is not None)
            yield pa.record_batch([some, data], schema=schema)

    con.register("__ml_reader", pa.RecordBatchReader.from_batches(schema, batches()))
    try:
        con.execute(f"CREATE OR REPLACE TEMP TABLE {FILES} AS FROM __ml_reader")
    finally:
        con.unregister("__ml_reader")
    if not lost:
        return []
    more = ", ..." if len(lost) > _TOLD else ""
    told = f"{len(lost):,} of {len(paths):,} files can't be read, and are learnt from as missing"
    return [f"{told} ({'; '.join(lost[:_TOLD])}{more})."]


def data_of(name: str) -> str:
    """SQL of what the file is that a column of the source names."""
    return f"(SELECT data FROM {FILES} WHERE path = __src.{quote_identifier(name)}) AS {quote_identifier(name)}"
