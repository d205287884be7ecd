"""The PostgreSQL protocol by hand: what no client library would send, and answers read byte by byte."""

from __future__ import annotations

import base64
import hashlib
import hmac
import socket
import struct
from collections.abc import Iterator
from functools import lru_cache

HERE = "127.0.0.2"  # not where real clients come from: guesses of passwords make an address wait
_ANSWERS = frozenset(b"RSKZ123nstITDCEGHcdNv")  # kinds of messages that a server may send
PROTOCOL = 3 << 16


def message(kind: bytes, body: bytes = b"") -> bytes:
    """A message with its length."""
    return kind + struct.pack("!i", len(body) + 4) + body


def startup(**parameters: str) -> bytes:
    """The first message."""
    body = b"".join(f"{name}\0{value}\0".encode() for name, value in parameters.items())
    return struct.pack("!ii", len(body) + 9, PROTOCOL) + body + b"\0"


def split(data: bytes) -> list[bytes]:
    """A stream of messages, one each; what is no whole message is the last."""
    found, at = [], 0
    while at + 5 <= len(data):
        end = at + 1 + max(4, int.from_bytes(data[at + 1 : at + 5]))
        found.append(data[at:end])
        at = end
    return [*found, data[at:]] if at < len(data) else found


class Raw:
    """One connection.

    Raises:
        AssertionError: the server sent what is no message, or nothing for too long.
    """

    def __init__(self, port: int, patience: float = 60.0) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), patience, (HERE, 0))
        self._data = b""

    def send(self, data: bytes) -> None:
        """Send bytes; a server that has hung up in the middle of them may."""
        try:
            self.socket.sendall(data)
        except OSError as error:
            assert not isinstance(error, TimeoutError), "the server reads no more"

    def end(self) -> None:
        """Say no more; answers can still be read."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            return  # the server was faster

    def answers(self) -> Iterator[tuple[bytes, bytes]]:
        """Kind and body of each message, until the server hangs up."""
        while len(head := self._take(5)) == 5:
            kind, size = head[:1], int.from_bytes(head[1:])
            assert kind[0] in _ANSWERS and 4 <= size < 1 << 30, f"no message: {head!r}"
            body = self._take(size - 4)
            if len(body) < size - 4:
                break
            yield kind, body

    def until(self, *kinds: bytes) -> tuple[bytes, bytes]:
        """The next message of these kinds."""
        for kind, body in self.answers():
            if kind in kinds:
                return kind, body
            assert kind != b"E", fields(body)
        raise AssertionError("the server hung up")

    def _take(self, size: int) -> bytes:
        """So many bytes; fewer where the server hangs up."""
        while len(self._data) < size:
            try:
                piece = self.socket.recv(1 << 16)
            except TimeoutError:
                raise AssertionError("the server says nothing, and does not hang up") from None
            except OSError:
                piece = b""
            if not piece:
                break
            self._data += piece
        taken, self._data = self._data[:size], self._data[size:]
        return taken

    def login(self, user: str, password: str, database: str = "plant", **parameters: str) -> None:
        """Come in as somebody, up to the first ReadyForQuery."""
        self.send(startup(user=user, database=database, **parameters))
        self.until(b"R")
        bare = "n=,r=" + base64.b64encode(struct.pack("!Q", id(self))).decode()
        first = f"n,,{bare}".encode()
        self.send(message(b"p", b"SCRAM-SHA-256\0" + struct.pack("!i", len(first)) + first))
        told = self.until(b"R")[1][4:].decode()
        given = dict(part.split("=", 1) for part in told.split(","))
        salted = _salted(password, base64.b64decode(given["s"]), int(given["i"]))
        self.send(message(b"p", _proof(salted, bare, told, f"c=biws,r={given['r']}")))
        self.until(b"Z")

    def close(self) -> None:
        """Leave without a word."""
        self.socket.close()


def fields(body: bytes) -> dict[str, str]:
    """Fields of an error, by their letters."""
    return {part[:1].decode(): part[1:].decode() for part in body.split(b"\0") if part}


@lru_cache
def _salted(password: str, salt: bytes, iterations: int) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)


def _proof(salted: bytes, bare: str, told: str, final: str) -> bytes:
    key = hmac.digest(salted, b"Client Key", "sha256")
    signature = hmac.digest(hashlib.sha256(key).digest(), f"{bare},{told},{final}".encode(), "sha256")
    proof = bytes(a ^ b for a, b in zip(key, signature, strict=True))
    return f"{final},p={base64.b64encode(proof).decode()}".encode()
