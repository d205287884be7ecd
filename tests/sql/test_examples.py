"""Every shipped example runs, statement by statement, on the simulated plant (fewer rows, one short epoch)."""

import re

import pytest

import mfgsql
from mfgsql.resources import resource

EXAMPLES = sorted(resource("sql/examples").glob("*.sql"))
TABLES = ("labelled", "telemetry_test", "telemetry_now", "quality", "car_labelled", "car_test", "car_live")
HALVED = ("work_orders", "annotated_notes", "plates", "plates_test")
# What may find nothing: after one epoch a model marks no span, and calls every plate a good one.
MAY_BE_EMPTY = ("CREATE", "ml_status <> 'ok'", "ml_spans", "<> 'good > clean'")


@pytest.fixture(scope="module")
def plant():
    session = mfgsql.connect(progress="off")
    for file in sorted(resource("sql/plant").glob("*.sql")):
        session.execute(file.read_text(encoding="utf-8"))
    for table in TABLES:
        session.execute(f"CREATE OR REPLACE TABLE {table} AS FROM {table} WHERE hash({table}) % 20 = 0")
    for table in HALVED:
        session.execute(f"CREATE OR REPLACE TABLE {table} AS FROM {table} WHERE hash(id) % 2 = 0")
    yield session
    session.close()


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda f: f.stem)
def test_example_runs_and_returns_rows(plant, file):
    statements = plant.con.extract_statements(file.read_text(encoding="utf-8"))
    assert statements
    reads = re.search(r"\b(note|image)\b", file.read_text(encoding="utf-8"))  # what reads one of these has no such width
    shape = "" if reads else ", 'width': 8, 'heads': 2, 'layers': 1"
    for statement in statements:
        sized = "'width'" in statement.query
        sql = re.sub(r"'epochs': \d+", "'epochs': 1" if sized else f"'epochs': 1{shape}", statement.query)
        rows = plant.execute(sql).fetchall()
        assert rows or any(words in sql for words in MAY_BE_EMPTY), sql
        if "FROM ml_finetune" in sql or "FROM ml_pretrain" in sql:
            assert rows[0][3] in ("finished", "reused")
