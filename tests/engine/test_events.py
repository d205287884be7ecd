"""ml_events: what had happened by each row, held against a plain loop over rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mfgsql
from mfgsql.engine import Session
from mfgsql.errors import MfgsqlError, OptionError, SourceError

START = datetime(2026, 1, 1)
TABLES = """
CREATE TABLE readings AS SELECT 'a' AS unit, TIMESTAMP '2026-01-01' + to_hours(i::INT) AS ts, i AS x FROM range(100) r(i)
UNION ALL SELECT 'b', TIMESTAMP '2026-01-01' + to_hours(i::INT), i FROM range(3) r(i)
UNION ALL SELECT NULL, TIMESTAMP '2026-01-01', -1 UNION ALL SELECT 'a', NULL, -2;
CREATE TABLE log(unit VARCHAR, happened TIMESTAMP, code VARCHAR);
INSERT INTO log VALUES ('a', '2026-01-01 10:00', 'Jam!'), ('a', '2026-01-01 10:00', 'Jam!'), ('a', '2026-01-01 20:30', 'leak'),
  ('a', '2026-01-02 06:00', NULL), ('a', '2026-01-02 12:00', 'Replaced'), ('stranger', '2026-01-01', 'leak'),
  (NULL, '2026-01-01', 'leak'), ('a', NULL, 'leak'), ('a', '2025-12-31 12:00', 'Jam!');
