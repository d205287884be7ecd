"""One load under way: its connection, its notes, and what has to be gone when it ends."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

import duckdb

from mfgsql.engine.loading.options import LoadOptions
from mfgsql.engine.quoting import quote_identifier

_COUNTER = itertools.count()
FILES_NAMED = 3


class Job:
    """A context: temporary files, tables and views made through it are removed at its end."""

    def __init__(self, con: duckdb.DuckDBPyConnection, options: LoadOptions) -> None:
        self.con = con
        self.options = options
        self.paths: list[str] = []
        self.rejected = 0
        self._notes: dict[str, list[str]] = {}
        self._folder: Path | None = None
        self._tables: list[str] = []
        self._views: list[str] = []

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of a small result."""
        return self.con.execute(sql).fetchall()

    def row(self, sql: str) -> tuple[Any, ...]:
        """The one row of an aggregate."""
        return self.rows(sql)[0]

    def note(self, text: str, path: str | None = None) -> None:
        """Say it once, however many files it holds for."""
        self._notes.setdefault(text, []).extend([path] if path else [])

    def unsay(self, beginning: str) -> None:
        """Take back the notes that begin so: a later step made them untrue."""
        self._notes = {text: paths for text, paths in self._notes.items() if not text.startswith(beginning)}

    @property
    def notes(self) -> list[str]:
        """The notes, with their files where only some of several are meant."""
        return [self._placed(text, paths) for text, paths in self._notes.items()]

    def _placed(self, text: str, paths: list[str]) -> str:
        if not paths or len(self.paths) == 1:
            return text
        if len(paths) == len(self.paths):
            return f"{text} (all {len(paths)} files)"
        more = f" and {len(paths) - FILES_NAMED} more" if len(paths) > FILES_NAMED else ""
        return f"{', '.join(paths[:FILES_NAMED])}{more}: {text}"

    def file(self, name: str) -> Path:
        """A new temporary file's path (``TMPDIR`` decides where)."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="mfgsql-load-"))
        return self._folder / f"{next(_COUNTER)}-{name}"

    def table(self) -> str:
        """A new temporary table's quoted name."""
        name = f"temp.main.{quote_identifier(f'_mfgsql_load_{next(_COUNTER)}')}"
        self._tables.append(name)
        return name

    def view(self, frame: Any) -> str:
        """The quoted name under which the frame can be queried."""
        name = f"_mfgsql_load_{next(_COUNTER)}"
        self.con.register(name, frame)
        self._views.append(name)
        return quote_identifier(name)

    def __enter__(self) -> Job:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        for table in self._tables:
            with contextlib.suppress(duckdb.Error):  # a full disk may have closed the database already
                self.con.execute(f"DROP TABLE IF EXISTS {table}")
        for view in self._views:
            with contextlib.suppress(duckdb.Error):
                self.con.unregister(view)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
