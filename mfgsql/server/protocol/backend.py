"""What the server sends: each message as bytes."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_ROW_FIELD = struct.Struct("!IhIhih")


@dataclass(frozen=True)
class Field:
    """A column as a client is told it: name, type's oid, size and modifier, and the format of its values."""

    name: str
    oid: int
    size: int
    modifier: int
    format: int


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


def _text(value: str) -> bytes:
    """A text with its end; a NUL would be one too early."""
    return value.encode("utf-8", "replace").replace(b"\0", b"") + b"\0"


def authentication_ok() -> bytes:
    return _message(b"R", struct.pack("!i", 0))


def authentication_sasl(mechanisms: Sequence[str]) -> bytes:
    return _message(b"R", struct.pack("!i", 10) + b"".join(map(_text, mechanisms)) + b"\0")


def authentication_sasl_continue(data: str) -> bytes:
    return _message(b"R", struct.pack("!i", 11) + data.encode())


def authentication_sasl_final(data: str) -> bytes:
    return _message(b"R", struct.pack("!i", 12) + data.encode())


def parameter_status(name: str, value: str) -> bytes:
    return _message(b"S", _text(name) + _text(value))


def backend_key(process: int, secret: int) -> bytes:
    return _message(b"K", struct.pack("!II", process, secret))


def negotiate(minor: int, unknown: Sequence[str]) -> bytes:
    """The newest version that is spoken here, and options that are not known."""
    return _message(b"v", struct.pack("!ii", 3 << 16 | minor, len(unknown)) + b"".join(map(_text, unknown)))


def ready(status: str) -> bytes:
    """Ready for a query; I idle, T in a transaction, E in a failed one."""
    return _message(b"Z", status.encode())


def parse_complete() -> bytes:
    return _message(b"1", b"")


def bind_complete() -> bytes:
    return _message(b"2", b"")


def close_complete() -> bytes:
    return _message(b"3", b"")


def no_data() -> bytes:
    return _message(b"n", b"")


def portal_suspended() -> bytes:
    return _message(b"s", b"")


def empty_query() -> bytes:
    return _message(b"I", b"")


def command_complete(tag: str) -> bytes:
    return _message(b"C", _text(tag))


def parameter_description(oids: Sequence[int]) -> bytes:
    return _message(b"t", struct.pack(f"!H{len(oids)}I", len(oids), *oids))


def row_description(fields: Sequence[Field]) -> bytes:
    parts = [struct.pack("!H", len(fields))]
    for f in fields:
        parts += (_text(f.name), _ROW_FIELD.pack(0, 0, f.oid, f.size, f.modifier, f.format))
    return _message(b"T", b"".join(parts))


def copy_in(columns: int, form: int) -> bytes:
    """The client may send a COPY's data; form 0 is text, 1 binary."""
    return _message(b"G", struct.pack(f"!bH{columns}h", form, columns, *[form] * columns))


def copy_out(columns: int, form: int) -> bytes:
    """A COPY's data follows."""
    return _message(b"H", struct.pack(f"!bH{columns}h", form, columns, *[form] * columns))


def copy_done() -> bytes:
    return _message(b"c", b"")


def error(
    severity: str,
    sqlstate: str,
    message: str,
    *,
    hint: str | None = None,
    position: int | None = None,
    routine: str | None = None,
) -> bytes:
    """An error; ``position`` counts characters of the statement from 1."""
    where = None if position is None else str(position)
    return _message(b"E", _report(severity, sqlstate, message, {"H": hint, "P": where, "R": routine}))


def notice(severity: str, sqlstate: str, message: str, *, hint: str | None = None) -> bytes:
    """A word to the client that ends nothing."""
    return _message(b"N", _report(severity, sqlstate, message, {"H": hint}))


def _report(severity: str, sqlstate: str, message: str, more: Mapping[str, str | None]) -> bytes:
    fields = {"S": severity, "V": severity, "C": sqlstate, "M": message, **more}
    return b"".join(kind.encode() + _text(value) for kind, value in fields.items() if value is not None) + b"\0"
