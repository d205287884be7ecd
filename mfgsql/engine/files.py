"""Columns of paths: which files somebody may open, and what is in them. What `resolve_file` refuses is not opened."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from mfgsql.engine.access import Identity, resolve_file
from mfgsql.engine.engine import Engine
from mfgsql.errors import AccessError
from mfgsql.features.pictures import MOST_BYTES, Unreadable, check_bytes, opened

CELLS = pa.struct([("path", pa.string()), ("reason", pa.string())])


def picture_cells(engine: Engine, identity: Identity | None, values: pa.Array) -> pa.Array:
    """Paths as `ImageEncoder` takes them: structs of the ``path`` to open, or the ``reason`` why it may not be.

    No file is looked at. NULL stays NULL.
    """
    cells = [None if text is None else _cell(engine, identity, text) for text in _texts(values)]
    return pa.array(cells, CELLS)


def read_bytes(
    engine: Engine, identity: Identity | None, values: pa.Array, most: int = MOST_BYTES
) -> tuple[pa.Array, list[str | None]]:
    """What the files are, all in memory: give few paths at a time.

    Returns:
        large_binary [n], NULL where there is no path or it can't be read; and of each row why it can't, or None.
    """
    read: list[bytes | None] = []
    reasons: list[str | None] = []
    for text in _texts(values):
        data, reason = None, None
        if text is not None:
            try:
                data = _read(resolve_file(engine, identity, text), most)
            except (AccessError, Unreadable) as error:
                reason = str(error)
        read.append(data)
        reasons.append(reason)
    return pa.array(read, pa.large_binary()), reasons


def _texts(values: pa.Array) -> list[str | None]:
    texts: list[str | None] = pc.cast(values, pa.string()).to_pylist()
    return texts


def _cell(engine: Engine, identity: Identity | None, text: str) -> dict[str, str | None]:
    try:
        return {"path": str(resolve_file(engine, identity, text)), "reason": None}
    except AccessError as error:
        return {"path": None, "reason": str(error)}


def _read(path: Path, most: int) -> bytes:
    with opened(path, most) as file:
        try:
            data = file.read(most + 1)
        except OSError as error:
            raise Unreadable(f"can't be read ({error.strerror or error})") from None
    check_bytes(len(data), most)  # it may have grown meanwhile
    return data
