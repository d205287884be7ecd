"""The server: it owns the database, listens, gives each connection a thread, and watches over them."""

from __future__ import annotations

import itertools
import logging
import secrets
import select
import socket
import threading
import time
from pathlib import Path

from mfgsql.engine.access import Identity, Role
from mfgsql.engine.session import Session
from mfgsql.engine.users import Users
from mfgsql.errors import SourceError
from mfgsql.server.auth.tls import Tls, load_tls, own_tls
from mfgsql.server.catalog import install
from mfgsql.server.connection import Connection
from mfgsql.server.gate import Gate
from mfgsql.server.metrics import Health, Metrics
from mfgsql.server.options import Options
from mfgsql.wire.errors import WireError

log = logging.getLogger("mfgsql.server")
_TICK = 0.25  # seconds between looks at the connections
_RESERVED = 3  # connections for admins beyond the limit
_STRANGERS = 50  # connections at a time of those who have not logged in yet
_GONE = select.POLLRDHUP | select.POLLHUP | select.POLLERR
_STOPPING = "terminating connection due to administrator command"


class Server:
    """A database on the wire.

    Args:
        session: the one that opened the database; it stays the caller's to close.
        users: who may come in.

    Raises:
        SourceError: the port is taken, or the certificate can't be used.
    """

    def __init__(self, session: Session, users: Users, options: Options) -> None:
        self.session, self.options = session, options
        self.metrics = Metrics()
        self.database = str(session.execute("SELECT current_database()").fetchone()[0])
        self.tls = _tls(session.engine.folder, options)
        self._users, self._stamp = users, users.stamp()
        self.gate = Gate(self.database, users, self.tls, plaintext=options.plaintext)
        self._connections: dict[int, Connection] = {}
        self._known: set[int] = set()  # of those who have logged in
        self._lock = threading.Lock()
        self._left = threading.Condition(self._lock)
        self._numbers = itertools.count(1)
        self._stopping = threading.Event()
        install(session.execute, self.database)
        session.engine.guard(options.files_root)
        session.engine.lock()
        self._listener = _listen(options)
        self.port = int(self._listener.getsockname()[1])
        self.health = self._health()
        for target in (self._accept, self._watch):
            threading.Thread(target=target, name=f"mfgsql{target.__name__}", daemon=True).start()

    def defaults(self, identity: Identity) -> dict[str, str]:
        """Settings of a session that are not everybody's."""
        return {
            "session_authorization": identity.name,
            "is_superuser": "on" if identity.role is Role.ADMIN else "off",
            "max_connections": str(self.options.max_connections),
        }

    # -- connections ------------------------------------------------------------------------------------------------

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                connected, _ = self._listener.accept()
            except OSError:
                if self._stopping.is_set():
                    return
                time.sleep(_TICK)  # out of descriptors: those who leave give some back
                continue
            try:
                self._begin(connected)
            except OSError:  # it left before it was greeted
                connected.close()

    def _begin(self, connected: socket.socket) -> None:
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            strangers = [number for number in self._connections if number not in self._known]
            if len(strangers) >= _STRANGERS:  # whoever has not logged in for longest makes place
                self._connections.pop(strangers[0]).stream.stop()
            process = next(self._numbers) & 0x7FFFFFFF
            connection = Connection(self, connected, process, secrets.randbits(32))
            self._connections[process] = connection
        threading.Thread(target=connection.serve, name=f"mfgsql-{process}", daemon=True).start()

    def entered(self, connection: Connection, *, reserved: bool) -> None:
        """Somebody has logged in.

        Raises:
            WireError: there are too many clients (53300), or the server is stopping (57P03).
        """
        with self._lock:
            if self._stopping.is_set():
                raise WireError("57P03", "the database system is shutting down", fatal=True)
            if len(self._known) >= self.options.max_connections + (_RESERVED if reserved else 0):
                raise WireError(
                    "53300", "sorry, too many clients already", remedy="mfgsql serve --max-connections", fatal=True
                )
            self._known.add(connection.activity.process)
            self.metrics.connections.set(len(self._known))

    def left(self, connection: Connection) -> None:
        """Somebody has gone."""
        with self._left:
            self._connections.pop(connection.activity.process, None)
            self._known.discard(connection.activity.process)
            self.metrics.connections.set(len(self._known))
            self._left.notify_all()

    def cancel(self, process: int, secret: int) -> None:
        """Stop the statement of a connection, for whoever has its key."""
        connection = self._connections.get(process)
        if connection is not None and secrets.compare_digest(str(connection.activity.secret), str(secret)):
            connection.activity.cancel()

    def signal(self, identity: Identity, process: int, end: bool) -> bool:
        """Stop what a session runs, or end it; whether there is one.

        Raises:
            WireError: it is somebody else's, and who asks is no admin (42501).
        """
        connection = self._connections.get(process)
        if connection is None or not connection.activity.user:
            return False
        if connection.activity.user != identity.name and identity.role is not Role.ADMIN:
            raise WireError("42501", f"Process {process} is another user's.", remedy="An admin may stop it.")
        connection.activity.cancel()
        if end:
            connection.end(WireError("57P01", _STOPPING, fatal=True))
            if connection.stream.sending:
                connection.stream.stop()
        return True

    # -- the watch --------------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        while not self._stopping.wait(_TICK):
            options, busy = self.options, []
            for connection in list(self._connections.values()):
                connection.watch(options.idle_timeout, options.transaction_timeout, options.statement_timeout)
                if connection.activity.busy:
                    busy.append(connection)
            self._cancel_for_the_gone(busy)
            self._end_for_the_removed()

    def _end_for_the_removed(self) -> None:
        """Who was removed, or has another role or password since, logs in anew or not at all."""
        if (stamp := self._users.stamp()) == self._stamp:
            return
        self._stamp = stamp
        known = {user.name: user for user in self._users.list()}
        for connection in list(self._connections.values()):
            if connection.user is not None and known.get(connection.user.name) != connection.user:
                connection.end(WireError("57P01", "the user was removed or changed", fatal=True))

    def _cancel_for_the_gone(self, busy: list[Connection]) -> None:
        """Nobody waits for what a client runs that has left."""
        poll = select.poll()
        by_number = {c.stream.fileno(): c for c in busy}
        for number in by_number:
            if number >= 0:
                poll.register(number, _GONE)
        for number, _ in poll.poll(0) if by_number else ():
            by_number[number].activity.cancel("the client is gone")

    def _health(self) -> Health | None:
        port = self.options.metrics_port
        return None if port is None else Health(self.options.host, port, self.metrics, self._trouble, self._refresh)

    def _trouble(self) -> str | None:
        """What keeps the server from serving."""
        if self._stopping.is_set():
            return "stopping"
        try:
            with self.session.engine.cursor() as cursor:
                cursor.execute("SELECT 1").fetchall()
        except Exception as error:  # noqa: BLE001  (whatever it is, it is what the question was for)
            return str(error).splitlines()[0]
        return None

    def _refresh(self) -> None:
        engine = self.session.engine
        self.metrics.models.set(engine.cache.bytes)
        self.metrics.training.set(engine.training_lock.locked())

    # -- the end ----------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Let nobody in, let those who wait go, and give statements the time that options say to end."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        # accept() does not notice a close; it does notice this.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._connections.values()):
            connection.end(WireError("57P01", _STOPPING, fatal=True))
        if not self._wait(self.options.drain) and not self._cancel_all(5.0):
            for connection in list(self._connections.values()):
                connection.stream.stop()
            self._wait(5.0)
        if self.health is not None:
            self.health.close()

    def _cancel_all(self, seconds: float) -> bool:
        """Stop what runs, again and again: a cancel between two statements is forgotten. Whether all have gone."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for connection in list(self._connections.values()):
                connection.activity.cancel(_STOPPING)
            if self._wait(_TICK):
                return True
        return False

    def _wait(self, seconds: float) -> bool:
        with self._left:
            return self._left.wait_for(lambda: not self._connections, seconds)


def _tls(folder: Path, options: Options) -> Tls | None:
    if not options.tls:
        return None
    if options.certificate is None:
        return own_tls(folder / "tls")
    return load_tls(options.certificate, options.key or options.certificate)


def _listen(options: Options) -> socket.socket:
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    try:
        return socket.create_server((options.host, options.port), family=family, backlog=256, reuse_port=False)
    except OSError as error:
        words = f"{options.host}:{options.port} can't be listened on: {error.strerror or error}."
        raise SourceError(words, remedy="Choose another port: mfgsql serve --port 5433") from None
