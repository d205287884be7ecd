"""Processes: what is derived of each event by SQL, what is learnt of open cases, and what is told of orders under way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mfgsql
from mfgsql.catalog import resolve
from mfgsql.engine import Session
from mfgsql.engine.cases import Events
from mfgsql.engine.sources import Source
from mfgsql.engine.verbs.importance import takes_long
from mfgsql.errors import DataError, MfgsqlError, OptionError
from mfgsql.features import Cases
from mfgsql.manifest import Manifest

LOG = """
CREATE TABLE log AS SELECT format('o{:02d}', c) AS order_no, ['cut', 'mill', 'wash', 'pack'][k] AS activity,
  TIMESTAMP '2026-01-01' + to_hours(c * 3) + to_minutes((k * 60 + hash(c, k) % 50)::INT) AS done,
  TIMESTAMP '2026-01-01' + to_hours(c * 3) + to_minutes((k * 60 - 30)::INT) AS begun,
  TIMESTAMP '2026-01-01' + to_hours(c * 3 + 5) AS due, c >= 55 AS open, c * 10 + k AS id
FROM range(60) t(c), range(1, 5) u(k) WHERE c < 55 OR k < 3
"""
SIZE = "'epochs': 4, 'width': 16, 'layers': 1"
ROLES = "task := 'process', target := 'activity', entity := 'order_no', order_by := 'done'"
NAMED = f"'started': 'begun', 'due': 'due', 'censored': 'open', 'exclude': ['id'], {SIZE}"
SAID = "SELECT id, predicted_next_activity, probability, predicted_remaining, late_probability, ml_status FROM ml_predict('flow', '{}') ORDER BY id"


def rows(session: Session, sql: str) -> list[tuple[Any, ...]]:
    return session.execute(sql).fetchall()


def learn(session: Session, source: str, options: str = SIZE, name: str = "other", roles: str = ROLES) -> dict[str, Any]:
    told = source.replace("'", "''")
    cursor = session.execute(f"FROM ml_finetune('{name}', '{told}', {roles}, options := {{{options}}})")
    names = [d[0] for d in cursor.description or []]
    return dict(zip(names, cursor.fetchall()[0], strict=True))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    with mfgsql.connect(tmp_path_factory.mktemp("shop") / "shop.duckdb", threads=2, progress="off") as session:
        session.execute(LOG)
        learn(session, "SELECT * FROM log", NAMED, "flow")
        yield session


# -- what is known of a case at an event ----------------------------------------------------------------------------


def test_what_is_derived_of_each_event(shop: Session) -> None:
    events = Events(Cases("activity", "begun", "due", open="open"), "order_no", "done", timed=True)
    source = events.read(Source("log", "log"), {"open": "BOOLEAN"})
    found = rows(shop, f'SELECT id, "(position)", "(elapsed)", "(since the event before)", "(duration)", "(waited)", '
                       f'"(hour)", "(weekday)", "(slack)", next_activity FROM {source.sql} ORDER BY id')  # fmt: skip
    log = {r[0]: r[1:] for r in rows(shop, "SELECT id, order_no, activity, done, begun, due, open FROM log ORDER BY id")}
    day = timedelta(days=1)
    for number, position, elapsed, since, duration, waited, hour, weekday, slack, truth in found:
        _, _, done, begun, due, is_open = log[number]
        first, before, after = log[number // 10 * 10 + 1], log.get(number - 1), log.get(number + 1)
        last = max(r[2] for n, r in log.items() if n // 10 == number // 10)
        assert position == number % 10
        assert elapsed == pytest.approx((done - first[3]) / day, abs=1e-9)
        assert since == pytest.approx((done - (before[2] if before else begun)) / day, abs=1e-9)
        assert duration == pytest.approx((done - begun) / day, abs=1e-9)
        assert waited == pytest.approx((begun - before[2]) / day if before else 0.0, abs=1e-9)
        assert (hour, weekday) == (done.hour, done.strftime("%A"))
        assert slack == pytest.approx((due - done) / day, abs=1e-9)
        assert truth["next"] == (after[1] if after else None if is_open else "(end)")
        assert truth["remaining"] == pytest.approx((last - done) / day, abs=1e-9)
        assert truth["at_least"] == is_open


def test_what_is_told(shop: Session) -> None:
    cursor = shop.execute("FROM ml_predict('flow', 'log', level := 0.8)")
    assert [(d[0], str(d[1])) for d in cursor.description or []][7:] == [
        ("predicted_next_activity", "VARCHAR"), ("probability", "DOUBLE"),
        ("probabilities", "MAP(VARCHAR, DOUBLE)"), ("predicted_remaining", "DOUBLE"), ("lower", "DOUBLE"),
        ("upper", "DOUBLE"), ("prediction_set", "VARCHAR[]"), ("predicted_end", "TIMESTAMP"),
        ("late_probability", "DOUBLE"), ("ml_status", "VARCHAR"), ("ml_reason", "VARCHAR"),
    ]  # fmt: skip
    for row in shop.execute("FROM ml_predict('flow', 'log')").df().itertuples():
        assert row.probabilities[row.predicted_next_activity] == row.probability == max(row.probabilities.values())
        assert 0 <= row.lower <= row.upper
        assert 0 <= row.late_probability <= 1
        assert row.predicted_end - row.done == pytest.approx(timedelta(days=row.predicted_remaining), abs=timedelta(milliseconds=1))
    metrics = {name: (value, guess) for name, value, guess in rows(shop, "SELECT metric, value, baseline FROM ml_evaluate('flow', 'log')")}
    assert metrics["accuracy"][0] > metrics["accuracy"][1] + 0.2
    assert metrics["remaining_mae"][0] < metrics["remaining_mae"][1]


def test_the_newest_events_are_a_part_of_all(shop: Session) -> None:
    whole = {r[0]: r for r in rows(shop, SAID.format("log"))}
    latest = rows(shop, SAID.format("SELECT * FROM log WHERE open").replace("')", "', latest := true)"))
    assert [r[0] for r in latest] == [r[0] for r in rows(shop, "SELECT max(id) FROM log WHERE open GROUP BY order_no ORDER BY 1")]
    assert [alike(r[:3]) for r in latest] == [alike(whole[r[0]][:3]) for r in latest]
    assert latest[-1] == alike(whole[latest[-1][0]])  # the others have waited since


def alike(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """With numbers that another batch gives another last digit."""
    return tuple(pytest.approx(v, abs=1e-4) if isinstance(v, float) else v for v in row)


WAITING = """
SELECT id, predicted_remaining, "lower", "upper", late_probability, predicted_end, due, ml_status, ml_reason
FROM ml_predict('{}', '{}', latest := true) ORDER BY id
"""


@settings(max_examples=12, deadline=None)
@given(hours=st.integers(0, 60), promised=st.integers(-30, 30), level=st.sampled_from([0.5, 0.8, 0.9]))
def test_a_case_that_waits_ends_later_than_now(shop: Session, hours: int, promised: int, level: float) -> None:
    """Now is the latest moment of the source, be it another case's; what was due before is late for certain."""
    started = f"SELECT * REPLACE (due + to_hours({promised}) AS due) FROM log WHERE open"
    later = (
        f"{started} UNION ALL SELECT * REPLACE (''other'' AS order_no, done + to_hours({hours}) AS done, 999 AS id) "
        f"FROM log WHERE id = (SELECT max(id) FROM log WHERE open)"
    )
    now = rows(shop, f"SELECT max(done) + to_hours({hours}) FROM log WHERE open")[0][0]
    asked = WAITING.replace("latest", f"level := {level}, latest")
    before, found = ({r[0]: r[1:] for r in rows(shop, asked.format("flow", s))} for s in (started, later))
    assert found.pop(999)
    assert found.keys() == before.keys()
    for number, (left, lower, upper, late, ends, due, status, reason) in found.items():
        waited = (now - (ends - timedelta(days=left))) / timedelta(days=1)
        assert ends >= now - timedelta(milliseconds=1)
        assert left >= before[number][0] - 1e-6  # the longer it waits, the later it ends
        assert lower >= waited - 1e-6
        assert upper is None or lower <= upper
        assert late == 1 if due < now else late is None or 0 <= late <= 1
        if "longer without an event" in (reason or ""):
            assert (upper, late is None or late == 1, status) == (None, True, "out_of_range")


