"""ml_distill: what students learn, which is chosen, what is kept of it, and what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mfgsql
from mfgsql.engine import Session
from mfgsql.errors import CancelledError, DataError, MfgsqlError, NotFoundError, OptionError, SourceError

LINE = """
CREATE TABLE line AS SELECT i AS id, (hash(i) % 1000000) / 1000000 AS torque, (hash(i, 1) % 1000000) / 1000000 AS wear,
  ['slim', 'oval'][1 + i % 2] AS shape, torque + wear / 4 > 0.8 AS bad, 10 * torque + wear AS force,
  ['a', 'b', 'c'][1 + (torque > 0.3)::INT + (torque > 0.6)::INT] AS grade
FROM range(3000) r(i);
"""
OLD = "SELECT torque, wear, shape, {} FROM line WHERE id < 1000"
ROWS = "SELECT torque, wear, shape FROM line WHERE id >= 1000"
SMALL = "options := {'epochs': 12, 'width': 32, 'folds': 3, 'members': 2, 'learning_rate': 0.02}"
TINY = "loss := 0.2, options := {'sizes': ['tiny'], 'epochs': 8}"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with three teachers: of two classes, of three, and of a number."""
    path = tmp_path_factory.mktemp("distill") / "line.duckdb"
    with mfgsql.connect(path, threads=1, progress="off") as session:
        session.execute(LINE)
        for name, target in (("m", "bad"), ("g", "grade"), ("f", "force")):
            session.execute(f"FROM ml_finetune('{name}', '{OLD.format(target)}', target := '{target}', {SMALL})").fetchall()
    return path


@pytest.fixture()
def line(trained: Path, tmp_path: Path) -> Iterator[Session]:
    path = tmp_path / "line.duckdb"
    path.write_bytes(trained.read_bytes())
    folder = Path(f"{path}.ml")
    folder.mkdir(mode=0o700)
    for file in Path(f"{trained}.ml").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    with mfgsql.connect(path, threads=1, progress="off") as session:
        yield session


def distill(s: Session, model: str, source: str, more: str = f"teacher := 'm', {TINY}") -> list[dict[str, Any]]:
    quoted = source.replace("'", "''")
    return s.execute(f"FROM ml_distill('{model}', '{quoted}', {more})").pl().to_dicts()


# -- what students learn --------------------------------------------------------------------------------------------


def test_accuracy_beside_speed_as_rows(line: Session) -> None:
    rows = distill(line, "fast", OLD.format("bad"), "teacher := 'm', loss := 0.1, options := {'epochs': 12}")
    assert [r["student"] for r in rows] == ["teacher", "tiny", "small", "medium"]
    teacher, *students = rows
    assert (teacher["model"], teacher["version"], teacher["agreement"]) == ("m", 1, 1.0)
    assert all(r["metric"] == "pr_auc" and r["status"] == "finished" and r["rows"] == 1000 for r in rows)
    assert all(a["parameters"] < b["parameters"] and a["bytes"] < b["bytes"] for a, b in zip(students, students[1:], strict=False))
    assert students[0]["rows_per_second"] > 1.5 * teacher["rows_per_second"]
    good = [r for r in students if r["value"] >= teacher["value"] - 0.1]
    (chosen,) = [r for r in rows if r["chosen"]]
    assert chosen is good[0] and chosen["agreement"] > 0.9
    assert (chosen["model"], chosen["version"], chosen["champion"]) == ("fast", 1, True)
    assert all(r["version"] is None for r in students if not r["chosen"])
    kept = line.execute("SELECT base, metric, value, verdict FROM ml.versions WHERE model = 'fast'").fetchone()
    assert kept is not None and kept[:2] == ("m@1", "pr_auc") and kept[3] == "useful"
    assert kept[2] == pytest.approx(chosen["value"], abs=1e-6)
    said = "SELECT avg((predicted_bad = bad)::INT) FROM ml_predict('fast', 'FROM line')"
    assert line.execute(said).fetchone()[0] > 0.9
    assert line.execute("SELECT count(*) FROM ml.references WHERE model = 'fast'").fetchone()[0] > 0
    assert line.execute("SELECT event FROM ml.events WHERE model = 'fast' ORDER BY happened_at").fetchall() == [("created",), ("promoted",)]


