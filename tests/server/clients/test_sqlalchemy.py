"""SQLAlchemy on its three drivers: reflection, Core and the ORM."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import create_async_engine

from tests.server.clients.conftest import LIKELY
from tests.server.conftest import Served

DRIVERS = ["psycopg", "psycopg2", "asyncpg"]


class Bridge:
    """An engine of either kind, by one way to use it: ``run(work)`` with a connection, in a transaction."""

    def __init__(self, served: Served, driver: str) -> None:
        self.driver, url = driver, served.url(scheme=f"postgresql+{driver}")
        self.engine: Any = create_async_engine(url, poolclass=sa.NullPool) if driver == "asyncpg" else sa.create_engine(url)

    def run(self, work: Callable[[sa.Connection], Any]) -> Any:
        if self.driver != "asyncpg":
            with self.engine.begin() as con:
                return work(con)

        async def whole() -> Any:
            async with self.engine.begin() as con:
                return await con.run_sync(work)

        return asyncio.run(whole())


@pytest.fixture(scope="module", params=DRIVERS)
def bridge(served: Served, request: pytest.FixtureRequest) -> Iterator[Bridge]:
    bridge = Bridge(served, request.param)
    yield bridge
    if bridge.driver != "asyncpg":
        bridge.engine.dispose()


def test_reflection(bridge: Bridge) -> None:
    def look(con: sa.Connection) -> None:
        seen = sa.inspect(con)
        assert seen.default_schema_name == "main"
        assert {"main", "lab", "Lab 2", "ml"} <= set(seen.get_schema_names())
        assert {"machines", "readings", "Order Items", "设备", "everything", "parts"} <= set(seen.get_table_names())
        assert "samples" not in seen.get_table_names()
        assert seen.get_table_names("Lab 2") == ["Probe"]
        assert {"risk", "by_site"} <= set(seen.get_view_names())
        assert "models" in seen.get_view_names("ml")
        assert "ml_predict" in seen.get_view_definition("risk")
        assert "tickets" in seen.get_sequence_names()
        assert seen.has_table("machines")
        assert not seen.has_table("nowhere")
        assert seen.get_pk_constraint("readings")["constrained_columns"] == ["machine_id", "moment"]
        (key,) = seen.get_foreign_keys("readings")
        assert (key["constrained_columns"], key["referred_table"], key["referred_columns"]) == (["machine_id"], "machines", ["id"])
        assert [u["column_names"] for u in seen.get_unique_constraints("machines")] == [["name"]]
        (check,) = seen.get_check_constraints("machines")
        assert "rated > 0" in check["sqltext"]
        assert "readings_by_note" in [i["name"] for i in seen.get_indexes("readings")]
        assert seen.get_table_comment("machines") == {"text": "What stands in the hall; 设备"}
        columns = {c["name"]: c for c in seen.get_columns("machines")}
        assert [str(columns[n]["type"]) for n in ("id", "name", "rated", "since")] == ["INTEGER", "TEXT", "NUMERIC(8, 2)", "TIMESTAMP"]
        assert (columns["name"]["nullable"], columns["rated"]["nullable"]) == (False, True)
        assert columns["rated"]["comment"] == "Power in kW"
        assert "north" in columns["site"]["default"]

    bridge.run(look)


def test_a_table_is_loaded_and_queried(bridge: Bridge, truth: Callable) -> None:
    def look(con: sa.Connection) -> None:
        meta = sa.MetaData()
        machines = sa.Table("machines", meta, autoload_with=con)
        readings = sa.Table("readings", meta, autoload_with=con)
        query = (
            sa.select(machines.c.name, sa.func.count(), sa.func.max(readings.c.value).label("most"))
            .join(readings).where(readings.c.moment > datetime(2026, 1, 1, 0, 5)).group_by(machines.c.name).order_by(machines.c.name)
        )  # fmt: skip
        assert [tuple(row) for row in con.execute(query)] == truth(
            "SELECT name, count(*), max(value) FROM machines JOIN readings ON id = machine_id WHERE moment > '2026-01-01 00:05' GROUP BY 1 ORDER BY 1"
        )
        odd = sa.Table("Order Items", meta, autoload_with=con)
        assert list(odd.c.keys()) == ["Order Id", "Item", "数量", "select", 'a"b']
        rows = con.execute(sa.select(odd).where(odd.c["数量"] == 10)).all()
        assert [tuple(row) for row in rows] == [(1, "bolt", 10, True, 0.5)]

    bridge.run(look)


def test_all_is_reflected(bridge: Bridge) -> None:
    def look(con: sa.Connection) -> None:
        meta = sa.MetaData()
        meta.reflect(con, views=True)
        assert {"everything", "risk", "设备"} <= set(meta.tables)
        assert [c.name for c in meta.tables["risk"].c][-2:] == ["ml_status", "ml_reason"]
        kinds = {c.name: c.type.compile(con.dialect) for c in meta.tables["everything"].c}
        assert (kinds["c_uuid"], kinds["c_json"], kinds["c_list"], kinds["c_struct"]) == ("UUID", "JSON", "INTEGER[]", "JSON")

    bridge.run(look)


def test_tables_are_made_and_filled(bridge: Bridge, truth: Callable) -> None:
    meta, name = sa.MetaData(), f"alchemy_{bridge.driver}"
    table = sa.Table(
        name, meta,
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False), sa.Column("Name", sa.String(40), nullable=False),
        sa.Column("cost", sa.Numeric(9, 2)), sa.Column("seen", sa.DateTime(timezone=True)), sa.Column("tags", pg.ARRAY(sa.Text)),
        sa.Column("more", pg.JSON), sa.Column("x", sa.Float), sa.Column("flag", sa.Boolean), sa.Column("raw", sa.LargeBinary),
        sa.Column("ident", sa.Uuid),
    )  # fmt: skip
    first = {
        "id": 1, "Name": "o'ne 设备", "cost": Decimal("1.25"), "seen": datetime(2026, 1, 2, tzinfo=UTC), "tags": ["a", None], "more": {"k": [1]},
        "x": 0.5, "flag": True, "raw": b"\0\xff", "ident": None,
    }  # fmt: skip
    bare = dict.fromkeys(first) | {"Name": "x", "more": None}

    def work(con: sa.Connection) -> None:
        meta.create_all(con)
        con.execute(table.insert(), first)
        con.execute(table.insert(), [bare | {"id": i} for i in range(2, 30)])
        got = con.execute(table.insert().returning(table.c.id, table.c.tags), [bare | {"id": 30, "tags": ["z"]}]).all()
        assert [tuple(row) for row in got] == [(30, ["z"])]
        assert dict(con.execute(sa.select(table).where(table.c.id == 1)).mappings().one()) == first
        assert con.execute(table.update().where(table.c.id > 20).values(cost=table.c.id * 2)).rowcount == 10
        assert con.execute(table.delete().where(table.c.id.in_([2, 3, 4]))).rowcount == 3

    bridge.run(work)
    assert truth(f"SELECT count(*), sum(cost) FROM {name}") == [(27, Decimal("511.25"))]
    bridge.run(meta.drop_all)


def test_the_orm(bridge: Bridge, truth: Callable) -> None:
    class Base(orm.DeclarativeBase):
        pass

    class Order(Base):
        __tablename__ = f"orm_order_{bridge.driver}"
        id: orm.Mapped[int] = orm.mapped_column(primary_key=True, autoincrement=False)
        customer: orm.Mapped[str]
        parts: orm.Mapped[list[Part]] = orm.relationship(back_populates="order", order_by="Part.id")

    class Part(Base):
        __tablename__ = f"orm_part_{bridge.driver}"
        id: orm.Mapped[int] = orm.mapped_column(primary_key=True, autoincrement=False)
        order_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey(Order.id))
        size: orm.Mapped[float | None]
        order: orm.Mapped[Order] = orm.relationship(back_populates="parts")

    Order.__annotations__["parts"] = orm.Mapped[list[Part]]

    def work(con: sa.Connection) -> None:
        Base.metadata.create_all(con)
        with orm.Session(con) as session:
            session.add(Order(id=1, customer="a", parts=[Part(id=1, size=0.5), Part(id=2)]))
            session.flush()
            session.expire_all()
            order = session.scalars(sa.select(Order).options(orm.selectinload(Order.parts))).one()
            assert [(p.id, p.size) for p in order.parts] == [(1, 0.5), (2, None)]
            order.customer = "b"
            order.parts[1].size = 2.5
            session.add(Order(id=2, customer="c"))
            session.commit()

    bridge.run(work)
    assert truth(f"FROM orm_part_{bridge.driver} ORDER BY id") == [(1, 1, 0.5), (2, 1, 2.5)]
    assert truth(f"SELECT customer FROM orm_order_{bridge.driver} ORDER BY id") == [("b",), ("c",)]


def test_text_with_parameters(bridge: Bridge, truth: Callable) -> None:
    def work(con: sa.Connection) -> None:
        query = sa.text("SELECT id, label FROM many WHERE moment > :seen AND id IN :ids ORDER BY id LIMIT :n").bindparams(
            sa.bindparam("ids", expanding=True)
        )
        rows = con.execute(query, {"seen": datetime(2026, 1, 1, 0, 0, 2), "ids": [1, 2, 3, 4, 5], "n": 2}).all()
        assert [tuple(row) for row in rows] == [(3, "row 3"), (4, "row 4")]
        rows = con.execute(sa.text(LIKELY.replace("0.2", ":p")), {"p": 0.2}).all()
        assert [tuple(row) for row in rows] == truth(LIKELY)

    bridge.run(work)


def test_models_by_core(bridge: Bridge, truth: Callable) -> None:
    def work(con: sa.Connection) -> None:
        risk = sa.Table("risk", sa.MetaData(), autoload_with=con)
        rows = con.execute(sa.select(risk.c.id, risk.c.probability).where(risk.c.probability > 0.2).order_by(risk.c.id)).all()
        assert [tuple(row) for row in rows] == truth("SELECT id, probability FROM risk WHERE probability > 0.2 ORDER BY id")

    bridge.run(work)


def test_errors_are_those_of_sqlalchemy(bridge: Bridge) -> None:
    with pytest.raises(sa.exc.IntegrityError):
        bridge.run(lambda con: con.execute(sa.text("INSERT INTO machines (id, name) VALUES (1, 'x')")))
    with pytest.raises(sa.exc.ProgrammingError):
        bridge.run(lambda con: con.execute(sa.text("SELECT nope FROM many")))
