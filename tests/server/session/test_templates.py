"""Templates of times: what PostgreSQL 15 makes of them, by DuckDB; what is not known is told; all else stays as it is."""

from __future__ import annotations

import datetime

import duckdb
import psycopg
import pytest

from mfgsql.server.session.templates import templated
from mfgsql.wire.errors import WireError
from tests.server.conftest import Served

MOMENTS = ("2026-03-01 03:04:05.006007", "2024-12-30 15:00:00", "2000-02-29 12:59:59.999999", "1999-01-01 00:00:00")
# As PostgreSQL 15 writes these moments.
WRITTEN = {
    "YYYY-MM-DD HH24:MI:SS.US": ["2026-03-01 03:04:05.006007", "2024-12-30 15:00:00.000000", "2000-02-29 12:59:59.999999", "1999-01-01 00:00:00.000000"],
    "yyyymmdd": ["20260301", "20241230", "20000229", "19990101"],
    "DD.MM.YY": ["01.03.26", "30.12.24", "29.02.00", "01.01.99"],
    "FMDD.FMMM.YYYY FMHH24:FMMI:FMSS": ["1.3.2026 3:4:5", "30.12.2024 15:0:0", "29.2.2000 12:59:59", "1.1.1999 0:0:0"],
    "HH12:MI PM": ["03:04 AM", "03:00 PM", "12:59 PM", "12:00 AM"],
    "HH:MI:SS.MS AM": ["03:04:05.006 AM", "03:00:00.000 PM", "12:59:59.999 PM", "12:00:00.000 AM"],
    "FMHH12 FMHH": ["3 3", "3 3", "12 12", "12 12"],
    "IYYY-IW-ID": ["2026-09-7", "2025-01-1", "2000-09-2", "1998-53-5"],
    "DDD FMDDD": ["060 60", "365 365", "060 60", "001 1"],
    "Dy, DD Mon YYYY": ["Sun, 01 Mar 2026", "Mon, 30 Dec 2024", "Tue, 29 Feb 2000", "Fri, 01 Jan 1999"],
    "FMDay FMMonth": ["Sunday March", "Monday December", "Tuesday February", "Friday January"],
    "TMDay TMMonth": ["Sunday March", "Monday December", "Tuesday February", "Friday January"],
    'YYYY "week" IW, 100%': ["2026 week 09, 100%", "2024 week 01, 100%", "2000 week 09, 100%", "1999 week 53, 100%"],
    'YYYY-MM-DD"T"HH24:MI:SS"Z"': ["2026-03-01T03:04:05Z", "2024-12-30T15:00:00Z", "2000-02-29T12:59:59Z", "1999-01-01T00:00:00Z"],
    "''YYYY''": ["'2026'", "'2024'", "'2000'", "'1999'"],
}  # fmt: skip


def ask(sql: str) -> object:
    return duckdb.execute(templated(sql)).fetchone()[0]


@pytest.mark.parametrize("template", WRITTEN)
def test_times_are_written_as_postgres_does(template: str) -> None:
    assert [ask(f"SELECT to_char(TIMESTAMP '{m}', '{template}')") for m in MOMENTS] == WRITTEN[template]


@pytest.mark.parametrize("template", ["YYYY-MM-DD HH24:MI:SS.US", "YYYYMMDDHH24MISSUS", "US, SS:MI:HH24 on DD/MM/YYYY".replace(" on ", '" on "')])
def test_what_was_written_is_read_again(template: str) -> None:
    for moment in MOMENTS:
        stamp = f"TIMESTAMP '{moment}'"
        assert ask(f"SELECT to_timestamp(to_char({stamp}, '{template}'), '{template}') = {stamp}")


def test_what_superset_says() -> None:
    sql = "SELECT TO_TIMESTAMP('2026-01-02 03:04:05.600000', 'YYYY-MM-DD HH24:MI:SS.US')"
    assert ask(sql) == datetime.datetime(2026, 1, 2, 3, 4, 5, 600000)
    assert ask("SELECT TO_DATE('2026-01-02', 'YYYY-MM-DD')") == datetime.date(2026, 1, 2)


@pytest.mark.parametrize("template", ["Q", "Month", "DDth", "SSSS", "FMSSSS", "IDDD", "MON", "am", "YYYYY", "YYYY TZ", "HH24:MI:SSSP", "YYYY-MM-DDTHH24", '"open'])
def test_what_is_not_known_is_told(template: str) -> None:
    with pytest.raises(WireError, match="in the template is not known here") as caught:
        templated(f"SELECT 1, to_char(now(), '{template}')")
    assert (caught.value.sqlstate, caught.value.position) == ("0A000", 11)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT to_timestamp(0), to_timestamp(epoch(now()))", "SELECT to_char(a, b) FROM t", "SELECT to_char(a, 'YY' || 'YY') FROM t",
        "SELECT 'to_char(a, ''YYYY'')' AS text -- to_char(a, 'YYYY')", "SELECT mine.to_char(a, 'Q')", "SELECT to_char, to_date FROM t WHERE x IN (to_date)",
        "SELECT to_char(", "SELECT to_char(a, 'YYYY'", "SELECT to_char(a, $1)", 'SELECT "to_char" (1)',
    ],
)  # fmt: skip
def test_all_else_stays(sql: str) -> None:
    assert templated(sql) == sql


def test_calls_inside_calls() -> None:
    sql = "SELECT to_char(to_date(left($1, 8), 'YYYYMMDD'), 'DD') AS \"to_char(a, 'Q')\", '设备', to_char(d, 'YY')"
    assert templated(sql) == (
        "SELECT strftime(CAST(strptime(left($1, 8), '%Y%m%d') AS DATE), '%d') AS \"to_char(a, 'Q')\", '设备', strftime(d, '%y')"
    )


def test_over_the_wire(served: Served) -> None:
    with psycopg.connect(**served.named()) as con:
        sql = "SELECT count(*), to_char(max(ts), 'DD.MM.YYYY') FROM parts WHERE ts >= to_timestamp(%s, 'YYYY-MM-DD HH24:MI')"
        expected = served.truth("SELECT count(*), strftime(max(ts), '%d.%m.%Y') FROM parts WHERE ts >= '2026-01-01 03:00'")
        assert con.execute(sql, ["2026-01-01 03:00"]).fetchall() == expected
        with pytest.raises(psycopg.errors.FeatureNotSupported, match="strftime and strptime"):
            con.execute("SELECT to_char(now(), 'Q')")