@pytest.mark.parametrize(("teacher", "least"), [("m", 0.9), ("g", 0.85), ("f", 0.9)])
def test_rows_need_no_labels(line: Session, teacher: str, least: float) -> None:
    rows = distill(line, "fast", ROWS, f"teacher := '{teacher}', loss := 0.2, options := {{'sizes': 'small', 'epochs': 12}}")
    assert {r["metric"] for r in rows} == {"agreement"} and rows[0]["value"] == 1.0
    assert rows[1]["chosen"] and rows[1]["value"] == rows[1]["agreement"] > least
    assert "no labels" in rows[0]["warnings"][0]
    kept = line.execute("SELECT metric, value, baseline FROM ml.versions WHERE model = 'fast'").fetchone()
    assert kept is not None and kept[0] == "agreement" and kept[1] > kept[2]


def test_an_interval_of_a_number_is_as_wide_as_the_teachers(line: Session) -> None:
    """Of rows without the truth, a student's errors would be those to the teacher, which say nothing of the truth."""
    distill(line, "fast", ROWS, "teacher := 'f', loss := 0.5, options := {'sizes': 'small', 'epochs': 12}")
    query = "SELECT avg(\"upper\" - \"lower\"), avg((force BETWEEN \"lower\" AND \"upper\")::INT) FROM ml_predict('{}', 'FROM line WHERE id >= 1000', level := 0.9)"
    wide, inside = line.execute(query.format("fast")).fetchone()
    assert wide >= 0.9 * line.execute(query.format("f")).fetchone()[0]
    assert inside > 0.85


def test_labels_of_some_rows_judge(line: Session) -> None:
    some = "SELECT torque, wear, shape, CASE WHEN id % 2 = 0 THEN bad END AS bad FROM line WHERE id >= 1000"
    rows = distill(line, "fast", some)
    assert {r["metric"] for r in rows} == {"pr_auc"} and rows[0]["rows"] == 2000
    snapshot = f"(SELECT s.*, l.id % 2 = 0 AS labelled FROM '{snapshot_of(line, 'fast')}' s JOIN line l USING (torque, wear, shape))"
    judged = line.execute(f"SELECT __ml_split, bool_and(labelled), count(*) FROM {snapshot} GROUP BY 1 ORDER BY 1").fetchall()
    assert [j[0] for j in judged] == [0, 1] and judged[1][1] and not judged[0][1]
    assert 300 < judged[1][2] < 500


def snapshot_of(s: Session, model: str) -> str:
    path = s.execute("SELECT path FROM ml.snapshots JOIN ml.runs USING (run_id) WHERE model = ?", [model]).fetchone()[0]
    return str(s.engine.folder / Path(path).name)


def test_who_teaches_has_not_learnt_the_rows_that_judge(line: Session) -> None:
    """On the teacher's own rows one of its parts is judged, and teaches, until a student is chosen; that one learns from all."""
    teacher = distill(line, "fast", OLD.format("bad"))[0]
    assert not teacher["warnings"]
    mine, theirs = snapshot_of(line, "fast"), snapshot_of(line, "m")
    parts = f"SELECT DISTINCT b.__ml_split FROM '{mine}' a JOIN '{theirs}' b USING (__ml_hash) WHERE a.__ml_split = 1"
    assert line.execute(parts).fetchall() == [(1,)]
    judges = f"SELECT torque, wear, shape, bad FROM '{mine}' WHERE __ml_split = 1"
    together = line.execute(f"SELECT value FROM ml_evaluate('m', $${judges}$$) WHERE metric = 'pr_auc'").fetchone()[0]
    assert teacher["value"] < together
    told = f"SELECT max(abs(__ml_taught[2] - probability)) FROM ml_predict('m', $$FROM '{mine}'$$)"
    assert line.execute(told).fetchone()[0] < 1e-5


