"""dbt-duckdb over the plant's file: its connection has the verbs by a plugin, and models predict, train and are tested."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import mfgsql

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def project(plant: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = shutil.copytree(Path(__file__).parent / "dbt", tmp_path_factory.mktemp("dbt") / "project")
    shutil.copytree(plant.parent, folder / "plant")
    return folder


@pytest.fixture(scope="module")
def dbt(python: Callable[[str], Path], project: Path) -> Callable[..., str]:
    """``(*words)``: the command, which has to end well."""

    def run(*words: str) -> str:
        command = [python("dbt").with_name("dbt"), "--no-use-colors", *words, "--profiles-dir", "."]
        told = {"PLANT": "plant/plant.duckdb", "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
        done = subprocess.run(command, cwd=project, env=os.environ | told, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout

    return run


def test_models_predict_train_and_are_tested(dbt: Callable[..., str], project: Path) -> None:
    assert "PASS=10 WARN=0 ERROR=0" in dbt("build")  # five models, five tests
    with mfgsql.connect(project / "plant" / "plant.duckdb", progress="off") as session:
        assert session.execute("SELECT model, status FROM training").fetchall() == [("again", "finished")]
        assert session.execute("SELECT champion FROM ml.models WHERE model = 'again'").fetchall() == [(1,)]
        wrong = """SELECT * FROM scored FULL JOIN ml_predict('fail', 'parts') p USING (id)
            WHERE abs(scored.probability - p.probability) > 1e-6 OR scored.probability IS NULL OR p.probability IS NULL"""
        assert session.execute(wrong).fetchall() == []
        alarms = "SELECT unit, count(*) FROM ml_predict('fail', 'parts') WHERE predicted_failed GROUP BY unit ORDER BY unit"
        assert session.execute("SELECT unit, alarms FROM alarms ORDER BY unit").fetchall() == session.execute(alarms).fetchall()


def test_equal_rows_train_nothing_again(dbt: Callable[..., str], project: Path) -> None:
    dbt("run", "--select", "labelled", "training")
    dbt("run", "--select", "labelled", "training")
    with mfgsql.connect(project / "plant" / "plant.duckdb", progress="off") as session:
        assert session.execute("SELECT status, version FROM training").fetchall() == [("reused", 1)]


def test_only_new_rows_are_scored_again(dbt: Callable[..., str], project: Path) -> None:
    dbt("run", "--select", "labelled", "scored")
    with mfgsql.connect(project / "plant" / "plant.duckdb", progress="off") as session:
        session.execute("UPDATE scored SET probability = 0.5")
        session.execute("INSERT INTO parts BY NAME (SELECT * REPLACE (9999 AS id, ts + INTERVAL 1 YEAR AS ts) FROM parts LIMIT 1)")
    dbt("run", "--select", "scored")
    with mfgsql.connect(project / "plant" / "plant.duckdb", progress="off") as session:
        assert session.execute("SELECT id FROM scored WHERE probability <> 0.5").fetchall() == [(9999,)]