def test_only_cases_that_are_not_over_have_waited(shop: Session) -> None:
    """As the source says, or where it doesn't, unless the end is what is expected."""
    whole = {r[0]: r for r in rows(shop, SAID.format("log"))}
    told = rows(shop, SAID.format("log").replace("')", "', latest := true)"))
    assert [r for r in told if r[0] < 550] == [alike(whole[r[0]]) for r in told if r[0] < 550]
    untold = rows(shop, SAID.format("SELECT * EXCLUDE (open) FROM log").replace("')", "', latest := true)"))
    ended = [r for r in untold if r[1] == "(end)"]
    assert ended
    assert ended == [alike(whole[r[0]]) for r in ended]
    assert all(r[3] >= whole[r[0]][3] - 1e-6 for r in untold)


def test_what_has_lasted_longer_than_all_that_is_known(shop: Session) -> None:
    late = "SELECT * REPLACE (due + INTERVAL 90 DAY AS due) FROM log WHERE open UNION ALL SELECT * REPLACE (NULL AS order_no, done + INTERVAL 30 DAY AS done) FROM log"
    for _, left, lower, upper, probability, ends, due, status, reason in rows(shop, WAITING.format("flow", late)):
        assert left == lower > 28
        assert (upper, probability, status) == (None, None, "out_of_range")
        assert "longer without an event" in reason
        assert ends < due


