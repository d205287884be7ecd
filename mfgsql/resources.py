"""Where the files that ship beside the code lie: ``udfs/``, ``sql/`` and ``migrations/``."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def resource(name: str) -> Path:
    """Path of a bundled folder or file, as ``resource('sql/functions')``.

    In a wheel the folders lie inside the package, in a checkout beside it.
    """
    bundled = _PACKAGE / "_bundled" / name
    return bundled if bundled.exists() else _PACKAGE.parent / name