def test_rows_that_are_new_to_the_teacher_judge_alone(line: Session) -> None:
    teacher = distill(line, "fast", "SELECT torque, wear, shape, bad FROM line WHERE id >= 500 AND id < 2000")[0]
    judged = f"SELECT min(id), count(*) FROM '{snapshot_of(line, 'fast')}' JOIN line USING (torque, wear, shape) WHERE __ml_split = 1"
    least, count = line.execute(judged).fetchone()
    assert least >= 1000 and 200 < count < 400 and not teacher["warnings"]


def test_where_the_teachers_rows_are_gone_it_says_so(line: Session) -> None:
    for file in line.engine.folder.glob("*.parquet"):
        file.unlink()
    assert "figures flatter" in distill(line, "fast", OLD.format("bad"))[0]["warnings"][0]


def test_a_transformer_teaches_an_ensemble(line: Session) -> None:
    how = "options := {'backbone': 'transformer', 'epochs': 2, 'width': 8, 'layers': 1, 'heads': 2}"
    line.execute(f"FROM ml_finetune('t', '{OLD.format('bad')}', target := 'bad', {how})").fetchall()
    rows = distill(line, "fast", OLD.format("bad"), "teacher := 't', loss := 1, options := {'sizes': 'tiny', 'epochs': 4}")
    assert rows[1]["chosen"] and not rows[0]["warnings"]  # its own held-out rows judge
    manifest = json.loads(line.execute("SELECT manifest FROM ml_catalog.versions WHERE model = 'fast'").fetchone()[0])
    assert manifest["backbone"]["kind"] == "ensemble" and manifest["lineage"]["distilled"] == "t@1"


def test_histories_are_distilled(line: Session) -> None:
    line.execute("CREATE TABLE runs AS SELECT id % 6 AS unit, id // 6 AS step, torque, avg(torque) OVER (PARTITION BY id % 6 ORDER BY id ROWS 3 PRECEDING) > 0.5 AS bad FROM line WHERE id < 900")
    how = "entity := 'unit', order_by := 'step', options := {'window': 8, 'epochs': 2, 'width': 16, 'layers': 1, 'folds': 2}"
    line.execute(f"FROM ml_finetune('h', 'runs', target := 'bad', {how})").fetchall()
    rows = distill(line, "fast", "SELECT * EXCLUDE (bad) FROM runs", "teacher := 'h', loss := 1, options := {'sizes': 'tiny', 'epochs': 2}")
    assert rows[1]["chosen"] and rows[1]["parameters"] < rows[0]["parameters"]
    assert line.execute("SELECT count(probability) FROM ml_predict('fast', 'runs')").fetchone()[0] > 800


# -- which version it is --------------------------------------------------------------------------------------------


def test_without_a_teacher_the_champion_teaches_its_candidate(line: Session) -> None:
    row = distill(line, "m", ROWS, TINY)[1]
    assert (row["model"], row["version"], row["champion"]) == ("m", 2, False)
    assert "FROM ml_promote('m@candidate')" in row["warnings"][-1]
    assert line.execute("SELECT champion, candidate FROM ml.models WHERE model = 'm'").fetchone() == (1, 2)


def test_the_same_statement_gives_the_same_student(line: Session) -> None:
    rows = distill(line, "fast", ROWS)
    assert distill(line, "fast", ROWS) == [r | {"status": "reused"} for r in rows]
    forced = distill(line, "fast", ROWS, f"teacher := 'm', force := true, {TINY}")
    same = ("parameters", "value", "agreement", "chosen")
    assert [[r[n] for n in same] for r in forced] == [[r[n] for n in same] for r in rows]
    assert forced[1]["version"] == 2
    said = [line.execute(f"SELECT probability FROM ml_predict('fast@{v}', 'SELECT * FROM line ORDER BY id')").fetchall() for v in (1, 2)]
    assert said[0] == said[1]


