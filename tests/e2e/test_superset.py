"""Superset over the served plant: what its pages ask for, by value, and what SQL Lab makes of DuckDB's SQL."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.e2e.conftest import Truth
from tests.e2e.superset_pages import Dataset, Lab, Superset
from tests.soak.served import Served

pytestmark = pytest.mark.timeout(600)
MEAN = {"expressionType": "SIMPLE", "column": {"column_name": "probability"}, "aggregate": "AVG", "label": "mean"}
GRAINS = {
    "PT1S": "1 second", "PT5S": "5 seconds", "PT30S": "30 seconds", "PT1M": "1 minute", "PT5M": "5 minutes", "PT10M": "10 minutes",
    "PT15M": "15 minutes", "PT30M": "30 minutes", "PT1H": "1 hour", "P1D": "1 day", "P1W": "1 week", "P1M": "1 month",
    "P3M": "3 months", "P1Y": "1 year",
}  # fmt: skip
# 300,000 rows to score: a minute, long enough to be stopped in the middle.
SLOW = "SELECT avg(probability) FROM ml_predict('fail', 'SELECT p.* FROM parts p, range(500)')"


@pytest.fixture(scope="module")
def superset(python: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Superset]:
    superset = Superset(python("superset"), tmp_path_factory.mktemp("superset"))
    try:
        yield superset
    finally:
        superset.stop()


@pytest.fixture(scope="module")
def database(superset: Superset, url: Callable[..., str]) -> int:
    return superset.add_database("plant", url("postgresql+psycopg2"))


@pytest.fixture(scope="module")
def lab(superset: Superset, database: int) -> Lab:
    return Lab(superset, database)


@pytest.fixture(scope="module")
def risk(superset: Superset, database: int) -> Dataset:
    return Dataset(superset, database, "risk")


def instant(milliseconds: float) -> datetime:
    """Charts have moments in milliseconds."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).replace(tzinfo=None)


# -- the database -----------------------------------------------------------------------------------------------------


def test_schemas_tables_and_views_are_listed(superset: Superset, database: int) -> None:
    at = f"/api/v1/database/{database}"
    assert {"main", "ml"} <= set(superset.ask("GET", f"{at}/schemas/")["result"])
    listed = superset.ask("GET", f"{at}/tables/?q=(schema_name:main)")["result"]
    assert {(t["value"], t["type"]) for t in listed} == {("parts", "table"), ("risk", "view")}
    listed = superset.ask("GET", f"{at}/tables/?q=(schema_name:ml)")["result"]
    assert {("models", "view"), ("functions", "view")} <= {(t["value"], t["type"]) for t in listed}


def test_a_wrong_password_is_told(superset: Superset, url: Callable[..., str]) -> None:
    told = {"database_name": "x", "sqlalchemy_uri": url("postgresql+psycopg2").replace("enough", "wrong")}
    errors = superset.ask("POST", "/api/v1/database/test_connection/", told, expect=[400])["errors"]
    assert 'The password provided for username "analyst" is incorrect' in errors[0]["message"]


def test_a_connection_may_ask_for_encryption(superset: Superset, url: Callable[..., str]) -> None:
    told = {"database_name": "x", "sqlalchemy_uri": url("postgresql+psycopg2") + "?sslmode=require"}
    assert superset.ask("POST", "/api/v1/database/test_connection/", told)["message"] == "OK"


# -- SQL Lab ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT id, probability FROM risk ORDER BY id",
        "SELECT model, champion, metric FROM ml.models",
        "FROM ml.models SELECT model, verdict",
        "SELECT id, predicted_failed, probability FROM ml_predict('fail', 'parts', level := 0.9) WHERE hot ORDER BY id",
        "WITH few AS (SELECT * FROM parts WHERE unit = 'm1') SELECT id, probability FROM ml_predict('fail', 'few') ORDER BY id",
        "SELECT id, ml_predict('fail', p).probability AS p FROM parts AS p ORDER BY id",
        "SELECT ml_predict('fail', struct_pack(torque := 3.5, temp := 30.0, shift := 'A', hot := true)).probability AS p",
        "SELECT threshold, alarms, cost FROM ml_thresholds('fail', 'parts', costs := struct_pack(missed := 100, false_alarm := 5)) WHERE best",
        "SELECT item, verdict FROM ml_check('parts', target := 'failed')",
        "SELECT unit, count(*) AS n FROM parts GROUP BY ALL ORDER BY ALL",
        "SELECT column_name, column_type FROM (DESCRIBE parts)",
    ],
)  # fmt: skip
def test_lab_answers_as_duckdb(lab: Lab, truth: Truth, sql: str) -> None:
    for got, expected in zip(lab.rows(sql), truth(sql), strict=True):
        assert got == pytest.approx(expected, abs=1e-6)


def test_lab_stops_at_its_limit(lab: Lab) -> None:
    assert len(lab.rows("SELECT id FROM risk", limit=10)) == 10