def test_an_operation_under_way_is_told(shop: Session) -> None:
    """Its start tells what time it is, and that its end is not known is no secret."""
    begun = "(SELECT max(done) + INTERVAL 40 MINUTE FROM log)"
    running = (
        f"SELECT * FROM log WHERE open UNION ALL SELECT * REPLACE (id + 5 AS id, ''wash'' AS activity, NULL AS done, {begun} AS begun) "
        f"FROM log WHERE id = 572"
    )
    found = {r[0]: r[1:] for r in rows(shop, WAITING.format("flow", running))}
    assert found.keys() == {552, 562, 572, 582, 592}
    assert [n for n, r in found.items() if "left out" in (r[7] or "")] == [572]
    assert found[572][6] == ("out_of_range" if "longer without" in found[572][7] else "missing")
    assert "1 event left out: no done; wash is under way" in found[572][7]
    said = {r[0]: r[1:] for r in rows(shop, "SELECT id, predicted_next_activity, probability, probabilities, prediction_set FROM ml_predict('flow', "
                                            f"'{running}', latest := true, level := 0.9)")}  # fmt: skip
    assert said[572][:2] == ("wash", 1) and said[572][2]["wash"] == 1 and sum(said[572][2].values()) == 1 and said[572][3] == ["wash"]
    assert said[582] == rows(shop, "SELECT predicted_next_activity, probability, probabilities, prediction_set FROM ml_predict('flow', "
                                   f"'{running}', latest := true, level := 0.9) WHERE id = 582")[0]  # fmt: skip
    now = rows(shop, f"SELECT {begun}")[0][0]
    assert all(r[4] >= now - timedelta(milliseconds=1) for r in found.values())


