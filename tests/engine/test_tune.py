"""``ml_tune``: what is tried, recorded, kept, resumed and refused."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load

import mfgsql
from mfgsql.catalog import read_artifact, resolve
from mfgsql.engine import Session
from mfgsql.engine.tuning.running import Tuning
from mfgsql.errors import CancelledError, MfgsqlError, MissingExtraError, OptionError
from mfgsql.training.trainer import Trainer

SOURCE = "SELECT torque, temp, shift, failed FROM parts"
FEW = "'folds': 2, 'members': 1, 'epochs': 3, 'batch_size': 128"
SMALL = f"options := {{'lr': {{'low': 1e-3, 'high': 1e-1, 'log': true}}, 'layers': [1, 2], 'width': 8, {FEW}, 'dropout': 0, 'weight_decay': 0.01}}"


def tune(s: Session, more: str = "trials := 4", options: str = SMALL, source: str = SOURCE, model: str = "m") -> dict[str, Any]:
    quoted = source.replace("'", "''")
    row: dict[str, Any] = s.sql(f"FROM ml_tune('{model}', '{quoted}', target := 'failed', {more}, {options})").to_pylist()[0]
    return row


def trials(s: Session) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = s.sql("FROM ml.trials").to_pylist()
    return rows


def tensors(s: Session, name: str) -> dict[str, np.ndarray[Any, Any]]:
    with s.engine.cursor() as cursor:
        version = resolve(cursor, name)
        return load(read_artifact(cursor, version.artifact, version.bytes))


@pytest.fixture()
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step takes longer: time for others to act in the middle of a trial."""
    step = Trainer.step
    monkeypatch.setattr(Trainer, "step", lambda self, batch: (time.sleep(0.05), step(self, batch))[1])


def test_the_best_trial_becomes_a_version(lab: Session) -> None:
    row = tune(lab)
    found = trials(lab)
    assert [t["trial"] for t in found] == [0, 1, 2, 3]
    assert row["trials"] + row["pruned"] == 4
    finished = [t for t in found if t["state"] == "finished"]
    best = min(finished, key=lambda t: t["criterion"])
    assert (row["version"], row["status"], row["champion"], row["best_trial"]) == (1, "finished", True, best["trial"])
    assert (row["metric"], row["value"]) == (best["metric"], best["value"])
    assert best["criterion"] <= found[0]["criterion"]  # never worse than the defaults
    first = json.loads(found[0]["options"])
    assert first == {"learning_rate": 0.02, "layers": 2}  # as the recipe has them, where nothing is said
    for trial in found[1:]:
        options = json.loads(trial["options"])
        assert options.keys() == first.keys()
        assert 1e-3 <= options["learning_rate"] <= 1e-1 and options["layers"] in (1, 2)
    assert all(t["run_id"] == row["run_id"] and t["steps"] > 0 and t["seconds"] > 0 for t in found)
    told = any("flatter" in w for w in row["warnings"])
    assert told == (best["trial"] > 0)
    assert lab.execute("SELECT verb, status FROM ml.runs").fetchall() == [("tune", "finished")]
    assert lab.execute("SELECT count(probability) FROM ml_predict('m', 'parts')").fetchone() == (600,)
    recipe = json.loads(lab.execute("SELECT manifest->'$.lineage.recipe' FROM ml_catalog.versions").fetchone()[0])
    assert {n: recipe[n] for n in first} == json.loads(best["options"])
    assert not list(lab.engine.folder.glob("*.state"))


def test_an_equal_statement_is_reused_and_more_trials_go_on(lab: Session) -> None:
    first = tune(lab, "trials := 2")
    assert tune(lab, "trials := 2") == first | {"status": "reused"}
    assert len(trials(lab)) == 2
    more = tune(lab, "trials := 4")
    assert (more["status"], more["version"], more["champion"]) == ("finished", 2, False)
    assert any("candidate" in w for w in more["warnings"])
    assert [t["trial"] for t in trials(lab)] == [0, 1, 2, 3]  # the first two were not made again
    at_once = tune(lab, "trials := 4, force := true")
    assert [t["trial"] for t in trials(lab)] == [0, 1, 2, 3, 0, 1, 2, 3]
    known = [(t["trial"], t["options"], t["criterion"], t["state"]) for t in trials(lab)]
    assert known[:4] == known[4:]  # the same, whether made in one go or in two
    assert at_once["best_trial"] == more["best_trial"]
    two, three = tensors(lab, "m@2"), tensors(lab, "m@3")
    assert all(np.array_equal(two[k], three[k]) for k in two)  # trained again from an earlier trial, or kept