def test_lab_takes_its_own_limit_for_the_statements(lab: Lab) -> None:
    assert "LIMIT 1001" in lab.run("SELECT id FROM risk ORDER BY id LIMIT 3")["query"]["executedSql"]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT {'a': 1} AS s", "SELECT [1, 2] AS l, MAP {'a': 1} AS m", "SELECT * EXCLUDE (temp) FROM parts", "SUMMARIZE parts",
        "PIVOT parts ON shift IN ('A', 'B') USING count(*)", "SELECT id FROM parts USING SAMPLE 5",
    ],
)  # fmt: skip
def test_what_lab_spoils_goes_by_a_view(lab: Lab, served: Served, sql: str) -> None:
    """sqlglot reads it there as PostgreSQL's and writes it anew. In a view it is DuckDB's, made by another client."""
    lab.run(sql, expect=500)
    name = f"v{secrets.token_hex(4)}"
    with served.connect("analyst") as con:
        expected = len(con.execute(sql).fetchall())
        con.execute(f"CREATE VIEW {name} AS FROM ({sql})")
    assert len(lab.rows(f"SELECT * FROM {name}")) == expected


def test_qualify_is_cut_before_it_chooses(lab: Lab, truth: Truth, served: Served) -> None:
    """SQL Lab puts its limit inside: rows beyond it are missed without a word. A view is safe."""
    latest = "SELECT id, unit FROM parts QUALIFY row_number() OVER (PARTITION BY unit ORDER BY ts DESC) = 1"
    assert len(lab.rows(latest, limit=10)) < 10
    with served.connect("analyst") as con:
        con.execute(f"CREATE OR REPLACE VIEW latest_parts AS {latest}")
    assert sorted(lab.rows("SELECT * FROM latest_parts", limit=10)) == sorted(truth(latest))


def test_errors_say_what_mends_them(lab: Lab) -> None:
    assert "There is no model 'nothing'. There is fail." in lab.error("SELECT * FROM ml_predict('nothing', 'parts')")
    assert "HINT:  All models: FROM ml.models" in lab.error("SELECT * FROM ml_predict('nothing', 'parts')")
    assert "Table with name nothing does not exist" in lab.error("SELECT * FROM nothing")


def test_lab_makes_tables_and_views_and_trains(lab: Lab, truth: Truth) -> None:
    scores = "SELECT id, probability FROM ml_predict('fail', 'parts')"
    for kind in ("TABLE", "VIEW"):
        lab.run(scores, select_as_cta=True, ctas_method=kind, tmp_table_name=f"made_{kind}")
        assert lab.rows(f"SELECT count(*), avg(probability) FROM made_{kind}")[0] == pytest.approx(
            truth(f"SELECT count(*), avg(probability) FROM ({scores})")[0]
        )
        lab.run(f"DROP {kind} made_{kind}")
    training = "SELECT status FROM ml_finetune('again', 'SELECT torque, failed FROM parts', target := 'failed', options := struct_pack(epochs := 1))"
    assert lab.rows(training) == [("finished",)]
    assert ("again",) in lab.rows("SELECT model FROM ml.models")


def test_a_reader_reads_only(superset: Superset, url: Callable[..., str]) -> None:
    lab = Lab(superset, superset.add_database("read", url("postgresql+psycopg2", "reader")))
    assert lab.rows("SELECT count(*) FROM risk") == [(600,)]
    assert "not for the role reader" in lab.error("CREATE TABLE mine (a INTEGER)")
    assert "not for the role reader" in lab.error("SELECT * FROM ml_finetune('x', 'parts', target := 'failed')")


def test_superset_takes_a_training_for_reading(superset: Superset, url: Callable[..., str]) -> None:
    """What a user may do is to be said by the role of the server's."""
    careful = Lab(superset, superset.add_database("careful", url("postgresql+psycopg2"), writes=False))
    assert "does not allow" in careful.error("CREATE TABLE mine (a INTEGER)")
    training = "SELECT status FROM ml_finetune('careless', 'SELECT torque, failed FROM parts', target := 'failed', options := struct_pack(epochs := 1))"
    assert careful.rows(training) == [("finished",)]


def test_a_query_is_stopped(lab: Lab, served: Served) -> None:
    client = secrets.token_hex(5)
    ended: list[str] = []
    running = threading.Thread(target=lambda: ended.append(lab.run(SLOW, client_id=client)["status"]))
    running.start()
    time.sleep(4)
    lab.superset.ask("POST", "/api/v1/query/stop", {"client_id": client})
    running.join(15)
    assert ended == ["stopped"]
    deadline = time.monotonic() + 15
    while served.metric("mfgsql_connections"):  # Superset keeps none
        assert time.monotonic() < deadline, "it still runs on the server"
        time.sleep(0.1)


# -- charts -----------------------------------------------------------------------------------------------------------


