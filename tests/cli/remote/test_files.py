"""Files of this machine: written from a server's rows, loaded into its tables."""

from __future__ import annotations

from pathlib import Path

import pytest

import mfgsql
from mfgsql.cli.remote.connecting import connect
from tests.cli.remote.conftest import ODD, Run, rows, run
from tests.server.conftest import Served


@pytest.mark.parametrize(("suffix", "how"), [("csv", "FORMAT csv, HEADER"), ("parquet", "FORMAT parquet")])
def test_a_file_is_as_duckdb_writes_it(served: Served, tmp_path: Path, suffix: str, how: str) -> None:
    file, twin = tmp_path / f"file.{suffix}", tmp_path / f"twin.{suffix}"
    query = f'SELECT * FROM range(3) AS r("a, \'b"), ({ODD}) AS odd'
    query = f"SELECT * EXCLUDE (either, lists, struct), {{'deep': [struct.deep], 'c': struct.c}} AS s FROM ({query})"
    if suffix == "parquet":
        query = f"SELECT * EXCLUDE (zoned, huge) FROM ({query})"  # which Parquet has not
    with connect(served.url("reader")) as remote:
        assert remote.write(query, file, how) == 3
    with mfgsql.connect() as session:
        session.execute(f"SET TimeZone = 'UTC'; COPY ({query}) TO '{twin}' ({how})")
        shapes = [session.execute(f"DESCRIBE FROM '{f}'").fetchall() for f in (file, twin)]
        contents = [session.execute(f"FROM '{f}'").fetchall() for f in (file, twin)]
    assert shapes[0] == shapes[1]
    assert str(contents[0]) == str(contents[1])  # a NaN is itself here, too
    assert suffix == "parquet" or file.read_bytes() == twin.read_bytes()


@pytest.mark.parametrize("column", ["either", "lists", "struct"])
def test_values_that_would_not_be_the_same_are_refused(remote: Run, tmp_path: Path, column: str) -> None:
    source = f"SELECT p.*, odd.{column} FROM parts AS p, ({ODD}) AS odd"
    told = remote("predict", "fail", source, "-o", str(tmp_path / "o.csv"))
    assert told.exit_code == 1 and f"The column '{column}' is a " in told.stderr and list(tmp_path.iterdir()) == []
    with mfgsql.connect() as session:
        session.execute(f"COPY (SELECT {{'raw': 'ab'::BLOB}} AS struct) TO '{tmp_path}/i.parquet'")
    told = remote("load", str(tmp_path / "i.parquet"), "--table", "load_no")
    assert told.exit_code == 1 and "The column 'struct' is a STRUCT(raw BLOB)" in told.stderr


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_predictions_in_a_file(remote: Run, served: Served, tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"o.{suffix}"
    assert remote("predict", "fail", "parts", "-o", str(file)).stdout == f"600 rows written to {file}\n"
    columns = "id, predicted_failed, probability, probabilities"
    with mfgsql.connect() as session:
        read = columns.replace("probabilities", "CAST(probabilities AS MAP(VARCHAR, DOUBLE))")
        found = session.execute(f"SELECT {read} FROM '{file}' ORDER BY id").fetchall()
    assert found == served.truth(f"SELECT {columns} FROM ml_predict('fail', 'parts') ORDER BY id")


def test_a_file_is_written_whole_or_not_at_all(remote: Run, tmp_path: Path) -> None:
    file = tmp_path / "o.csv"
    file.write_text("before")
    failing = "SELECT *, CASE WHEN id = 599 THEN error('boom') END AS e FROM parts"
    assert remote("predict", "fail", failing, "-o", str(file)).exit_code == 1
    assert file.read_text() == "before" and list(tmp_path.iterdir()) == [file]


LOADED = 'id;torque;day;note;"my col"\n1;2,5;02.01.2026;;x\n2;3,5;03.01.2026;"";"y ""q"""\n'
NESTED = (
    '[{"a": 1, "s": {"x": 1.5, "y": "z"}, "l": [1, null], "ls": [{"k": "2026-01-01"}], "m": null},'
    ' {"a": 2, "s": null, "l": null, "ls": [], "m": {"deep": [[1], []]}}]'
)


def test_files_of_this_machine_are_loaded(remote: Run, tmp_path: Path) -> None:
    file, more, nested = tmp_path / "a.csv", tmp_path / "b.csv", tmp_path / "n.json"
    file.write_text(LOADED, encoding="utf-8")
    more.write_text("id\n9\n", encoding="utf-8")
    nested.write_text(NESTED, encoding="utf-8")
    own = ("--db", str(tmp_path / "own.duckdb"))
    for arguments in (
        (str(file), "--decimal", ","),
        (str(more), "--append"),
        (str(file), "--decimal", ",", "--append"),
        (str(nested), "--replace"),
    ):
        load = ("load", *arguments, "--table", "loaded", "--format", "json")
        assert rows(remote(*load)) == rows(run(*load, *own))
        show = ("sql", "FROM loaded; DESCRIBE loaded")
        assert remote(*show).stdout == run(*show, *own).stdout


def test_a_load_is_all_or_nothing(remote: Run, served: Served, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("i\n1\n2\n2\n", encoding="utf-8")
    assert (
        remote("sql", "CREATE TABLE load_unique (i INT PRIMARY KEY); INSERT INTO load_unique VALUES (7)").exit_code == 0
    )
    told = remote("load", str(file), "--table", "load_unique")
    assert told.exit_code == 1 and "Say --append to add rows, or --replace." in told.stderr
    told = remote("load", str(file), "--table", "load_unique", "--append")
    assert told.exit_code == 1 and "uplicate" in told.stderr
    assert served.truth("FROM load_unique") == [(7,)]
    refused = run("load", str(file), "--table", "load_refused", "--url", served.url("reader"))
    assert refused.exit_code == 1 and "load_refused" not in str(served.truth("SHOW TABLES"))
    assert "has no column 'i'" in remote("load", str(file), "--table", "parts", "--append").stderr


def test_a_load_into_a_schema(remote: Run, served: Served, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("i\n1\n", encoding="utf-8")
    told = remote("load", str(file), "--table", "load_schema.t")
    assert told.exit_code == 1 and "load_schema" in told.stderr
    assert remote("sql", "CREATE SCHEMA load_schema").exit_code == 0
    for table in ("load_schema.t", "plant.load_schema.t"):
        assert remote("load", str(file), "--table", table, "--append").exit_code == 0
    assert served.truth("FROM load_schema.t") == [(1,), (1,)]
