"""Trainings recorded by TensorBoard and Weights & Biases, read back; a tracker that fails costs no training."""

from __future__ import annotations

import builtins
import json
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import mfgsql
from mfgsql.engine import Session
from mfgsql.errors import CancelledError, MissingExtraError, OptionError
from mfgsql.settings import load_settings
from mfgsql.training.monitor import RunFacts
from mfgsql.training.tracking import Tracking, trackers

Finetune = Callable[..., str]
FACTS = RunFacts("r1", "m", "finetune", 600, {"epochs": 1})


@pytest.fixture()
def tracked(tmp_path: Path) -> Iterator[Callable[..., Session]]:
    """A session with ``parts`` that records its trainings by the trackers named."""
    opened: list[Session] = []

    def connect(track: Any, **more: Any) -> Session:
        session = mfgsql.connect(tmp_path / "plant.duckdb", threads=2, progress="off", track=track, **more)
        opened.append(session)
        session.execute(
            "CREATE TABLE parts AS SELECT i % 40 / 10.0 AS torque, i % 40 > 28 AS failed FROM range(300) r(i)"
        )
        return session

    yield connect
    for session in opened:
        session.close()


def judged(session: Session, run_id: str) -> dict[str, list[tuple[int, float]]]:
    """What ``ml.metrics`` says of the steps: steps and values by name."""
    found: dict[str, list[tuple[int, float]]] = {}
    query = "SELECT split, metric, step, value FROM ml.metrics WHERE run_id = $1 AND NOT final ORDER BY step, value"
    for split, metric, step, value in session.execute(query, [run_id]).fetchall():
        found.setdefault("train_loss" if split == "train" else metric, []).append((step, value))
    return found


def final(session: Session, run_id: str) -> dict[str, float]:
    query = "SELECT metric, value FROM ml.metrics WHERE run_id = $1 AND final"
    return {f"final/{metric}": value for metric, value in session.execute(query, [run_id]).fetchall()}


def test_tensorboard_reads_what_the_catalog_has(tracked: Callable[..., Session], finetune: Finetune) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams import plugin_data_pb2

    session = tracked("tensorboard")
    run_id = session.execute(finetune("a: b", "parts", "failed")).fetchone()[2]
    folder = session.engine.folder / "tracking" / "tensorboard" / f"a__b-{run_id}"
    events = EventAccumulator(str(folder)).Reload()
    known = judged(session, run_id) | {n: [(0, v)] for n, v in final(session, run_id).items()}
    assert {"train_loss", "loss", "pr_auc", "final/loss"} <= known.keys()
    assert set(events.Tags()["scalars"]) == known.keys()
    for name, values in known.items():
        found = sorted((e.step, e.value) for e in events.Scalars(name))
        assert [v for _, v in found] == pytest.approx([v for _, v in values], rel=1e-6)
        assert [s for s, _ in found] == [s for s, _ in values]
    stored = events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    begin = plugin_data_pb2.HParamsPluginData.FromString(stored).session_start_info
    assert begin.hparams["epochs"].number_value == 1
    assert begin.hparams["optimizer"].string_value == "adamw"
    assert events.SummaryMetadata("_hparams_/session_end_info")


def wandb_records(file: Path) -> list[Any]:
    """The records of an offline run: a log of LevelDB's format (blocks of 32 KiB; checksum, length, type) of messages."""
    from wandb.proto.wandb_internal_pb2 import Record

    data, at, whole, found = file.read_bytes(), 7, b"", []  # behind the file's header
    while at < len(data):
        if 32768 - at % 32768 < 7:
            at += 32768 - at % 32768
            continue
        _, length, kind = struct.unpack("<IHB", data[at : at + 7])
        whole += data[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # whole, or its last part
            found.append(Record.FromString(whole))
            whole = b""
    return found


def test_wandb_reads_what_the_catalog_has(
    tracked: Callable[..., Session], finetune: Finetune, monkeypatch: pytest.MonkeyPatch, capfd: Any, tmp_path: Path
) -> None:
    monkeypatch.setenv("WANDB_MODE", "online")
    session = tracked(["wandb"], track_dir=tmp_path / "records")
    run_id = session.execute(finetune("m", "parts", "failed")).fetchone()[2]
    assert capfd.readouterr() == ("", "")
    (file,) = (tmp_path / "records" / "wandb").glob(f"offline-run-*-{run_id}/*.wandb")
    records = wandb_records(file)
    (run,) = [r.run for r in records if r.WhichOneof("record_type") == "run"][:1]
    config = {u.key: json.loads(u.value_json) for u in run.config.update}
    assert (run.run_id, run.project, run.job_type) == (run_id, "mfgsql", "finetune")
    assert (config["model"], config["rows"], config["epochs"], config["optimizer"]) == ("m", 300, 1, "adamw")
    found: dict[str, dict[int, float]] = {}
    for history in (r.history for r in records if r.WhichOneof("record_type") == "history"):
        for item in history.item:
            key = item.key or item.nested_key[0]
            if not key.startswith("_"):
                found.setdefault(key, {})[history.step.num] = json.loads(item.value_json)
    assert found.keys() == judged(session, run_id).keys()
    for name, values in judged(session, run_id).items():
        assert found[name].keys() == {step for step, _ in values}
        assert all(
            any(value == pytest.approx(v) for s, v in values if s == step) for step, value in found[name].items()
        )
    summary: dict[str, Any] = {}
    for record in (r.summary for r in records if r.WhichOneof("record_type") == "summary"):
        summary |= {u.key or ".".join(u.nested_key): json.loads(u.value_json) for u in record.update}
    assert summary["status"] == "finished"
    assert {k: v for k, v in summary.items() if k.startswith("final/")} == pytest.approx(final(session, run_id))
    assert [r.exit.exit_code for r in records if r.WhichOneof("record_type") == "exit"] == [0]


class _Told:
    """Keeps what it was told; raises at one event."""

    def __init__(self, events: list[Any], failing: str = "") -> None:
        self._events, self._failing = events, failing

    def _tell(self, event: str, *what: Any) -> None:
        self._events.append((event, *what))
        if event == self._failing:
            raise OSError("no space left")

    def on_start(self, facts: RunFacts) -> None:
        self._tell("on_start", facts.run_id)

    def on_step(self, step: int, steps: int) -> None:
        self._tell("on_step", step)

    def on_judged(self, step: int, values: dict[str, float]) -> None:
        self._tell("on_judged", step)

    def on_end(self, status: str, values: dict[str, float]) -> None:
        self._tell("on_end", status)


@pytest.fixture()
def told(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Any]]:
    """``(name, failing='')``: a registered tracker's list of what it is told."""

    def make(name: str, failing: str = "") -> list[Any]:
        events: list[Any] = []
        assert "tensorboard" in list(trackers)
        monkeypatch.setitem(trackers._known, name, lambda folder: _Told(events, failing))
        return events

    return make


