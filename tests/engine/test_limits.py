"""A full disk and too little memory: said in words, and nothing is lost."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

import mfgsql
from mfgsql.engine import Session
from mfgsql.errors import ResourceError

TINY = "{'epochs': 1, 'width': 8, 'layers': 1, 'heads': 2}"
WIDE = "{'epochs': 1, 'width': 256, 'layers': 2}"  # its weights: 1.6 MB

# Trains a first version; then no file may grow beyond a limit, and a second one is tried. Room again, and a third.
FULL = """
import json, os, resource, signal, sys, mfgsql
path, rows, limit, options = sys.argv[1:]
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
s = mfgsql.connect(path, threads=1, progress="off")
s.execute("CREATE TABLE parts AS SELECT hash(i) / 1e19 AS a, hash(i + 0.5) / 1e19 AS b, i % 3 = 0 AS y "
          f"FROM range({rows}) r(i)")
train = "FROM ml_finetune('m', '{}', target := 'y', options := {})"
s.execute(train.format("FROM parts LIMIT 100", "TINY"))
s.execute("CHECKPOINT")
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), hard))
told = {}
try:
    s.execute(train.format("parts", options))
except Exception as error:
    told = {"kind": type(error).__name__, "text": str(error)}
told["runs"] = s.execute("SELECT status, error FROM ml.runs ORDER BY started_at").fetchall()
told["scored"] = s.execute("SELECT count(probability) FROM ml_predict('m', 'FROM parts LIMIT 10')").fetchone()
kept = [path for (path,) in s.execute("SELECT path FROM ml.snapshots").fetchall()]
told["stray"] = [f.name for f in s.engine.folder.iterdir() if str(f) not in kept]
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
told["again"] = s.execute(train.format("FROM parts LIMIT 200", options)).fetchone()[1:4:2]
print(json.dumps(told))
sys.stdout.flush()
os._exit(0)  # no close, no checkpoint: what counts is on the disk
""".replace("TINY", TINY)

SNAPSHOT, COMMIT, ANY = ("40000", "400000", TINY), ("300", "300000", WIDE), ("300", "0", TINY)


@pytest.fixture(scope="module", params=[SNAPSHOT, COMMIT, ANY], ids=["snapshot", "commit", "any"])
def full(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    """What a process tells whose disk is full at its snapshot, its commit, or at any write; and its database."""
    path = tmp_path_factory.mktemp("full") / "plant.duckdb"
    command = [sys.executable, "-W", "ignore", "-c", FULL, str(path), *request.param]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), path


def test_a_full_disk_is_said_in_words(full: tuple[dict[str, Any], Path]) -> None:
    told, _ = full
    assert told["kind"] == "ResourceError"
    assert "File too large. Free some space" in told["text"]
    assert "\n" not in told["text"]


def test_a_full_disk_takes_nothing_away(full: tuple[dict[str, Any], Path]) -> None:
    told, path = full
    assert told["runs"] in ([["finished", None], ["failed", told["text"]]], [["finished", None]])
    assert told["scored"] == [10]
    assert told["again"] == [2, "finished"]
    with mfgsql.connect(path, threads=1, progress="off") as s:
        assert s.execute("SELECT version FROM ml.versions ORDER BY 1").fetchall() == [(1,), (2,)]
        weights = "SELECT count(*) FROM duckdb_tables() WHERE table_name LIKE 'artifact%'"
        assert s.execute(weights).fetchone() == (2,)
        for version in (1, 2):
            scored = f"SELECT count(probability) FROM ml_predict('m@{version}', 'FROM parts LIMIT 10')"
            assert s.execute(scored).fetchone() == (10,)


def test_a_full_disk_is_not_filled_with_what_failed(full: tuple[dict[str, Any], Path]) -> None:
    assert full[0]["stray"] == []


# -- memory ---------------------------------------------------------------------------------------------------------


@pytest.fixture()
def small(tmp_path: Path, finetune: Callable[..., str]) -> Iterator[Session]:
    """A database of 40 MB for DuckDB, with the model ``m``."""
    with mfgsql.connect(tmp_path / "small.duckdb", memory="80MB", threads=1, progress="off") as session:
        session.execute("CREATE TABLE parts AS SELECT i / 10 AS a, i % 7 AS b, i % 3 = 0 AS y FROM range(200) r(i)")
        session.execute(finetune("m", "parts", "y"))
        yield session


LARGE = "SELECT *, (SELECT len(list(hash(i)::VARCHAR)) FROM range(5_000_000) r(i)) AS n FROM parts"


def test_a_source_beyond_the_memory_limit_can_not_be_learnt_from(small: Session, finetune: Callable[..., str]) -> None:
    with pytest.raises(ResourceError, match=r"^Out of memory: .*MFGSQL_MEMORY") as caught:
        small.execute(finetune("n", LARGE, "y"))
    assert "\n" not in str(caught.value)
    assert small.execute("SELECT status, error FROM ml.runs WHERE model = 'n'").fetchall() == [
        ("failed", str(caught.value))
    ]
    assert small.execute(finetune("n", "parts", "y")).pl()["status"].to_list() == ["finished"]


def test_a_query_beyond_the_memory_limit_leaves_the_session_alive(small: Session) -> None:
    with pytest.raises(duckdb.OutOfMemoryException):
        small.execute(f"SELECT sum(n), max(probability) FROM ml_predict('m', '{LARGE}')").fetchall()
    assert small.execute("SELECT count(probability) FROM ml_predict('m', 'parts')").fetchone() == (200,)


def test_a_model_too_large_to_be_stored_is_refused_before_it_is_trained(small: Session) -> None:
    endless = "{'epochs': 100000, 'patience': 100000, 'width': 1024, 'layers': 4}"  # 60 MB
    stop = threading.Timer(15, small.interrupt)
    stop.start()
    try:
        with pytest.raises(ResourceError, match="width and layers"):
            small.execute(f"FROM ml_finetune('large', 'parts', target := 'y', options := {endless})")
    finally:
        stop.cancel()
    assert small.execute("SELECT count(*) FROM ml.models WHERE model = 'large'").fetchone() == (0,)
