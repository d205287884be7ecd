"""One engine per database instance: what all its sessions share."""

from __future__ import annotations

import atexit
import re
import threading
import time
import weakref
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import duckdb

from mfgsql.cancellation import Cancellation
from mfgsql.engine.functions import load_udfs, register
from mfgsql.engine.guarding import Guard
from mfgsql.engine.waiting import working
from mfgsql.errors import CatalogError, ClosedError, MfgsqlError, ResourceError
from mfgsql.resources import resource
from mfgsql.settings import Settings

if TYPE_CHECKING:
    from mfgsql.catalog import Version
    from mfgsql.scoring import ModelCache, Scorer

caller: ContextVar[Any] = ContextVar("mfgsql_caller", default=None)  # the Session that is binding

# DuckDB says it by many classes.
_DISK = re.compile("could not write|no space left|file too large|disk quota", re.IGNORECASE)
_TOO_LARGE = "maximum total string size"  # of a batch that DuckDB hands to Python
_BY_PATH = "Give such pictures by the paths of their files, which are opened one by one, or make them smaller."
_RESUMABLE = 14 * 86400.0  # seconds
_PATIENCE = 20.0  # seconds that an exit waits for statements and UDFs to leave


def caller_id() -> str | None:
    """Of the Session that is binding; plans carry it, so that what they run stops with it."""
    return getattr(caller.get(), "id", None)


