"""``connect`` opens a database, ``install`` adds the verbs to one that is open: one engine for each, made ready."""

from __future__ import annotations

import os
import threading
import weakref
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb

from mfgsql.catalog import interrupt_stale_runs, migrate, pending
from mfgsql.engine.engine import Engine
from mfgsql.engine.installing import checksum, install_sql, installed
from mfgsql.engine.serving import check_served
from mfgsql.engine.session import Session
from mfgsql.engine.verbs import showing  # noqa: F401  (it registers itself; the others wait until they are asked for)
from mfgsql.errors import CatalogError, SourceError
from mfgsql.settings import Settings, load_settings

_engines: dict[str, weakref.ref[Engine]] = {}
_opening = threading.Lock()
_CLOSING = 30.0  # seconds


def connect(path: str | os.PathLike[str] = ":memory:", *, read_only: bool = False, **settings: Any) -> Session:
    """Open a database file (made where it is missing) with the verbs.

    Args:
        read_only: change nothing: models predict, none is trained.
        settings: of `Settings`, as ``memory='8GB'``.

    Raises:
        CatalogError: the database is of a newer release, or locked, or read-only without a catalog.
        SourceError: the path is a folder or can't be opened.
    """
    chosen = load_settings(**settings)
    place = None if str(path) == ":memory:" else Path(path).resolve()
    with _opening:
        known = _engines.get(str(place)) if place else None
        engine = known() if known else None
        if engine is not None and not engine.closed:
            if read_only != engine.read_only:
                held = "read-only" if engine.read_only else "for writing"
                raise CatalogError(
                    f"This process holds '{place}' open {held} already.", remedy="Close that session first."
                )
            with suppress(duckdb.ConnectionException):  # another thread closes it at this very moment
                return Session(engine, engine.con.cursor())
        if engine is not None:
            engine.ended.wait(_CLOSING)  # another thread is closing it
        con = _open(place, chosen, read_only)
        try:
            engine = prepare(con, place, chosen, read_only=read_only)
        except BaseException:
            con.close()
            raise
        if place:
            _engines[str(place)] = weakref.ref(engine)
        return Session(engine, con.cursor(), owns_engine=True)


def _open(place: Path | None, settings: Settings, read_only: bool) -> duckdb.DuckDBPyConnection:
    if place and place.is_dir():
        raise SourceError(f"'{place}' is a folder, not a database file.")
    if place and read_only and not place.exists():
        raise SourceError(f"There is no database '{place}'.", remedy=f"Make it: mfgsql init --db {place}")
    try:
        con = duckdb.connect(str(place or ":memory:"), read_only=read_only)
    except duckdb.Error as error:
        text = str(error).split("\n")[0]
        if place:
            check_served(place, text)
        held = "Another process has it open for writing, and DuckDB lets no other in meanwhile: wait, or close it."
        raise CatalogError(
            f"'{place}' can't be opened: {text}", remedy=held if "lock" in text.lower() else None
        ) from None
    con.execute(f"SET memory_limit = '{settings.duckdb_memory // 2**20}MiB'; SET threads = {settings.threads}")
    return con


def install(con: duckdb.DuckDBPyConnection, **settings: Any) -> Session:
    """Add the verbs to a connection that somebody else owns; its cursors have them, too.

    Raises:
        CatalogError: the database has them already, or is read-only without a catalog.
    """
    chosen = load_settings(**settings)
    with _opening:
        if con.execute("SELECT 1 FROM duckdb_functions() WHERE function_name = '_ml_plan'").fetchone():
            raise CatalogError(
                "This database has the verbs already, on each of its connections.",
                remedy="For another session: session.cursor(); to begin anew: session.close(), then install.",
            )
        row = con.execute(
            "SELECT path, readonly FROM duckdb_databases() WHERE database_name = current_database()"
        ).fetchone()
        place = Path(row[0]).resolve() if row and row[0] else None
        engine = prepare(con.cursor(), place, chosen, read_only=bool(row and row[1]))
        return Session(engine, con, owns_engine=True, owns_con=False)


def prepare(con: duckdb.DuckDBPyConnection, place: Path | None, settings: Settings, *, read_only: bool) -> Engine:
    """The engine of a database, made ready; a `CatalogError` where that would change one opened read-only."""
    steps = pending(con)
    if read_only and (steps or installed(con) != checksum()):
        raise CatalogError(
            "This database is not prepared for this release, and it is opened read-only.",
            remedy=f"Run once: mfgsql migrate --db {place}",
        )
    if steps:
        migrate(con)
    engine = Engine(con, place, settings, read_only=read_only)
    try:
        if not read_only:
            interrupt_stale_runs(con)
            install_sql(con)
            engine.tidy()
    except BaseException:
        engine.close()
        raise
    return engine
