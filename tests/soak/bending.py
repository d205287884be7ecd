"""Streams of bytes that no client sends: random ones, and right ones with something wrong in them."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Mapping, Sequence

from tests.soak.raw import PROTOCOL, message, startup

Messages = list[bytes]
_CODES = (PROTOCOL, PROTOCOL + 2, 80877102, 80877103, 80877104, 2 << 16, 0, 0xFFFFFFFF)
_LENGTHS = (-(2**31), -1, 0, 1, 3, 4, 5, 7, 8, 255, 65535, 65536, 2**20, 2**28, 2**28 + 1, 2**31 - 1)
_KINDS = b"QPBDECSHXpdcfF\0\xff "
_HARD = (
    b"\0",
    b"\0\0",
    b"\xff\xfe",
    b"\xc3",
    b"\xed\xa0\x80",
    b"'",
    b'"',
    b"\\",
    b";",
    b"$1",
    b"/*",
    b"--",
    b"\n",
    b"%s",
    b"\xf0\x9f\xa6\x86",
)
_SQL = (
    "SELECT 1", "SELECT $1::INT + 1", "SELECT $1, $2", "SELECT * FROM parts WHERE id < $1", "BEGIN", "COMMIT", "ROLLBACK",
    "SELECT * FROM ml_predict('fail', 'parts') WHERE probability > $1", "SAVEPOINT a", "ROLLBACK TO a", "SELECT 'a", "",
    "COPY (SELECT 1) TO STDOUT", "CREATE TEMP TABLE t(a INT)", "COPY t FROM STDIN", "COPY t FROM STDIN (FORMAT binary)",
    "COPY t FROM STDIN (FORMAT csv, HEADER)", "INSERT INTO t VALUES ($1)", "DECLARE c CURSOR WITH HOLD FOR SELECT 1",
    "FETCH 3 FROM c", "FETCH ALL FROM p", "SELECT 1; SELECT 2; SELECT x", "SET statement_timeout = '1s'", "SHOW ALL",
    "DISCARD ALL", "SELECT * FROM pg_class WHERE oid = $1", "SELECT 'parts'::regclass", "SELECT $65535", "SELECT $0", "SELECT $2000000000",
    "SELECT $1 || $2 FROM range(100)", "EXPLAIN SELECT $1", "PREPARE x AS SELECT $1", "EXECUTE x(1)", "DEALLOCATE x",
    "SELECT ml_predict('fail', p) FROM parts p WHERE id = $1", "SELECT [1, NULL, $1]", "VALUES ($1, $2), (3, 4)", "(", ")",
    "SELECT INTERVAL 1 DAY, DATE '2020-01-01', 1e308::DOUBLE, 'x'::BLOB, {'a': 1}, MAP {'k': 1}", "SET TimeZone = 'x'",
    "CLOSE ALL", "SELECT repeat('x', 100000)", "MOVE 1 FROM c", "SET search_path = 'nowhere'", "SELECT 1/$1",
)  # fmt: skip
_OIDS = (
    0,
    16,
    17,
    20,
    21,
    23,
    25,
    114,
    700,
    701,
    705,
    1043,
    1082,
    1083,
    1114,
    1184,
    1186,
    1700,
    2950,
    1007,
    1009,
    1231,
    26,
    4294967295,
)
_NAMES = ("", "p", "s", "x", "c", "名", "a" * 300)


def strange(dice: random.Random, salt: Sequence[bytes] = ()) -> bytes:
    """What a stranger sends who does not get as far as a password."""
    kind = dice.randrange(5)
    if kind == 0:
        return dice.randbytes(dice.choice((0, 1, 7, 8, 40, 500, 20_000)))
    if kind == 1:
        body = dice.randbytes(dice.choice((0, 1, 8, 30)))
        size = dice.choice((len(body) + 8, *_LENGTHS))
        return struct.pack("!iI", size, dice.choice(_CODES)) + body
    if kind == 2:
        return dice.choice(
            (
                b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + dice.randbytes(508),
            )
        )
    name = dice.choice(("analyst", "nobody", "", "a" * 200, "x\xff"))
    first = startup(user=name, database=dice.choice(("plant", "", "other")), **_more(dice))
    encryption = struct.pack("!ii", 8, dice.choice((80877103, 80877104)))
    logins: Messages = [first, *(_login(dice) for _ in range(dice.randrange(4)))]
    if dice.random() < 0.3:
        logins = [encryption] * dice.randrange(1, 5) + logins
    return b"".join(logins) if kind == 3 else bend(dice, logins)


def _more(dice: random.Random) -> dict[str, str]:
    words = ("-c timezone=UTC", "-c x", "--a=b -c", "\\ \\", "-c statement_timeout=1x", "x" * 500)
    return {
        name: dice.choice(words)
        for name in ("options", "replication", "_pq_.x", "client_encoding", "DateStyle", "application_name")
        if dice.random() < 0.2
    }


def _login(dice: random.Random) -> bytes:
    text = dice.choice(
        (
            b"n,,n=,r=abc",
            b"y,,n=,r=abc",
            b"p=tls-server-end-point,,n=,r=a",
            b"n,a=x,n=,r=a",
            b"n,,",
            b"c=biws,r=abc,p=AAAA",
            b"\xff",
        )
    )
    size = struct.pack("!i", dice.choice((len(text), len(text) + 1, -1)))
    first = dice.choice((b"SCRAM-SHA-256\0", b"SCRAM-SHA-256-PLUS\0", b"MD5\0", b"")) + size + text
    return message(b"p", dice.choice((first, first, text)))


def talk(dice: random.Random) -> Messages:
    """Right messages in an order that is not."""
    return [_SAID[dice.choice(_LETTERS)](dice) for _ in range(dice.randrange(1, 25))]


def _text(value: str) -> bytes:
    return value.encode() + b"\0"


def _name(dice: random.Random) -> bytes:
    return _text(dice.choice(_NAMES))


def _parse(dice: random.Random) -> bytes:
    oids = dice.choices(_OIDS, k=dice.randrange(4))
    body = struct.pack(f"!H{len(oids)}I", len(oids), *oids)
    return message(b"P", _name(dice) + _text(dice.choice(_SQL)) + body)


def _bind(dice: random.Random) -> bytes:
    formats = dice.choices((0, 1, 2), (5, 5, 1), k=dice.randrange(3))
    values = [_value(dice) for _ in range(dice.randrange(4))]
    body = struct.pack(f"!H{len(formats)}H", len(formats), *formats) + struct.pack("!H", len(values)) + b"".join(values)
    results = dice.choices((0, 1, 2), (5, 5, 1), k=dice.randrange(3))
    return message(b"B", _name(dice) + _name(dice) + body + struct.pack(f"!H{len(results)}H", len(results), *results))


def _value(dice: random.Random) -> bytes:
    if dice.random() < 0.2:
        return struct.pack("!i", -1)
    value = dice.choice(
        (
            b"1",
            b"",
            b"abc",
            b"{1,2}",
            b"2020-01-01",
            b"1e999",
            b"\0" * 8,
            dice.randbytes(dice.choice((1, 2, 4, 8, 16, 20))),
        )
    )
    return struct.pack("!i", len(value)) + value


_SAID: Mapping[str, Callable[[random.Random], bytes]] = {
    "Q": lambda dice: message(b"Q", _text(dice.choice(_SQL))),
    "P": _parse,
    "B": _bind,
    "D": lambda dice: message(b"D", dice.choice((b"S", b"P", b"X")) + _name(dice)),
    "E": lambda dice: message(b"E", _name(dice) + struct.pack("!i", dice.choice((0, 0, 1, 5, -1, 2**31 - 1)))),
    "C": lambda dice: message(b"C", dice.choice((b"S", b"P")) + _name(dice)),
    "S": lambda dice: message(b"S"),
    "H": lambda dice: message(b"H"),
    "d": lambda dice: message(
        b"d", dice.choice((b"1\n", b"1\t2\n", b"\\.\n", b"PGCOPY\n\xff\r\n\0" + bytes(8), dice.randbytes(30)))
    ),
    "c": lambda dice: message(b"c"),
    "f": lambda dice: message(b"f", b"no more\0"),
    "p": lambda dice: message(b"p", b"a password\0"),
    "X": lambda dice: message(b"X"),
}
_LETTERS = "QQQPPPPBBBBBDDDEEEEECSSSSHddcfpX"


def bend(dice: random.Random, messages: Messages) -> bytes:
    """The messages with one to three things wrong."""
    bent = list(messages)
    for _ in range(dice.choice((1, 1, 2, 3))):
        if bent:
            dice.choice(_BENDS)(dice, bent)
    return b"".join(bent)


def _at(dice: random.Random, bent: Messages) -> int:
    return dice.randrange(len(bent))


def _drop(dice: random.Random, bent: Messages) -> None:
    at = _at(dice, bent)
    del bent[at : at + dice.choice((1, 1, 1, 4))]


def _double(dice: random.Random, bent: Messages) -> None:
    at = _at(dice, bent)
    bent[at:at] = [bent[at]] * dice.choice((1, 1, 3))


def _swap(dice: random.Random, bent: Messages) -> None:
    a, b = _at(dice, bent), _at(dice, bent)
    bent[a], bent[b] = bent[b], bent[a]


def _cut(dice: random.Random, bent: Messages) -> None:
    at = _at(dice, bent)
    bent[at] = bent[at][: dice.randrange(len(bent[at]) + 1)]
    if dice.random() < 0.7:
        del bent[at + 1 :]


def _flip(dice: random.Random, bent: Messages) -> None:
    """Bits of the body: its length stays right."""
    at = _at(dice, bent)
    changed = bytearray(bent[at])
    for _ in range(dice.choice((1, 1, 2, 8))):
        if len(changed) > 5:
            changed[dice.randrange(5, len(changed))] ^= dice.choice((1, 2, 32, 128, 255))
    bent[at] = bytes(changed)


def _put(dice: random.Random, bent: Messages) -> None:
    """Bytes put into the body or in the place of some, with the length that goes with them."""
    at = _at(dice, bent)
    kind, body = bent[at][:1], bent[at][5:]
    where, gone = dice.randrange(len(body) + 1), dice.choice((0, 0, 1, 2, 5))
    put = dice.choice(
        (*_HARD, struct.pack("!H", dice.choice((0, 1, 65535, 32768))), struct.pack("!i", dice.choice(_LENGTHS)))
    )
    bent[at] = message(kind, body[:where] + put + body[where + gone :])


def _lie(dice: random.Random, bent: Messages) -> None:
    """A length that is not so."""
    at = _at(dice, bent)
    size = dice.choice((*_LENGTHS, len(bent[at]), len(bent[at]) - 2))
    bent[at] = bent[at][:1] + struct.pack("!i", max(-(2**31), size)) + bent[at][5:]


def _rename(dice: random.Random, bent: Messages) -> None:
    at = _at(dice, bent)
    bent[at] = bytes([dice.choice(_KINDS)]) + bent[at][1:]


def _noise(dice: random.Random, bent: Messages) -> None:
    bent.insert(_at(dice, bent), dice.randbytes(dice.choice((1, 3, 5, 100))))


_BENDS = (_drop, _double, _swap, _cut, _flip, _flip, _put, _put, _put, _lie, _rename, _noise)
