"""Statements for data as Grafana, Metabase, Power BI and Tableau write them, sent by psycopg: the programs themselves don't
run here. What they ask of the catalog is in ``tests/server/catalog/queries``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.e2e.conftest import Truth
from tests.soak.served import Served

MORNING = "ts BETWEEN TIMESTAMP '2026-01-01 01:00' AND TIMESTAMP '2026-01-01 03:00'"
# Who writes it: the statement, and the same in DuckDB's words.
STATEMENTS = {
    "Grafana, $__timeGroup and $__timeFilter": (
        """SELECT floor(extract(epoch from ts)/300)*300 AS "time", avg(probability) AS "value", unit AS metric FROM risk
        WHERE ts BETWEEN '2026-01-01T01:00:00Z' AND '2026-01-01T03:00:00Z' GROUP BY 1, 3 ORDER BY 1, 3""",
        f"SELECT epoch(time_bucket(INTERVAL 5 MINUTE, ts)), avg(probability), unit FROM risk WHERE {MORNING} GROUP BY ALL ORDER BY 1, 3",
    ),
    "Grafana, $__unixEpochFilter": (
        "SELECT id FROM risk WHERE extract(epoch from ts) >= 1767229200 AND extract(epoch from ts) <= 1767236400 ORDER BY 1",
        f"SELECT id FROM risk WHERE {MORNING} ORDER BY ALL",
    ),
    "Metabase, by month, in a range": (
        """SELECT DATE_TRUNC('month', "main"."risk"."ts") AS "ts", COUNT(*) AS "count" FROM "main"."risk"
        WHERE ("main"."risk"."ts" >= timestamp with time zone '2026-01-01 01:00:00.000Z')
        AND ("main"."risk"."ts" < timestamp with time zone '2026-01-01 03:00:00.000Z')
        GROUP BY DATE_TRUNC('month', "main"."risk"."ts") ORDER BY DATE_TRUNC('month', "main"."risk"."ts") ASC""",
        "SELECT TIMESTAMP '2026-01-01', count(*) FROM risk WHERE date_part('hour', ts) IN (1, 2)",
    ),
    "Metabase, a histogram": (
        """SELECT ((FLOOR((("main"."risk"."probability" - 0.0) / 0.25)) * 0.25) + 0.0) AS "probability", COUNT(*) AS "count"
        FROM "main"."risk" GROUP BY ((FLOOR((("main"."risk"."probability" - 0.0) / 0.25)) * 0.25) + 0.0) ORDER BY 1 ASC""",
        "SELECT floor(probability * 4) / 4 AS b, count(*) FROM risk GROUP BY b ORDER BY b",
    ),
    "Metabase, by weekday, median": (
        """SELECT (CAST(extract(dow from "ts") AS integer) + 1) AS "ts", PERCENTILE_CONT(0.5) within group (order by "probability") AS "m"
        FROM risk GROUP BY (CAST(extract(dow from "ts") AS integer) + 1)""",
        "SELECT 5, median(probability) FROM risk",
    ),
    "Power BI, DirectQuery": (
        """select "rows"."unit" as "unit", sum("rows"."probability") as "a0" from (select "_"."unit", "_"."probability" from "main"."risk" "_"
        where "_"."shift" = 'A' and "_"."shift" is not null) "rows" group by "unit" order by "unit" limit 1000001""",
        "SELECT unit, sum(probability) FROM risk WHERE shift = 'A' GROUP BY ALL ORDER BY ALL",
    ),
    "Tableau": (
        """SELECT SUM("risk"."probability") AS "sum:probability:ok", CAST(DATE_TRUNC('MONTH', "risk"."ts") AS DATE) AS "tmn:ts:ok"
        FROM "main"."risk" "risk" GROUP BY 2 HAVING (COUNT(1) > 0)""",
        "SELECT sum(probability), DATE '2026-01-01' FROM risk",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def con(served: Served) -> Iterator[psycopg.Connection[Any]]:
    with served.connect("reader") as con:
        yield con


@pytest.mark.parametrize("who", STATEMENTS)
def test_answers_are_as_duckdb_counts_them(con: psycopg.Connection[Any], truth: Truth, who: str) -> None:
    sent, meant = STATEMENTS[who]
    found, expected = con.execute(sent).fetchall(), truth(meant)
    assert expected
    for got, row in zip(found, expected, strict=True):
        assert list(got) == [pytest.approx(v, abs=1e-6) if isinstance(v, float) else v for v in row]


def test_what_means_something_else_in_duckdb(con: psycopg.Connection[Any]) -> None:
    assert con.execute("SELECT 5 / 2, 5 // 2").fetchone() == (2.5, 2)
    assert con.execute("SELECT 'pump 12' ~ '12', regexp_matches('pump 12', '12')").fetchone() == (False, True)
