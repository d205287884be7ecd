"""Messages: what a client sends is read as it was meant, or refused; nothing else happens, whatever comes."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfgsql.server.protocol import backend, frontend
from mfgsql.wire.errors import WireError

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
values = st.one_of(st.none(), st.binary(max_size=20))


def z(text):
    return text.encode() + b"\0"


@given(texts, texts, st.lists(st.integers(0, 2**32 - 1), max_size=5))
def test_parse(name, sql, oids):
    data = z(name) + z(sql) + struct.pack(f"!H{len(oids)}I", len(oids), *oids)
    assert frontend.read_message(b"P", data) == frontend.Parse(name, sql, tuple(oids))


@given(texts, texts, st.lists(values, max_size=5), st.lists(st.integers(0, 1), max_size=5))
def test_bind(portal, statement, given_values, results):
    data = z(portal) + z(statement) + struct.pack("!HhH", 1, 1, len(given_values))
    for value in given_values:
        data += struct.pack("!i", -1) if value is None else struct.pack("!i", len(value)) + value
    data += struct.pack(f"!H{len(results)}h", len(results), *results)
    expected = frontend.Bind(portal, statement, (1,), tuple(given_values), tuple(results))
    assert frontend.read_message(b"B", data) == expected


def test_the_others():
    assert frontend.read_message(b"Q", z("select 1")) == frontend.Query("select 1")
    assert frontend.read_message(b"D", b"S" + z("a")) == frontend.Describe("S", "a")
    assert frontend.read_message(b"E", z("p") + struct.pack("!i", 10)) == frontend.Execute("p", 10)
    assert frontend.read_message(b"C", b"P" + z("")) == frontend.Close("P", "")
    assert frontend.read_message(b"S", b"") == frontend.Sync()
    assert frontend.read_message(b"f", z("no")) == frontend.CopyFail("no")
    assert frontend.read_message(b"d", b"\x00\xff") == frontend.CopyData(b"\x00\xff")


@given(st.sampled_from("QPBDECSHXpdcf"), st.binary(max_size=200))
def test_whatever_comes_is_read_or_refused(kind, data):
    try:
        frontend.read_message(kind.encode(), data)
    except WireError as error:
        assert error.sqlstate in ("08P01", "22021")
        assert not error.fatal  # its length was right: the next message can be found


@given(st.binary(max_size=200))
def test_a_first_message_too(data):
    try:
        frontend.read_first(data)
    except WireError as error:
        assert error.sqlstate in ("08P01", "0A000", "22021")


def test_first_messages():
    assert frontend.read_first(struct.pack("!i", 80877103)) == frontend.SslRequest()
    assert frontend.read_first(struct.pack("!i", 80877104)) == frontend.GssRequest()
    assert frontend.read_first(struct.pack("!iII", 80877102, 7, 2**32 - 1)) == frontend.CancelRequest(7, 2**32 - 1)
    startup = struct.pack("!i", 3 << 16) + z("user") + z("anna") + z("database") + z("plant") + b"\0"
    assert frontend.read_first(startup) == frontend.Startup(0, {"user": "anna", "database": "plant"})
    with pytest.raises(WireError, match="Version 2.0"):
        frontend.read_first(struct.pack("!i", 2 << 16))


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (backend.ready("T"), b"Z\0\0\0\x05T"),
        (backend.command_complete("SELECT 3"), b"C\0\0\0\x0dSELECT 3\0"),
        (backend.parameter_status("a", "b"), b"S\0\0\0\x08a\0b\0"),
        (backend.copy_out(2, 1), b"H\0\0\0\x0b\x01\0\x02\0\x01\0\x01"),
        (backend.parameter_description([23]), b"t\0\0\0\x0a\0\x01\0\0\0\x17"),
        (
            backend.row_description([backend.Field("a", 23, 4, -1, 1)]),
            b"T\0\0\0\x1a\0\x01a\0" + struct.pack("!IhIhih", 0, 0, 23, 4, -1, 1),
        ),
        (backend.negotiate(0, ["_pq_.x"]), b"v\0\0\0\x13\0\x03\0\0\0\0\0\x01_pq_.x\0"),
    ],
)
def test_what_the_server_sends(message, expected):
    assert message == expected


def test_an_error_has_its_fields_and_no_nul():
    data = backend.error("ERROR", "42601", "bad\0 thing", hint="mend it", position=7)
    assert data[0:1] == b"E"
    assert struct.unpack("!i", data[1:5])[0] == len(data) - 1
    assert data[5:] == b"SERROR\0VERROR\0C42601\0Mbad thing\0Hmend it\0P7\0\0"