def test_an_operation_under_way_that_waited_too_long_is_out_of_range(shop: Session) -> None:
    """More than that its end is missing; one that the log forgot to end, before others, is not under way."""
    running = (
        "SELECT * FROM log WHERE open UNION ALL SELECT * REPLACE (id + 5 AS id, ''wash'' AS activity, NULL AS done) FROM log WHERE id = 572 "
        "UNION ALL SELECT * REPLACE (id + 5 AS id, ''cut'' AS activity, NULL AS done, begun - INTERVAL 1 DAY AS begun) FROM log WHERE id = 582 "
        "UNION ALL SELECT * REPLACE (NULL AS order_no, done + INTERVAL 30 DAY AS done) FROM log WHERE open"
    )
    found = {r[0]: r[1:] for r in rows(shop, WAITING.format("flow", running))}
    assert found[572][6] == "out_of_range" and "wash is under way; longer without an event" in found[572][7]
    assert "is under way" not in found[582][7] and "1 event left out" in found[582][7]


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_order_of_the_source_and_ties_change_nothing(shop: Session, seed: int) -> None:
    tied = (
        "SELECT * FROM log UNION ALL SELECT * REPLACE (id + 1000 AS id, ''rest'' AS activity) FROM log WHERE id % 3 = 0 "
        "UNION ALL SELECT * REPLACE (id + 2000 AS id, due + INTERVAL 1 HOUR AS due) FROM log WHERE id % 4 = 0"
    )
    shop.execute(f"CREATE OR REPLACE TABLE shuffled AS SELECT * FROM ({tied.replace(chr(39) * 2, chr(39))}) ORDER BY hash(id + {seed})")
    one, other = rows(shop, SAID.format("shuffled")), rows(shop, SAID.format(tied))
    assert one == [alike(r) for r in other]


def test_the_order_of_the_source_teaches_nothing(shop: Session) -> None:
    tied = "SELECT * REPLACE (date_trunc('hour', done) AS done, date_trunc('hour', begun) AS begun) FROM log"
    values = []
    for i, order in enumerate(("id", "hash(id)")):
        shop.execute(f"CREATE OR REPLACE TABLE tied_{i} AS SELECT * FROM ({tied}) ORDER BY {order}")
        learnt = learn(shop, f"SELECT * FROM tied_{i}", NAMED, f"tied_{i}")
        said = rows(shop, SAID.format("tied_0").replace("'flow'", f"'tied_{i}'"))
        values.append((learnt["value"], [alike(r) for r in said] if i else said))
    assert values[0] == values[1]


@settings(max_examples=8, deadline=None)
@given(cut=st.integers(1, 3), cases=st.integers(1, 59), shift=st.integers(0, 400))
def test_neither_the_future_nor_other_cases_are_read(shop: Session, cut: int, cases: int, shift: int) -> None:
    whole = {r[0]: r for r in rows(shop, SAID.format("log"))}
    changed = (
        f"SELECT * REPLACE (CASE WHEN id % 10 > {cut} THEN ''rework'' ELSE activity END AS activity, "
        f"CASE WHEN id % 10 > {cut} THEN done + to_hours({shift}) ELSE done END AS done) FROM log WHERE id // 10 < {cases}"
    )
    for row in rows(shop, SAID.format(changed)):
        if row[0] % 10 <= cut:
            assert row == alike(whole[row[0]])


def test_a_later_due_date_is_less_often_missed(shop: Session) -> None:
    late: list[list[float]] = []
    for days in (-100, 0, 100):
        moved = f"SELECT * REPLACE (due + to_days({days}) AS due) FROM log"
        late.append([r[4] for r in rows(shop, SAID.format(moved))])
    assert set(late[0]) == {1.0}
    assert set(late[2]) == {0.0}
    assert all(0 <= p <= 1 for p in late[1])
    never = "SELECT * REPLACE (CASE WHEN id % 2 = 0 THEN NULL ELSE ''infinity''::TIMESTAMP END AS due) FROM log"
    assert {r[4] for r in rows(shop, SAID.format(never))} == {None}


