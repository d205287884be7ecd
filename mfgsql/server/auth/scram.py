"""SCRAM-SHA-256, the server's half (RFC 5802, RFC 7677), with and without channel binding, as PostgreSQL uses it.

PostgreSQL's clients leave the user's name out of the exchange (``n=``), since the start of the connection has told it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from dataclasses import dataclass

from mfgsql.wire.errors import WireError

PLAIN, PLUS = "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"
_BINDING = "tls-server-end-point"


@dataclass(frozen=True)
class Verifier:
    """What the server keeps of a password: enough to check it, too little to use it."""

    iterations: int
    salt: bytes
    stored_key: bytes
    server_key: bytes

    @classmethod
    def parse(cls, text: str) -> Verifier:
        """Of ``SCRAM-SHA-256$<iterations>:<salt>$<stored key>:<server key>``, as PostgreSQL writes it.

        Raises:
            ValueError: it is no such text.
        """
        name, first, second = text.split("$")
        if name != PLAIN:
            raise ValueError(f"{name} is not {PLAIN}")
        (iterations, salt), (stored, server) = first.split(":"), second.split(":")
        return cls(int(iterations), *(base64.b64decode(part, validate=True) for part in (salt, stored, server)))


def nobodys(name: str, secret: bytes) -> Verifier:
    """For a name without a user: the exchange goes on as with a user, and fails at its end, so that nobody learns
    which names exist. The same salt each time, as a user has it.
    """
    salt = hmac.digest(secret, name.encode(), hashlib.sha256)  # as long as those of users
    return Verifier(4096, salt, secrets.token_bytes(32), secrets.token_bytes(32))


class Exchange:
    """One authentication: two messages from the client, two answers.

    Args:
        verifier: of the user who says to be there.
        mechanism: `PLAIN` or `PLUS`, as the client chose.
        binding: hash of the server's certificate; None without TLS.
    """

    def __init__(self, verifier: Verifier, mechanism: str, binding: bytes | None) -> None:
        if mechanism not in (PLAIN, PLUS) or (mechanism == PLUS and binding is None):
            raise WireError("28000", f"{mechanism!r} is no way to log in here.", fatal=True)
        self._verifier, self._plus, self._binding = verifier, mechanism == PLUS, binding
        self._nonce = secrets.token_urlsafe(24)

    def first(self, message: bytes) -> str:
        """The answer to the client's first message: salt, iterations, and who both are for this exchange."""
        text = _ascii(message)
        flag, _, rest = text.partition(",")
        authzid, _, self._bare = rest.partition(",")
        self._header = f"{flag},{authzid},"
        self._check_flag(flag)
        fields = _fields(self._bare)
        if authzid or "m" in fields or "n" not in fields or not fields.get("r"):
            raise _malformed()
        self._nonce = fields["r"] + self._nonce
        salt = base64.b64encode(self._verifier.salt).decode()
        self._answer = f"r={self._nonce},s={salt},i={self._verifier.iterations}"
        return self._answer

    def _check_flag(self, flag: str) -> None:
        """Whether both mean the same of channel binding; 'y' says that the server knows none, so somebody in between
        has changed what it offers.
        """
        if self._plus:
            if flag != f"p={_BINDING}":
                raise _malformed()
        elif flag == "y":
            if self._binding is not None:
                raise WireError("28000", "The offer of channel binding got lost on its way.", fatal=True)
        elif flag != "n":
            raise _malformed()

    def last(self, message: bytes) -> str | None:
        """The server's proof, where the client's is right; else None."""
        text = _ascii(message)
        without_proof, found, proof = text.rpartition(",p=")
        fields = _fields(without_proof)
        expected = self._header.encode() + ((self._binding or b"") if self._plus else b"")
        if not found or fields.get("r") != self._nonce or _decoded(fields.get("c", "")) != expected:
            raise _malformed()
        signed = f"{self._bare},{self._answer},{without_proof}".encode()
        signature = hmac.digest(self._verifier.stored_key, signed, hashlib.sha256)
        sent = _decoded(proof)
        if len(sent) != len(signature):
            raise _malformed()
        key = bytes(a ^ b for a, b in zip(sent, signature, strict=True))
        if not hmac.compare_digest(hashlib.sha256(key).digest(), self._verifier.stored_key):
            return None
        mine = hmac.digest(self._verifier.server_key, signed, hashlib.sha256)
        return f"v={base64.b64encode(mine).decode()}"


def _malformed() -> WireError:
    return WireError("08P01", "A message of the authentication is malformed.", fatal=True)


def _ascii(message: bytes) -> str:
    try:
        return message.decode("ascii")
    except UnicodeDecodeError:
        raise _malformed() from None


def _fields(text: str) -> dict[str, str]:
    found = {}
    for part in text.split(","):
        name, sign, value = part.partition("=")
        if not sign or len(name) != 1:
            raise _malformed()
        found[name] = value
    return found


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _malformed() from None
