"""What PostgreSQL 15 answered, and readers of the messages that are tested."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

ANSWERS = json.loads((Path(__file__).parent / "postgres15.json").read_text(encoding="utf-8"))
"""For each value: DuckDB's type and literal, and what PostgreSQL sent for it, as text and as binary in hexadecimal."""

Fields = list[bytes | None]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "answer" in metafunc.fixturenames:
        names = [f"{a['type']} {a['value']} {a.get('zone', '')}".strip() for a in ANSWERS]
        metafunc.parametrize("answer", ANSWERS, ids=names)


@pytest.fixture(scope="session")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        con.execute("SET timezone = 'UTC'")
        yield con


@pytest.fixture(scope="session")
def rows_of() -> Callable[[bytes, bytes], list[bytes]]:
    """The bodies of messages of one kind that lie one after the other."""

    def read(buffer: bytes, kind: bytes) -> list[bytes]:
        found, at, buffer = [], 0, bytes(buffer)
        while at < len(buffer):
            assert buffer[at : at + 1] == kind
            size = struct.unpack_from(">i", buffer, at + 1)[0]
            found.append(buffer[at + 5 : at + 1 + size])
            assert len(found[-1]) == size - 4
            at += 1 + size
        return found

    return read


@pytest.fixture(scope="session")
def fields_of(rows_of: Callable[[bytes, bytes], list[bytes]]) -> Callable[[bytes], list[Fields]]:
    """The fields of DataRow messages."""

    def read(buffer: bytes) -> list[Fields]:
        found = []
        for body in rows_of(buffer, b"D"):
            count, at, fields = struct.unpack_from(">h", body)[0], 2, []
            for _ in range(count):
                size = struct.unpack_from(">i", body, at)[0]
                fields.append(None if size < 0 else body[at + 4 : at + 4 + size])
                at += 4 + max(size, 0)
            assert at == len(body)
            found.append(fields)
        return found

    return read
