"""ml_drift: rows beside what a version learnt from, and what it said of the rows that judged it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mfgsql
from mfgsql.engine import Session
from mfgsql.errors import DataError, MfgsqlError, NotFoundError, OptionError, SourceError
from tests.catalog.test_releases import FILES, copy

FEATURES = "torque, temp, shift, hot"


def drift(s: Session, call: str) -> list[dict[str, Any]]:
    return s.sql(f"FROM ml_drift({call})").to_pylist()


def found(rows: list[dict[str, Any]], kind: str, feature: str | None = None) -> dict[str, Any]:
    (row,) = (r for r in rows if r["kind"] == kind and feature in (None, r["feature"]))
    return row


def drifted(rows: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(r["kind"], r["feature"]) for r in rows if r["drifted"] and r["kind"] != "summary"}


@pytest.mark.parametrize("model", ["fail", "kind", "wear"])
def test_rows_that_were_learnt_from_are_no_drift(plant: Session, model: str) -> None:
    rows = drift(plant, f"'{model}', 'parts'")
    assert drifted(rows) == set()
    assert (rows[0]["kind"], rows[0]["drifted"], rows[0]["ml_reason"]) == ("summary", False, "0 of 4 features drifted")
    assert {r["kind"] for r in rows} == {"summary", "feature", "score", "performance"}
    assert all(r["rows"] == 600 for r in rows)
    assert {r["feature"] for r in rows if r["kind"] == "feature"} == {"torque", "temp", "shift", "hot"}


def test_each_kind_of_change_is_told_of_its_column(plant: Session) -> None:
    changed = "if(id % 5 = 0, 'D', shift) AS shift, if(id % 4 = 0, NULL, hot) AS hot, torque + 1 AS torque"
    rows = drift(plant, f"'fail', $$SELECT temp, {changed} FROM parts$$")
    assert {("feature", "torque"), ("feature", "shift"), ("unseen", "shift"), ("missing", "hot")} <= drifted(rows)
    assert ("feature", "temp") not in drifted(rows)
    unseen, missing = found(rows, "unseen"), found(rows, "missing", "hot")
    assert (unseen["value"], unseen["reference"], unseen["ml_reason"]) == (0.2, 0.0, "120 of 600 rows")
    assert missing["value"] == 0.25
    assert found(rows, "feature", "torque")["ml_reason"].startswith("median 2.")
    assert rows[0]["value"] == 3 and rows[0]["reference"] == 4 and rows[0]["drifted"]
    flags = [r["drifted"] for r in rows[1:]]
    assert flags == sorted(flags, reverse=True)  # the most severe first
    tests = [r for r in rows if r["p_value"] is not None]
    assert all(r["p_adjusted"] >= r["p_value"] for r in tests)


def test_labels_that_came_show_how_good_the_model_is_now(lab: Session, finetune: Callable[..., str]) -> None:
    lab.execute(finetune("m", f"SELECT {FEATURES}, failed FROM parts", "failed").replace("'epochs': 1", "'epochs': 20")).fetchall()
    turned = f"SELECT {FEATURES}, ts, if(ts > TIMESTAMP '2026-01-01 06:00', NOT failed, failed) AS failed FROM parts"
    rows = drift(lab, f"'m', $${turned}$$, order_by := 'ts'")
    metric, error = found(rows, "performance"), found(rows, "stream", "error")
    assert metric["feature"] == "pr_auc" and metric["drifted"]
    assert metric["upper"] < metric["reference"] and metric["lower"] <= metric["value"] <= metric["upper"]
    assert metric["reference"] == pytest.approx(lab.execute("SELECT value FROM ml.versions").fetchone()[0])
    assert error["drifted"] and abs((error["since"] - lab.execute("SELECT TIMESTAMP '2026-01-01 06:00'").fetchone()[0]).total_seconds()) < 7200
    assert ("stream", "probability") not in drifted(rows)
    still = drift(lab, f"'m', $$SELECT {FEATURES}, ts, failed FROM parts$$, order_by := 'ts'")
    assert drifted(still) == set()
    assert all(r["since"] is None for r in still)


def test_a_window_of_ones_own_is_compared_with(plant: Session) -> None:
    now = "SELECT * REPLACE (torque + 1 AS torque) FROM parts"
    rows = drift(plant, f"'fail', '{now}', reference := '{now}'")
    assert drifted(rows) == set()
    assert found(rows, "feature", "torque")["value"] == pytest.approx(0, abs=0.01)
    odd = "SELECT * REPLACE (if(id % 2 = 0, 'new', shift) AS shift) FROM parts"
    assert found(drift(plant, f"'fail', $${odd}$$, reference := $${odd}$$"), "unseen")["reference"] == 0.5


def test_a_caller_elsewhere_asks_of_its_own_rows(plant: Session) -> None:
    """Also where its database has a catalog, which is another plant's."""
    here = drift(plant, "'fail', 'SELECT * FROM parts', reference := 'SELECT * FROM parts WHERE id < 300'")
    with plant.cursor() as own:
        own.execute("ATTACH ':memory:' AS elsewhere; CREATE TABLE elsewhere.p AS FROM parts; CREATE SCHEMA elsewhere.ml_catalog; "
                    "CREATE TABLE elsewhere.ml_catalog.features AS FROM ml_catalog.features WHERE false")  # fmt: skip
        try:
            own.execute("USE elsewhere")
            call = "SELECT * FROM plant.ml_drift('fail', 'SELECT * FROM p', reference := 'SELECT * FROM p WHERE id < 300')"
            assert own.sql(call).to_pylist() == here
        finally:
            own.execute("USE plant; DETACH elsewhere")


