"""``ml_bottlenecks``: logs and states by hand, dirty ones, and what is said where nothing can be told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mfgsql
from mfgsql.engine import Session
from mfgsql.errors import DataError, OptionError, SourceError

PRODUCTION = Path(__file__).parents[3] / "shared/data/production_log/Production.csv"
ROLES = "case_id := 'c', station := 's', started := 'b', finished := 'e'"
# Minutes after six. Two cases pass A (2 machines at times), then B, which is slow; C is hardly used. The night is 10 hours long.
LOG = """
CREATE TABLE log AS SELECT c, s, TIMESTAMP '2026-03-02 06:00:00' + to_minutes(b) AS b, TIMESTAMP '2026-03-02 06:00:00' + to_minutes(e) AS e, good, kwh
FROM (VALUES ('1', 'A', 0, 10, true, 2.0), ('2', 'A', 10, 20, true, 2.0), ('1', 'B', 10, 40, true, 5.0), ('2', 'B', 40, 70, false, 7.0),
  ('3', 'A', 20, 30, true, 2.0), ('3', 'B', 670, 700, true, 6.0)) t(c, s, b, e, good, kwh)
"""


@pytest.fixture(scope="module")
def s() -> Iterator[Session]:
    with mfgsql.connect(threads=1, progress="off") as session:
        session.execute(LOG)
        yield session


def rows(session: Session, source: str, more: str = "", roles: str = ROLES) -> list[dict[str, Any]]:
    quoted = source.replace("'", "''")
    session.execute(f"FROM ml_bottlenecks('{quoted}', {roles}{more})")
    names = [d[0] for d in session.description]
    return [dict(zip(names, row, strict=True)) for row in session.fetchall()]


def test_a_log_by_hand(s: Session) -> None:
    b, a = rows(s, "log")
    assert (b["station"], b["rank"], b["is_bottleneck"], a["rank"], a["is_bottleneck"]) == ("B", 1, True, 2, False)
    # The night from 70 to 670, in which case 3 waited, is taken out: 100 minutes stay.
    assert "1 stretch of" in b["ml_reason"] and "10.0 h" in b["ml_reason"]
    assert (b["parts"], b["machines"], b["processing_minutes"]) == (3, 1, 30)
    assert (b["working"], b["starved"], b["idle"]) == pytest.approx((0.9, 0.1, 0))
    assert (a["working"], a["starved"], a["idle"]) == pytest.approx((0.3, 0.7, 0))
    assert (b["wait_minutes"], b["wait_minutes_90"]) == pytest.approx(((0 + 20 + 40) / 3, 36))
    assert b["queue"] == pytest.approx(60 / 100)
    assert b["blocked"] is b["failed"] is b["changeover"] is None
    assert (b["critical"], a["critical"]) == pytest.approx((0.9, 0.1))
    assert (a["sole"], a["shifting"], a["bottleneck"]) == pytest.approx((0.1, 0.2, 0.2))
    assert (b["sole"], b["shifting"]) == pytest.approx((0.7, 0.2))
    assert b["oee"] == pytest.approx(0.9)
    assert b["quality"] is None and "quality isn't known" in b["ml_reason"]
    assert b["finding"] == "B limits the line 90% of the time, by 3 operations that ended: too few to be sure; it works 90%; waits for work 10%; a part waits 20 min before it"
    assert (b["ml_status"], "3 operations" in b["ml_reason"]) == ("too_short", True)


def test_options_tell_quality_energy_machines_and_closed_time(s: Session) -> None:
    b, _ = rows(s, "log", ", options := {'good': 'good', 'energy': 'kwh', 'machines': 2, 'closed': INTERVAL 20 HOUR}")
    assert (b["quality"], b["oee"]) == pytest.approx((2 / 3, 90 / 1400 * 2 / 3))
    assert b["energy_per_part"] == 6
    assert (b["machines"], b["working"]) == (2, pytest.approx(90 / 1400))
    assert rows(s, "log", ", options := {'quality': 0.5}")[0]["oee"] == pytest.approx(0.45)


def test_periods_cut_what_lies_across_them(s: Session) -> None:
    found = rows(s, "log", ", each := INTERVAL 30 MINUTE")
    assert [d[:2] for d in s.execute(f"DESCRIBE FROM ml_bottlenecks('log', {ROLES}, each := INTERVAL 1 DAY)").fetchall()][:2] == [
        ("station", "VARCHAR"),
        ("period_start", "TIMESTAMP"),
    ]
    starts = sorted({row["period_start"] for row in found})
    assert starts[:3] == [datetime(2026, 3, 2, 6), datetime(2026, 3, 2, 6, 30), datetime(2026, 3, 2, 7)]
    assert len(starts) == 5  # the closed ones are none
    b = {row["period_start"]: row for row in found if row["station"] == "B"}
    assert [b[at]["working"] for at in starts] == pytest.approx([20 / 30, 1, 1, 1, 1])
    assert [b[at]["parts"] for at in starts] == [0, 1, 1, 0, 1]
    assert [row["rank"] for row in found] == [1, 2] * 5


def test_a_dirty_log_is_told_by_its_clean_rows(s: Session) -> None:
    dirty = (
        "SELECT c, s, b, e FROM log UNION ALL SELECT c, s, b, e FROM log WHERE c = '1' UNION ALL SELECT '9', 'A', e + INTERVAL 9 DAY, b FROM log "
        "UNION ALL SELECT NULL, s, b, e FROM log UNION ALL SELECT c, NULL, b, e FROM log UNION ALL SELECT c, s, NULL, e FROM log LIMIT 1000"
    )
    clean, found = rows(s, "log"), rows(s, dirty)
    names = [n for n in clean[0] if n not in ("ml_reason",)]
    assert [[row[n] for n in names] for row in found] == [[row[n] for n in names] for row in clean]
    for words in ("12 rows without case or station", "6 rows without a start", "6 rows ending before", "2 rows told twice"):
        assert words in found[0]["ml_reason"]


def test_what_runs_still_runs_up_to_the_logs_end(s: Session) -> None:
    found = {row["station"]: row for row in rows(s, "SELECT * REPLACE (CASE WHEN c = '3' AND s = 'B' THEN NULL ELSE e END AS e) FROM log")}
    assert found["B"]["parts"] == 2
    assert "1 operation still running" in found["B"]["ml_reason"]
    assert found["B"]["working"] > 0.5


# Five days from six to one: each order takes 8 minutes at the saw, 14 at the mill, 5 at the washer.
SHIFT = """
CREATE OR REPLACE TABLE shift AS SELECT d || '-' || i AS c, s, TIMESTAMP '2026-03-02 06:00:00' + to_days(d::INT) + to_minutes(b) AS b,
  TIMESTAMP '2026-03-02 06:00:00' + to_days(d::INT) + to_minutes(b + lasts) AS e