@pytest.mark.parametrize("failing", ["on_start", "on_step", "on_judged", "on_end"])
def test_a_tracker_that_fails_is_dropped_and_the_training_goes_on(
    tracked: Callable[..., Session], finetune: Finetune, told: Callable[..., list[Any]], failing: str
) -> None:
    broken, whole = told("broken", failing), told("whole")
    session = tracked("broken,whole")
    row = session.execute(finetune("m", "parts", "failed")).fetchone()
    assert row[3] == "finished"
    assert [w for w in row[12] if "track" in w] == ["Not tracked to its end: broken failed (OSError: no space left)."]
    assert broken[-1][0] == failing
    assert [e[0] for e in broken].count(failing) == 1
    assert whole[0] == ("on_start", row[2])
    assert whole[-1] == ("on_end", "finished")
    assert {e[0] for e in whole} == {"on_start", "on_step", "on_judged", "on_end"}


@pytest.mark.parametrize(
    ("error", "status"), [(CancelledError("Cancelled."), "cancelled"), (ValueError("x"), "failed")]
)
def test_a_training_that_ends_early_says_how(
    told: Callable[..., list[Any]], tmp_path: Path, error: Exception, status: str
) -> None:
    events = told("mine")
    with pytest.raises(type(error)), Tracking(("mine",), tmp_path).record(FACTS):
        raise error
    assert events == [("on_start", "r1"), ("on_end", status)]


def test_a_failed_run_of_tensorboard_has_its_recipe_and_no_end(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with pytest.raises(ValueError, match="x"), Tracking(("tensorboard",), tmp_path).record(FACTS) as tracking:
        tracking.on_judged(0, {"loss": 0.5})
        raise ValueError("x")
    events = EventAccumulator(str(tmp_path / "tensorboard" / "m-r1")).Reload()
    assert [e.value for e in events.Scalars("loss")] == [0.5]
    assert events.SummaryMetadata("_hparams_/session_start_info")
    with pytest.raises(KeyError):
        events.SummaryMetadata("_hparams_/session_end_info")


def test_an_unknown_tracker_is_refused_before_training(tracked: Callable[..., Session], finetune: Finetune) -> None:
    session = tracked("tensorbord")
    with pytest.raises(OptionError, match="No tracker is called 'tensorbord'; .* Did you mean 'tensorboard'"):
        session.execute(finetune("m", "parts", "failed")).fetchall()
    assert session.execute("SELECT status, steps FROM ml_catalog.runs").fetchall() == [("failed", None)]
    assert not (session.engine.folder / "tracking").exists()


@pytest.mark.parametrize(("name", "package"), [("tensorboard", "tensorboardX"), ("wandb", "wandb")])
def test_a_missing_package_names_the_extra(
    tracked: Callable[..., Session], finetune: Finetune, monkeypatch: pytest.MonkeyPatch, name: str, package: str
) -> None:
    real = builtins.__import__

    def without(wanted: str, *more: Any, **named: Any) -> Any:
        if wanted.split(".")[0] == package:
            raise ImportError(wanted)
        return real(wanted, *more, **named)

    session = tracked(name)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"pip install 'mfgsql\[track\]'"):
        session.execute(finetune("m", "parts", "failed")).fetchall()


def test_a_database_in_memory_needs_a_folder(finetune: Finetune, tmp_path: Path) -> None:
    with mfgsql.connect(progress="off", track="tensorboard") as session:
        session.execute("CREATE TABLE parts AS SELECT i % 40 AS torque, i % 40 > 28 AS failed FROM range(300) r(i)")
        with pytest.raises(OptionError, match="track_dir='runs'"):
            session.execute(finetune("m", "parts", "failed")).fetchall()


def test_settings_of_tracking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MFGSQL_TRACK", "wandb, tensorboard,wandb,")
    monkeypatch.setenv("MFGSQL_TRACK_DIR", "runs")
    assert (load_settings().track, load_settings().track_dir) == (("wandb", "tensorboard"), "runs")
    assert load_settings(track=[]).track == ()
    for wrong in (3, ["a", 1]):
        with pytest.raises(OptionError, match="tensorboard,wandb"):
            load_settings(track=wrong)
