"""Many sessions score, judge and promote while another trains: each answer is right, and memory stays."""

from __future__ import annotations

import itertools
import os
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from mfgsql.engine import Session

SECONDS = float(os.environ.get("SOAK_SECONDS", "300"))
CLIENTS, LEAST = 8, 100  # threads that score, and statements of each in either half, however short the soak
GROWTH = 150 * 2**20  # bytes that the process may grow by after its first half
PROBABILITY = "SELECT id, probability FROM ml_predict('{}', 'parts') ORDER BY id"
QUERIES = {
    "table": PROBABILITY,
    "filtered": "SELECT id, probability FROM ml_predict('{}', 'FROM parts WHERE hot') WHERE torque > 1 ORDER BY id",
    "scalar": "SELECT id, ml_predict('{}', t).probability FROM parts t WHERE id < 100 ORDER BY id",
    "sum": "SELECT 0, sum(probability) FROM ml_predict('{}', 'parts')",
    "evaluate": "SELECT hash(metric), value FROM ml_evaluate('{}', 'parts') WHERE value IS NOT NULL ORDER BY metric",
    "report": "SELECT hash(class), f1 FROM ml_classification_report('{}', 'parts') ORDER BY class",
}
WEIGHTS = [6, 6, 6, 6, 1, 3]  # judging resamples its rows: a query of half a second
Rows = list[tuple[Any, ...]]


def equal(found: Rows, wanted: Rows) -> bool:
    """Equal keys, numbers to 1e-6."""
    return [r[0] for r in found] == [r[0] for r in wanted] and [r[1] for r in found] == pytest.approx(
        [r[1] for r in wanted], abs=1e-6, rel=1e-6
    )


def resident() -> int:
    """Bytes of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture()
def two(lab: Session, finetune: Callable[..., str]) -> Session:
    """A database with ``m@1`` and ``m@2``, which answer each query differently."""
    lab.execute(finetune("m", "SELECT torque, temp, failed FROM parts", "failed"))
    lab.execute(finetune("m", "SELECT hot, wear, failed FROM parts", "failed"))
    lab.execute("FROM ml_promote('m@2')")
    return lab


def client(s: Session, number: int, wanted: dict[tuple[str, str], Rows], until: float) -> int:
    """Mixed queries in a session of its own; how many. The champion's answer is wholly that of one version."""
    dice = random.Random(number)
    with s.cursor() as own:
        for done in itertools.count():
            if done >= LEAST and time.monotonic() > until:
                return done
            if dice.random() < 0.05:
                name = dice.choice(["m@1", "m@2"])
                row = own.execute(f"FROM ml_promote('{name}')").fetchone()
                assert f"{row[0]}@{row[1]}" == name
                continue
            if dice.random() < 0.05:
                _, champion, previous = own.execute("FROM ml_rollback('m')").fetchone()
                assert {champion, previous} == {1, 2}
                continue
            kind, name = dice.choices(list(QUERIES), WEIGHTS)[0], dice.choice(["m@1", "m@2", "m"])
            found = own.execute(QUERIES[kind].format(name)).fetchall()
            versions = [name] if "@" in name else ["m@1", "m@2"]
            assert any(equal(found, wanted[kind, v]) for v in versions), (kind, name)
    raise AssertionError("unreachable")


def train(s: Session, statement: str, stop: threading.Event) -> int:
    """Train a model of another name over and over, and drop what was trained; how often."""
    with s.cursor() as own:
        for done in itertools.count():
            if stop.is_set():
                return done
            assert own.execute(statement).pl()["status"].to_list() == ["finished"]
            own.execute("FROM ml_drop('t')")
    raise AssertionError("unreachable")


def test_answers_are_right_and_memory_stays_while_another_session_trains(
    two: Session, finetune: Callable[..., str]
) -> None:
    wanted = {(k, v): two.execute(q.format(v)).fetchall() for k, q in QUERIES.items() for v in ("m@1", "m@2")}
    assert all(not equal(wanted[k, "m@1"], wanted[k, "m@2"]) for k in ("table", "filtered", "scalar", "sum"))
    statement = finetune("t", "SELECT torque, temp, failed FROM parts", "failed", "force := true")
    for half in range(2):  # the first one warms up: caches, thread pools, the allocator
        before, stop = resident(), threading.Event()
        until = time.monotonic() + SECONDS / 2
        with ThreadPoolExecutor(CLIENTS + 1) as pool:
            trainer = pool.submit(train, two, statement, stop)
            clients = [pool.submit(client, two, n + half * CLIENTS, wanted, until) for n in range(CLIENTS)]
            try:
                counts = [c.result() for c in clients]
            finally:
                stop.set()
        grown = resident() - before
        print(f"{sum(counts)} queries, {trainer.result()} trainings, {grown / 2**20:+.0f} MiB")
    assert min(counts) >= LEAST
    assert trainer.result() >= 1
    assert grown < GROWTH, f"{grown / 2**20:.0f} MiB more after {sum(counts)} queries"
    states = two.execute("SELECT DISTINCT status FROM ml.runs").fetchall()
    assert states == [("finished",)]
