"""UDFs: Arrow in, Arrow out, one engine call each. They lie as files in ``udfs/`` and in a site's ``udfs_dir``."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from mfgsql.engine.waiting import BORDER
from mfgsql.errors import CatalogError, MfgsqlError

if TYPE_CHECKING:
    from mfgsql.engine.engine import Engine

Body = Callable[..., pa.Array]


@dataclass(frozen=True)
class Udf:
    """A function of SQL.

    Attributes:
        name: in SQL. returns: DuckDB's type of the result. volatile: evaluated exactly once per row and call,
            never folded or repeated; else it is pure and DuckDB may reuse or repeat it.
        body: ``(engine, *arrays) -> array``; an array of the batch's length for each argument, of any type.
    """

    name: str
    returns: str
    volatile: bool
    body: Body


def udf(name: str, returns: str, *, volatile: bool = False) -> Callable[[Body], Udf]:
    """Decorator that makes a function of a UDF file known to SQL."""
    return lambda body: Udf(name, returns, volatile, body)


def load_udfs(folder: Path) -> list[Udf]:
    """All UDFs in the files of a folder.

    Raises:
        CatalogError: a file can't be run.
    """
    found = []
    for file in sorted(folder.glob("*.py")):
        try:
            module = _run_file(file)
        except Exception as error:
            raise CatalogError(f"The UDF file {file} can't be loaded: {type(error).__name__}: {error}") from error
        found += [v for v in vars(module).values() if isinstance(v, Udf)]
    return found


def _run_file(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"mfgsql_udf_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is no Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def register(engine: Engine, con: duckdb.DuckDBPyConnection, function: Udf) -> None:
    """Make a UDF callable on every cursor of the database instance."""
    con.create_function(  # type: ignore[call-overload]  # the stubs know no such Arrow UDF
        function.name,
        _guarded(engine, function),
        None,
        con.dtype(function.returns),
        type="arrow",
        null_handling="special",
        side_effects=function.volatile,
    )


def _guarded(engine: Engine, function: Udf) -> Callable[..., pa.Array]:
    """The body behind the border: counted in and out, its errors one paragraph without a traceback.

    DuckDB appends the Python frames that an exception passed. Raised here, with this function's code renamed, it
    passes one, which reads ``At: mfgsql: <name>``.
    """

    def call(*columns: pa.ChunkedArray) -> pa.Array:
        failed: BaseException
        try:
            with engine.inside():
                return function.body(engine, *map(_one_array, columns))
        except MfgsqlError as error:
            failed = error
        except Exception as error:  # noqa: BLE001  (the border: whatever it is, SQL gets a paragraph)
            failed = engine.unexpected(error)
        engine.remember(failed)
        raise failed.with_traceback(None) from None

    code: CodeType = call.__code__
    call.__code__ = code.replace(co_filename=BORDER, co_name=function.name)
    return call


def _one_array(column: Any) -> pa.Array:
    if isinstance(column, pa.ChunkedArray):
        return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    return column