def test_where_none_is_good_enough_none_is_kept(line: Session) -> None:
    rows = distill(line, "fast", OLD.format("force"), "teacher := 'f', loss := 0, options := {'sizes': 'tiny', 'epochs': 1}")
    assert not any(r["chosen"] for r in rows) and rows[1]["version"] is None
    assert "No student is within 0 of the teacher's rmse" in rows[0]["warnings"][-1]
    assert line.execute("SELECT count(*) FROM ml.models WHERE model = 'fast'").fetchone() == (0,)
    assert line.execute("SELECT status FROM ml.runs WHERE verb = 'distill'").fetchall() == [("finished",)]
    assert len(list(line.engine.folder.iterdir())) == 3  # the teachers' snapshots


def test_where_none_was_kept_the_same_statement_trains_none(line: Session) -> None:
    more = "teacher := 'f', loss := 0, {}options := {{'sizes': 'tiny', 'epochs': 1}}"
    rows = distill(line, "fast", OLD.format("force"), more.format(""))
    again = distill(line, "fast", OLD.format("force"), more.format(""))
    assert again == [row | {"status": "reused"} for row in rows]
    assert line.execute("SELECT count(*) FROM ml.runs WHERE verb = 'distill'").fetchone() == (1,)
    anew = distill(line, "fast", OLD.format("force"), more.format("force := true, "))
    assert [r["status"] for r in anew] == ["finished", "finished"] and anew[0]["run_id"] != rows[0]["run_id"]


def test_python_says_the_same(line: Session) -> None:
    rows = line.distill("fast", ROWS, teacher="m", loss=0.2, options={"sizes": ["tiny"], "epochs": 8})
    assert [r["student"] for r in rows] == ["teacher", "tiny"]


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(100, 300), st.floats(0, 1), st.sampled_from(["m", "g", "f"]))
def test_of_any_rows_there_is_a_row_each(line: Session, rows: int, unknown: float, teacher: str) -> None:
    """However many values and labels are missing."""
    target = {"m": "bad", "g": "grade", "f": "force"}[teacher]
    source = (
        f"SELECT if(hash(id, 5) % 100 < {100 * unknown}, NULL, torque) AS torque, wear, shape, "
        f"if(hash(id, 6) % 100 < {100 * unknown}, NULL, {target}) AS {target} FROM line LIMIT {rows}"
    )
    found = distill(line, "any", source, f"teacher := '{teacher}', loss := 0, options := {{'sizes': 'tiny', 'epochs': 1}}")
    assert [r["student"] for r in found] == ["teacher", "tiny"]
    assert all(r["rows_per_second"] > 0 and r["agreement"] <= 1 for r in found)
    line.execute("DELETE FROM ml_catalog.runs WHERE model = 'any'")
    if any(r["chosen"] for r in found):
        line.execute("FROM ml_drop('any')").fetchall()


# -- nothing half ---------------------------------------------------------------------------------------------------

KILLED = """
import sys, mfgsql
s = mfgsql.connect(sys.argv[1], threads=1, progress='off')
print('ready', flush=True)
s.execute("FROM ml_distill('fast', 'SELECT torque, wear, shape FROM line', teacher := 'm', options := {'epochs': 10000, 'patience': 10000})")
"""


def test_killed_it_leaves_nothing_behind(line: Session, tmp_path: Path) -> None:
    line.close()
    path = tmp_path / "line.duckdb"
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline().strip() == "ready"
    time.sleep(1.5)
    process.kill()
    process.wait()
    with mfgsql.connect(path, threads=1, progress="off") as s:
        assert s.execute("SELECT DISTINCT model FROM ml.versions ORDER BY 1").fetchall() == [("f",), ("g",), ("m",)]
        assert not {status for (status,) in s.execute("SELECT status FROM ml.runs").fetchall()} & {"running", "queued"}
        assert len(list(s.engine.folder.glob("*.parquet"))) == 3
        assert distill(s, "fast", ROWS)[1]["version"] == 1


