"""asyncpg: it speaks binary only, and asks the catalog about types that it doesn't know."""

from __future__ import annotations

import asyncio
import inspect
import io
import json
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from functools import wraps
from typing import Any

import asyncpg
import pytest

from tests.server.clients.conftest import LIKELY, SLOW
from tests.server.conftest import Served


def connected(test: Callable[..., Any]) -> Callable[..., None]:
    """A test that is a coroutine and has a connection for its first argument."""

    @wraps(test)
    def run(served: Served, **fixtures: Any) -> None:
        async def whole() -> None:
            con = await asyncpg.connect(served.url())
            try:
                await test(con, **fixtures)
            finally:
                await con.close()

        asyncio.run(whole())

    kept = [p for name, p in inspect.signature(test).parameters.items() if name != "con"]
    run.__signature__ = inspect.Signature([inspect.Parameter("served", inspect.Parameter.POSITIONAL_OR_KEYWORD), *kept])  # type: ignore[attr-defined]
    return run


@connected
async def test_every_type_comes_as_duckdb_has_it(con: asyncpg.Connection, everything: Callable) -> None:
    documents = ["c_json", "c_deep", "c_struct", "c_structs", "c_map", "c_union"]
    rows = await con.fetch("SELECT * FROM everything ORDER BY id")
    for got, expected in zip(rows, everything(True), strict=True):
        row = dict(got)
        row["c_bit"] = None if row["c_bit"] is None else row["c_bit"].as_string().replace(" ", "")
        for name in documents:
            row[name] = None if row[name] is None else json.loads(row[name])
        assert row == expected


@connected
async def test_what_other_clients_have_no_date_for(con: asyncpg.Connection) -> None:
    rows = await con.fetch("SELECT d, t, f, l FROM edges WHERE kind IN ('infinite', 'endless') ORDER BY kind DESC")
    assert [tuple(row)[:3] for row in rows] == [
        (date.max, datetime.max, float("inf")), (date.min, datetime.min, float("-inf")),
    ]  # fmt: skip
    assert rows[0]["l"][:2] == [float("inf"), float("-inf")]


PARAMETERS = {
    "BOOLEAN": True, "SMALLINT": -5, "INTEGER": -(2**31), "BIGINT": 2**63 - 1, "FLOAT": 1.5, "DOUBLE": 5e-324,
    "DECIMAL(18, 3)": Decimal("-123.456"), "HUGEINT": Decimal(10**30), "VARCHAR": "设备 '\"\\", "BLOB": b"\0\xff", "DATE": date(1, 1, 1),
    "TIME": time(1, 2, 3, 4), "TIMETZ": time(1, 2, 3, tzinfo=timezone(timedelta(hours=2))),
    "TIMESTAMP": datetime(2026, 1, 2, 3, 4, 5, 6), "TIMESTAMPTZ": datetime(2026, 1, 2, tzinfo=UTC),
    "INTERVAL": timedelta(days=3, seconds=4, microseconds=5), "UUID": uuid.UUID(int=7), "JSON": '{"a": 1}',
    "INTEGER[]": [1, None], "VARCHAR[]": ["a", None, "{}"], "DOUBLE[]": [1.5], "TIMESTAMP[]": [datetime(2026, 1, 2)],
    "UUID[]": [uuid.UUID(int=7)], "DECIMAL(9, 2)[]": [Decimal("1.25"), None], "BOOLEAN[]": [True, False],
}  # fmt: skip


