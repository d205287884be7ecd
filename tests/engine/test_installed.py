"""A connection that somebody else owns outlives the engine that was installed on it; its verbs are gone then."""

from __future__ import annotations

import subprocess
import sys

import duckdb
import pytest

import mfgsql
from mfgsql.errors import CatalogError

# In a process of its own: a UDF that is gone crashes it.
SCRIPT = """
import duckdb, mfgsql
con = duckdb.connect()
con.execute("CREATE TABLE t AS SELECT i % 40 / 10.0 AS torque, i % 40 > 28 AS failed FROM range(200) r(i)")
s = mfgsql.install(con, threads=1, progress="off")
s.finetune("m", "t", target="failed", options={"epochs": 1, "width": 8, "layers": 1, "heads": 2})
s.engine.close()  # as at the interpreter's exit
try:
    con.execute("SELECT sum(probability) FROM ml_predict('m', 't')").fetchall()
except duckdb.Error as error:
    assert "_ml_plan does not exist" in str(error), error
else:
    raise AssertionError("a closed engine scored")
assert con.execute("SELECT count(*) FROM t").fetchone() == (200,)
"""


def test_a_closed_engine_leaves_the_connection_to_its_owner() -> None:
    command = [sys.executable, "-W", "ignore", "-c", SCRIPT]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-500:]


def test_the_verbs_are_installed_once_at_a_time() -> None:
    con = duckdb.connect()
    with mfgsql.install(con, progress="off") as session:
        with pytest.raises(CatalogError, match="has the verbs already"):
            mfgsql.install(con.cursor())
        assert con.execute("FROM ml.models").fetchall() == []
        assert session.cursor().execute("SELECT 1").fetchall() == [(1,)]
    assert con.execute("SELECT 2").fetchall() == [(2,)]  # closing the session leaves the connection to its owner
    with mfgsql.install(con, progress="off"):
        assert con.cursor().execute("FROM ml.models").fetchall() == []


def test_an_install_that_failed_can_be_repeated(tmp_path) -> None:
    body = "from mfgsql.engine.functions import udf\n@udf('own', 'NO_TYPE')\ndef own(engine, x):\n    return x\n"
    (tmp_path / "own.py").write_text(body)
    con = duckdb.connect()
    with pytest.raises(CatalogError, match="can't be registered"):
        mfgsql.install(con, udfs_dir=str(tmp_path), progress="off")
    with mfgsql.install(con, progress="off"):
        assert con.execute("FROM ml.models").fetchall() == []
