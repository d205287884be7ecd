"""Runs: what learns is recorded from its beginning on, one at a time, and its end is kept whatever it is."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import duckdb

from mfgsql.cancellation import Cancellation
from mfgsql.catalog import finish_run, new_run, update_run
from mfgsql.engine.engine import Engine
from mfgsql.engine.planning import Args, Rows
from mfgsql.errors import CancelledError, CatalogError, MfgsqlError


def load_libraries() -> None:
    """Import now what the first run of a process would import: that takes seconds, and nothing could cancel it."""
    for name in ("sklearn.metrics", "sklearn.tree", "torch._dynamo"):  # torch's optimizers ask for the last one
        importlib.import_module(name)


def check_writable(engine: Engine, so: str = "models predict, none is trained") -> None:
    """See that something can be learnt, or recorded.

    Args:
        so: what can't be done otherwise, in words.

    Raises:
        CatalogError: nothing can be written.
    """
    if engine.read_only:
        raise CatalogError(f"The database is opened read-only: {so}.")


class Run(Protocol):
    """What a run does."""

    def run(self) -> dict[str, Any]:
        """Do it; the row of result."""


Kind = Callable[[Engine, Args, str, duckdb.DuckDBPyConnection, Cancellation], Run]


def recorded(engine: Engine, args: Args, kind: Kind) -> Rows:
    """Run what learns, one at a time. The run's status is kept whatever happens."""
    cancellation = engine.cancellation(args.get("session"))
    with engine.commit_lock, engine.cursor() as cursor:
        run_id = new_run(cursor, model=args["model"], verb=args["verb"], source=args["source"], status="queued")
    try:
        with training_turn(engine, cancellation), engine.cursor() as cursor:
            update(engine, run_id, status="running", device=engine.device)
            return [kind(engine, args, run_id, cursor, cancellation).run()]
    except BaseException as error:
        _fail(engine, run_id, error, cancellation)
        if isinstance(error, duckdb.InterruptException):
            raise CancelledError("Cancelled.") from error
        raise


@contextmanager
def training_turn(engine: Engine, cancellation: Cancellation) -> Iterator[None]:
    """Wait for the one training at a time, and stay stoppable while waiting."""
    while not engine.training_lock.acquire(timeout=0.1):
        cancellation.check()
    try:
        yield
    finally:
        engine.training_lock.release()


def _fail(engine: Engine, run_id: str, error: BaseException, cancellation: Cancellation) -> None:
    cancelled = isinstance(error, CancelledError | KeyboardInterrupt | duckdb.InterruptException)
    ours = engine.unexpected(error) if isinstance(error, Exception) and not isinstance(error, MfgsqlError) else error
    text = str(ours) or type(error).__name__
    # The engine may be closing: the run's end is recorded all the same, on the root connection's own cursor.
    with engine.commit_lock:
        cursor = engine.con.cursor()
        finish_run(cursor, run_id, "cancelled" if cancelled else "failed", error=text)
        cursor.close()


def update(engine: Engine, run_id: str, **values: Any) -> None:
    """Set columns of a run, at once."""
    with engine.commit_lock, engine.cursor() as cursor:
        update_run(cursor, run_id, **values)