def test_open_cases_are_not_judged_by_an_end(shop: Session) -> None:
    told = "SELECT actual, rows FROM ml_confusion_matrix('flow', '{}') WHERE actual = '(end)' AND predicted <> ''"
    assert sum(n for _, n in rows(shop, told.format("log"))) == 55
    assert sum(n for _, n in rows(shop, told.format("SELECT * EXCLUDE (open) FROM log"))) == 60
    judged = "SELECT rows, value FROM ml_evaluate('flow', '{}') WHERE metric = 'remaining_mae'"
    finished, both = (rows(shop, judged.format(s))[0][1] for s in ("SELECT * FROM log WHERE NOT open", "log"))
    assert finished == pytest.approx(both, abs=1e-6)


# -- what is learnt ---------------------------------------------------------------------------------------------------


def test_open_cases_teach_no_end(shop: Session) -> None:
    endless = "SELECT * FROM log WHERE id % 10 < 3"  # all stop behind the second step
    learn(shop, f"{endless} AND order_no < 'o30'", f"'exclude': ['id', 'open'], {SIZE}", "ended")
    learn(shop, f"SELECT * REPLACE (order_no < 'o30' AND id % 10 < 4 AS open) FROM ({endless}) UNION ALL FROM log WHERE order_no > 'o40'",
          f"'censored': 'open', 'exclude': ['id'], {SIZE}", "running")  # fmt: skip
    told = "SELECT avg(probabilities['(end)']) FROM ml_predict('{}', 'SELECT * FROM log WHERE open AND id % 10 = 2')"
    ended, running = (rows(shop, told.format(name))[0][0] for name in ("ended", "running"))
    assert ended > running + 0.2


def test_a_step_without_a_name_is_told(shop: Session) -> None:
    found = rows(shop, SAID.format("SELECT * REPLACE (CASE WHEN id % 10 = 2 THEN NULL ELSE activity END AS activity) FROM log"))
    assert {r[0] % 10 for r in found if r[5] == "missing"} == {2}
    assert all(r[5] == "missing" for r in found if r[0] % 10 == 2)


def test_events_without_a_place_are_told_and_belong_to_no_case(shop: Session) -> None:
    lost = "CASE WHEN id = 12 THEN NULL WHEN id = 13 THEN ''infinity''::TIMESTAMP ELSE done END AS done"
    broken = f"SELECT * REPLACE ({lost}, CASE WHEN id = 22 THEN NULL ELSE order_no END AS order_no) FROM log"
    found = {r[0]: r for r in rows(shop, SAID.format(broken))}
    assert {n: r[5] for n, r in found.items() if r[5] == "unreadable"} == dict.fromkeys((12, 13, 22), "unreadable")
    assert all(found[n][1:5] == (None, None, None, None) for n in (12, 13, 22))
    without = {r[0]: r for r in rows(shop, SAID.format("SELECT * FROM log WHERE id NOT IN (12, 13, 22)"))}
    assert {n: r for n, r in found.items() if n in without} == {n: alike(r) for n, r in without.items()}
    learnt = learn(shop, broken.replace("''", "'"), NAMED, "broken")
    assert "3 rows" in str(learnt["warnings"])


def test_gaps_in_what_is_known(shop: Session) -> None:
    gaps = (
        "SELECT * REPLACE (CASE WHEN id % 7 = 0 THEN NULL ELSE activity END AS activity, CASE WHEN id % 5 = 4 THEN NULL "
        "WHEN id % 5 = 1 THEN done + INTERVAL 1 DAY ELSE begun END AS begun, CASE WHEN id % 3 = 0 THEN NULL ELSE due END AS due) FROM log"
    )
    learnt = learn(shop, gaps.replace("''", "'"), NAMED, "gaps")
    assert learnt["status"] == "finished"
    for told in ("32 of 230 events have no activity", "have begun behind done: are the two mixed up", "have no begun, and count as begun"):
        assert told in str(learnt["warnings"])
    assert all(r[1] in ("mill", "wash", "pack", "(end)") and r[3] >= 0 for r in rows(shop, SAID.format(gaps)))


