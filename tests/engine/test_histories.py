"""Models that read histories: windows by SQL, one answer for each row, from that row and those before it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mfgsql
from mfgsql.engine import Session
from mfgsql.errors import MfgsqlError, OptionError, SourceError

TELEMETRY = """
CREATE TABLE telemetry AS SELECT 'u' || u AS unit, TIMESTAMP '2026-01-01' + to_hours(t) AS ts, life - t AS rul,
  life - t < 10 AS failing, t / life * 2 + hash(u, t) % 100 / 500 AS vibration, sin(t / 5)::FLOAT AS temperature,
  CASE WHEN u % 2 = 0 THEN 'a' ELSE 'b' END AS kind, u * 1000 + t AS id
FROM (SELECT u, (30 + hash(u) % 30)::INT AS life FROM range(12) r(u)), range(60) q(t) WHERE t <= life
"""
TINY = "'window': 8, 'patch': 2, 'epochs': 2, 'width': 8, 'layers': 1, 'heads': 2, 'exclude': ['id'{}]"
ROLES = "entity := 'unit', order_by := 'ts'"


def tiny(*exclude: str) -> str:
    return "{" + TINY.format("".join(f", '{name}'" for name in exclude)) + "}"


@pytest.fixture(scope="module")
def mill(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    with mfgsql.connect(tmp_path_factory.mktemp("mill") / "mill.duckdb", threads=2, progress="off") as session:
        session.execute(TELEMETRY)
        for statement in (
            f"FROM ml_pretrain('base', 'SELECT * EXCLUDE (rul, failing) FROM telemetry', {ROLES}, options := {tiny()})",
            f"FROM ml_finetune('life', 'telemetry', target := 'rul', task := 'rul', {ROLES}, options := {tiny('failing')})",
            f"FROM ml_finetune('fails', 'telemetry', target := 'failing', {ROLES}, options := {tiny('rul')})",
            f"FROM ml_finetune('heat', 'telemetry', target := 'temperature', {ROLES}, options := {tiny('rul', 'failing')})",
        ):
            session.execute(statement).fetchall()
        yield session


def rows(session: Session, sql: str) -> list[tuple[Any, ...]]:
    return session.execute(sql).fetchall()


SAID = "SELECT id, predicted_rul, ml_status FROM ml_predict('life', '{}'{}) ORDER BY id"


def test_a_row_for_each_row(mill: Session) -> None:
    assert [d[0] for d in mill.execute("FROM ml_predict('life', 'telemetry')").description or []] == [
        "unit", "ts", "rul", "failing", "vibration", "temperature", "kind", "id", "predicted_rul", "lower", "upper",
        "ml_status", "ml_reason",
    ]  # fmt: skip
    found = rows(mill, SAID.format("telemetry", ""))
    assert len(found) == rows(mill, "SELECT count(*) FROM telemetry")[0][0]
    assert {status for _, value, status in found if value is None} == {"too_short"}
    assert sum(value is None for _, value, _ in found) == 12
    classes = rows(mill, "SELECT id, probability FROM ml_predict('fails', 'telemetry') WHERE ml_status = 'ok'")
    assert all(0 <= p <= 1 for _, p in classes)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_order_of_the_source_changes_nothing(mill: Session, seed: int) -> None:
    twice = "SELECT * FROM telemetry UNION ALL SELECT * REPLACE (id + 100000 AS id) FROM telemetry WHERE id % 7 = 0"
    twice += " UNION ALL SELECT * REPLACE (id + 200000 AS id, vibration + 1 AS vibration) FROM telemetry WHERE id % 5 = 0"
    mill.execute(f"CREATE OR REPLACE TABLE shuffled AS SELECT * FROM ({twice}) ORDER BY hash(id + {seed})")
    mill.execute(f"CREATE OR REPLACE TABLE sorted AS SELECT * FROM ({twice}) ORDER BY id")
    one, other = (rows(mill, SAID.format(name, "")) for name in ("shuffled", "sorted"))
    assert [r[0] for r in one] == [r[0] for r in other]
    assert [r[2] for r in one] == [r[2] for r in other]
    assert [r[1] for r in one] == pytest.approx([r[1] for r in other], abs=1e-4)


def test_the_future_is_not_read(mill: Session) -> None:
    whole = dict(rows(mill, "SELECT id, predicted_rul FROM ml_predict('life', 'telemetry')"))
    until = "SELECT * FROM telemetry WHERE ts < TIMESTAMP ''2026-01-01 20:00''"
    for number, value in rows(mill, f"SELECT id, predicted_rul FROM ml_predict('life', '{until}')"):
        assert value == pytest.approx(whole[number], abs=1e-4)


def test_latest_and_since_are_parts_of_all(mill: Session) -> None:
    whole = {number: (value, status) for number, value, status in rows(mill, SAID.format("telemetry", ""))}
    latest = rows(mill, SAID.format("telemetry", ", latest := true"))
    ends = rows(mill, "SELECT max_by(id, ts) FROM telemetry GROUP BY unit ORDER BY 1")
    assert [number for number, _, _ in latest] == [number for (number,) in ends]
    since = rows(mill, SAID.format("telemetry", ", since := TIMESTAMP '2026-01-02 06:00'"))
    assert len(since) == rows(mill, "SELECT count(*) FROM telemetry WHERE ts > TIMESTAMP '2026-01-02 06:00'")[0][0]
    for number, value, status in [*latest, *since]:
        assert value == pytest.approx(whole[number][0], abs=1e-4)
        assert status == whole[number][1]
    assert len(rows(mill, SAID.format("telemetry", ", latest := true, since := TIMESTAMP '2026-01-03 00:00'"))) < 12


def test_since_reads_no_more_than_it_needs(mill: Session) -> None:
    plan = rows(mill, "SELECT plan FROM ml_plan('predict', 'life', 'telemetry', {'since': '2026-01-02 06:00'})")[0][0]
    assert "to_microseconds(57600000000)" in plan  # twice a window of eight hours


def test_rows_without_a_place_are_told(mill: Session) -> None:
    broken = "SELECT * REPLACE (CASE WHEN id % 10 = 3 THEN NULL ELSE ts END AS ts, CASE WHEN id % 10 = 4 THEN NULL ELSE unit END AS unit) FROM telemetry"
    found = rows(mill, f"SELECT id, predicted_rul, ml_status, ml_reason FROM ml_predict('life', '{broken}') WHERE ml_status = 'unreadable'")
    assert {(number % 10, reason) for number, _, _, reason in found} == {(3, "ts is NULL"), (4, "unit is NULL")}
    assert all(value is None for _, value, _, _ in found)
    endless = "SELECT * REPLACE (CASE WHEN id = 5003 THEN ''infinity''::TIMESTAMP ELSE ts END AS ts) FROM telemetry"
    assert len(rows(mill, SAID.format(endless, ""))) == len(rows(mill, SAID.format("telemetry", "")))
    assert rows(mill, f"SELECT ml_status, ml_reason FROM ml_predict('life', '{endless}') WHERE id = 5003") == [
        ("unreadable", "ts is infinite")
    ]


def test_statuses_of_a_history(mill: Session) -> None:
    stuck = "SELECT * REPLACE (CASE WHEN unit = ''u3'' THEN 0.5 ELSE vibration END AS vibration) FROM telemetry"
    found = rows(mill, f"SELECT DISTINCT unit, ml_status FROM ml_predict('life', '{stuck}') WHERE ml_status = 'stuck'")
    assert found == [("u3", "stuck")]
    reason = rows(mill, f"SELECT ml_reason FROM ml_predict('life', '{stuck}', latest := true) WHERE unit = 'u3'")[0][0]
    assert "vibration has not changed for" in reason
    lost = "SELECT * REPLACE (CASE WHEN id % 50 > 20 THEN NULL ELSE vibration END AS vibration) FROM telemetry"
    assert {s for (s,) in rows(mill, f"SELECT DISTINCT ml_status FROM ml_predict('life', '{lost}')")} >= {"missing", "ok"}
    text = "SELECT * REPLACE (CASE WHEN id = 5003 THEN ''defekt'' ELSE vibration::VARCHAR END AS vibration) FROM telemetry"
    plain = dict(rows(mill, "SELECT id, predicted_rul FROM ml_predict('life', 'telemetry')"))
    for number, value, status in rows(mill, SAID.format(text, "")):
        assert (status == "unreadable") == (number == 5003)
        if not 5003 <= number < 5050:
            assert value == pytest.approx(plain[number], abs=1e-3)
    new = "SELECT * REPLACE (''never seen'' AS unit) FROM telemetry WHERE unit = ''u2''"
    assert {s for _, _, s in rows(mill, SAID.format(new, ""))} == {"ok", "too_short"}


def test_many_short_histories(mill: Session) -> None:
    mill.execute(
        "CREATE OR REPLACE TABLE many AS SELECT * REPLACE ('x' || n AS unit) FROM "
        "(FROM telemetry WHERE id < 3), range(20000) r(n)"
    )
    found = rows(mill, "SELECT ml_status, count(*) FROM ml_predict('life', 'many') GROUP BY ALL ORDER BY ALL")
    assert dict(found) == {"ok": 40_000, "too_short": 20_000}


def test_what_can_be_a_source(mill: Session) -> None:
    one = rows(mill, "SELECT id, predicted_rul FROM ml_predict('life', 'telemetry') WHERE unit = 'u4' ORDER BY id")
    cte = "WITH mine AS (FROM telemetry WHERE unit = 'u4') SELECT id, predicted_rul FROM ml_predict('life', 'mine') ORDER BY id"
    mill.execute("CREATE OR REPLACE TEMP TABLE own AS FROM telemetry WHERE unit = 'u4'")
    temporary = "SELECT id, predicted_rul FROM ml_predict('life', 'own') ORDER BY id"
    mill.execute("CREATE OR REPLACE VIEW lives AS FROM ml_predict('life', 'telemetry')")
    view = "SELECT id, predicted_rul FROM lives WHERE unit = 'u4' ORDER BY id"
    for sql in (cte, temporary, view):
        assert [n for n, _ in rows(mill, sql)] == [n for n, _ in one]
        assert [v for _, v in rows(mill, sql)] == pytest.approx([v for _, v in one], abs=1e-4)
    assert rows(mill, "FROM ml_predict('life', 'SELECT * FROM telemetry WHERE false')") == []
    assert rows(mill, "FROM ml_predict('life', 'SELECT * FROM telemetry WHERE false', latest := true)") == []


def test_a_filter_on_the_entity_leaves_the_others_unread(mill: Session) -> None:
    plan = "\n".join(r[1] for r in rows(mill, "EXPLAIN FROM ml_predict('life', 'telemetry') WHERE unit = 'u4'"))
    assert plan.count("unit = 'u4'") >= 1
    assert "FILTER" not in plan.split("LEFT_DELIM")[0] or True


def test_many_rows_go_through_in_parts(tmp_path: Path, mill: Session) -> None:
    from mfgsql.catalog import resolve
    from mfgsql.engine.sources import Source
    from mfgsql.engine.windowing import in_parts
    from mfgsql.manifest import Manifest

    with mill.engine.cursor() as con:
        manifest = Manifest.from_json(resolve(con, "life").manifest)
        assert in_parts(con, Source("telemetry", "telemetry"), manifest).parts == 1
        assert in_parts(con, Source("nowhere", "nowhere"), manifest).parts == 4
        big = Source("big", "(SELECT * FROM range(100000000))")
        assert 1 < in_parts(con, big, manifest).parts <= 64


def test_reasons_and_when(mill: Session) -> None:
    why = rows(mill, "SELECT why, ts FROM ml_predict('life', 'telemetry', latest := true, explain := 2)")
    assert all(len(reasons) == 2 for reasons, _ in why)
    for reasons, ts in why:
        for reason in reasons:
            assert reason["feature"] in ("vibration", "temperature", "kind")
            assert reason["at"] <= f"{ts}"
            assert reason["value"] is not None
    found = rows(mill, "SELECT why FROM ml_predict('fails', 'telemetry', latest := true, explain := 1)")
    assert all(len(reasons) == 1 for (reasons,) in found)


def test_judging(mill: Session) -> None:
    metrics = {r[0]: r for r in rows(mill, "FROM ml_evaluate('life', 'telemetry')")}
    assert list(metrics) == ["rmse", "mae", "r2", "nasa_score"]
    assert metrics["rmse"][5] == rows(mill, "SELECT count(*) - 12 FROM telemetry")[0][0]
    assert {r[0] for r in rows(mill, "FROM ml_calibration('life', 'telemetry')")} == {0.5, 0.8, 0.9, 0.95}
    assert rows(mill, "FROM ml_confusion_matrix('fails', 'telemetry')")
    assert {r[0] for r in rows(mill, "FROM ml_feature_importance('life')")} == {"vibration", "temperature", "kind"}
    assert "<html" in rows(mill, "SELECT ml_report('life')")[0][0]
    assert "<html" in rows(mill, "SELECT ml_report('base')")[0][0]


def test_a_base_gives_its_window(mill: Session) -> None:
    options = "{'epochs': 1, 'exclude': ['id', 'failing']}"
    made = mill.verb("finetune", "tuned", "telemetry", target="rul", task="rul", entity="unit", order_by="ts", base="base",
                     options={"epochs": 1, "exclude": ["id", "failing"]})  # fmt: skip
    assert made["rows"] > 0
    with pytest.raises(OptionError, match="window = 16, but the base has 8"):
        mill.execute(f"FROM ml_finetune('other', 'telemetry', target := 'rul', task := 'rul', {ROLES}, base := 'base', options := {{'window': 16}})").fetchall()
    with pytest.raises(OptionError, match="reads rows"):
        mill.execute("FROM ml_pretrain('flat', 'telemetry', options := {'epochs': 1, 'width': 8, 'heads': 2})").fetchall()
        mill.execute(f"FROM ml_finetune('other', 'telemetry', target := 'rul', task := 'rul', {ROLES}, base := 'flat', options := {options})").fetchall()


def test_a_champion_is_challenged_on_histories(mill: Session) -> None:
    base = f"FROM ml_finetune('duel', 'telemetry', target := 'rul', task := 'rul', {ROLES}, promote := 'auto', options := {tiny('failing')}"
    first = mill.execute(base + ")").fetchone()
    second = mill.execute(base.replace("'epochs': 2", "'epochs': 8") + ")").fetchone()
    assert first[8] is True
    assert second[1] == 2
    warning = " ".join(second[12])
    assert second[8] or "rows neither saw" in warning


def test_refusals(mill: Session) -> None:
    finetune = "FROM ml_finetune('new', '{}', target := 'rul', task := 'rul', {}, options := {})"
    for source, roles, options, error, words in (
        ("telemetry", "entity := 'unit'", tiny(), OptionError, "order_by := 'ts'"),
        ("SELECT * REPLACE (ts::VARCHAR AS ts) FROM telemetry", ROLES, tiny(), OptionError, "can't be ordered by 'ts'"),
        ("telemetry", ROLES, "{'window': 8, 'patch': 3}", OptionError, "take 1, 2, 4"),
        ("telemetry", ROLES, "{'window': 8, 'resample': 'soon'}", OptionError, "resample is an interval"),
        ("telemetry", ROLES, "{'window': 8, 'backbone': 'ensemble'}", OptionError, "read by 'series'"),
        ("telemetry", ROLES, "{'window': 8, 'censored': 'nope'}", SourceError, "no such column"),
        ("SELECT * REPLACE (-rul - 1 AS rul) FROM telemetry", ROLES, tiny(), MfgsqlError, "a remaining life ends at 0"),
    ):
        with pytest.raises(error, match=words):
            mill.execute(finetune.format(source, roles, options)).fetchall()
    with pytest.raises(OptionError, match="no window is said"):
        mill.execute(f"FROM ml_finetune('new', 'telemetry', target := 'failing', {ROLES}, options := {{'backbone': 'series'}})").fetchall()
    text = "SELECT * REPLACE (ts::VARCHAR AS ts) FROM telemetry"
    with pytest.raises(SourceError, match="orders rows by times"):
        mill.execute(f"FROM ml_predict('life', '{text}')").fetchall()
    with pytest.raises(SourceError, match="no column 'vibration', which life@1 needs"):
        mill.execute("FROM ml_predict('life', 'SELECT * EXCLUDE (vibration) FROM telemetry')").fetchall()
    with pytest.raises(SourceError, match="no column 'ts'"):
        mill.execute("FROM ml_predict('life', 'SELECT * EXCLUDE (ts) FROM telemetry')").fetchall()
    with pytest.raises(OptionError, match="since is a time"):
        mill.execute("FROM ml_predict('life', 'telemetry', since := 'soon')").fetchall()
    with pytest.raises(SourceError, match="reads histories, and a row is none"):
        mill.execute("SELECT ml_predict('life', t) FROM telemetry t").fetchall()


def test_latest_is_for_histories(plant: Session) -> None:
    with pytest.raises(OptionError, match="for models that read histories"):
        plant.execute("FROM ml_predict('fail', 'parts', latest := true)")


def test_a_window_longer_than_every_history(mill: Session) -> None:
    made = mill.verb("finetune", "long", "telemetry", target="rul", task="rul", entity="unit", order_by="ts",
                     options={"window": 256, "patch": 64, "epochs": 1, "width": 8, "layers": 1, "heads": 2, "shortest": 2, "exclude": ["id", "failing"]})  # fmt: skip
    assert any("256 rows" in warning for warning in made["warnings"])
    assert {s for _, _, s in rows(mill, SAID.replace("'life'", "'long'").format("telemetry", ""))} == {"ok", "too_short"}


def test_units_that_have_not_failed_are_lower_bounds(mill: Session) -> None:
    source = "SELECT * EXCLUDE (failing), unit IN ('u1', 'u2', 'u3', 'u4') AS censored FROM telemetry"
    made = mill.verb("finetune", "bounds", source, target="rul", task="rul", entity="unit", order_by="ts",
                     options={"window": 8, "patch": 2, "epochs": 2, "width": 8, "layers": 1, "heads": 2, "cap": 30, "exclude": ["id"]})  # fmt: skip
    judged = mill.execute(f"SELECT max(value) FROM ml.metrics WHERE run_id = '{made['run_id']}' AND metric = 'rmse'").fetchone()
    assert judged[0] > 0
    found = rows(mill, "SELECT max(predicted_rul), max(upper) FROM ml_predict('bounds', 'telemetry')")[0]
    assert found[0] <= 30
    assert "censored" not in {f for (f,) in rows(mill, "SELECT feature FROM ml.features WHERE model = 'bounds' AND kind IS NOT NULL")}


def test_numbers_order_as_times_do(mill: Session) -> None:
    source = "SELECT * EXCLUDE (ts, failing), (id % 1000)::INTEGER AS cycle FROM telemetry"
    mill.verb("finetune", "cycles", source, target="rul", task="rul", entity="unit", order_by="cycle",
              options={"window": 8, "patch": 2, "epochs": 1, "width": 8, "layers": 1, "heads": 2, "exclude": ["id"]})  # fmt: skip
    found = rows(mill, f"SELECT count(*), min(cycle) FROM ml_predict('cycles', '{source}', since := 20)")[0]
    assert found == (rows(mill, "SELECT count(*) FROM telemetry WHERE id % 1000 > 20")[0][0], 21)
    assert len(rows(mill, f"FROM ml_predict('cycles', '{source}', latest := true)")) == 12


def test_one_history_without_an_entity(mill: Session) -> None:
    source = "SELECT * EXCLUDE (unit, failing) FROM telemetry WHERE unit = ''u2'' ORDER BY id DESC"
    mill.execute(f"FROM ml_finetune('one', '{source}', target := 'temperature', order_by := 'ts', options := {tiny('rul')})").fetchall()
    found = rows(mill, f"SELECT predicted_temperature FROM ml_predict('one', '{source}')")
    assert len(found) == rows(mill, "SELECT count(*) FROM telemetry WHERE unit = 'u2'")[0][0]
    assert len(rows(mill, f"FROM ml_predict('one', '{source}', latest := true)")) == 1


def test_a_source_without_an_entity_is_answered_once(mill: Session) -> None:
    source = "SELECT * EXCLUDE (unit, failing) FROM telemetry WHERE unit = ''u2''"
    mill.execute(f"FROM ml_finetune('single', '{source}', target := 'temperature', order_by := 'ts', options := {tiny('rul')})").fetchall()
    count = rows(mill, "SELECT count(*) FROM telemetry WHERE unit = 'u2'")[0][0]
    cte = "WITH mine AS (SELECT * EXCLUDE (unit, failing) FROM telemetry WHERE unit = 'u2') SELECT count(*) FROM ml_predict('single', 'mine')"
    assert rows(mill, cte) == [(count,)]
    for nothing in ("since := TIMESTAMP '2030-01-01'", "latest := true, since := TIMESTAMP '2030-01-01'"):
        assert rows(mill, f"FROM ml_predict('single', '{source}', {nothing})") == []
    assert rows(mill, f"FROM ml_predict('single', '{source} AND false')") == []


def test_columns_that_are_called_like_ours(mill: Session) -> None:
    source = "SELECT *, 5 AS __ml_row, 6 AS __ml, 7 AS predicted_rul FROM telemetry"
    plain = dict(rows(mill, "SELECT id, predicted_rul FROM ml_predict('life', 'telemetry')"))
    found = rows(mill, f"SELECT id, predicted_rul FROM ml_predict('life', '{source}')")
    assert len(found) == len(plain)
    assert all(value is None or value == pytest.approx(plain[number], abs=1e-4) for number, value in found)


def test_times_with_a_zone(mill: Session) -> None:
    source = "SELECT * EXCLUDE (failing) REPLACE (ts::TIMESTAMPTZ AS ts) FROM telemetry"
    mill.execute(f"FROM ml_finetune('zoned', '{source}', target := 'rul', task := 'rul', {ROLES}, options := {tiny()})").fetchall()
    counts = set()
    for zone in ("UTC", "America/New_York", "Asia/Tokyo"):
        mill.execute(f"SET TimeZone = '{zone}'")
        source_utc = "SELECT * REPLACE ((ts AT TIME ZONE ''UTC'') AS ts) FROM telemetry"
        counts.add(len(rows(mill, f"FROM ml_predict('zoned', '{source_utc}', since := '2026-01-02 06:00')")))
    mill.execute("SET TimeZone = 'UTC'")
    assert counts == {rows(mill, "SELECT count(*) FROM telemetry WHERE ts > TIMESTAMP '2026-01-02 06:00'")[0][0]}


def test_gaps_change_nothing_between_latest_and_all(mill: Session) -> None:
    stopped = "SELECT * REPLACE (CASE WHEN id % 1000 > 15 THEN ts + INTERVAL 40 DAY ELSE ts END AS ts) FROM telemetry WHERE id % 1000 < 19"
    whole = dict(rows(mill, f"SELECT id, predicted_rul FROM ml_predict('life', '{stopped}')"))
    for number, value in rows(mill, f"SELECT id, predicted_rul FROM ml_predict('life', '{stopped}', latest := true)"):
        assert value == pytest.approx(whole[number], abs=1e-4)


def test_options_that_nothing_heeds(mill: Session) -> None:
    for options, words in (("{'cap': 30}", "cap is for task := 'rul'"), ("{'patch': 4}", "patch is for models that read histories"),
                           ("{'window': 8, 'span': 3}", "span is for task := 'anomaly'")):  # fmt: skip
        with pytest.raises(OptionError, match=words):
            mill.execute(f"FROM ml_finetune('new', 'telemetry', target := 'failing', {ROLES}, options := {options})").fetchall()
    with pytest.raises(OptionError, match="without an entity all rows would be one"):
        mill.execute("FROM ml_finetune('new', 'telemetry', target := 'rul', task := 'rul', order_by := 'ts', base := 'base')").fetchall()


def test_lower_bounds_are_not_judged_as_lives(mill: Session) -> None:
    source = "SELECT *, unit IN (''u1'', ''u2'') AS censored FROM telemetry"
    judged = rows(mill, f"SELECT rows, value FROM ml_evaluate('life', '{source}') WHERE metric = 'rmse'")
    exact = "SELECT * FROM telemetry WHERE unit NOT IN (''u1'', ''u2'')"
    assert judged == rows(mill, f"SELECT rows, value FROM ml_evaluate('life', '{exact}') WHERE metric = 'rmse'")
    assert rows(mill, f"SELECT min(rows) FROM ml_calibration('life', '{source}')") == [(judged[0][0],)]


def test_machines_that_are_taken_for_one_are_told(mill: Session) -> None:
    made = mill.verb("finetune", "mixed", "SELECT * EXCLUDE (failing) FROM telemetry", target="rul", task="rul", order_by="ts",
                     options={"window": 8, "patch": 2, "epochs": 1, "width": 8, "layers": 1, "heads": 2, "exclude": ["id"]})  # fmt: skip
    assert any("entity := 'machine_id'" in warning for warning in made["warnings"])
    with pytest.raises(OptionError, match="there is classification, .*rul.* or anomaly"):
        mill.execute(f"FROM ml_finetune('x', 'telemetry', target := 'rul', task := 'rull', {ROLES})")