FROM range(5) r(d), range(28) o(i), LATERAL (VALUES ('saw', 10 * i, 8), ('mill', 8 + 15 * i, 14), ('wash', 22 + 15 * i, 5)) v(s, b, lasts)
"""


def told(found: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [tuple(row[n] for n in ("station", "parts", "machines", "working", "critical")) for row in found]


def test_nights_of_a_line_that_is_empty_each_evening_are_closed(s: Session) -> None:
    s.execute(SHIFT)
    found = rows(s, "shift")
    assert found[0]["working"] == pytest.approx(0.9, abs=0.02) and found[0]["ml_status"] == "ok"
    assert found == rows(s, "shift", ", options := {'closed': INTERVAL 1 HOUR}")
    with_overtime = "SELECT * FROM shift UNION ALL SELECT 'x', 'saw', TIMESTAMP '2026-03-03 16:00:00', TIMESTAMP '2026-03-03 18:00:00'"
    assert rows(s, with_overtime)[0]["working"] == pytest.approx(0.80, abs=0.02)  # three hours without an order, then two


def test_hours_without_orders_that_come_by_chance_are_open(s: Session) -> None:
    sparse = "SELECT i AS c, 'A' AS s, TIMESTAMP '2026-03-02' + to_minutes(i * 300 + (hash(i) % 240)::INT) AS b, b + INTERVAL 50 MINUTE AS e FROM range(60) t(i)"
    (found,) = rows(s, sparse)
    assert found["working"] == pytest.approx(1 / 6, abs=0.02)
    assert found["ml_status"] == "doubtful" and "without any order count as open" in found["ml_reason"]
    assert rows(s, sparse, ", options := {'closed': INTERVAL 1 HOUR}")[0]["working"] > 0.9


def test_forgotten_ends_are_as_usual_where_the_work_went_on(s: Session) -> None:
    s.execute(SHIFT)
    forgotten = "SELECT * REPLACE (CASE WHEN (c, s) IN (('0-7', 'saw'), ('0-20', 'wash')) THEN NULL ELSE e END AS e) FROM shift"
    found = rows(s, forgotten)
    assert told(found) == told(rows(s, "shift"))
    assert "2 operations without an end though the work went on" in found[0]["ml_reason"]


@pytest.mark.parametrize("slip", ["SELECT * REPLACE (if(c = '0-7' AND s = 'saw', TIMESTAMP '2062-03-02 07:20', e) AS e) FROM shift",
                                  "SELECT * FROM shift UNION ALL SELECT 'x', 'saw', TIMESTAMP '1970-01-01', TIMESTAMP '1970-01-01 00:08'"])  # fmt: skip
def test_a_mistyped_year_is_no_operation(s: Session, slip: str) -> None:
    s.execute(SHIFT)
    found = rows(s, slip)
    assert told(found) == told(rows(s, "shift"))
    assert found[0]["ml_status"] == "doubtful"
    assert "2062-03-02 07:20" in found[0]["ml_reason"] or "1 operation far from all others left out (as of 1970-01-01)" in found[0]["ml_reason"]


def test_stations_that_differ_by_case_or_blanks_are_told(s: Session) -> None:
    s.execute(SHIFT)
    assert "'MILL ' and 'mill' count as 2 stations" in rows(s, "SELECT * REPLACE (if(c = '0-3' AND s = 'mill', 'MILL ', s) AS s) FROM shift")[0]["ml_reason"]


def test_machines_are_counted_or_named(s: Session) -> None:
    two = "SELECT c || k AS c, s, b, e, 'M' || k AS m FROM log, range(2) t(k)"
    assert {row["machines"] for row in rows(s, two)} == {2}
    named = {row["station"]: row for row in rows(s, two, ", options := {'machines': 'm'}")}
    assert named["B"]["machines"] == 2
    one = {row["station"]: row for row in rows(s, "SELECT c, s, b, e, 'M' AS m FROM log UNION ALL SELECT 'x', 'B', b + INTERVAL 5 MINUTE, e, 'M' FROM log WHERE s = 'B'",
                                               ", options := {'machines': 'm'}")}  # fmt: skip
    assert one["B"]["machines"] == 1
    assert "clipped where the machine's next began" in one["B"]["ml_reason"]


def test_names_and_types_may_be_odd(s: Session) -> None:
    s.execute('CREATE TABLE "o dd" AS SELECT c::INT AS "ca""se", ascii(s) AS "order", b::TIMESTAMPTZ AS "ß b", e::TIMESTAMPTZ AS "select" FROM log')
    roles = """case_id := 'ca"se', station := 'ORDER', started := '"ß b"', finished := 'select'"""
    b, _ = rows(s, "o dd", roles=roles)
    assert (b["station"], b["critical"]) == (66, pytest.approx(0.9))
    s.execute(f"DESCRIBE FROM ml_bottlenecks('o dd', {roles}, each := INTERVAL 1 DAY)")
    assert [r[:2] for r in s.fetchall()][:2] == [("station", "INTEGER"), ("period_start", "TIMESTAMP WITH TIME ZONE")]
    days = "SELECT c, s, b::DATE AS b, e::DATE + 1 AS e FROM log"
    assert rows(s, days, ", each := INTERVAL 1 DAY")[0]["period_start"] == datetime(2026, 3, 2)


# A order each 10 minutes: 5 minutes at A, 10 at B, 6 at C.
EVEN = """CREATE OR REPLACE TABLE even AS SELECT i AS c, s, TIMESTAMPTZ '2026-03-28 23:00:00+00' + to_minutes(10 * i + b) AS b,
  TIMESTAMPTZ '2026-03-28 23:00:00+00' + to_minutes(10 * i + b + lasts) AS e FROM range(400) t(i), (VALUES ('A', 0, 5), ('B', 5, 10), ('C', 15, 6)) v(s, b, lasts)"""


def test_operations_that_seldom_overlap_are_told(s: Session) -> None:
    s.execute(EVEN)
    slips = "SELECT * FROM even UNION ALL SELECT 900 + i, 'B', b + INTERVAL 3 MINUTE, e FROM even, (SELECT 1 AS i) WHERE s = 'B' AND c % 20 = 7"
    b = rows(s, slips)[0]
    assert (b["station"], b["machines"], b["ml_status"]) == ("B", 2, "doubtful")
    assert "B counts as 2 machines, since operations there overlap 20 times" in b["ml_reason"]
    one = rows(s, slips, ", options := {'machines': {'b': 1}}")[0]
    assert (one["station"], one["machines"], one["ml_status"]) == ("B", 1, "ok") and one["working"] > 0.98
    assert rows(s, "SELECT * FROM even UNION ALL SELECT c + 1000, s, b, e FROM even")[0]["ml_status"] == "ok"  # two machines everywhere


def test_days_are_those_of_the_time_zone_of_who_asks(s: Session) -> None:
    """Berlin's 29th of March, when clocks go forward, begins at 23:00 UTC and has 23 hours."""
    s.execute(EVEN)
    s.execute("SET TimeZone = 'Europe/Berlin'")
    try:
        slip = "SELECT * FROM even UNION ALL SELECT 999, 'A', TIMESTAMPTZ '2062-01-01 00:00:00+01', NULL"
        found = rows(s, slip, ", each := INTERVAL 1 DAY")
        told = s.execute("SELECT unnest($1::TIMESTAMPTZ[])::VARCHAR", [sorted({row["period_start"] for row in found})]).fetchall()
        assert [t for (t,) in told] == ["2026-03-29 00:00:00+01", "2026-03-30 00:00:00+02", "2026-03-31 00:00:00+02"]
        a = {row["period_start"]: row["parts"] for row in found if row["station"] == "A"}
        assert sorted(a.values()) == [400 - 138 - 144, 138, 144]
        assert "(as of 2062-01-01)" in found[0]["ml_reason"]
    finally:
        s.execute("SET TimeZone = 'UTC'")