def test_a_trained_again_best_is_what_it_was(lab: Session) -> None:
    """The best one's weights are of an earlier run: they are made again, and are the same."""
    tune(lab, "trials := 3")
    again = tune(lab, "trials := 3, promote := 'auto', budget := INTERVAL 1 MILLISECOND")
    assert (again["version"], again["status"]) == (2, "finished")
    assert len(trials(lab)) == 3
    one, two = tensors(lab, "m@1"), tensors(lab, "m@2")
    assert all(np.array_equal(one[k], two[k]) for k in one)


def test_a_budget_ends_it_and_the_defaults_are_always_made(lab: Session) -> None:
    row = tune(lab, "trials := 50, budget := INTERVAL 1 MILLISECOND")
    assert (row["trials"], row["pruned"], row["best_trial"]) == (1, 0, 0)
    assert any("1 of 50 trials were made: the budget ended" in w for w in row["warnings"])


def test_the_budget_cuts_the_running_trial_short(lab: Session, slow: None) -> None:
    started = time.monotonic()
    row = tune(lab, "trials := 3, budget := INTERVAL 3 SECOND", SMALL.replace("'epochs': 3", "'epochs': 12"))
    assert row["trials"] >= 1 and time.monotonic() - started < 60
    cut = [t for t in trials(lab) if t["state"] == "pruned"]
    assert all(t["error"] in ("The budget ended.", "Worse than the median of the others at this step.") for t in cut)
    assert len(trials(lab)) < 3 or cut


def test_a_small_space_ends_before_the_trials_do(lab: Session) -> None:
    options = SMALL.replace("'lr': {'low': 1e-3, 'high': 1e-1, 'log': true}", "'lr': 0.02")
    row = tune(lab, "trials := 9", options)
    assert row["trials"] + row["pruned"] == 2
    assert any("there was no more to try" in w for w in row["warnings"])


