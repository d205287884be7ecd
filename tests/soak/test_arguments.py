"""Random bad arguments to every verb: each works or gets a plain error, and the session is as good as before."""

from __future__ import annotations

import os
import random
import re
import time
from pathlib import Path

import duckdb
import pytest

from mfgsql.engine import Session
from mfgsql.engine.quoting import quote_literal
from mfgsql.errors import MfgsqlError

SECONDS = float(os.environ.get("SOAK_SECONDS", "300"))
BAD = [
    "NULL", "''", "' '", "0", "-1", "2.5", "1e308", "'nan'::DOUBLE", "true", "[]", "[1, NULL]", "{'a': 1}",
    "MAP {'k': 'v'}", "repeat('x', 100000)", "repeat('(', 5000)", "repeat('a,', 20000)", "'spare'", "'spare@1'",
    "'spare@99999999999'", "'@'", "'m@'", "'few'", "'FROM few'", "'failed'", "'torque'", "'FROM few; FROM few'",
    "'SELECT'", "'SELECT * FROM nowhere'", "'DROP TABLE parts'", "'x''; DROP TABLE parts; --'", "'SELECT 1 /*'",
    "'\"'", "''''", "'$1'", "'?'", "'hf:x/y'", "'../..'", "'/nowhere/x.parquet'", "'*.csv'", "chr(0)",
    "'a' || chr(0) || 'b'", "chr(8238) || 'evil'", "'🦆' || chr(769)", "'\\'", "DATE '2020-01-01'", "INTERVAL 1 DAY",
    "'x'::BLOB", "'{\"a\": 1}'::JSON", "170141183460469231731687303715884105727::HUGEINT", "'time'", "'auto'",
    "uuid()", "{'epochs': -1}", "{'epochs': 1e9}", "{'width': NULL}", "{'exclude': 3}", "{'exclude': ['nothing']}",
    "{'epochs': 1, 'width': 8, 'layers': 1, 'heads': 2}", "{'seed': 'x'}", "{'level': 0.5}", "{'gap': 'x'}",
    "'predict'", "'finetune'", "'plan'",
]  # fmt: skip
PLACED = ("verb", "model", "source", "events", "file", "input")
GOOD = {  # often right, so that the one that is wrong is met deep inside
    "verb": "'predict'", "model": "'spare'", "source": "'few'", "file": "'m.safetensors'", "target": "'failed'",
    "events": "'few'", "failures": "'few'", "field": "'torque'", "entity": "'unit'", "order_by": "'ts'",
    "input": "{'torque': 1, 'temp': 25.0, 'shift': 'A', 'hot': true}",
    "options": "{'epochs': 1, 'width': 8, 'layers': 1, 'heads': 2}",
}  # fmt: skip
GAPS = [
    "1 day' - INTERVAL '0",
    "1 day')::VARCHAR FROM (SELECT max(ts) AS cut FROM __ml_rows); DROP TABLE canary; SELECT ts, ? FROM __ml_rows --",
]
UNDER_WAY = "SELECT count(*) FROM ml.runs WHERE status IN ('queued', 'running')"
UNFORESEEN = re.compile(  # the text of an error that nobody thought of
    r'Traceback|File "|INTERNAL|\b(?:Type|Attribute|Key|Index|Value|Assertion|Recursion|Unicode\w*|Runtime|Name)Error\b'
)


def argument(dice: random.Random, name: str) -> str:
    return GOOD[name] if name in GOOD and dice.random() < 0.7 else dice.choice(BAD)


def statement(dice: random.Random, verbs: list[tuple[str, str]]) -> str:
    """A call of any verb, its places filled at random, some of its named arguments, too."""
    verb, described = dice.choice(verbs)
    names = [part.split(":")[0] for part in described.split("; ") if re.match(r"\w+:", part)]
    placed = [argument(dice, n) for n in names if n in PLACED]
    rest = [n for n in names if n not in PLACED and (n in GOOD or dice.random() < 0.2)]
    named = [f"{n} := {argument(dice, n)}" for n in rest]
    return f"{'SELECT' if 'input' in names else 'FROM'} {verb}({', '.join(placed + named)})"


def test_bad_arguments_get_a_plain_error(plant: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # ml_export writes files of odd names
    plant.execute("CREATE OR REPLACE TABLE few AS SELECT torque, temp, failed, unit, ts FROM parts LIMIT 60")
    plant.execute("FROM ml_export('fail', 'm.safetensors')")
    verbs = plant.execute("SELECT name, arguments FROM ml.functions WHERE kind = 'verb' ORDER BY ALL").fetchall()
    assert len(verbs) >= 15
    scores = "SELECT id, probability FROM ml_predict('fail', 'parts') ORDER BY id"
    wanted = plant.execute(scores).pl()
    seed, end, faults = int(time.time()), time.monotonic() + SECONDS, dict[str, str]()
    while time.monotonic() < end:
        dice = random.Random(seed)
        sql = statement(dice, verbs)
        if dice.random() < 0.2:  # a model that may be dropped and promoted
            if plant.execute("SELECT 1 FROM ml.models WHERE model = 'spare'").fetchone():
                plant.execute("FROM ml_drop('spare')")  # by now it may be a base
            plant.execute("FROM ml_import('spare', 'm.safetensors')")
        try:
            plant.execute(sql).fetchall()
        except (MfgsqlError, duckdb.Error) as error:
            if UNFORESEEN.search(str(error)):
                fault = f"{sql.split('(')[0]}: {str(error)[:60]}"
                faults.setdefault(fault, f"seed {seed}: {sql[:600]}: {str(error)[:300]}")
        found = plant.execute(scores).pl()
        assert found["id"].equals(wanted["id"]), sql
        assert (found["probability"] - wanted["probability"]).abs().max() < 1e-6, sql
        assert plant.execute(UNDER_WAY).fetchone() == (0,), sql
        seed += 1
    assert not faults, "\n".join(faults.values())


@pytest.mark.parametrize("gap", GAPS)
def test_a_gap_is_never_read_as_sql(lab: Session, gap: str) -> None:
    lab.execute("CREATE TABLE canary AS SELECT 1 AS a")
    options = GOOD["options"].replace("}", f", 'gap': {quote_literal(gap)}}}")
    told = "target := 'failed', split := 'time', order_by := 'ts'"
    with pytest.raises(MfgsqlError) as caught:
        lab.execute(f"FROM ml_finetune('m', 'parts', {told}, options := {options})")
    assert lab.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'canary'").fetchone() == (1,)
    assert "gap" in str(caught.value)