STATES = """
CREATE OR REPLACE TABLE states AS SELECT 'M' || m AS m, TIMESTAMP '2026-03-02 06:00:00' + to_minutes(t) AS ts, state FROM (VALUES
  (1, 0, 'Running'), (1, 20, 'BLOCKED'), (1, 30, 'running'), (1, 50, 'blocked'), (1, 60, 'running'), (1, 100, 'running'),
  (2, 0, 'waiting'), (2, 10, 'run'), (2, 50, 'Fault'), (2, 60, 'busy'), (2, 90, 'setup'), (2, 100, 'run')) t(m, t, state)
"""


def test_states_by_hand(s: Session) -> None:
    s.execute(STATES)
    roles = "station := 'm', order_by := 'ts', state := 'state'"
    two, one = rows(s, "states", roles=roles)
    assert (two["station"], one["station"]) == ("M2", "M1")
    assert (two["working"], two["starved"], two["failed"], two["changeover"], two["blocked"]) == pytest.approx((0.7, 0.1, 0.1, 0.1, 0))
    assert (one["working"], one["blocked"], one["utilisation"]) == pytest.approx((0.8, 0.2, 0.8))
    # M2 is active from 10 to 100, longer than any stretch of M1: until 20 both are, since M1's began before.
    assert (two["sole"], two["shifting"], one["sole"], one["shifting"]) == pytest.approx((0.8, 0.1, 0.1, 0.1))
    assert two["parts"] is two["oee"] is two["critical"] is None
    assert (two["availability"], one["availability"], two["bottleneck"], one["bottleneck"]) == pytest.approx((0.8, 1, 0.85, 0.15))
    assert "oee isn't known, and at most working" in two["ml_reason"]
    with pytest.raises(OptionError, match=r"The state 'zzz' can't be understood\. Say what each means: options := \{'states': \{'zzz': 'working'\}\}"):
        rows(s, "SELECT * REPLACE (replace(state, 'Fault', 'zzz') AS state) FROM states", roles=roles)
    told = rows(s, "SELECT * REPLACE (replace(state, 'Fault', 'zzz') AS state) FROM states", ", options := {'states': {'ZZZ': 'failed'}}", roles=roles)
    assert told[0]["failed"] == pytest.approx(0.1)
    off = rows(s, "SELECT * REPLACE (nullif(state, 'Fault') AS state) FROM states", roles=roles)
    assert next(r for r in off if r["station"] == "M2")["working"] == pytest.approx(0.7 / 0.9)