"""
CALL = "ml_events('readings', 'log', entity := 'unit', order_by := 'ts'"


@pytest.fixture(scope="module")
def shop() -> Iterator[Session]:
    with mfgsql.connect(threads=2, progress="off") as session:
        session.execute(TABLES)
        yield session


def rows(s: Session, call: str, unit: str = "a") -> dict[int, dict]:
    """By ``x``."""
    return {r["x"]: r for r in s.sql(f"FROM {call}) WHERE unit = '{unit}'").to_pylist()}


def test_counts_and_ages(shop: Session) -> None:
    a = rows(shop, CALL + ", options := {'field': 'code', 'within': INTERVAL 24 HOUR, 'reset': 'Replaced'}")
    names = ["events", "leak", "jam_", "replaced"]  # by how often they occur
    assert list(a[0]) == ["unit", "ts", "x", *(f"{n}_{w}" for n in names for w in ("count", "age")), "age"]
    assert [a[9][c] for c in ("events_count", "jam__count", "jam__age", "age")] == [1, 1, 21, 9]
    assert [a[10][c] for c in ("events_count", "jam__count", "jam__age", "leak_age")] == [3, 3, 0, None]
    assert [a[12][c] for c in ("events_count", "jam__count", "events_age")] == [2, 2, 2]  # (t - 24 h, t]
    assert [a[21][c] for c in ("events_count", "leak_count", "leak_age")] == [3, 1, 0.5]
    assert [a[30][c] for c in ("events_count", "jam__count", "events_age")] == [4, 2, 0]
    assert [a[34][c] for c in ("events_count", "jam__count", "leak_count")] == [2, 0, 1]
    assert [a[x]["age"] for x in (35, 36, 50)] == [35, 0, 14]
    assert a[99]["events_count"] == 0 and a[99]["leak_age"] == 78.5


def test_an_entity_without_events_and_rows_without_a_place(shop: Session) -> None:
    b = rows(shop, CALL, "b")
    assert [(r["events_count"], r["events_age"], r["age"]) for r in b.values()] == [(0, None, x) for x in (0, 1, 2)]
    found = shop.sql(f"FROM {CALL}) WHERE x < 0").to_pylist()
    assert [(r["events_count"], r["events_age"], r["age"]) for r in found] == [(None, None, None)] * 2
    assert shop.execute(f"SELECT count(*) FROM {CALL})").fetchone() == (105,)
    assert shop.execute(f"FROM {CALL.replace('readings', 'FROM readings LIMIT 0')})").fetchall() == []
    none = rows(shop, CALL.replace("'log'", "'FROM log LIMIT 0'") + ", options := {'field': 'code'}")
    assert list(none[0]) == ["unit", "ts", "x", "events_count", "events_age", "age"] and none[9]["events_count"] == 0


def test_named_kinds_are_columns_always(shop: Session) -> None:
    kinds = "['leak', 'LEAK', 'le''ak', 'events', 'größe 2', '', 'leak', '7']"
    names = ["events", "leak", "leak_2", "le_ak", "events_2", "größe_2", "_", "7"]
    a = rows(shop, CALL + f", options := {{'field': 'code', 'kinds': {kinds}}}")
    assert list(a[0])[3:-1] == [f"{n}_{w}" for n in names for w in ("count", "age")]
    assert a[99]["leak_count"] == 1 and a[99]["leak_2_count"] == 0


def test_the_most_frequent_kinds(shop: Session) -> None:
    a = rows(shop, CALL + ", options := {'field': 'code', 'kinds': 1}")
    assert list(a[0])[3:] == ["events_count", "events_age", "leak_count", "leak_age", "age"]  # the table has four


def test_events_of_a_cte(shop: Session) -> None:
    cte = "WITH recent AS (SELECT unit, happened AS ts, code FROM log WHERE code = 'leak') SELECT max(leak_count) FROM "
    call = CALL.replace("'log'", "'recent'")
    assert shop.execute(f"{cte} {call}, options := {{'field': 'code', 'kinds': ['leak']}})").fetchone() == (1,)
    with pytest.raises(OptionError, match="Name them, as for a CTE"):
        shop.execute(f"{cte} {call}, options := {{'field': 'code'}})")


def test_numbers_order_rows_as_well(shop: Session) -> None:
    log = "SELECT ''a'' AS unit, i * 10 AS x, i % 2 = 0 AS code FROM range(4) r(i)"
    call = f"ml_events('readings', '{log}', entity := 'unit', order_by := 'x', options := {{'field': 'code', 'kinds': [true], 'within': 15}})"
    a = {r["x"]: r for r in shop.sql(f"FROM {call} WHERE unit = 'a'").to_pylist()}
    assert [a[30][c] for c in ("events_count", "events_age", "true_count", "true_age", "age")] == [2, 0, 1, 10, 32]


KINDS = ("jam", "leak", None)
ROWS = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 30)), max_size=20)
EVENTS = st.lists(st.tuples(st.sampled_from("ab"), st.integers(-5, 35), st.sampled_from(KINDS)), max_size=20)


@settings(max_examples=40, deadline=None)
@given(places=ROWS, events=EVENTS, within=st.integers(1, 12), seed=st.randoms())
def test_it_is_the_plain_loop(shop: Session, places: list, events: list, within: int, seed) -> None:
    def table(name: str, columns: str, values: list) -> None:
        shop.execute(f"CREATE OR REPLACE TABLE {name}({columns})")
        if values:
            marks = ", ".join("?" * len(values[0]))
            made = [(u, START + timedelta(hours=t), *more) for u, t, *more in values]
            shop.con.executemany(f"INSERT INTO {name} VALUES ({marks})", made)

    table("r", "unit VARCHAR, ts TIMESTAMP", places)
    table("e", "unit VARCHAR, ts TIMESTAMP, code VARCHAR", events)
    options = f"{{'field': 'code', 'kinds': ['jam', 'leak'], 'within': INTERVAL {within} HOUR, 'reset': 'leak'}}"
    call = f"FROM ml_events('r', 'e', entity := 'unit', order_by := 'ts', options := {options})"
    wanted = []
    for unit, t in places:
        row = [unit, START + timedelta(hours=t)]
        for kinds in (KINDS, ("jam",), ("leak",)):
            past = [at for u, at, k in events if u == unit and k in kinds and at <= t]
            row += [sum(at > t - within for at in past), t - max(past) if past else None]
        resets = [at for u, at, k in events if u == unit and k == "leak" and at <= t]
        wanted.append((*row, t - (max(resets) if resets else min(at for u, at in places if u == unit))))
    found = shop.execute(call).fetchall()
    assert sorted(map(repr, map(_plain, found))) == sorted(map(repr, map(_plain, wanted)))
    seed.shuffle(events)
    table("e", "unit VARCHAR, ts TIMESTAMP, code VARCHAR", events)
    assert sorted(map(repr, shop.execute(call).fetchall())) == sorted(map(repr, found))


def _plain(row: tuple) -> tuple:
    return tuple(float(v) if isinstance(v, int | float) else v for v in row)


def test_later_events_change_nothing(shop: Session) -> None:
    call = CALL + ", options := {'field': 'code', 'kinds': ['leak']}"
    early = rows(shop, call.replace("'log'", "'FROM log WHERE happened < TIMESTAMP ''2026-01-01 21:00'''"))
    late = rows(shop, call)
    assert all(early[x] == late[x] for x in range(30))
    assert early[30] != late[30]


@pytest.mark.parametrize(
    ("more", "error", "words"),
    [
        ("options := {'fields': 'code'}", OptionError, "Did you mean 'field'"),
        ("options := {'field': 3}", OptionError, "name of the events' column"),
        ("options := {'field': 'cod'}", OptionError, "counted"),
        ("options := {'field': 'cod', 'kinds': ['x']}", SourceError, "events lack 'cod'. Did you mean 'code'"),
        ("options := {'kinds': ['x']}", OptionError, "'field': 'code'"),
        ("options := {'reset': 'x'}", OptionError, "'field': 'code'"),
        ("options := {'field': 'code', 'kinds': 0}", OptionError, "list of names"),
        ("options := {'field': 'code', 'kinds': []}", OptionError, "list of names"),
        ("options := {'within': 3}", OptionError, "options.within is a number"),
        ("options := {'within': 'long'}", OptionError, "not 'long'"),
        ("options := {'happened_at': 'code'}", OptionError, "code' is VARCHAR"),
        ("options := {'happened_at': 'now'}", SourceError, "happened_at"),
        ("options := {'unit': 'fortnight'}", OptionError, "unit is"),
    ],
)
def test_what_can_not_be_done_is_refused(shop: Session, more: str, error: type[MfgsqlError], words: str) -> None:
    with pytest.raises(error, match=words):
        shop.execute(f"FROM {CALL}, {more})").fetchall()


def test_what_is_missing_is_told(shop: Session) -> None:
    for call, words in (("'readings', 'log', order_by := 'ts'", "entity"), ("'readings', 'log', entity := 'unit'", "order_by"),
                        ("'readings', NULL, entity := 'unit', order_by := 'ts'", "table of events")):  # fmt: skip
        with pytest.raises(OptionError, match=words):
            shop.execute(f"FROM ml_events({call})")
    with pytest.raises(OptionError, match="Rename"):
        shop.execute("FROM ml_events('SELECT *, 1 AS age FROM readings', 'log', entity := 'unit', order_by := 'age')")