@connected
async def test_parameters_of_every_type(con: asyncpg.Connection) -> None:
    columns = ", ".join(f"c{i} {kind}" for i, kind in enumerate(PARAMETERS))
    signs = ", ".join(f"${i + 1}" for i in range(len(PARAMETERS)))
    await con.execute(f"CREATE TABLE apg_kept ({columns})")
    values = tuple(PARAMETERS.values())
    await con.execute(f"INSERT INTO apg_kept VALUES ({signs})", *values)
    assert tuple(await con.fetchrow("FROM apg_kept")) == values
    cast = ", ".join(f"${i + 1}::{kind}" for i, kind in enumerate(PARAMETERS))
    assert tuple(await con.fetchrow(f"SELECT {cast}", *values)) == values
    for i, (kind, value) in enumerate(PARAMETERS.items()):
        if kind != "JSON":
            assert await con.fetchval(f"SELECT count(*) FROM apg_kept WHERE c{i} = $1", value) == 1, kind
    await con.execute(f"INSERT INTO apg_kept VALUES ({signs})", *[None] * len(values))


@connected
async def test_rows_that_were_changed(con: asyncpg.Connection, truth: Callable) -> None:
    """Before it runs a statement asyncpg asks for its columns."""
    await con.execute('CREATE TABLE "Apg Back" ("Id" INTEGER PRIMARY KEY, x DECIMAL(9, 2), l TEXT[], z TIMETZ)')
    rows = await con.fetch('INSERT INTO "Apg Back" ("Id", x) VALUES ($1, $2), (2, NULL) RETURNING "Id", x * 2 AS y, l', 1, Decimal("1.5"))
    assert [dict(row) for row in rows] == [{"Id": 1, "y": Decimal("3.0"), "l": None}, {"Id": 2, "y": None, "l": None}]
    row = await con.fetchrow('UPDATE "Apg Back" SET l = $1 WHERE "Id" = $2 RETURNING "Id", x, l', ["a"], 1)
    assert tuple(row) == (1, Decimal("1.5"), ["a"])
    with pytest.raises(asyncpg.FeatureNotSupportedError, match="TIME WITH TIME ZONE"):
        await con.fetch('DELETE FROM "Apg Back" RETURNING *')
    assert await con.fetchval('DELETE FROM "Apg Back" WHERE "Id" = $1 RETURNING x', 1) == Decimal("1.5")
    assert truth('SELECT "Id" FROM "Apg Back"') == [(2,)]


@connected
async def test_nested_values_are_written_as_json(con: asyncpg.Connection, truth: Callable) -> None:
    await con.execute("CREATE TABLE apg_nested AS SELECT c_struct, c_map, c_union, c_deep FROM everything LIMIT 0")
    await con.execute(
        "INSERT INTO apg_nested VALUES ($1, $2, $3, $4)", '{"a": 1, "b c": "x"}', '{"k": 1.5}', '{"t": "y"}', "[[1], [2, null]]"
    )
    assert truth("FROM apg_nested") == [({"a": 1, "b c": "x"}, {"k": 1.5}, "y", [[1], [2, None]])]


@connected
async def test_prepared_statements(con: asyncpg.Connection) -> None:
    statement = await con.prepare("SELECT id, label FROM many WHERE id < $1 AND moment < $2 ORDER BY id LIMIT $3")
    assert [p.name for p in statement.get_parameters()] == ["int8", "timestamp", "int8"]
    assert [(a.name, a.type.name) for a in statement.get_attributes()] == [("id", "int8"), ("label", "text")]
    for n in (1, 2, 3):
        rows = await statement.fetch(10, datetime(2027, 1, 1), n)
        assert [tuple(row) for row in rows] == [(i, f"row {i}") for i in range(n)]


@connected
async def test_a_cursor(con: asyncpg.Connection) -> None:
    async with con.transaction(readonly=True):
        got = [row["id"] async for row in con.cursor("SELECT id FROM many WHERE id < $1 ORDER BY id", 5000, prefetch=333)]
        assert got == list(range(5000))
        cursor = await con.cursor("SELECT id FROM many ORDER BY id")
        assert await cursor.forward(10) == 10
        assert [row["id"] for row in await cursor.fetch(2)] == [10, 11]


