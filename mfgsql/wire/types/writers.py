"""One writer a column: its values as text, or as pieces of binary messages."""

from __future__ import annotations

from functools import partial

import pyarrow as pa

from mfgsql.wire.types.arrow import Array, validity
from mfgsql.wire.types.binary import BinaryWriter, binary_writer
from mfgsql.wire.types.documents import document_writer
from mfgsql.wire.types.duck import DuckType
from mfgsql.wire.types.lists import array_binary, array_text
from mfgsql.wire.types.pg import pg_of
from mfgsql.wire.types.pieces import Piece, with_length
from mfgsql.wire.types.scalars import Writer, scalar_writer


def text_writer(duck: DuckType, zone: str) -> Writer:
    """Prints the values of a column as PostgreSQL would; what it has no type for, as JSON."""
    if pg_of(duck).element is not None:
        return partial(array_text, write=scalar_writer(duck.children[0], zone))
    return document_writer(duck, zone) if duck.nested else scalar_writer(duck, zone)


def value_writer(duck: DuckType, form: int, zone: str) -> BinaryWriter:
    """As ``text_writer`` for form 0; for form 1 the values in binary."""
    element = pg_of(duck).element
    if form == 1 and element is not None:
        write = value_writer(duck.children[0], 1, zone)
        return partial(array_binary, oid=element.oid, write=write)
    return (binary_writer(duck) if form == 1 else None) or text_writer(duck, zone)


def column_pieces(array: Array, write: BinaryWriter) -> list[Piece]:
    """A column of a batch as values behind their lengths."""
    if pa.types.is_null(array.type):
        array = pa.nulls(len(array), pa.string())
        return with_length(array, validity(array))
    piece = write(array)
    return with_length(piece, validity(piece if isinstance(piece, pa.Array) else array))
