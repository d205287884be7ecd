"""Each command does its one thing."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import TABLE, TINY


def rows(result):
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_sql_shows_each_result_and_how_many_rows_changed(new):
    new("init")
    result = new("sql", "CREATE TABLE a (i INT); INSERT INTO a VALUES (1), (2); SELECT 7 AS seven; SELECT 8 AS eight")
    assert "seven" in result.stdout and "eight" in result.stdout
    assert "2 rows changed" in result.stderr
    assert rows(new("sql", "SELECT 1 AS a; SELECT 2 AS a", "--format", "json")) == [{"a": 2}]


def test_sql_from_a_file_and_from_standard_input(mfgsql, tmp_path):
    file = tmp_path / "a.sql"
    file.write_text("SELECT 42 AS answer;\n", encoding="utf-8")
    assert rows(mfgsql("sql", "-f", str(file), "--format", "json")) == [{"answer": 42}]
    assert rows(mfgsql("sql", "-", "--format", "json", input="SELECT 43 AS answer")) == [{"answer": 43}]
    assert mfgsql("sql", "-f", str(file), "SELECT 1").exit_code == 2


def test_sql_read_only_changes_nothing(mfgsql):
    result = mfgsql("sql", "CREATE TABLE b (i INT)", "--read-only")
    assert result.exit_code == 1 and "read-only" in result.stderr


def test_load_takes_the_table_from_the_file_and_says_so(new, tmp_path):
    file = tmp_path / "Presses 2026.csv"
    file.write_text("id;torque\n1;2,5\n2;3,5\n", encoding="utf-8")
    result = new("load", str(file), "--delimiter", ";", "--decimal", ",")
    assert result.exit_code == 0, result.output
    assert "'presses_2026'" in result.stderr and "2 rows, 2 columns" in result.stdout
    assert rows(new("sql", "SELECT sum(torque)::INT AS s FROM presses_2026", "--format", "json")) == [{"s": 6}]
    assert new("load", str(file)).exit_code == 1
    again = new("load", str(file), "--append", "--decimal", ",", "--format", "json")
    assert rows(again)[0]["rows"] == 2


def test_load_ends_with_what_to_run_next(new, tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("a;b\n1;2\n", encoding="utf-8")
    last = new("load", str(file), "--table", "my table").stdout.splitlines()[-1]
    assert re.fullmatch(r"Next: mfgsql check 'my table' --target COLUMN --db \S+", last)
    assert "Next" not in new("load", str(file), "--table", "t", "--format", "json").stdout


def test_load_pivots(new, tmp_path):
    file = tmp_path / "tags.csv"
    file.write_text("tag,ts,value\na,2026-01-01 00:00:00,1\nb,2026-01-01 00:00:00,2\n", encoding="utf-8")
    assert new("load", str(file), "--table", "w", "--pivot", "tag,ts,value").exit_code == 0
    assert {"a", "b"} <= set(rows(new("sql", "FROM w", "--format", "json"))[0])
    assert new("load", str(file), "--every", "1 minute").exit_code == 2
    assert new("load", str(file), "--pivot", "tag,ts").exit_code == 2


def test_check_says_go_or_stops_with_exit_code_1(mfgsql):
    assert mfgsql("check", "parts", "--target", "failed").exit_code == 0
    stopped = mfgsql("check", "SELECT 1 AS a, 2 AS b", "--target", "b")
    assert stopped.exit_code == 1 and "stop" in stopped.stdout


def test_finetune_tells_the_verdict_and_what_to_try_next(new, tmp_path):
    new("init")
    new("sql", TABLE)
    base = new("pretrain", "base", "SELECT torque, shift FROM parts", *TINY)
    assert f"finetune MODEL SOURCE --target COLUMN --base base --db {tmp_path}" in base.stdout
    done = new("finetune", "n", "parts", "--target", "failed", "--base", "base", *TINY)
    assert done.exit_code == 0, done.output
    assert "verdict" in done.stdout and "- id is left out" in done.stdout
    assert "Next: mfgsql predict n SOURCE" in done.stdout
    again = new("finetune", "n", "parts", "--target", "failed", "--base", "base", *TINY,
                "--format", "json")  # fmt: skip
    assert rows(again)[0]["status"] == "reused"


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_predict_writes_a_file_whole_or_not_at_all(mfgsql, tmp_path, suffix):
    file = tmp_path / f"o.{suffix}"
    assert "400 rows written" in mfgsql("predict", "m", "parts", "-o", str(file)).stdout
    read = f"SELECT count(predicted_failed) AS n FROM '{file}'"
    assert rows(mfgsql("sql", read, "--format", "json")) == [{"n": 400}]
    before = file.read_bytes()
    failing = "SELECT shift, CASE WHEN id = 399 THEN error('boom') END AS e FROM parts"
    assert mfgsql("predict", "m", failing, "-o", str(file)).exit_code == 1
    assert file.read_bytes() == before and list(tmp_path.iterdir()) == [file]


def test_predict_to_another_kind_of_file_is_wrong_usage(mfgsql):
    assert mfgsql("predict", "m", "parts", "-o", "x.xlsx").exit_code == 2


def test_evaluate_in_three_ways(mfgsql):
    assert "pr_auc" in mfgsql("evaluate", "m", "parts").stdout
    assert "macro avg" in mfgsql("evaluate", "m", "parts", "--report").stdout
    assert "actual" in mfgsql("evaluate", "m", "parts", "--confusion").stdout
    assert mfgsql("evaluate", "m", "parts", "--confusion", "--report").exit_code == 2


def test_models_are_listed_and_shown(mfgsql):
    assert rows(mfgsql("models", "list", "--format", "json"))[0]["model"] == "m"
    (shown,) = rows(mfgsql("models", "show", "m@champion", "--format", "json"))
    assert shown["version"] == 1
    assert any(text.startswith("pr_auc 0.") or text.startswith("pr_auc 1") for text in shown["held_out"])
    assert shown["features"] and "failed: the target" in shown["left_out"]
    assert "did you mean" in mfgsql("models", "show", "mm").stderr.lower()
    assert "no version '9'" in mfgsql("models", "show", "m@9").stderr


def test_models_travel_and_change_places(mfgsql, tmp_path):
    file = str(tmp_path / "m.safetensors")
    assert mfgsql("models", "export", "m", file).exit_code == 0
    assert mfgsql("models", "export", "m", file).exit_code == 1
    assert mfgsql("models", "export", "m", file, "--overwrite").exit_code == 0
    for _ in range(2):
        assert mfgsql("models", "import", "copy", file).exit_code == 0
    assert rows(mfgsql("models", "promote", "copy@2", "--format", "json"))[0]["champion"] == 2
    assert rows(mfgsql("models", "rollback", "copy", "--format", "json"))[0]["champion"] == 1
    assert len(rows(mfgsql("models", "drop", "copy", "--format", "json"))) == 2


def test_runs_are_listed_and_shown_by_the_beginning_of_their_id(mfgsql):
    (run,) = rows(mfgsql("runs", "list", "--model", "m", "--format", "json"))
    assert "finished" in mfgsql("runs", "show", run["run_id"][:6]).stdout
    assert rows(mfgsql("runs", "show", run["run_id"], "--metrics", "--format", "json"))
    assert mfgsql("runs", "show", "nix").exit_code == 1


def test_doctor_reads_and_warns(mfgsql, tmp_path):
    found = {row["what"]: row for row in rows(mfgsql("doctor", "--format", "json"))}
    assert found["models"]["state"] == "ok" and "torch" in found
    missing = rows(mfgsql("doctor", "--db", str(tmp_path / "no.duckdb"), "--format", "json"))
    assert any(r["what"] == "database" and r["state"] == "warn" for r in missing)
    assert not (tmp_path / "no.duckdb").exists()


def test_devices_and_migrate(mfgsql):
    assert any(row["used"] for row in rows(mfgsql("devices", "--format", "json")))
    assert "up to date" in mfgsql("migrate").stdout


def test_demo_refuses_a_file_that_exists_and_replaces_only_databases(new, tmp_path, monkeypatch):
    import importlib

    for name, text in (("plant", "CREATE TABLE t AS SELECT 1 AS a;"),
                       ("examples", "-- title: One\n\n-- How many?\nSELECT count(*) AS n FROM t;")):  # fmt: skip
        (tmp_path / "sql" / name).mkdir(parents=True)
        (tmp_path / "sql" / name / "1.sql").write_text(text, encoding="utf-8")
    monkeypatch.setattr(importlib.import_module("mfgsql.cli.demo"), "resource", lambda name: Path(tmp_path / name))
    shown = new("demo").stdout
    assert re.search(r"=== One ===\s+How many\?\s+SELECT count\(\*\) AS n FROM t;?\s+n\s", shown)
    assert "exists" in new("demo").stderr
    assert new("demo", "--replace").exit_code == 0
    plant = new("demo", "--replace", "--plant-only").stdout
    assert "A plant of 1 tables" in plant and "=== One ===" not in plant
    other = tmp_path / "letter.txt"
    other.write_text("dear reader, this is no database", encoding="utf-8")
    assert new("demo", "--replace", "--db", str(other)).exit_code == 1 and other.exists()


@pytest.mark.parametrize("source", ["parts", "SELECT * FROM parts;"])
def test_evaluate_tells_that_it_was_trained_on_these_rows(mfgsql, source):
    assert "m@1 was trained on a source of this name" in mfgsql("evaluate", "m", source).stdout
    assert "trained on" not in mfgsql("evaluate", "m", "FROM parts WHERE id > 9").output
    told = mfgsql("evaluate", "m", source, "--format", "json")
    assert rows(told)[0].keys() == {"metric", "value", "baseline", "lower", "upper", "rows"}
    assert "m@1 was trained on a source of this name" in told.stderr


def test_a_missing_column_is_told_in_words(mfgsql):
    told = mfgsql("predict", "m", "SELECT shft, id FROM (SELECT shift AS shft, id FROM parts)").stderr
    assert "Error: The source has no column 'shift', which m@1 needs. Did you mean 'shft'? It reads shift" in told


def test_check_of_a_target_without_values_says_so_and_no_more(mfgsql):
    done = mfgsql("check", "SELECT shift, NULL::INT AS y FROM parts", "--target", "y", "--format", "json")
    found = json.loads(done.stdout)
    assert [r["item"] for r in found] == ["rows", "target", "go"]
    assert "NULL in all of the source's 400 rows" in found[1]["finding"] and "EXCLUDE" in found[1]["advice"]


def test_predict_explains_its_rows(mfgsql):
    rows = json.loads(mfgsql("predict", "m", "FROM parts LIMIT 2", "--explain", "1", "--format", "json").stdout)
    assert [[why["feature"] for why in row["why"]] for row in rows] == [["shift"], ["shift"]]
    assert "why" in mfgsql("predict", "m", "FROM parts LIMIT 2", "--explain", "1").stdout
    assert mfgsql("predict", "m", "parts", "--explain", "0").exit_code == 2