def test_machines_that_never_wait_are_alike(s: Session) -> None:
    s.execute("CREATE OR REPLACE TABLE busy AS SELECT m, TIMESTAMP '2026-03-02' + to_minutes(10 * i) AS ts, 'running' AS state FROM range(20) t(i), (VALUES ('M1'), ('M2'), ('M3')) v(m)")
    found = rows(s, "busy", roles="station := 'm', order_by := 'ts', state := 'state'")
    assert [row["bottleneck"] for row in found] == pytest.approx([1 / 3] * 3)
    assert {row["ml_status"] for row in found} == {"doubtful"} and "3 machines never wait" in found[0]["ml_reason"]
    assert found[1]["finding"].startswith("M2 limits the line as often as M1: 33%")


def test_states_of_a_mistyped_year_and_two_at_a_moment_are_told(s: Session) -> None:
    s.execute(STATES)
    more = "CREATE OR REPLACE TABLE many AS SELECT m, ts + to_minutes(100 * i) AS ts, state FROM states, range(5) t(i) WHERE ts < TIMESTAMP '2026-03-02 07:40'"
    s.execute(more)
    roles = "station := 'm', order_by := 'ts', state := 'state'"
    plain = rows(s, "many", roles=roles)
    slip = rows(s, "SELECT * FROM many UNION ALL SELECT 'M1', TIMESTAMP '2062-01-01', 'running'", roles=roles)
    assert [(r["station"], r["working"], r["sole"]) for r in slip] == [(r["station"], r["working"], r["sole"]) for r in plain]
    assert (plain[0]["ml_status"], slip[0]["ml_status"]) == ("ok", "doubtful") and "1 row far from all others" in slip[0]["ml_reason"]
    torn = rows(s, "SELECT * FROM many UNION ALL SELECT 'M1', TIMESTAMP '2026-03-02 06:20', 'running'", roles=roles)
    assert "1 moment at which a station has several states" in torn[0]["ml_reason"]


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        ("'log'", OptionError, "What a row is isn't said"),
        ("'log', station := 's'", OptionError, "case_id is missing"),
        (f"'log', {ROLES.replace(chr(39) + 'c' + chr(39), chr(39) + 'cc' + chr(39))}", SourceError, "no column 'cc'"),
        ("'log', case_id := 'c', station := 's', started := 's', finished := 'e'", OptionError, "started is VARCHAR in 's', no time.*strptime"),
        ("'log', case_id := 'c', station := 's', started := 'kwh', finished := 'e'", OptionError, r"started is DECIMAL.*no time.*to_timestamp\(\"kwh\"\)"),
        (f"'logs', {ROLES}", SourceError, "The source 'logs' can't be read.*Did you mean 'log'.*only what is committed is read"),
        (f"'main.My Log', {ROLES}", SourceError, "A name with blanks stands in quotes: 'main.\"My Log\"'"),
        ("'logs', station := 's', order_by := 'b', state := 'c'", SourceError, "Did you mean 'log'"),
        (f"'log', {ROLES.replace('started', 'start')}, options := {{'machines': 2}}, each := INTERVAL 1 DAY", OptionError, "has no argument 'start'.*Did you mean 'started'"),
        (f"'log', {ROLES}, state := 's'", OptionError, "Give one or the other"),
        ("'log', station := 's', state := 's'", OptionError, "order_by is missing"),
        (f"'log', {ROLES}, options := {{'machine': 2}}", OptionError, "Unknown option 'machine'.*Did you mean 'machines'"),
        (f"'log', {ROLES}, options := {{'machines': 0}}", OptionError, "machines is a number from 1 on"),
        (f"'log', {ROLES}, options := {{'quality': 2}}", OptionError, "quality is the share"),
        (f"'log', {ROLES}, options := {{'good': 's'}}", OptionError, "good is VARCHAR"),
        (f"'log', {ROLES}, options := {{'good': 'kwh'}}", DataError, "'kwh' is no share"),
        (f"'log', {ROLES}, options := {{'gap': 3}}", OptionError, "gap is an interval"),
        (f"'log', {ROLES}, each := INTERVAL 1 MONTH", OptionError, "months"),
        (f"'log', {ROLES}, each := INTERVAL 1 MICROSECOND", OptionError, "periods of this source"),
        (f"'log', {ROLES}, each := INTERVAL 1 SECOND", OptionError, "of so short a period nothing can be told"),
        (f"'log', {ROLES}, options := {{'machines': {{'b': 0}}}}", OptionError, "machines is a number from 1 on"),
        (f"'log', {ROLES}, options := {{'machines': {{'bb': 1}}}}", OptionError, "a station 'bb', which the log does not have"),
        (f"'SELECT * REPLACE (b::DATE AS b, e::DATE AS e) FROM log', {ROLES}", DataError, "are dates without a time of day: 100% of the operations"),
        (f"'SELECT * FROM log WHERE false', {ROLES}", DataError, "The log is empty"),
        (f"'SELECT * REPLACE (NULL::TIMESTAMP AS b) FROM log', {ROLES}", DataError, "None of 6 rows is an operation"),
        (f"'SELECT * REPLACE (b AS e) FROM log WHERE c = ''1'' AND s = ''A''', {ROLES}", DataError, "take no time"),
        ("'SELECT s, b, ''running'' AS st FROM log WHERE false', station := 's', order_by := 'b', state := 'st'", DataError, "the table is empty"),
        ("'SELECT s, b, ''idle'' AS st FROM log', station := 's', order_by := 'b', state := 'st'", DataError, "No machine works"),
        ("'log', station := 's', order_by := 'b', state := 'c', options := {'states': {'1': 'fast'}}", OptionError, "'1' is working, starved"),
    ],
)  # fmt: skip
def test_errors_say_what_mends_them(s: Session, call: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        s.execute(f"FROM ml_bottlenecks({call})").fetchall()


def test_planning_reads_no_rows(s: Session) -> None:
    s.execute(f"EXPLAIN FROM ml_bottlenecks('SELECT *, error(''run'') AS x FROM log', {ROLES})").fetchall()
    s.execute(f"CREATE VIEW limits AS FROM ml_bottlenecks('log', {ROLES})")
    assert s.execute("SELECT count(*) FROM limits").fetchone() == (2,)


operation = st.tuples(st.sampled_from("ABC"), st.integers(0, 5), st.integers(0, 5000) | st.none(), st.integers(-5, 300) | st.none())


@settings(max_examples=40, deadline=None)
@given(st.lists(operation, min_size=1, max_size=40), st.sampled_from(["", ", each := INTERVAL 6 HOUR"]))
def test_shares_of_any_log_are_shares(s: Session, log: list[Any], more: str) -> None:
    begin = datetime(2026, 1, 1)
    values = ", ".join(f"('{a}', {c}, {'NULL' if b is None else b}, {'NULL' if d is None else d})" for a, c, b, d in log)
    source = f"SELECT s, c, TIMESTAMP '{begin}' + to_minutes(b) AS b, TIMESTAMP '{begin}' + to_minutes(b + d) AS e FROM (VALUES {values}) t(s, c, b, d)"
    try:
        found = rows(s, source, more)
    except DataError:
        sound = [(b, d) for _, _, b, d in log if b is not None and (d is None or d >= 0)]
        assert all(d == 0 for _, d in sound if d is not None)  # what has no end may have ended at once, too
        return
    for row in found:
        assert row["working"] + row["starved"] + row["idle"] == pytest.approx(1, abs=1e-6)
        assert all(-1e-9 <= row[n] <= 1 + 1e-9 for n in ("working", "starved", "idle", "critical", "sole", "shifting", "oee", "performance") if row[n] is not None)
    for at in {row.get("period_start") for row in found}:
        of_period = [row for row in found if row.get("period_start") == at]
        assert sum(row["critical"] for row in of_period) <= 1 + 1e-6
        assert sum(row["bottleneck"] for row in of_period) <= 1 + 1e-6
        assert all(row["bottleneck"] - 1e-6 <= row["sole"] + row["shifting"] <= 1 + 1e-6 for row in of_period)
        assert sorted(row["rank"] for row in of_period) == list(range(1, len(of_period) + 1))
    assert rows(s, f"{source} ORDER BY hash(c, s)", more) == found  # whatever the order of rows


def test_a_real_shop(s: Session) -> None:
    """225 orders of a machining shop, real and dirty: its turning and milling centres are what all wait for."""
    if not PRODUCTION.exists():
        pytest.skip(f"{PRODUCTION} is absent")
    found = rows(s, str(PRODUCTION), roles="case_id := 'case_id', station := 'activity', started := 'start_timestamp', finished := 'timestamp'")
    assert found[0]["station"] == "Turning & Milling"
    assert "told twice" in found[0]["ml_reason"]
    assert sum(row["critical"] for row in found) == pytest.approx(1, abs=0.01)
