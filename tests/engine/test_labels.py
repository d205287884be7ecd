"""ml_labels: what each row may know of failures, held against a plain loop over rows."""

from __future__ import annotations

import math
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
CREATE TABLE readings(unit VARCHAR, ts TIMESTAMP, x DOUBLE);
INSERT INTO readings SELECT 'a', TIMESTAMP '2026-01-01' + to_hours(i::INT), i FROM range(100) r(i);
INSERT INTO readings SELECT 'b', TIMESTAMP '2026-01-01' + to_hours(i::INT), i FROM range(10) r(i);
INSERT INTO readings VALUES (NULL, TIMESTAMP '2026-01-01', 1), ('a', NULL, 2), ('a', 'infinity', 3);
CREATE TABLE stops(unit VARCHAR, stopped TIMESTAMP);
INSERT INTO stops VALUES ('a', '2026-01-02 12:00'), ('a', '2026-01-02 12:00'), ('a', '2026-01-03 13:30'),
  ('stranger', '2026-01-01 01:00'), (NULL, '2026-01-01 02:00'), ('a', NULL);
CREATE TABLE mended(unit VARCHAR, ts TIMESTAMP);
INSERT INTO mended VALUES ('a', '2026-01-01 05:00'), ('a', '2026-01-02 15:00'), ('b', '2026-01-01 03:00');
"""
CALL = "ml_labels('readings', 'stops', entity := 'unit', order_by := 'ts'"


@pytest.fixture(scope="module")
def shop() -> Iterator[Session]:
    with mfgsql.connect(threads=2, progress="off") as session:
        session.execute(TABLES)
        yield session


def labels(s: Session, call: str, unit: str = "a") -> dict[float, tuple]:
    """By ``x``."""
    found = s.execute(f"SELECT x, fails_within, rul, censored FROM {call}) WHERE unit = '{unit}' AND rul IS NOT NULL").fetchall()
    return {x: tuple(rest) for x, *rest in found}


def test_what_follows_a_row(shop: Session) -> None:
    a = labels(shop, CALL)
    assert len(a) == 100
    assert a[0] == (False, 36, False)
    assert a[11] == (False, 25, False)
    assert a[12] == (True, 24, False)  # the horizon is inclusive
    assert a[35] == (True, 1, False)
    assert a[36] == (False, 25.5, False)  # at the failure's very moment the label looks past it
    assert a[61] == (True, 0.5, False)
    assert a[62] == (False, 37, True)
    assert a[75] == (False, 24, True)  # seen for exactly a horizon
    assert a[76] == (None, 23, True)
    assert a[99] == (None, 0, True)


def test_an_entity_without_failures_is_censored(shop: Session) -> None:
    b = labels(shop, CALL + ", horizon := INTERVAL 4 HOUR", "b")
    assert [b[x] for x in (0, 5, 6, 9)] == [(False, 9, True), (False, 4, True), (None, 3, True), (None, 0, True)]


def test_rows_without_entity_or_time_stay_without_labels(shop: Session) -> None:
    rows = shop.execute(f"SELECT fails_within, rul, censored FROM {CALL}) WHERE unit IS NULL OR NOT coalesce(isfinite(ts), false)")
    assert rows.fetchall() == [(None, None, None)] * 3
    assert shop.execute(f"SELECT count(*) FROM {CALL})").fetchone() == (113,)


def test_no_failures_at_all(shop: Session) -> None:
    call = "ml_labels('readings', 'FROM stops LIMIT 0', entity := 'unit', order_by := 'ts'"
    assert all(censored for _, _, censored in labels(shop, call, "b").values())
    empty = call.replace("'readings'", "'FROM readings LIMIT 0'")
    assert shop.execute(f"FROM {empty})").fetchall() == []
    assert [d[0] for d in shop.description] == ["unit", "ts", "x", "fails_within", "rul", "censored"]


def test_units(shop: Session) -> None:
    assert labels(shop, CALL + ", options := {'unit': 'day'}")[0][1] == 1.5
    assert labels(shop, CALL + ", options := {'unit': 'minutes'}")[0][1] == 36 * 60
    assert labels(shop, CALL + ", horizon := '36 hours'")[0][0] is True


def test_rows_of_an_outage_are_left_out(shop: Session) -> None:
    a = labels(shop, CALL + ", options := {'repairs': 'mended'}")
    assert [x for x in range(100) if x not in a] == [36, 37, 38, *range(62, 100)]  # never repaired: down to the end
    assert a[39] == (True, 22.5, False)  # at the end of the repair it runs again
    b = labels(shop, CALL + ", options := {'blackout': INTERVAL 3 HOUR}")
    assert [x for x in range(100) if x not in b] == [36, 37, 38, 62, 63, 64]
    both = labels(shop, CALL + ", options := {'blackout': INTERVAL 5 HOUR, 'repairs': 'mended', 'repaired_at': 'ts'}")
    assert [x for x in range(62) if x not in both] == [36, 37, 38, 39, 40]


def test_a_failure_during_an_outage_does_not_end_it(shop: Session) -> None:
    stops = "SELECT * FROM (VALUES (''a'', TIMESTAMP ''2026-01-01 10:00''), (''a'', ''2026-01-01 11:00'')) v(unit, ts)"
    call = f"ml_labels('readings', '{stops}', entity := 'unit', order_by := 'ts'"
    assert {10, 11, 39, 38} & labels(shop, call + ", options := {'repairs': 'mended'}").keys() == {39}
    assert [x for x in range(20) if x not in labels(shop, call + ", options := {'blackout': INTERVAL 2 HOUR}")] == [10, 11, 12]


def test_runs_to_failure(shop: Session) -> None:
    shop.execute("CREATE OR REPLACE TABLE engines AS SELECT 1 + i % 3 AS unit, 1 + i // 3 AS cycle, i AS x FROM range(90) r(i) WHERE i % 3 < 2 OR i < 30")
    call = "FROM ml_labels('engines', entity := 'unit', order_by := 'cycle', horizon := 5, options := {'run_to_failure': true})"
    rows = shop.execute(call).pl()
    assert rows["rul"].to_list() == [{1: 30, 2: 30, 3: 10}[u] - c for u, c in zip(rows["unit"], rows["cycle"], strict=True)]
    assert rows["fails_within"].to_list() == [r <= 5 for r in rows["rul"]]
    assert not rows["censored"].any()


@pytest.mark.parametrize("kind", ["DATE", "TIMESTAMP_S", "TIMESTAMPTZ", "TIMESTAMP_NS"])
def test_other_types_of_time(shop: Session, kind: str) -> None:
    rows = f"SELECT unit, x, CAST(ts AS {kind}) AS ts FROM readings WHERE ts < ''infinity''"
    stops = f"SELECT unit, CAST(stopped AS {kind}) AS ts FROM stops"
    found = labels(shop, f"ml_labels('{rows}', '{stops}', entity := 'unit', order_by := 'ts'")
    assert found[0] == ((True, 24, False) if kind == "DATE" else (False, 36, False))


def test_numbers_order_rows_as_well(shop: Session) -> None:
    rows = "SELECT unit, x AS cycle FROM readings WHERE isfinite(ts)"
    call = f"FROM ml_labels('{rows}', 'SELECT ''a'' AS unit, 50.5::DECIMAL(9, 1) AS cycle', entity := 'unit', order_by := 'cycle', horizon := 10)"
    found = {r[1]: r[2:] for r in shop.execute(call.replace("''a''", "''''a''''").replace("''''", "''")).fetchall() if r[0] == "a"}
    assert (found[40], found[41], found[51]) == ((False, 10.5, False), (True, 9.5, False), (False, 48, True))


def test_ctes_temporary_tables_and_views(shop: Session) -> None:
    with_cte = f"WITH readings AS (SELECT unit, x, ts FROM main.readings WHERE x < 50), ends AS (SELECT unit, stopped AS ts FROM stops) SELECT count(*), count(rul) FROM {CALL.replace('stops', 'ends')})"
    assert shop.execute(with_cte).fetchone() == (63, 60)
    shop.execute(f"CREATE OR REPLACE VIEW labelled AS FROM {CALL})")
    assert shop.execute("SELECT count(*) FILTER (fails_within) FROM labelled").fetchone() == (48,)
    shop.execute("CREATE OR REPLACE TEMP TABLE short AS FROM readings LIMIT 40")
    assert shop.execute(f"SELECT count(*) FROM {CALL.replace('readings', 'short')})").fetchone() == (40,)


def test_columns_named_as_outputs_give_way(shop: Session) -> None:
    rows = "SELECT *, 7 AS RUL, 3 AS __ml_at, 1 AS \"odd \"\"name\" FROM readings"
    found = shop.execute(f"FROM {CALL.replace('readings', rows)}) WHERE unit = 'a' AND x = 0")
    assert [d[0] for d in found.description] == ["unit", "ts", "x", 'odd "name', "fails_within", "rul", "censored"]
    assert found.fetchone()[-2] == 36


PLACES = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 40)), max_size=25)


@settings(max_examples=40, deadline=None)
@given(rows=PLACES, stops=PLACES, horizon=st.integers(1, 15), blackout=st.integers(0, 6), seed=st.randoms())
def test_it_is_the_plain_loop(shop: Session, rows: list, stops: list, horizon: int, blackout: int, seed) -> None:
    def table(name: str, places: list) -> None:
        shop.execute(f"CREATE OR REPLACE TABLE {name}(unit VARCHAR, ts TIMESTAMP)")
        if places:
            shop.con.executemany(f"INSERT INTO {name} VALUES (?, ?)", [(u, START + timedelta(hours=t)) for u, t in places])

    table("r", rows)
    table("f", stops)
    options = f", options := {{'blackout': INTERVAL {blackout} HOUR}}" if blackout else ""
    call = f"FROM ml_labels('r', 'f', entity := 'unit', order_by := 'ts', horizon := INTERVAL {horizon} HOUR{options})"
    wanted = []
    for unit, t in rows:
        mine = sorted({at for u, at in stops if u == unit})
        if any(at <= t < at + blackout for at in mine):
            continue
        next_one = min((at for at in mine if at > t), default=None)
        last = max(at for u, at in rows if u == unit)
        fails = next_one <= t + horizon if next_one is not None else False if last >= t + horizon else None
        rul = (last if next_one is None else next_one) - t
        wanted.append((unit, START + timedelta(hours=t), fails, rul, next_one is None))
    found = shop.execute(call).fetchall()
    assert sorted(found, key=str) == sorted(wanted, key=str)
    shuffled = list(rows)
    seed.shuffle(shuffled)
    table("r", shuffled)
    assert sorted(shop.execute(call).fetchall(), key=str) == sorted(found, key=str)


def test_later_rows_change_no_label_but_how_long_it_was_seen(shop: Session) -> None:
    early = labels(shop, CALL.replace("readings", "FROM readings WHERE x < 70"))
    late = labels(shop, CALL)
    assert all(early[x] == late[x] for x in range(62))
    assert all(early[x][2] and early[x][1] < late[x][1] for x in range(62, 70))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        ("'readings', entity := 'unit', order_by := 'ts'", OptionError, "'run_to_failure': true"),
        ("'readings', 'stops', order_by := 'ts'", OptionError, "entity := 'machine_id'"),
        ("'readings', 'stops', entity := 'unit'", OptionError, "order_by := 'ts'"),
        ("NULL, 'stops', entity := 'unit', order_by := 'ts'", SourceError, "NULL"),
        ("'readings', '', entity := 'unit', order_by := 'ts'", SourceError, "failures: The source"),
        ("'readings', 'stops', entity := 'units', order_by := 'ts'", SourceError, "Did you mean 'unit'"),
        ("'readings', 'SELECT unit, 1 AS a FROM stops', entity := 'unit', order_by := 'ts'", SourceError, "failures lack 'ts'"),
        ("'readings', 'stops', entity := 'unit', order_by := 'ts', horizon := 24", OptionError, "Say INTERVAL 24 HOUR"),
        ("'readings', 'stops', entity := 'unit', order_by := 'x'", OptionError, "order_by 'x' is DOUBLE.*Give a number"),
        ("'readings', 'stops', entity := 'unit', order_by := 'unit'", OptionError, "'unit' is VARCHAR.*CAST"),
        ("'readings', 'stops', entity := 'unit', order_by := 'ts', horizon := INTERVAL 1 MONTH", OptionError, "INTERVAL 30 DAY"),
        ("'readings', 'stops', entity := 'unit', order_by := 'ts', horizon := 'soon'", OptionError, "not 'soon'"),
        ("'readings', 'stops', entity := 'unit', order_by := 'ts', horizon := INTERVAL 0 DAY", OptionError, "above 0"),
        ("'readings', 'stops', entity := 'unit', order_by := 'ts', horizon := -3", OptionError, "above 0"),
        ("'readings', 'stops', entity := 'unit', order_by := 'ts', horizon := true", OptionError, "interval"),
        ("'readings', 'stops', entity := 'unit', order_by := 'rul'", OptionError, "Rename"),
        ("'readings', 'stops', entity := 'unit', order_by := 'ts', options := {'units': 'day'}", OptionError, "Did you mean 'unit'"),
        ("'readings', 'stops', entity := 'unit', order_by := 'ts', options := {'unit': 'dya'}", OptionError, "Did you mean 'day'"),
        ("'readings', 'stops', entity := 'unit', order_by := 'ts', options := {'repaired_at': 'ts'}", OptionError, "'repairs'"),
        ("'readings', 'stops', entity := 'unit', order_by := 'ts', options := {'blackout': 3}", OptionError, "both"),
        ("'readings', 'stops', entity := 'unit', order_by := 'ts', options := {'run_to_failure': true}", OptionError, "Leave out"),
        ("'readings', 'stops', entity := 'unit', order_by := 'ts', options := {'run_to_failure': 'x'}", OptionError, "true or false"),
        ("'readings', 'SELECT unit, stopped::TIMESTAMPTZ AS ts FROM stops', entity := 'unit', order_by := 'ts'", OptionError, "TIME ZONE"),
    ],
)  # fmt: skip
def test_what_can_not_be_done_is_refused(shop: Session, call: str, error: type[MfgsqlError], words: str) -> None:
    with pytest.raises(error, match=words):
        shop.execute(f"FROM ml_labels({call})").fetchall()


def test_explaining_and_planning_do_nothing(shop: Session) -> None:
    shop.execute(f"EXPLAIN FROM {CALL})").fetchall()
    arguments = "{'failures': 'stops', 'entity': 'unit', 'order_by': 'ts', 'horizon': INTERVAL 24 HOUR}"
    (plan,) = shop.execute(f"FROM ml_plan('labels', NULL, 'readings', arguments := {arguments})").fetchone()
    assert "_ml_" not in plan.replace("__ml_", "")
    assert sorted(shop.execute(plan).fetchall(), key=str) == sorted(shop.execute(f"FROM {CALL})").fetchall(), key=str)
    assert not math.isnan(labels(shop, CALL)[0][1])
