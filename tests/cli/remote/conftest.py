"""A command on a server, and on the same database without it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from mfgsql.cli import main
from tests.server.conftest import Served, served

__all__ = ["served"]  # the fixture
Run = Callable[..., Result]
ODD = """
SELECT 1 AS n, NULL AS nothing, 'a,"b"' AS text, [1, NULL] AS list, MAP {'k': 1::DOUBLE} AS map, true AS yes,
  'NaN'::DOUBLE AS nan, 'infinity'::DATE AS forever, DATE '20000-01-01' AS far, TIME '24:00:00' AS midnight,
  1.50::DECIMAL(4, 2) AS price, 'x'::BLOB AS raw, 0.1::FLOAT AS single, [0.1::FLOAT] AS singles, 5::HUGEINT AS huge,
  '00000000-0000-0000-0000-000000000001'::UUID AS id, '10:00:00+02'::TIMETZ AS zoned, '101'::BIT AS bits,
  TIMESTAMPTZ '2026-01-01 00:00:00+01' AS at, TIMESTAMP '2026-01-01 00:00:00.5' AS local, '{"a": [1]}'::JSON AS json,
  INTERVAL '13 months 2 days 3 seconds' AS span, 'x'::ENUM ('x', 'y') AS enum, [DATE '2026-01-01', NULL] AS days,
  [1, 2]::INT[2] AS pair, MAP {true: 1} AS truths, MAP {[1]: 2} AS lists, union_value(num := 3) AS either,
  {'a': 1::DOUBLE, 'b': 2.00::DECIMAL(5, 2), 'c': DATE '2026-01-02', 't': TIMESTAMP '2026-01-02 03:04:05', 'z': NULL,
   'raw': 'ab'::BLOB, 'deep': [{'x': INTERVAL '1 month'}], 'f': 0.1::FLOAT, 'no': 'infinity'::DOUBLE} AS struct
"""


def run(*arguments: str, **environment: str) -> Result:
    """Run a command; no database is named by the environment, unless told."""
    return CliRunner(env={"MFGSQL_DB": "", "MFGSQL_URL": "", **environment}).invoke(main, list(arguments))


def rows(result: Result) -> list[dict[str, object]]:
    """Of ``--format json``."""
    assert result.exit_code == 0, result.output
    found: list[dict[str, object]] = json.loads(result.stdout)
    return found


@pytest.fixture()
def remote(served: Served) -> Run:  # noqa: F811
    """Run a command on the server, as its admin."""
    return lambda *arguments: run(*arguments, "--url", served.url("admin"))


@pytest.fixture()
def local(served: Served) -> Run:  # noqa: F811
    """Run a command on the same database, which this process holds."""
    return lambda *arguments: run(*arguments, "--db", str(served.files.parent / "plant.duckdb"))
