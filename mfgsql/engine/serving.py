"""Who serves a database: a note beside it, so that whoever finds it locked is told where to ask instead."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from mfgsql.errors import CatalogError

_NAME = "served.json"
_HOLDER = re.compile(r"\(PID (\d+)\)")


@dataclass(frozen=True)
class Served:
    """A server of a database.

    Attributes:
        process: its number. tls: whether clients may encrypt.
    """

    process: int
    host: str
    port: int
    database: str
    tls: bool

    @property
    def url(self) -> str:
        """Where a client connects, but for its name."""
        host = {"0.0.0.0": "localhost", "::": "localhost"}.get(self.host, self.host)  # noqa: S104  (what is listened on)
        return f"postgresql://USER@{f'[{host}]' if ':' in host else host}:{self.port}/{self.database}"


@contextmanager
def noted(folder: Path, served: Served) -> Iterator[None]:
    """Leave the note while the block runs. What a kill leaves is known by its process."""
    path = folder / _NAME
    partial = path.with_suffix(f".{os.getpid()}.part")
    partial.write_text(json.dumps(asdict(served)), encoding="utf-8")
    os.replace(partial, path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def who_serves(database: Path) -> Served | None:
    """Who serves a database file now, or None."""
    try:
        found = Served(**json.loads((Path(f"{database}.ml") / _NAME).read_text(encoding="utf-8")))
        os.kill(found.process, 0)
    except PermissionError:
        return found  # somebody else's process, and alive
    except (OSError, ValueError, TypeError):
        return None
    return found


class ServedError(CatalogError):
    """The database can't be opened, since a server holds it.

    Attributes:
        url: where it is served.
    """

    def __init__(self, database: Path, served: Served) -> None:
        self.url = served.url
        message = f"'{database}' is served by mfgsql (process {served.process})."
        super().__init__(message, remedy=f"Connect to {served.url}.")


def check_served(database: Path, locked: str) -> None:
    """Tell who serves a database that is locked.

    Args:
        locked: DuckDB's words, which name the process that holds the lock: a note that names another one is stale.

    Raises:
        ServedError: a server holds it.
    """
    served, holder = who_serves(database), _HOLDER.search(locked)
    if served and (holder is None or int(holder[1]) == served.process):
        raise ServedError(database, served)