def test_a_trial_that_fails_is_recorded_and_skipped(lab: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    step = Trainer.step

    def failing(self: Trainer, batch: Any) -> Any:
        if self.recipe.layers == 1:
            raise MemoryError("of the device")
        return step(self, batch)

    monkeypatch.setattr(Trainer, "step", failing)
    row = tune(lab, "trials := 5")
    states = [(json.loads(t["options"])["layers"], t["state"], t["error"]) for t in trials(lab)]
    assert ("failed", "of the device") in [(state, error) for layers, state, error in states if layers == 1]
    assert all(state != "failed" for layers, state, _ in states if layers == 2)
    assert any("trials failed; the first: of the device" in w for w in row["warnings"])


def test_when_all_trials_fail_it_is_an_error(lab: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(self: Trainer, batch: Any) -> Any:
        raise RuntimeError("no such kernel")

    monkeypatch.setattr(Trainer, "step", failing)
    with pytest.raises(MfgsqlError, match="All 2 trials failed, the first so: no such kernel"):
        tune(lab, "trials := 2")
    assert [t["state"] for t in trials(lab)] == ["failed", "failed"]
    assert lab.execute("SELECT status FROM ml.runs").fetchall() == [("failed",)]
    assert lab.execute("SELECT count(*) FROM ml.models").fetchone() == (0,)
    assert not list(lab.engine.folder.glob("*.parquet"))


@pytest.mark.parametrize("more", ["trials := 2", "trials := 2, force := true"])
def test_trials_of_a_run_that_failed_are_made_again(lab: Session, monkeypatch: pytest.MonkeyPatch, more: str) -> None:
    def full(self: Trainer, batch: Any) -> Any:
        raise OSError("No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Trainer, "step", full)
        with pytest.raises(MfgsqlError, match="All 2 trials failed"):
            tune(lab, more)
    row = tune(lab, more)
    assert (row["status"], row["trials"]) == ("finished", 2)
    assert not any("failed" in w for w in row["warnings"])


def test_a_failed_trial_leaves_its_number_to_another(lab: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """The defaults failed, others did not, and then the whole run did."""
    step, calls = Trainer.step, list[int]()

    def once(self: Trainer, batch: Any) -> Any:
        calls.append(1)
        if len(calls) == 1:
            raise OSError("No space left on device")
        return step(self, batch)

    def failing(self: Tuning, *args: Any) -> Any:
        raise OSError("No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Trainer, "step", once)
        patched.setattr(Tuning, "_commit", failing)
        with pytest.raises(MfgsqlError, match="No space left"):
            tune(lab, "trials := 3")
    assert [t["state"] == "failed" for t in trials(lab)] == [True, False, False]
    kept = trials(lab)[1:]
    row = tune(lab, "trials := 3")
    assert row["trials"] + row["pruned"] == 3
    made = trials(lab)
    assert sorted(t["trial"] for t in made) == [0, 0, 1, 2] and [t for t in made if t in kept] == kept
    assert sorted(t["state"] for t in made if t["trial"] == 0) == ["failed", "finished"]


def test_it_is_cancelled_within_a_trial_and_goes_on(lab: Session, slow: None) -> None:
    options = SMALL.replace("'epochs': 3", "'epochs': 10")
    failures: list[BaseException] = []

    def run() -> None:
        try:
            tune(lab, "trials := 30", options)
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    deadline = time.monotonic() + 60
    while not lab.cursor().execute("SELECT count(*) FROM ml_catalog.trials").fetchone()[0] and time.monotonic() < deadline:
        time.sleep(0.1)
    lab.interrupt()
    thread.join(30)
    assert isinstance(failures[0], CancelledError)
    assert lab.execute("SELECT status FROM ml.runs").fetchall() == [("cancelled",)]
    made = trials(lab)
    assert 1 <= len(made) < 30
    row = tune(lab, f"trials := {len(made) + 1}", options)
    assert row["status"] == "finished"
    assert trials(lab)[: len(made)] == made
    assert len(trials(lab)) == len(made) + 1


KILLED = """
import sys, mfgsql
from tests.conftest import PARTS
from tests.engine.test_tune import tune
s = mfgsql.connect(sys.argv[1], threads=1, progress='off')
s.execute(PARTS.replace('CREATE TABLE', 'CREATE TABLE IF NOT EXISTS'))
print('ready', flush=True)
tune(s, 'trials := 400')
"""


def test_a_killed_tuning_goes_on_where_it_was(tmp_path: Path) -> None:
    database = tmp_path / "plant.duckdb"
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", KILLED, str(database)], stdout=subprocess.PIPE, text=True,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "ready"
    while not list(tmp_path.glob("*.ml/*.parquet")):
        assert process.poll() is None
        time.sleep(0.02)
    time.sleep(2.5)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with mfgsql.connect(database, threads=1, progress="off") as s:
        made = trials(s)
        assert s.execute("SELECT status FROM ml.runs").fetchall() == [("interrupted",)]
        assert s.execute("SELECT count(*) FROM ml.models").fetchone() == (0,)
        assert not list(tmp_path.glob("*.ml/*.parquet"))
        wanted = max(len(made) + 1, 2)
        row = tune(s, f"trials := {wanted}")
        assert trials(s)[: len(made)] == made
        resumed = [(t["options"], t["criterion"], t["state"]) for t in trials(s)]
        assert len(resumed) == wanted
        tune(s, f"trials := {wanted}", model="other")
        fresh = [(t["options"], t["criterion"], t["state"]) for t in trials(s)[wanted:]]
        assert resumed == fresh  # as if nobody had stopped it
        assert row["best_trial"] == s.execute("SELECT json_extract(result, '$.best_trial')::INT FROM ml_catalog.runs WHERE model = 'other'").fetchone()[0]


@pytest.mark.parametrize(
    ("more", "options", "said"),
    [
        ("trials := 0", SMALL, "trials is a whole number from 1"),
        ("trials := 2.5", SMALL, "trials is a whole number from 1"),
        ("budget := 20", SMALL, "budget is an interval"),
        ("budget := INTERVAL 0 SECOND", SMALL, "above 0"),
        ("budget := INTERVAL 1 MONTH", SMALL, "months"),
        ("trials := 2", "options := {'widht': [8, 16]}", "Did you mean 'width'"),
        ("trials := 2", "options := {'epochs': 'many'}", "a whole number"),
        ("trials := 2", "options := {'lr': 0.1, 'learning_rate': [0.1, 0.2]}", "the same option"),
        ("trials := 2", "options := {'lr': {'low': 0.1}}", "lacks 'high'"),
        ("trials := 2", "options := 3", "options is a struct"),
        ("trials := 2", "options := {'seed': [1, 2]}", "seed can't be searched"),
        ("promote := 'always'", SMALL, "promote is 'auto'"),
        ("task := 'anomaly'", SMALL, "takes no target"),
    ],
)
def test_what_can_not_be_tuned_is_refused_before_it_runs(lab: Session, more: str, options: str, said: str) -> None:
    with pytest.raises(OptionError, match=said):
        lab.execute(f"EXPLAIN FROM ml_tune('m', 'parts', target := 'failed', {more}, {options})")
    assert lab.execute("SELECT count(*) FROM ml.runs").fetchone() == (0,)


def test_a_shape_that_is_the_base_s_is_not_searched(lab: Session) -> None:
    lab.execute(
        "FROM ml_pretrain('base', 'SELECT torque, temp, shift FROM parts', options := {'epochs': 1, 'width': 8, 'layers': 1, 'heads': 2})"
    ).fetchall()
    with pytest.raises(OptionError, match="it is the base's"):
        tune(lab, "base := 'base'", "options := {'width': [8, 16]}")
    tune(lab, "trials := 2, base := 'base'", "options := {'epochs': 1}")
    searched = [json.loads(t["options"]) for t in trials(lab)]
    assert all(o.keys() == {"learning_rate", "dropout", "weight_decay", "base_rate"} for o in searched)


def test_nothing_to_search_is_refused(lab: Session) -> None:
    fixed = SMALL.replace("{'low': 1e-3, 'high': 1e-1, 'log': true}", "0.1").replace("[1, 2]", "1")
    with pytest.raises(OptionError, match="nothing is left to tune"):
        tune(lab, options=fixed)
    with pytest.raises(OptionError, match="nothing to tune"):
        lab.execute("CREATE TABLE photos AS SELECT ?::BLOB AS photo FROM range(30)", [bytes.fromhex(PICTURE)])
        lab.execute("FROM ml_tune('d', 'photos', task := 'anomaly', options := {'size': 16})").fetchall()


PICTURE = "424d3600000000000000360000002800000001000000010000000100180000000000040000000000000000000000000000000000000080808000"


def test_histories_are_tuned_by_patches_that_part_the_window(lab: Session) -> None:
    row = lab.sql(
        "FROM ml_tune('h', 'SELECT torque, temp, unit, ts, failed FROM parts', target := 'failed', entity := 'unit', order_by := 'ts', "
        "trials := 3, options := {'window': 8, 'epochs': 1, 'width': 16, 'folds': 2})"
    ).to_pylist()[0]
    options = [json.loads(t["options"]) for t in trials(lab)]
    assert row["trials"] + row["pruned"] == 3, trials(lab)
    assert all(8 % o["patch"] == 0 and o["patch"] in (1, 2, 4) for o in options)
    assert all(16 % o["heads"] == 0 for o in options)


def test_without_optuna_the_extra_is_named(lab: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingExtraError, match=r"mfgsql\[adapt\]"):
        tune(lab)
    assert lab.execute("SELECT count(*) FROM ml.runs").fetchone() == (0,)
