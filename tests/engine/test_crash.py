"""Processes that end in the middle: killed while they train, or leaving while others score."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import mfgsql

OPENED = """
import sys, time, threading, mfgsql
s = mfgsql.connect(sys.argv[1], threads=2, progress='off')
s.execute("CREATE TABLE IF NOT EXISTS parts AS SELECT (i % 40) / 10.0 AS torque, (hash(i) % 1000)::DOUBLE AS temp, "
          "(i % 40) > 28 AS failed FROM range(3000) r(i)")
"""
TRAIN = """
SQL = "FROM ml_finetune('m', 'parts', target := 'failed', force := true, options := {{'epochs': {epochs}, 'patience': 10000, 'width': 8, 'layers': 1, 'heads': 2}})"
"""
KILLED = (
    OPENED
    + TRAIN.format(epochs=10000)
    + """
print('ready', flush=True)
s.execute(SQL).fetchall()
"""
)
KILLED_OFTEN = (  # killed somewhere in a row of short trainings, their commits included
    OPENED
    + TRAIN.format(epochs=1)
    + """
print('ready', flush=True)
while True:
    s.execute(SQL).fetchall()
"""
)
KILLED_READING = (  # notes and pictures
    OPENED
    + """
picture = bytes.fromhex('424d3600000000000000360000002800000001000000010000000100180000000000040000000000000000000000000000000000000080808000')
s.execute("CREATE TABLE IF NOT EXISTS seen AS SELECT 'pump ' || i || if(failed, ' leaks', ' runs') || ' on line ' || i % 7 AS note, "
          "?::BLOB AS photo, torque, failed FROM (SELECT *, row_number() OVER () AS i FROM parts LIMIT 200)", [picture])
print('ready', flush=True)
s.execute("FROM ml_finetune('m', 'seen', target := 'failed', options := {'epochs': 10000, 'patience': 10000, 'size': 16})").fetchall()
"""
)
LEAVING = (
    OPENED
    + TRAIN.format(epochs=1)
    + """
s.execute(SQL).fetchall()
def score():
    own = s.cursor()
    while True:
        own.execute("SELECT sum(probability) FROM ml_predict('m', 'FROM parts, range(30)')").fetchall()
threading.Thread(target=score, daemon=True).start()
reader = s.cursor()
reader.execute("SELECT probability FROM ml_predict('m', 'FROM parts, range(30)')")
assert reader.con.fetchmany(3)
time.sleep(0.5)
print('left', flush=True)
"""
)


def start(script: str, database: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", script, str(database)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.mark.parametrize(("script", "after"), [(KILLED, 0.0), (KILLED, 0.5), (KILLED_READING, 1.0), (KILLED_OFTEN, 1.3)])
def test_a_killed_training_leaves_a_sound_database(tmp_path: Path, script: str, after: float) -> None:
    database = tmp_path / "plant.duckdb"
    process = start(script, database)
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "ready"
    while after and not list(tmp_path.glob("*.ml/*.parquet")):  # the first snapshot is written: it trains
        assert process.poll() is None
        time.sleep(0.02)
    time.sleep(after)
    assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with mfgsql.connect(database, threads=2, progress="off") as s:
        states = dict(s.execute("SELECT status, count(*) FROM ml.runs GROUP BY 1").fetchall())
        assert states.keys() <= {"interrupted", "finished"}
        assert states.get("interrupted", 0) <= 1  # none where the kill came between two runs
        if script is KILLED and after:
            assert states == {"interrupted": 1}
        versions = s.execute("SELECT version, run_id FROM ml.versions").fetchall()
        assert len(versions) == states.get("finished", 0)
        for version, _ in versions:  # each has its weights
            query = f"SELECT count(probability) FROM ml_predict('m@{version}', 'parts')"
            assert s.execute(query).fetchone() == (3000,)
        stored = s.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name LIKE 'artifact%'").fetchone()
        assert stored == (len(versions),)
        sql = "FROM ml_finetune('m', 'parts', target := 'failed', options := {'epochs': 2, 'width': 8, 'layers': 1, 'heads': 2})"
        assert s.execute(sql).pl()["status"].to_list() == ["finished"]


def test_a_process_leaves_cleanly_while_others_score(tmp_path: Path) -> None:
    for attempt in range(3):
        process = start(LEAVING, tmp_path / f"{attempt}.duckdb")
        out, errors = process.communicate(timeout=60)
        assert (process.returncode, out.strip()) == (0, "left"), errors
