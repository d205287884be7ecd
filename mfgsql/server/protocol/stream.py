"""A socket as a stream of messages: read whole, within limits; written in few pieces."""

from __future__ import annotations

import select
import socket
import ssl
import struct

from mfgsql.server.errors import Disconnected, Woken
from mfgsql.server.protocol import frontend
from mfgsql.wire.errors import WireError

_PIECE = 1 << 16
FIRST_LIMIT = 10_000  # bytes of a first message, and of any before a client is known, as PostgreSQL has it
LIMIT = 1 << 28  # bytes of a message: a statement, its values, a piece of a COPY


class Stream:
    """One connection's bytes. One thread reads and writes; others may only end it.

    Attributes:
        limit: bytes that a message may have.
        sent: bytes so far. sending: whether the client is being waited for to take some.
    """

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._patience: float | None = None  # seconds
        self._woken, self._waker = socket.socketpair()
        self._read = bytearray()
        self._at = 0
        self._written: list[bytes] = []
        self._size = 0
        self.limit = FIRST_LIMIT
        self.sent, self.sending = 0, False

    # -- reading ----------------------------------------------------------------------------------------------------

    def first(self) -> frontend.First:
        """The first message, which has no letter.

        Raises:
            Disconnected: the client left. WireError: it is no message of this protocol.
        """
        self._need(4)
        (size,) = struct.unpack_from("!i", self._read, self._at)
        if not 8 <= size <= FIRST_LIMIT:
            raise WireError("08P01", "That is no start of a PostgreSQL connection.", fatal=True)
        self._need(size)
        data = bytes(self._read[self._at + 4 : self._at + size])
        self._drop(size)
        return frontend.read_first(data)

    def message(self) -> frontend.Message:
        """The next message; what was written goes out first.

        Raises:
            Disconnected: the client left. Woken: another thread has something to say.
            WireError: it is no message, or too long. It is fatal where the next message can't be found.
        """
        if not self._has(5):
            self.flush()
        self._need(5)
        kind, size = bytes(self._read[self._at : self._at + 1]), self._length()
        if not frontend.is_known(kind) or size < 4:
            raise WireError("08P01", "Bytes came that are no message of the PostgreSQL protocol.", fatal=True)
        if size > self.limit:
            raise WireError("54000", f"A message has {size:,} bytes; {self.limit:,} are allowed.", fatal=True)
        self._need(size + 1)
        data = bytes(self._read[self._at + 5 : self._at + 1 + size])
        self._drop(size + 1)
        return frontend.read_message(kind, data)

    def waiting(self) -> frontend.Message | None:
        """The next message where it is here already; it stays."""
        if not self._has(5) or not self._has(self._length() + 1):
            return None
        kind, size = bytes(self._read[self._at : self._at + 1]), self._length()
        try:
            return frontend.read_message(kind, bytes(self._read[self._at + 5 : self._at + 1 + size]))
        except WireError:
            return None  # it is told when its turn comes

    @property
    def is_empty(self) -> bool:
        """Whether nothing came that was not read."""
        return self._at == len(self._read)

    def _length(self) -> int:
        return int(struct.unpack_from("!i", self._read, self._at + 1)[0])

    def _has(self, size: int) -> bool:
        return len(self._read) - self._at >= size

    def _drop(self, size: int) -> None:
        self._at += size
        if self._at == len(self._read):
            self._read, self._at = bytearray(), 0
        elif self._at > 16 * _PIECE:
            del self._read[: self._at]
            self._at = 0

    def _need(self, size: int) -> None:
        while not self._has(size):
            self._wait()
            try:
                piece = self._socket.recv(_PIECE)
            except TimeoutError:
                raise _late() from None
            except OSError as error:
                raise Disconnected from error
            if not piece:
                raise Disconnected
            self._read += piece

    def _wait(self) -> None:
        """Until the client says something, or another thread that it is over."""
        if isinstance(self._socket, ssl.SSLSocket) and self._socket.pending():
            return
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        poll.register(self._woken, select.POLLIN)
        ready = dict(poll.poll(None if self._patience is None else self._patience * 1e3))
        if not ready:
            raise _late()
        if self._woken.fileno() in ready:
            self._woken.recv(_PIECE)
            raise Woken

    # -- writing ----------------------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Send it, soon."""
        self._written.append(data)
        self._size += len(data)
        if self._size >= _PIECE:
            self.flush()

    def flush(self) -> None:
        """Send what was written.

        Raises:
            Disconnected: the client left.
        """
        if not self._written:
            return
        data = b"".join(self._written) if len(self._written) > 1 else self._written[0]
        self._written, self._size = [], 0
        self.sending = True
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise Disconnected from error
        finally:
            self.sending = False
        self.sent += len(data)

    # -- the socket -------------------------------------------------------------------------------------------------

    def encrypt(self, context: ssl.SSLContext) -> None:
        """Go on by TLS.

        Raises:
            WireError: bytes came before that, which somebody in between could have put there.
            Disconnected: no handshake came about.
        """
        if not self.is_empty:
            raise WireError("08P01", "Bytes came before the encryption began.", fatal=True)
        try:
            self._socket = context.wrap_socket(self._socket, server_side=True)
        except OSError as error:
            raise Disconnected from error

    @property
    def is_encrypted(self) -> bool:
        """Whether it goes by TLS."""
        return isinstance(self._socket, ssl.SSLSocket)

    def patience(self, seconds: float | None) -> None:
        """How long the client may be silent; None for ever."""
        self._patience = seconds
        self._socket.settimeout(seconds)

    def fileno(self) -> int:
        """Of the socket; -1 where it is closed."""
        return self._socket.fileno()

    def wake(self) -> None:
        """From another thread: whoever waits for a message meets `Woken`."""
        try:
            self._waker.send(b"!")
        except OSError:
            return  # it is closed

    def stop(self) -> None:
        """From another thread: end it, whatever it does."""
        try:
            # SSLSocket.shutdown would forget the encryption under the feet of the thread that writes.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
        except OSError:
            return  # it is closed

    def close(self) -> None:
        """Close the socket; an encrypted one with a good-bye, without waiting for the client's."""
        try:
            if isinstance(self._socket, ssl.SSLSocket):
                self._socket.settimeout(0)
                self._socket.unwrap()
        except (OSError, ValueError):
            pass  # the good-bye is sent, or there is nobody left to hear it
        finally:
            self._socket.close()
            self._woken.close()
            self._waker.close()


def _late() -> WireError:
    return WireError("08006", "The client took too long.", fatal=True)