def test_options(plant: Session) -> None:
    shifted = "SELECT * REPLACE (torque + 0.15 AS torque) FROM parts"
    assert not found(drift(plant, f"'fail', '{shifted}'"), "feature", "torque")["drifted"]
    easy = "options := {'psi': 0.00001, 'alpha': 0.999, 'features': 'torque'}"
    rows = drift(plant, f"'fail', '{shifted}', {easy}")
    assert found(rows, "feature")["drifted"]
    assert [r["feature"] for r in rows if r["kind"] == "feature"] == ["torque"]
    alone = drift(plant, "'fail', 'SELECT torque FROM parts', options := {'features': ['torque']}")
    assert found(alone, "score")["drifted"] is None
    assert "lacks columns" in found(alone, "score")["ml_reason"]
    paged = drift(plant, "'fail', 'parts', order_by := 'id', options := {'detector': 'page_hinkley', 'seed': 3, 'k': 20}")
    assert found(paged, "stream", "probability")["statistic"] == "page_hinkley"
    assert plant.drift("fail", "parts") == drift(plant, "'fail', 'parts'")


@pytest.mark.parametrize(
    ("call", "error", "told"),
    [
        ("'fial', 'parts'", NotFoundError, "Did you mean 'fail'"),
        ("'fail', 'SELECT temp, shift, hot FROM parts'", SourceError, "no column 'torque', which fail@1 reads"),
        ("'fail', 'SELECT * REPLACE ([torque] AS torque) FROM parts'", SourceError, "reads numbers in it.*::DOUBLE"),
        ("'fail', 'SELECT * REPLACE (ts AS torque) FROM parts'", SourceError, "reads numbers"),
        ("'fail', 'SELECT * REPLACE ({x: 1} AS shift) FROM parts'", SourceError, "reads words"),
        ("'fail', 'SELECT * FROM parts WHERE false'", DataError, "has no rows"),
        ("'fail', 'parts', reference := 'SELECT * FROM parts WHERE false'", DataError, "reference .* has no rows"),
        ("'fail', 'parts', reference := 'nowhere'", SourceError, "can't be read"),
        ("'fail', 'parts', reference := 'SELECT 1 AS torque'", SourceError, "no column"),
        ("'fail', 'parts', order_by := 'tss'", SourceError, "Did you mean 'ts'"),
        ("'fail', 'parts', order_by := 3", OptionError, "name of a column"),
        ("'fail', 'parts', options := {'alpha': 2}", OptionError, "between 0 and 1"),
        ("'fail', 'parts', options := {'psi': 'big'}", OptionError, "psi is a number"),
        ("'fail', 'parts', options := {'k': 2}", OptionError, "from 20 to 5,000"),
        ("'fail', 'parts', options := {'detector': 'adwine'}", OptionError, "Did you mean 'adwin'"),
        ("'fail', 'parts', options := {'features': ['torqe']}", OptionError, "Did you mean 'torque'"),
        ("'fail', 'parts', options := {'bins': 3}", OptionError, "Unknown option 'bins'"),
    ],
)  # fmt: skip
def test_what_can_not_be_compared_is_said(plant: Session, call: str, error: type[MfgsqlError], told: str) -> None:
    with pytest.raises(error, match=told):
        drift(plant, call)


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.name.removesuffix(".duckdb.gz"))
def test_a_version_made_before_has_features_only(file: Path, tmp_path: Path) -> None:
    with mfgsql.connect(copy(file, tmp_path), threads=1, progress="off") as s:
        rows = drift(s, "'fail@1', 'SELECT * REPLACE (torque + 2 AS torque) FROM parts'")
        assert found(rows, "feature", "torque")["drifted"]
        assert found(rows, "score")["drifted"] is None
        assert "reference := 'SELECT .." in found(rows, "score")["ml_reason"]
        given = drift(s, "'fail@1', 'parts', reference := 'parts'")
        assert drifted(given) == set()
        assert found(given, "score", "probability")["p_value"] > 0.5