def test_a_view_over_predictions_becomes_a_dataset(risk: Dataset) -> None:
    assert risk.columns() == {
        "id": "BIGINT", "torque": "DOUBLE PRECISION", "temp": "DOUBLE PRECISION", "shift": "TEXT", "hot": "BOOLEAN",
        "ts": "TIMESTAMP WITHOUT TIME ZONE", "unit": "TEXT", "failed": "BOOLEAN", "grade": "TEXT", "wear": "DOUBLE PRECISION",
        "predicted_failed": "BOOLEAN", "probability": "DOUBLE PRECISION", "probabilities": "JSON", "ml_status": "TEXT", "ml_reason": "TEXT",
    }  # fmt: skip


def test_a_big_number(risk: Dataset, truth: Truth) -> None:
    filters = [{"col": "predicted_failed", "op": "IS TRUE"}, {"col": "shift", "op": "IN", "val": ["A", "B"]}]
    expected = truth("SELECT count(*), avg(probability) FROM risk WHERE predicted_failed AND shift IN ('A', 'B')")
    assert risk.chart(metrics=["count", MEAN], filters=filters)[0] == pytest.approx(expected[0], abs=1e-6)


def test_a_table(risk: Dataset, truth: Truth) -> None:
    between = {"col": "ts", "op": "TEMPORAL_RANGE", "val": "2026-01-01T01:00:00 : 2026-01-01T03:00:00"}
    likely = {"col": "probability", "op": ">", "val": 0.3}
    found = risk.chart(
        columns=["id", "ts", "predicted_failed", "probability", "ml_status"], filters=[between, likely], orderby=[["id", True]], row_limit=50
    )  # fmt: skip
    expected = truth("""SELECT id, ts, predicted_failed, probability, ml_status FROM risk
        WHERE ts >= '2026-01-01 01:00' AND ts < '2026-01-01 03:00' AND probability > 0.3 ORDER BY id LIMIT 50""")
    assert expected
    for (number, moment, *got), (its, ts, *rest) in zip(found, expected, strict=True):
        assert (number, instant(moment)) == (its, ts)
        assert got == pytest.approx(rest, abs=1e-6)


@pytest.mark.parametrize("grain", GRAINS)
def test_bars_over_time(risk: Dataset, truth: Truth, grain: str) -> None:
    axis = {"columnType": "BASE_AXIS", "sqlExpression": "ts", "label": "ts", "expressionType": "SQL", "timeGrain": grain}
    found = risk.chart(
        columns=[axis, "hot"], metrics=[MEAN, "count"], granularity="ts", time_range="2026-01-01T00:30:00 : 2026-01-01T08:00:00",
        extras={"time_grain_sqla": grain}, is_timeseries=True, row_limit=10000,
    )  # fmt: skip
    expected = truth(f"""SELECT time_bucket(INTERVAL '{GRAINS[grain]}', ts) AS bucket, hot, avg(probability), count(*) FROM risk
        WHERE ts >= '2026-01-01 00:30' AND ts < '2026-01-01 08:00' GROUP BY ALL ORDER BY ALL""")
    got = sorted((instant(moment), *rest) for _, moment, *rest in found)
    assert [row[:2] for row in got] == [row[:2] for row in expected]
    assert [row[2] for row in got] == pytest.approx([row[2] for row in expected], abs=1e-6)
    assert [row[3] for row in got] == [row[3] for row in expected]


def test_a_query_becomes_a_dataset(superset: Superset, database: int, truth: Truth) -> None:
    made = Dataset(superset, database, "why", "FROM ml_predict('fail', 'parts', explain := 1) WHERE hot")
    assert made.columns()["why"] == "JSON"
    found = made.chart(columns=["shift"], metrics=[MEAN], orderby=[["shift", True]])
    expected = truth("SELECT shift, avg(probability) FROM risk WHERE hot GROUP BY 1 ORDER BY 1")
    assert [shift for shift, _ in found] == [shift for shift, _ in expected]
    assert [mean for _, mean in found] == pytest.approx([mean for _, mean in expected], abs=1e-6)


def test_qualify_is_whole_in_a_dataset(superset: Superset, database: int) -> None:
    latest = "SELECT id, unit FROM parts QUALIFY row_number() OVER (PARTITION BY unit ORDER BY ts DESC) = 1"
    assert Dataset(superset, database, "latest", latest).chart(metrics=["count"], row_limit=5) == [(10,)]


def test_what_models_there_are_is_a_dataset(superset: Superset, database: int) -> None:
    models = Dataset(superset, database, "models", schema="ml")
    assert ("fail", 1) in models.chart(columns=["model", "champion"])


def test_values_of_a_filter(superset: Superset, risk: Dataset) -> None:
    values = superset.ask("GET", f"/api/v1/datasource/table/{risk.id}/column/unit/values/")["result"]
    assert sorted(values) == [f"m{i}" for i in range(10)]