class Engine:
    """Locks, warm models, own cursors and the border to SQL.

    Args:
        con: the instance's root connection; the engine works on cursors of it.
        path: of the database file, or None in memory.
    """

    def __init__(
        self, con: duckdb.DuckDBPyConnection, path: Path | None, settings: Settings, *, read_only: bool
    ) -> None:
        self.con, self.path, self.settings, self.read_only = con, path, settings, read_only
        self.commit_lock = threading.Lock()  # one commit to the catalog at a time
        self.training_lock = threading.Lock()  # one training at a time: it owns torch's random numbers and all cores
        self.sessions: weakref.WeakValueDictionary[str, Any] = weakref.WeakValueDictionary()
        self.guarded: Guard | None = None
        self.closed = False
        self.ended = threading.Event()  # closed, and its file free
        self._temporary = None if path else TemporaryDirectory(prefix="mfgsql-")
        self._folder = Path(self._temporary.name) if self._temporary else Path(f"{path}.ml")
        self._errors: deque[BaseException] = deque(maxlen=64)
        self._inside: list[int] = []  # threads in a statement or a UDF
        self._left = threading.Condition()
        self._lazy = threading.Lock()
        self._cache: ModelCache[Scorer] | None = None
        self._device: str | None = None
        folders = [resource("udfs"), *([Path(settings.udfs_dir)] if settings.udfs_dir else [])]
        self._functions = [f for folder in folders for f in load_udfs(folder)]
        try:
            for function in self._functions:
                register(self, con, function)
        except duckdb.Error as error:
            self._unregister()
            raise CatalogError(f"A UDF can't be registered: {_first_line(error)}") from None
        atexit.register(self.close)

    @property
    def folder(self) -> Path:
        """Where snapshots lie: beside the database, readable by its owner only."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self._folder

    def tidy(self) -> None:
        """Delete what killed runs left in the folder: half-written files, snapshots that no version names, and
        states that nobody has resumed for a fortnight.

        Only where no run is under way: as the database is opened for writing.
        """
        if not self._folder.is_dir():
            return
        with self.cursor() as cursor:
            # By name: the database may have been moved since, its folder with it.
            kept = {Path(r[0]).name for r in cursor.execute("SELECT path FROM ml_catalog.snapshots").fetchall()}
        for file in self._folder.iterdir():
            with suppress(OSError):  # what can't be tidied must not keep the database shut
                old = file.suffix == ".state" and time.time() - file.stat().st_mtime > _RESUMABLE
                if old or file.suffix == ".part" or (file.suffix == ".parquet" and file.name not in kept):
                    file.unlink()

    def discard(self, snapshots: Iterable[str]) -> None:
        """Delete snapshots that nothing names any more: by name, for the database may be a copy of another one."""
        for path in snapshots:
            with suppress(OSError):  # what is left the next opening tidies up
                (self.folder / Path(path).name).unlink()

    @contextmanager
    def cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """An own cursor; it sees what is committed, and no temporary table of a caller."""
        self.check_open()
        cursor = self.con.cursor()
        try:
            # A name in SQL must never mean a Python variable of this package.
            cursor.execute("SET python_enable_replacements = false")
            yield cursor
        finally:
            cursor.close()

    @contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor inside a transaction that is committed at the end, under the commit lock."""
        with self.commit_lock, self.cursor() as cursor:
            cursor.execute("BEGIN")
            try:
                yield cursor
            except BaseException:
                roll_back(cursor)
                raise
            cursor.execute("COMMIT")

    # -- serving ----------------------------------------------------------------------------------------------------

    def guard(self, files_root: Path | None) -> None:
        """Serve others from now on: jobs carry a seal, and files are those below the folder, or none."""
        self.guarded = Guard(files_root)

    def lock(self) -> None:
        """Let DuckDB reach no file but its own, and change no setting any more, on all connections.

        Two settings that are no danger stay open: the engine's cursors set them.
        """
        self.con.execute("SET allowed_configs = ['timezone', 'python_enable_replacements']")
        self.con.execute("SET enable_external_access = false")
        self.con.execute("SET lock_configuration = true")

    def warm(self) -> None:
        """Load now, on a thread beside, what the first model would load: seconds that nothing could cancel."""
        from mfgsql.engine.runs import load_libraries

        threading.Thread(target=load_libraries, name="mfgsql-warm", daemon=True).start()

    # -- models -----------------------------------------------------------------------------------------------------

    @property
    def device(self) -> str:
        """Where models run; chosen once."""
        with self._lazy:
            if self._device is None:
                from mfgsql.scoring import choose_device

                self._device = choose_device(self.settings.device)
            return self._device

    @property
    def cache(self) -> ModelCache[Scorer]:
        """Warm models by ``model@version``."""
        with self._lazy:
            if self._cache is None:
                from mfgsql.scoring import ModelCache

                self._cache = ModelCache(self.settings.cache_memory)
            return self._cache

    @contextmanager
    def scorer(self, name: str) -> Iterator[Scorer]:
        """The scorer of a pinned version, kept warm."""
        with self.cache.use(name, lambda: self._load_scorer(name)) as scorer:
            yield scorer

    def _load_scorer(self, name: str) -> Scorer:
        from mfgsql.catalog import read_artifact, resolve
        from mfgsql.model import Model
        from mfgsql.scoring import Scorer

        with self.cursor() as cursor:
            version: Version = resolve(cursor, name)
            model = Model.from_bytes(read_artifact(cursor, version.artifact, version.bytes))
        return Scorer(model, self.device, self.settings.threads)

    def cancellation(self, session: str | None) -> Cancellation:
        """What stops the work of a session."""
        known = self.sessions.get(session) if session else None
        return known.cancellation if known is not None else Cancellation()

    # -- the border to SQL ------------------------------------------------------------------------------------------

    @contextmanager
    def inside(self) -> Iterator[None]:
        """A UDF runs."""
        with self.entered(), working():
            yield

    @contextmanager
    def entered(self) -> Iterator[None]:
        """A statement or a UDF runs; an exit waits for it, and lets no other in.

        Raises:
            ClosedError: the engine is closed.
        """
        with self._left:
            self.check_open()
            self._inside.append(threading.get_ident())
        try:
            yield
        finally:
            with self._left:
                self._inside.remove(threading.get_ident())
                self._left.notify_all()

    def unexpected(self, error: Exception) -> MfgsqlError:
        """An error that no one foresaw, or that DuckDB raised on an own cursor, as one of ours."""
        if _TOO_LARGE in str(error):
            return ResourceError("2,048 values of one column hold more than 2 GB together.", remedy=_BY_PATH)
        if isinstance(error, duckdb.OutOfMemoryException | MemoryError):
            return ResourceError(f"Out of memory: {_first_line(error)}", remedy="Raise the setting: MFGSQL_MEMORY=8GB.")
        if isinstance(error, OSError) or (isinstance(error, duckdb.Error) and _DISK.search(str(error))):
            words = _first_line(error).rstrip(".")
            return ResourceError(f"The disk failed: {words}.", remedy="Free some space, and run it again.")
        if isinstance(error, duckdb.Error):
            return MfgsqlError(_first_line(error))
        return MfgsqlError(f"{type(error).__name__}: {_first_line(error)}")

    def remember(self, error: BaseException) -> None:
        """Keep an error that leaves through SQL, so that a session can raise it as it was."""
        self._errors.append(error)

    def translate(self, error: duckdb.Error, statement: str = "") -> Exception:
        """Our own error that became this text on its way through DuckDB, or DuckDB's."""
        text = str(error)
        ours = next((e for e in reversed(self._errors) if str(e) in text and isinstance(e, Exception)), None)
        if ours is None and self.closed:
            return ClosedError("The session is closed.")  # by another thread, which interrupted this statement
        if ours is None and _TOO_LARGE in text:
            return self.unexpected(error)
        ill_put = duckdb.BinderException | duckdb.InvalidInputException | duckdb.CatalogException
        if ours is not None or not isinstance(error, ill_put):
            return ours or error
        from mfgsql.engine.verbs.misuse import in_our_words

        return in_our_words(self, error, statement) or error

    # -- the end ----------------------------------------------------------------------------------------------------

    def check_open(self) -> None:
        """Raise where the engine is closed.

        Raises:
            ClosedError: it is.
        """
        if self.closed:
            raise ClosedError("The session is closed.")

    def close(self) -> None:
        """Let no statement and no UDF in, interrupt what runs, and wait until all are out: a statement that loses its
        connection or its functions crashes the process. Called at the interpreter's exit, too: a UDF that runs into
        the interpreter's end would abort the process.
        """
        with self._left:
            if self.closed:
                return
            self.closed = True
        atexit.unregister(self.close)
        deadline = time.monotonic() + _PATIENCE
        while True:
            for session in list(self.sessions.values()):
                session.interrupt()
            with self._left:
                if all(t == threading.get_ident() for t in self._inside) or time.monotonic() > deadline:
                    break
                self._left.wait(0.2)
        for session in list(self.sessions.values()):
            session.release()
        self._unregister()
        self.con.close()  # and with it the file's lock
        if self._temporary:
            self._temporary.cleanup()
        self.ended.set()

    def _unregister(self) -> None:
        """An owner's connection lives on, and DuckDB frees what this one registered."""
        for function in self._functions:
            with suppress(duckdb.Error):  # an engine that was never whole has not registered all
                self.con.remove_function(function.name)


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).split("\n")[0]


def roll_back(cursor: duckdb.DuckDBPyConnection) -> None:
    """Roll back; a transaction that DuckDB has given up already has nothing left to roll back."""
    try:
        cursor.execute("ROLLBACK")
    except duckdb.Error as error:
        if "no transaction is active" not in str(error) and "invalidated" not in str(error):
            raise
