"""polars and connectorx: a query as a frame, by one connection or by several that share its rows."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal

import polars as pl
import pytest

from tests.server.clients.conftest import LIKELY
from tests.server.conftest import Served

ENGINES = ["adbc", "connectorx"]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_table(served: Served, truth: Callable, engine: str) -> None:
    frame = pl.read_database_uri("SELECT id, x, label, moment, odd FROM many ORDER BY id", served.url("reader"), engine=engine)
    assert frame.rows() == truth("FROM many ORDER BY id")


@pytest.mark.parametrize("engine", ENGINES)
def test_predictions(served: Served, truth: Callable, engine: str) -> None:
    assert pl.read_database_uri(LIKELY, served.url("reader"), engine=engine).rows() == truth(LIKELY)


def test_types_by_connectorx(served: Served, everything: Callable) -> None:
    names = (
        "id, c_boolean, c_smallint, c_integer, c_bigint, c_float, c_double, c_varchar, c_blob, c_date, c_time, c_timestamp, "
        "c_timestamptz, c_decimal"
    )
    query = f"SELECT {names} FROM everything WHERE id IN (1, 4) ORDER BY id"
    frame = pl.read_database_uri(query, served.url("reader"), engine="connectorx")
    first, fourth = frame.rows(named=True)
    expected = everything(True)[0]
    assert Decimal(first.pop("c_decimal")) == expected["c_decimal"]
    assert first == {name: expected[name] for name in first}
    assert set(list(fourth.values())[1:]) == {None}


@pytest.mark.parametrize("protocol", ["binary", "csv", "cursor", "simple"])
def test_a_query_in_parts(served: Served, truth: Callable, protocol: str) -> None:
    """In a process of its own: it waits for its connections while it holds Python's lock, which the server here needs."""
    program = (
        "import connectorx, sys; print(connectorx.read_sql(sys.argv[1], 'SELECT id, label, x FROM many', partition_on='id', "
        "partition_num=4, protocol=sys.argv[2], return_type='polars').write_csv())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, served.url("reader"), protocol], capture_output=True, text=True, timeout=60, check=True
    )
    rows = sorted((int(i), label, float(x)) for i, label, x in (line.split(",") for line in done.stdout.split("\n")[1:] if line))
    assert rows == truth("SELECT id, label, x FROM many ORDER BY id")