@connected
async def test_copies(con: asyncpg.Connection, truth: Callable) -> None:
    await con.execute("CREATE TABLE apg_copied (id INTEGER, t VARCHAR, n DECIMAL(9, 2), at_ TIMESTAMPTZ, l VARCHAR[], u UUID)")
    rows = [
        (1, "设备", Decimal("1.25"), datetime(2026, 1, 2, tzinfo=UTC), ["a", None], uuid.UUID(int=1)), (2, *[None] * 5),
    ]  # fmt: skip
    assert await con.copy_records_to_table("apg_copied", records=rows) == "COPY 2"
    assert truth("FROM apg_copied ORDER BY id") == rows
    out = io.BytesIO()
    assert await con.copy_from_query("SELECT id, label FROM many WHERE id < $1", 3, output=out, format="csv") == "COPY 3"
    assert out.getvalue() == b"0,row 0\n1,row 1\n2,row 2\n"
    out = io.BytesIO()
    assert await con.copy_from_table("apg_copied", output=out, format="binary") == "COPY 2"
    out.seek(0)
    assert await con.copy_to_table("apg_copied", source=out, format="binary") == "COPY 2"
    assert truth("SELECT count(*) FROM apg_copied") == [(4,)]


@connected
async def test_executemany_is_all_or_nothing(con: asyncpg.Connection, truth: Callable) -> None:
    await con.execute("CREATE TABLE apg_many (id INTEGER PRIMARY KEY, x DOUBLE)")
    await con.executemany("INSERT INTO apg_many VALUES ($1, $2)", [(i, i / 2) for i in range(100)])
    with pytest.raises(asyncpg.UniqueViolationError):
        await con.executemany("INSERT INTO apg_many VALUES ($1, $2)", [(200, 1.0), (5, 1.0)])
    assert truth("SELECT count(*), sum(x) FROM apg_many") == [(100, 2475.0)]
    rows = await con.fetchmany("UPDATE apg_many SET x = $2 WHERE id = $1 RETURNING id", [(1, 9.0), (2, 9.0)])
    assert [row["id"] for row in rows] == [1, 2]


@connected
async def test_transactions(con: asyncpg.Connection, truth: Callable) -> None:
    await con.execute("CREATE TABLE apg_tx (a INTEGER)")
    with pytest.raises(asyncpg.UndefinedTableError):
        async with con.transaction():
            await con.execute("INSERT INTO apg_tx VALUES (1)")
            await con.execute("FROM nowhere")
    async with con.transaction(isolation="repeatable_read"):
        await con.execute("INSERT INTO apg_tx VALUES (2)")
        async with con.transaction():
            await con.execute("INSERT INTO apg_tx VALUES (3)")
    assert truth("FROM apg_tx ORDER BY a") == [(2,), (3,)]


@connected
async def test_a_timeout_cancels(con: asyncpg.Connection) -> None:
    with pytest.raises(asyncio.TimeoutError):
        await con.fetch(SLOW, timeout=0.3)
    assert await con.fetchval("SELECT 1") == 1


@connected
async def test_columns_of_what_parameters_make(con: asyncpg.Connection) -> None:
    row = await con.fetchrow("SELECT 'a' || $1 AS t, $2::BIGINT * 2.5 AS n, quote_literal($2::BIGINT) AS q WHERE 7 IN ($2)", "b", 7)
    assert tuple(row) == ("ab", Decimal("17.5"), "'7'")


@connected
async def test_predictions(con: asyncpg.Connection, truth: Callable) -> None:
    rows = await con.fetch(LIKELY.replace("0.2", "$1"), 0.2)
    assert [tuple(row) for row in rows] == truth(LIKELY)


def test_a_pool_resets_its_connections(served: Served) -> None:
    async def whole() -> None:
        async with asyncpg.create_pool(served.url("reader"), min_size=1, max_size=2) as pool:
            async with pool.acquire() as con:
                await con.execute("SET application_name = 'changed'")
            for _ in range(3):
                assert await pool.fetchval("SELECT current_setting('application_name')") in ("", None)

    asyncio.run(whole())
