"""What a client sends: the bytes of a message, read into a value that is right or refused."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from mfgsql.wire.errors import WireError

PROTOCOL = 3
_SSL, _GSS, _CANCEL = 80877103, 80877104, 80877102


@dataclass(frozen=True)
class SslRequest:
    """May the connection be encrypted?"""


@dataclass(frozen=True)
class GssRequest:
    """May it be encrypted by Kerberos?"""


@dataclass(frozen=True)
class CancelRequest:
    """Stop what the connection of that key runs."""

    process: int
    secret: int


@dataclass(frozen=True)
class Startup:
    """A session is to begin.

    Attributes:
        minor: of the protocol's version.
        parameters: user, database and settings.
    """

    minor: int
    parameters: dict[str, str]


@dataclass(frozen=True)
class Query:
    """Statements as text; no parameters."""

    sql: str


@dataclass(frozen=True)
class Parse:
    """Prepare one statement; 0 is a parameter's type that the server is to find."""

    name: str
    sql: str
    types: tuple[int, ...]


@dataclass(frozen=True)
class Bind:
    """A prepared statement with values is a portal. Formats: 0 text, 1 binary; none, one for all, or one for each."""

    portal: str
    statement: str
    formats: tuple[int, ...]
    values: tuple[bytes | None, ...]
    results: tuple[int, ...]


@dataclass(frozen=True)
class Describe:
    """What does it return? ``kind`` is S (statement) or P (portal)."""

    kind: str
    name: str


@dataclass(frozen=True)
class Execute:
    """Rows of a portal; ``rows`` at most, or all at 0."""

    portal: str
    rows: int


@dataclass(frozen=True)
class Close:
    """Forget a statement or a portal."""

    kind: str
    name: str


@dataclass(frozen=True)
class Sync:
    """The end of what belongs together."""


@dataclass(frozen=True)
class Flush:
    """Send what there is."""


@dataclass(frozen=True)
class Terminate:
    """Good-bye."""


@dataclass(frozen=True)
class Password:
    """An answer of the authentication; its meaning depends on what was asked."""

    data: bytes


@dataclass(frozen=True)
class CopyData:
    """A piece of a COPY."""

    data: bytes


@dataclass(frozen=True)
class CopyDone:
    """The end of a COPY's data."""


@dataclass(frozen=True)
class CopyFail:
    """The client gives a COPY up."""

    reason: str


First = SslRequest | GssRequest | CancelRequest | Startup
Message = (
    Query | Parse | Bind | Describe | Execute | Close | Sync | Flush | Terminate | Password
    | CopyData | CopyDone | CopyFail
)  # fmt: skip


@dataclass
class _Fields:
    """Fields of a message, read one after the other."""

    data: bytes
    at: int = field(default=0)

    def text(self) -> str:
        end = self.data.find(b"\0", self.at)
        if end < 0:
            raise WireError("08P01", "A text in a message has no end.")
        raw, self.at = self.data[self.at : end], end + 1
        try:
            return raw.decode()
        except UnicodeDecodeError:
            raise WireError("22021", "A text in a message is not UTF-8.") from None

    def take(self, size: int) -> bytes:
        if size < 0 or self.at + size > len(self.data):
            raise WireError("08P01", "A message is shorter than it says.")
        raw, self.at = self.data[self.at : self.at + size], self.at + size
        return raw

    def int16(self) -> int:
        return int(struct.unpack("!h", self.take(2))[0])

    def int32(self) -> int:
        return int(struct.unpack("!i", self.take(4))[0])

    def count(self) -> int:
        """How many fields follow; up to 65,535, as PostgreSQL reads it."""
        return int(struct.unpack("!H", self.take(2))[0])

    def int16s(self) -> tuple[int, ...]:
        size = self.count()
        return struct.unpack(f"!{size}h", self.take(2 * size))

    def uint32s(self) -> tuple[int, ...]:
        size = self.count()
        return struct.unpack(f"!{size}I", self.take(4 * size))

    def value(self) -> bytes | None:
        size = self.int32()
        return None if size == -1 else self.take(size)

    def kind(self) -> str:
        kind = self.take(1)
        if kind not in (b"S", b"P"):
            raise WireError("08P01", f"There is no kind {kind!r} of thing to describe or close.")
        return kind.decode()

    def end(self) -> None:
        if self.at != len(self.data):
            raise WireError("08P01", "A message is longer than it says.")


def read_first(data: bytes) -> First:
    """The first message of a connection, without its length.

    Raises:
        WireError: it is none, or of another version of the protocol (0A000).
    """
    fields = _Fields(data)
    code = fields.int32()
    if code == _CANCEL:
        if len(data) != 12:
            raise WireError("08P01", "A cancel request has a key of eight bytes.")
        process, secret = struct.unpack("!II", fields.take(8))
        return CancelRequest(process, secret)
    if code in (_SSL, _GSS):
        fields.end()
        return SslRequest() if code == _SSL else GssRequest()
    major, minor = code >> 16, code & 0xFFFF
    if major != PROTOCOL:
        raise WireError("0A000", f"Version {major}.{minor} of the protocol is not spoken here; 3.0 is.")
    return Startup(minor, _parameters(fields))


def _parameters(fields: _Fields) -> dict[str, str]:
    found: dict[str, str] = {}
    while name := fields.text():
        found[name] = fields.text()
    fields.end()
    return found


def _query(fields: _Fields) -> Query:
    return Query(fields.text())


def _parse(fields: _Fields) -> Parse:
    return Parse(fields.text(), fields.text(), fields.uint32s())


def _bind(fields: _Fields) -> Bind:
    portal, statement, formats = fields.text(), fields.text(), fields.int16s()
    values = tuple(fields.value() for _ in range(fields.count()))
    return Bind(portal, statement, formats, values, fields.int16s())


def _describe(fields: _Fields) -> Describe:
    return Describe(fields.kind(), fields.text())


def _execute(fields: _Fields) -> Execute:
    return Execute(fields.text(), fields.int32())


def _close(fields: _Fields) -> Close:
    return Close(fields.kind(), fields.text())


def _password(fields: _Fields) -> Password:
    return Password(fields.take(len(fields.data)))


def _copy_data(fields: _Fields) -> CopyData:
    return CopyData(fields.take(len(fields.data)))


def _copy_fail(fields: _Fields) -> CopyFail:
    return CopyFail(fields.text())


_READERS: dict[bytes, Callable[[_Fields], Message]] = {
    b"Q": _query, b"P": _parse, b"B": _bind, b"D": _describe, b"E": _execute, b"C": _close,
    b"S": lambda fields: Sync(), b"H": lambda fields: Flush(), b"X": lambda fields: Terminate(),
    b"p": _password, b"d": _copy_data, b"c": lambda fields: CopyDone(), b"f": _copy_fail,
}  # fmt: skip


def is_known(kind: bytes) -> bool:
    """Whether a message begins with that byte. One that does not leaves no way to find the next one."""
    return kind in _READERS


def read_message(kind: bytes, data: bytes) -> Message:
    """A message: its first byte, and what follows its length.

    Raises:
        WireError: its fields are not those that it must have (08P01), or a text is not UTF-8 (22021).
    """
    if kind not in _READERS:
        raise WireError("08P01", f"There is no message {kind!r}.")
    fields = _Fields(data)
    message = _READERS[kind](fields)
    fields.end()
    return message