def test_a_version_goes_with_its_references(lab: Session) -> None:
    kept = lab.execute("SELECT count(*) FROM duckdb_tables() WHERE schema_name = 'ml_catalog'").fetchone()
    tiny = "options := {'epochs': 1, 'width': 8, 'layers': 1, 'heads': 2, 'backbone': 'transformer'}"
    lab.execute(f"FROM ml_finetune('m', 'SELECT {FEATURES}, failed FROM parts', target := 'failed', {tiny})").fetchall()
    told = {r[0] for r in lab.execute("SELECT kind FROM ml.references").fetchall()}
    assert told == {"score", "error", "performance", "embedding"}
    rows = drift(lab, "'m', 'SELECT * REPLACE (torque * 3 AS torque) FROM parts'")
    assert found(rows, "embedding", "(row)")["drifted"]
    assert not found(drift(lab, "'m', 'parts'"), "embedding")["drifted"]
    lab.execute("FROM ml_drop('m')").fetchall()
    assert lab.execute("SELECT count(*) FROM ml.references").fetchone() == (0,)
    assert lab.execute("SELECT count(*) FROM duckdb_tables() WHERE schema_name = 'ml_catalog'").fetchone() == kept


@pytest.fixture(scope="module")
def shop() -> Iterator[Session]:
    """Notes, and telemetry of machines, with a tiny model of each."""
    with mfgsql.connect(threads=2, progress="off") as s:
        s.execute("""
CREATE TABLE notes AS SELECT i AS id, part || ' ' || fault || ' on line ' || i AS note, part
  FROM (SELECT i, ['pump', 'bearing'][1 + i % 2] AS part, ['leaks', 'is loud', 'is worn'][1 + i % 3] AS fault FROM range(200) r(i));
CREATE TABLE pumps AS SELECT 'm' || i % 10 AS unit, TIMESTAMP '2026-01-01' + to_hours((i // 10)::INT) AS ts,
  hash(i) % 1000 / 500.0 AS vibration, hash(i + 7) % 1000 / 100.0 AS pressure, hash(i) % 1000 > 700 AS late FROM range(2000) r(i)""")
        s.execute("FROM ml_finetune('of_notes', 'SELECT note, part FROM notes', target := 'part', options := {'epochs': 1})").fetchall()
        s.execute(
            "FROM ml_finetune('of_pumps', 'pumps', target := 'late', entity := 'unit', order_by := 'ts', "
            "options := {'window': 8, 'patch': 4, 'epochs': 1, 'width': 16, 'layers': 1, 'heads': 2})"
        ).fetchall()
        yield s


def test_texts_are_compared_as_vectors(shop: Session) -> None:
    assert ("embedding", "note") not in drifted(drift(shop, "'of_notes', 'notes'"))
    other = "SELECT ''the robot stops at station '' || id AS note FROM notes"
    rows = drift(shop, f"'of_notes', '{other}'")
    assert ("embedding", "note") in drifted(rows)
    assert "1 of 1 features drifted (note)" in rows[0]["ml_reason"]
    assert drift(shop, f"'of_notes', '{other}'") == rows  # same seed, same result
    assert found(drift(shop, "'of_notes', 'notes', options := {'k': 30}"), "embedding")["rows"] <= 30


def test_histories_count_a_row_of_each_window(shop: Session) -> None:
    rows = drift(shop, "'of_pumps', 'pumps', order_by := 'ts'")
    assert drifted(rows) == set()
    assert 240 <= found(rows, "score", "probability")["rows"] <= 250  # of 2,000, by windows of 8; the first are too short
    moved = drift(shop, "'of_pumps', 'SELECT * REPLACE (vibration + 1 AS vibration) FROM pumps'")
    assert {("feature", "vibration"), ("embedding", "(history)")} <= drifted(moved)
    assert ("feature", "pressure") not in drifted(moved)


@given(
    torque=st.sampled_from(["torque", "torque::VARCHAR", "NULL", "'inf'::DOUBLE", "'x'", "torque::DECIMAL(9, 3)", "hot"]),
    shift=st.sampled_from(["shift", "NULL", "id", "'it''s'", "upper(shift) || chr(0)", "''"]),
    hot=st.sampled_from(["hot", "NULL", "'maybe'", "1"]),
    rows=st.integers(1, 40),
)
@settings(max_examples=25)
def test_odd_rows_are_told_of_as_any(plant: Session, torque: str, shift: str, hot: str, rows: int) -> None:
    source = f"SELECT {torque} AS \"Torque\", temp, {shift} AS shift, {hot} AS hot, failed, id FROM parts ORDER BY id LIMIT {rows}"
    quoted = source.replace("'", "''")
    found = drift(plant, f"'fail', '{quoted}'")
    assert found[0]["kind"] == "summary"
    assert all(r["p_value"] is None or 0 <= r["p_value"] <= r["p_adjusted"] <= 1 for r in found)
    assert {r["feature"] for r in found if r["kind"] in ("feature", "missing")} >= {"torque", "temp", "shift", "hot"}
