"""Messages of pieces: a value of fixed width is a numpy item, any other an Arrow value; rows are their concatenation.

No Python runs per row: neighbours of fixed width become one structured array, and Arrow joins the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mfgsql.wire.types.arrow import Array, Numbers, binary, lengths, of_rows

Piece = Any
"""A numpy array with an item per row, one of no dimension for all rows, or a binary Arrow array."""

LENGTH = np.dtype(">i4")


def is_fixed(piece: Piece) -> bool:
    """Whether the piece has one width for all rows."""
    return isinstance(piece, np.ndarray)


def width(piece: Piece) -> Numbers | int:
    """Bytes of the piece in each row."""
    return int(piece.dtype.itemsize) if is_fixed(piece) else lengths(piece)


def with_length(piece: Piece, valid: Numbers | None) -> list[Piece]:
    """A value behind its length, -1 and nothing where it is NULL."""
    size = width(piece)
    if valid is None:
        return [np.asarray(size, LENGTH), piece]
    rows = of_rows(piece, valid) if is_fixed(piece) else piece
    return [np.where(valid, size, -1).astype(LENGTH), rows]


def total(pieces: Sequence[Piece]) -> Numbers | int:
    """Bytes of each row."""
    widths = [width(piece) for piece in pieces]
    varying = [w for w in widths if not isinstance(w, int)]
    constant = sum(w for w in widths if isinstance(w, int))
    return sum(varying[1:], varying[0].astype(np.int64)) + constant if varying else constant


def joined(pieces: Sequence[Piece], rows: int) -> Piece:
    """The rows: a binary array, or a structured one where every piece is fixed."""
    merged = _merged(pieces, rows)
    if len(merged) == 1:
        return merged[0]
    parts = [of_rows(piece) if is_fixed(piece) else binary(piece) for piece in merged]
    between = pa.scalar(b"", pa.binary())
    return pc.binary_join_element_wise(*parts, between, null_handling="replace", null_replacement="")


def as_array(rows: Piece) -> Array:
    """Joined rows as an Arrow array."""
    return of_rows(rows) if is_fixed(rows) else rows


def as_buffer(rows: Piece) -> Any:
    """The bytes of joined rows, one after the other."""
    if isinstance(rows, np.ndarray):
        return pa.py_buffer(rows)
    ends = np.frombuffer(rows.buffers()[1], np.int32)
    return rows.buffers()[2].slice(0, int(ends[len(rows)]))


def _merged(pieces: Sequence[Piece], rows: int) -> list[Piece]:
    """Neighbours of fixed width as one structured array."""
    merged: list[Piece] = []
    run: list[Piece] = []
    for piece in pieces:
        if is_fixed(piece):
            run.append(piece)
            continue
        if run:
            merged.append(_structured(run, rows))
            run = []
        merged.append(piece)
    return [*merged, _structured(run, rows)] if run else merged


def _structured(run: Sequence[Piece], rows: int) -> Numbers:
    made = np.empty(rows, np.dtype([(f"f{k}", piece.dtype) for k, piece in enumerate(run)]))
    for k, piece in enumerate(run):
        made[f"f{k}"] = piece
    return made
