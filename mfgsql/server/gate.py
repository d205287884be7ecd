"""The gate: who a new connection is, before anything is done for it."""

from __future__ import annotations

import ipaddress
import logging
import secrets
import socket
from dataclasses import dataclass

from mfgsql.engine.access import Identity
from mfgsql.engine.users import User, Users
from mfgsql.errors import MfgsqlError
from mfgsql.server.auth.scram import PLAIN, PLUS, Exchange, Verifier, nobodys
from mfgsql.server.auth.throttle import Throttle
from mfgsql.server.auth.tls import Tls
from mfgsql.server.protocol import backend, frontend
from mfgsql.server.protocol.stream import LIMIT, Stream
from mfgsql.wire.errors import WireError

log = logging.getLogger("mfgsql.server")
PATIENCE = 30.0  # seconds until a client must have shown who it is
_MINOR = 0
_KNOWN = ("user", "database", "options", "replication")


@dataclass(frozen=True)
class Guest:
    """Somebody who was let in."""

    identity: Identity
    parameters: dict[str, str]
    user: User


class Gate:
    """Encryption, then the password.

    Args:
        database: name of the one that is served. tls: None where connections stay plain.
        plaintext: whether they may stay plain from other machines, too.
    """

    def __init__(self, database: str, users: Users, tls: Tls | None, *, plaintext: bool) -> None:
        self.database, self._users, self._tls, self._plaintext = database, users, tls, plaintext
        self._throttle = Throttle()
        self._secret = secrets.token_bytes(32)

    def begin(self, stream: Stream) -> frontend.Startup | frontend.CancelRequest:
        """The first messages, up to one that says what is wanted.

        Raises:
            WireError: there is none such. Disconnected: the client left.
        """
        for _ in range(3):
            first = stream.first()
            if isinstance(first, frontend.Startup | frontend.CancelRequest):
                return first
            wants_tls = isinstance(first, frontend.SslRequest) and self._tls is not None and not stream.is_encrypted
            stream.write(b"S" if wants_tls else b"N")
            stream.flush()
            if wants_tls and self._tls is not None:
                stream.encrypt(self._tls.context)
        raise WireError("08P01", "Encryption was asked for again and again.", fatal=True)

    def admit(self, stream: Stream, startup: frontend.Startup, address: str) -> Guest:
        """Let somebody in, or say why not.

        Raises:
            WireError: wrong password or user (28P01), another database (3D000), plain from another machine (28000),
                or too many failures (28P01).
        """
        given = startup.parameters
        user = given.get("user", "")
        if not user:
            raise WireError("28000", "no PostgreSQL user name specified in startup packet", fatal=True)
        if given.get("replication", "false").lower() not in ("false", "off", "no", "0"):
            raise WireError("0A000", "There is no replication here.", fatal=True)
        if not stream.is_encrypted and not self._plaintext and not _is_here(address):
            raise WireError(
                "28000",
                "From another machine only encrypted connections are let in.",
                remedy="sslmode=require",
                fatal=True,
            )
        self._negotiate(stream, startup)
        known = self._authenticate(stream, user, address)
        wanted = given.get("database") or user
        if wanted != self.database:
            raise WireError(
                "3D000", f'database "{wanted}" does not exist', remedy=f"'{self.database}' is served here.", fatal=True
            )
        stream.write(backend.authentication_ok())
        stream.limit = LIMIT
        told = {k: v for k, v in given.items() if k not in _KNOWN} | _options(given.get("options", ""))
        return Guest(Identity(known.name, known.role), told, known)

    def _negotiate(self, stream: Stream, startup: frontend.Startup) -> None:
        """A newer client is told what is spoken here, and goes on with that."""
        unknown = [name for name in startup.parameters if name.startswith("_pq_.")]
        if startup.minor > _MINOR or unknown:
            stream.write(backend.negotiate(_MINOR, unknown))

    def _authenticate(self, stream: Stream, user: str, address: str) -> User:
        if (seconds := self._throttle.wait(user, address)) > 0:
            words = f"Too many failed logins; try again in {seconds:.0f} seconds."
            raise WireError("28P01", words, fatal=True)
        try:
            known = self._users.get(user)
        except MfgsqlError as error:  # where the file lies is nobody's but the operator's
            log.error("nobody can log in: %s", error)
            raise WireError("58000", "Nobody can log in now: ask who looks after this server.", fatal=True) from None
        verifier = Verifier.parse(known.verifier) if known else nobodys(user, self._secret)
        binding = self._tls.binding if self._tls and stream.is_encrypted else None
        stream.write(backend.authentication_sasl([PLUS, PLAIN] if binding else [PLAIN]))
        mechanism, data = _initial(_answer(stream))
        exchange = Exchange(verifier, mechanism, binding)
        stream.write(backend.authentication_sasl_continue(exchange.first(data)))
        proof = exchange.last(_answer(stream))
        if proof is None or known is None:
            self._throttle.failed(user, address)
            raise WireError("28P01", f'password authentication failed for user "{user}"', fatal=True)
        self._throttle.succeeded(user, address)
        stream.write(backend.authentication_sasl_final(proof))
        return known


def _answer(stream: Stream) -> bytes:
    message = stream.message()
    if not isinstance(message, frontend.Password):
        raise WireError("08P01", "An answer to the authentication was expected.", fatal=True)
    return message.data


def _initial(data: bytes) -> tuple[str, bytes]:
    """SASLInitialResponse: the mechanism, and what it begins with."""
    name, found, rest = data.partition(b"\0")
    if not found or len(rest) < 4 or int.from_bytes(rest[:4], signed=True) != len(rest) - 4:
        raise WireError("08P01", "The authentication's first message is malformed.", fatal=True)
    return name.decode("ascii", "replace"), rest[4:]


def _options(text: str) -> dict[str, str]:
    """Settings of ``-c name=value`` and ``--name=value``, with a backslash before blanks in values."""
    words = [w.replace("\0", " ") for w in text.replace("\\ ", "\0").split()]
    found, after_c = {}, False
    for word in words:
        text, after_c = (word, False) if after_c else (word.removeprefix("-c").removeprefix("--"), word == "-c")
        name, sign, value = text.partition("=")
        if sign:
            found[name.replace("-", "_")] = value
    return found


def _is_here(address: str) -> bool:
    """Whether it is this machine's own."""
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return address == ""  # a Unix socket


def address_of(connected: socket.socket) -> str:
    """Where a connection comes from; empty for a Unix socket."""
    peer = connected.getpeername()
    return str(peer[0]) if isinstance(peer, tuple) else ""
