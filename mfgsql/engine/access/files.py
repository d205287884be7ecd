"""The one seam through which names of files from outside become paths."""

from __future__ import annotations

from pathlib import Path

from mfgsql.engine.access.roles import Identity, Role, refuse, require
from mfgsql.engine.engine import Engine
from mfgsql.errors import AccessError


def resolve_file(engine: Engine, identity: Identity | None, path: str) -> Path:
    """A path that may be read or written; the file need not exist.

    Embedded use names any path, or with the setting ``files_root`` those below it. Clients of a server name paths below
    its own ``files_root``. Such paths are relative to the folder or absolute; links and ``..`` are followed first.

    Raises:
        AccessError: the role is too low, the server has no such folder, or the path leads out of it.
    """
    if identity is None:
        own = engine.settings.files_root
        return _below(Path(own).resolve(), path) if own else Path(path)
    require(identity, Role.ADMIN, "Reading or writing a file")
    root = engine.guarded.files_root if engine.guarded else None
    if root is None:
        raise refuse("Reading or writing a file", "Start the server with a folder for them: --files-root FOLDER")
    return _below(root, path)


def _below(root: Path, path: str) -> Path:
    try:
        resolved = (root / path).resolve()
    except (OSError, RuntimeError, ValueError):  # a circle of links
        raise AccessError(f"The path '{path}' can't be followed.", remedy=f"Name a file below '{root}'.") from None
    if not resolved.is_relative_to(root) or resolved == root:
        raise AccessError(f"'{path}' is not below the folder for files.", remedy=f"Name a file below '{root}'.")
    return resolved
