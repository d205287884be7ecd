"""Who serves a database: a note beside it, so that whoever finds it locked is told where to ask instead."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

_NAME = "served.json"


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