@pytest.mark.parametrize(
    ("name", "change", "type_name"),
    [
        ("days", "done::DATE AS done, begun::DATE AS begun, due::DATE AS due", "TIMESTAMP"),
        ("zoned", "done::TIMESTAMPTZ AS done", "TIMESTAMP WITH TIME ZONE"),
        ("mixed", "due::TIMESTAMPTZ AS due", "TIMESTAMP"),
        ("nanos", "done::TIMESTAMP_NS AS done, due::DATE AS due", "TIMESTAMP"),
        ("numbers", "epoch(done)::BIGINT AS done, epoch(begun)::INTEGER AS begun, epoch(due)::DECIMAL(18, 2) AS due", "DOUBLE"),
        ("steps", "id % 10 AS activity", "TIMESTAMP"),
        ("enum", "activity::ENUM('cut', 'mill', 'wash', 'pack') AS activity", "TIMESTAMP"),
        ("cases", "id // 10 AS order_no", "TIMESTAMP"),
    ],
)
def test_columns_of_many_types(shop: Session, name: str, change: str, type_name: str) -> None:
    shop.execute(f"CREATE OR REPLACE TABLE typed AS SELECT * REPLACE ({change}) FROM log")
    assert learn(shop, "SELECT * FROM typed", NAMED, name)["status"] == "finished"
    answer = shop.execute(f"FROM ml_predict('{name}', 'typed')")
    assert {d[0]: str(d[1]) for d in answer.description or []}["predicted_end"] == type_name
    for row in rows(shop, f"SELECT predicted_next_activity, predicted_remaining, late_probability FROM ml_predict('{name}', 'typed')"):
        assert isinstance(row[0], str)
        assert row[1] >= 0
        assert 0 <= row[2] <= 1
    assert rows(shop, f"SELECT value FROM ml_evaluate('{name}', 'typed') WHERE metric = 'accuracy'")[0][0] > 0.3


def test_names_of_all_kinds(shop: Session) -> None:
    shop.execute(
        """CREATE OR REPLACE TABLE "odd ""log" AS SELECT order_no AS "Auftrag Nr.", activity AS "Schritt's ""Art", done AS "order",
        begun AS "größe", due AS "select", open AS "window", 1 AS "(position)", id AS "(elapsed)" FROM log"""
    )
    roles = """task := 'process', target := 'schritt''s "art', entity := 'auftrag nr.', order_by := 'Order'"""
    learnt = learn(shop, 'SELECT * FROM "odd ""log"', f"'started': 'GRÖßE', 'due': 'Select', 'censored': 'Window', {SIZE}", "odd", roles)
    assert learnt["status"] == "finished"
    cursor = shop.execute("""FROM ml_predict('odd', 'odd "log', latest := true)""")
    assert [d[0] for d in cursor.description or []][:7] == ["Auftrag Nr.", 'Schritt\'s "Art', "order", "größe", "select", "window", "predicted_next_schritt_s__art"]
    assert len(cursor.fetchall()) == 60


def test_a_column_that_tells_what_follows_is_not_read(shop: Session) -> None:
    told = "SELECT *, lead(activity) OVER (PARTITION BY order_no ORDER BY done) AS Next_Activity FROM log"
    learn(shop, told, NAMED, "told")
    assert rows(shop, "SELECT count(*) FROM ml_feature_importance('told') WHERE feature ILIKE 'next%'") == [(0,)]
    assert rows(shop, "SELECT count(predicted_next_activity) FROM ml_predict('told', 'log')") == [(230,)]


# -- versions and judgements ------------------------------------------------------------------------------------------


