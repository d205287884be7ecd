"""The stream: messages are found in pieces of any size, and what is none ends the connection."""

import socket
import struct
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfgsql.server.errors import Disconnected, Woken
from mfgsql.server.protocol import frontend
from mfgsql.server.protocol.stream import Stream
from mfgsql.wire.errors import WireError


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    yield Stream(ours), theirs
    ours.close()
    theirs.close()


def query(sql):
    return b"Q" + struct.pack("!i", len(sql) + 5) + sql.encode() + b"\0"


@given(st.lists(st.text("ab", max_size=9), min_size=1, max_size=6), st.integers(1, 20))
def test_messages_are_found_however_they_are_cut(statements, size):
    ours, theirs = socket.socketpair()
    data = b"".join(map(query, statements))

    def send():
        for at in range(0, len(data), size):
            theirs.sendall(data[at : at + size])
        theirs.close()

    threading.Thread(target=send).start()
    stream = Stream(ours)
    assert [stream.message() for _ in statements] == [frontend.Query(s) for s in statements]
    with pytest.raises(Disconnected):
        stream.message()
    ours.close()


def test_what_is_waiting_stays(pair):
    stream, theirs = pair
    theirs.sendall(query("a") + query("b") + query("c")[:4])
    assert stream.message() == frontend.Query("a")
    assert stream.waiting() == frontend.Query("b")
    assert stream.message() == frontend.Query("b")
    assert stream.waiting() is None


@pytest.mark.parametrize(
    "data", [b"GET / HTTP/1.1\r\n\r\n", b"Q\xff\xff\xff\xff", b"Q\0\0\0\3", b"\0\0\0\0\0\0", b"Q\x7f\xff\xff\xff"]
)
def test_bytes_that_are_no_message_end_it(pair, data):
    stream, theirs = pair
    theirs.sendall(data)
    with pytest.raises(WireError) as caught:
        stream.message()
    assert caught.value.fatal


def test_a_message_that_is_wrong_inside_is_passed_over(pair):
    stream, theirs = pair
    theirs.sendall(b"D" + struct.pack("!i", 6) + b"Xa" + query("a"))
    with pytest.raises(WireError) as caught:
        stream.message()
    assert not caught.value.fatal
    assert stream.message() == frontend.Query("a")


def test_before_the_login_messages_are_short(pair):
    stream, theirs = pair
    theirs.sendall(query("x" * 20_000)[:100])
    with pytest.raises(WireError, match="20,005 bytes"):
        stream.message()


def test_what_is_written_goes_out_before_one_waits(pair):
    stream, theirs = pair
    stream.write(b"hello")
    threading.Timer(0.2, lambda: theirs.sendall(query("a"))).start()
    stream.message()
    assert theirs.recv(10) == b"hello"
    assert stream.sent == 5


def test_another_thread_ends_the_wait_and_a_last_word_goes_out(pair):
    stream, theirs = pair
    threading.Timer(0.2, stream.wake).start()
    with pytest.raises(Woken):
        stream.message()
    stream.write(b"bye")
    stream.flush()
    assert theirs.recv(10) == b"bye"


def test_bytes_before_the_encryption_are_refused(pair):
    import ssl

    stream, theirs = pair
    theirs.sendall(struct.pack("!ii", 8, 80877103) + b"x")
    assert stream.first() == frontend.SslRequest()
    with pytest.raises(WireError, match="before the encryption"):
        stream.encrypt(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))


def test_a_silent_client_is_not_waited_for(pair):
    stream, _ = pair
    stream.patience(0.1)
    with pytest.raises(WireError, match="too long"):
        stream.first()