def test_stopped_it_leaves_the_teacher_and_nothing_else(line: Session) -> None:
    timer = threading.Timer(1.5, line.interrupt)
    timer.start()
    try:
        with pytest.raises(CancelledError):
            distill(line, "fast", ROWS, "teacher := 'm', options := {'epochs': 10000, 'patience': 10000}")
    finally:
        timer.cancel()
    assert line.execute("SELECT status FROM ml.runs WHERE verb = 'distill'").fetchall() == [("cancelled",)]
    assert len(list(line.engine.folder.glob("*.parquet"))) == 3


# -- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "source", "more", "kind", "words"),
    [
        ("fast", "line", "", NotFoundError, "fast"),
        ("m@1", "line", "", OptionError, "@"),
        ("fast", "line", "teacher := 'nope'", NotFoundError, "nope"),
        ("fast", "nowhere", "teacher := 'm'", SourceError, "nowhere"),
        ("fast", "SELECT torque FROM line", "teacher := 'm'", SourceError, "lacks 'wear' or 'shape'"),
        ("fast", "SELECT * REPLACE ('x' AS torque) FROM line", "teacher := 'm'", SourceError, "'torque' is VARCHAR"),
        ("fast", "SELECT * FROM line LIMIT 99", "teacher := 'm'", DataError, "99 rows: too few"),
        ("fast", "line", "teacher := 'm', loss := -1", OptionError, "loss is how much"),
        ("fast", "line", "teacher := 'm', options := {'sizes': ['huge']}", OptionError, "'tiny'"),
        ("fast", "line", "teacher := 'm', options := {'sizes': []}", OptionError, "sizes is a list"),
        ("fast", "line", "teacher := 'm', options := {'temperature': 0}", OptionError, "temperature .* is a number"),
        ("fast", "line", "teacher := 'm', options := {'width': 3}", OptionError, "width"),
        ("g", "line", "teacher := 'm'", OptionError, "predicts 'grade'"),
    ],
)  # fmt: skip
def test_what_is_refused(line: Session, model: str, source: str, more: str, kind: type[MfgsqlError], words: str) -> None:
    with pytest.raises(kind, match=words):
        distill(line, model, source, more or TINY)


def test_teachers_of_other_kinds_are_refused(line: Session) -> None:
    line.execute("FROM ml_pretrain('base', 'SELECT torque, wear FROM line', options := {'epochs': 1, 'width': 8})").fetchall()
    with pytest.raises(NotFoundError, match="is a base"):
        distill(line, "fast", ROWS, "teacher := 'base'")
    line.execute("CREATE TABLE noted AS SELECT 'part ' || id || ' leaks' AS note, bad FROM line LIMIT 60")
    line.execute("FROM ml_finetune('n', 'noted', target := 'bad', field := 'note', options := {'epochs': 1})").fetchall()
    with pytest.raises(OptionError, match="reads texts or pictures") as raised:
        distill(line, "fast", "noted", "teacher := 'n'")
    assert raised.value.remedy is not None and "ml_finetune('n'" in raised.value.remedy


def test_after_use_of_another_database_the_teachers_catalog_is_asked(line: Session) -> None:
    line.execute("ATTACH ':memory:' AS other")
    line.execute(f"CREATE TABLE other.rows AS {ROWS.replace('FROM line', 'FROM line.line')}")
    line.execute("USE other")
    rows = line.execute(f"FROM line.ml_distill('away', 'rows', teacher := 'm', {TINY})").pl().to_dicts()
    line.execute("USE line")
    assert [r["student"] for r in rows] == ["teacher", "tiny"]
    assert rows[1]["agreement"] > 0.5