def test_a_version_is_reused_exported_and_promoted(shop: Session, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert learn(shop, "SELECT * FROM log", NAMED, "flow")["status"] == "reused"
    folder = tmp_path_factory.mktemp("out") / "flow"
    rows(shop, f"FROM ml_export('flow', '{folder}')")
    rows(shop, f"FROM ml_import('copied', '{folder}')")
    copied = rows(shop, SAID.format("log").replace("'flow'", "'copied'"))
    assert copied == [alike(r) for r in rows(shop, SAID.format("log"))]
    learn(shop, "SELECT * FROM log", "'trend': true, " + NAMED, "flow")
    assert "(date)" in [f for (f,) in rows(shop, "SELECT feature FROM ml_feature_importance('flow@2')")]
    rows(shop, "FROM ml_promote('flow@2')")
    rows(shop, "FROM ml_rollback('flow')")
    assert rows(shop, SAID.format("log")) == [alike(r) for r in copied]


def test_it_is_judged_as_classes_are(shop: Session) -> None:
    report = {r[0]: r[1:] for r in rows(shop, "FROM ml_classification_report('flow', 'log')")}
    assert report["(end)"][3] == 55
    assert {"mill", "wash", "pack"} < report.keys()
    assert {c for (c,) in rows(shop, "SELECT DISTINCT class FROM ml_roc_curve('flow', 'log')")} == {"(end)", "mill", "wash", "pack"}
    assert rows(shop, "SELECT count(*) FROM ml_calibration('flow', 'log')")[0][0] > 4
    importance = dict(rows(shop, "SELECT feature, importance FROM ml_feature_importance('flow')"))
    assert max(importance, key=lambda name: importance[name]) in ("activity", "(position)", "(elapsed)")
    whys = rows(shop, "SELECT why FROM ml_predict('flow', 'log', explain := 2) WHERE ml_status = 'ok'")
    assert all(len(why) == 2 for (why,) in whys)
    page = str(rows(shop, "SELECT ml_report('flow')")[0][0])
    for text in ("Tells what follows each event", "Error of the time", "Can its intervals be trusted"):
        assert text in page


def test_a_report_of_a_usual_process_waits_for_its_features(shop: Session) -> None:
    """An ensemble of three layers over windows of 16 events took 1.6 s for ten features."""
    with shop.engine.cursor() as cursor:
        version = resolve(cursor, "flow")
    manifest = Manifest.from_json(version.manifest)
    for groups, long in ((5, False), (100, True)):
        backbone = replace(manifest.backbone, width=64, layers=3, groups=groups, window=16)
        larger = replace(version, manifest=replace(manifest, backbone=backbone).to_json(), bytes=472_000 * groups)
        assert takes_long(larger) is long


def test_a_log_is_found_by_what_is_in_it(shop: Session) -> None:
    asked = "SELECT finding, advice FROM ml_check('{}') WHERE item = 'log'"
    [(finding, advice)] = rows(shop, asked.format("log"))
    assert "60 values of order_no, 4 of activity" in finding
    assert advice == f"FROM ml_finetune('my_model', 'log', {ROLES}, options := {{'started': 'begun'}});"
    assert rows(shop, asked.format("SELECT * REPLACE (id % 3 AS order_no) FROM log")) == []
    assert rows(shop, asked.format("SELECT * REPLACE (chr((65 + hash(id) % 9)::INT) AS activity) FROM log")) == []
    assert rows(shop, asked.format("SELECT * EXCLUDE (done, begun, due) FROM log")) == []
    told = asked.replace("')", "', target := '{}')")
    assert len(rows(shop, told.format("log", "activity"))) == 1
    assert rows(shop, told.format("log", "open")) == []


BAD = {
    "the column of the case": ("task := 'process', target := 'activity', order_by := 'done'", SIZE),
    "the column of time": ("task := 'process', target := 'activity', entity := 'order_no'", SIZE),
    "started is 'activity', which is VARCHAR": (ROLES, f"'started': 'activity', {SIZE}"),
    "due is 'id', which is BIGINT": (ROLES, f"'due': 'id', {SIZE}"),
    "no column 'begn' .options.started.": (ROLES, f"'started': 'begn', {SIZE}"),
    "to name a BOOLEAN column": (ROLES, f"'censored': 'due', {SIZE}"),
    "started is for": ("target := 'activity'", f"'started': 'begun', {SIZE}"),
}


@pytest.mark.parametrize("text", BAD)
def test_errors_say_what_is_wanted(shop: Session, text: str) -> None:
    roles, options = BAD[text]
    with pytest.raises(MfgsqlError, match=text):
        learn(shop, "SELECT * FROM log", options, "bad", roles)


def test_logs_that_teach_nothing(shop: Session) -> None:
    with pytest.raises(DataError, match="No case has two events"):
        learn(shop, "SELECT * FROM log WHERE id % 10 = 1", name="one")
    with pytest.raises(MfgsqlError, match="no rows"):
        learn(shop, "SELECT * FROM log LIMIT 0", name="none")
    assert rows(shop, "FROM ml_predict('flow', 'SELECT * FROM log LIMIT 0')") == []
    with pytest.raises(OptionError, match="two classes"):
        learn(shop, "SELECT * FROM log", NAMED, "costly", f"{ROLES}, costs := {{'missed': 2, 'false_alarm': 1}}")


def test_cases_that_are_all_open_tell_no_end(shop: Session) -> None:
    with pytest.raises(DataError, match="All 60 cases are open .open is TRUE in each."):
        learn(shop, "SELECT * REPLACE (true AS open) FROM log", NAMED, "endless")
    few = learn(shop, "SELECT * REPLACE (order_no >= 'o09' AS open) FROM log", NAMED, "few")
    assert "9 of 60 cases are over: too few" in str(few["warnings"])


def test_moments_of_another_kind(shop: Session) -> None:
    for change in ("epoch(done) AS done", "due::VARCHAR AS due"):
        with pytest.raises(MfgsqlError, match="flow@1 reads times from 'done', 'begun', 'due', and the source has a"):
            rows(shop, f"FROM ml_predict('flow', 'SELECT * REPLACE ({change}) FROM log')")


def test_a_step_that_only_repeats(shop: Session) -> None:
    repeats = "SELECT * REPLACE ('cut' AS activity) FROM log WHERE NOT open AND (id % 10 < 3 OR id % 20 > 10)"
    learn(shop, repeats, f"'due': 'due', 'exclude': ['id', 'open'], {SIZE}", "repeats")
    told = rows(shop, "SELECT probability, probabilities[predicted_next_activity] FROM ml_predict('repeats', 'log')")
    assert all(p == q >= 0.5 for p, q in told)


def test_it_stands_on_a_base_of_the_same_events(shop: Session) -> None:
    shop.execute("CREATE OR REPLACE TABLE loaded AS SELECT *, hash(id) % 100 / 10.0 AS load FROM log")
    shape = "'window': 4, 'patch': 1, 'exclude': ['id', 'open', 'begun', 'due']"
    rows(shop, "FROM ml_pretrain('base', 'loaded', objective := 'autoregressive', entity := 'order_no', order_by := 'done', "
               f"options := {{{shape}, {SIZE}}})")  # fmt: skip
    learn(shop, "FROM loaded", "'epochs': 3, 'exclude': ['id', 'open', 'begun', 'due']", "based", f"{ROLES}, base := 'base'")
    assert rows(shop, "SELECT base FROM ml.versions WHERE model = 'based'") == [("base@1",)]
    read = {name for (name,) in rows(shop, "SELECT feature FROM ml_feature_importance('based')")}
    assert {"activity", "load", "(position)", "(elapsed)"} <= read
