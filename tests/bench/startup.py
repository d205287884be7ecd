"""How long a user waits before anything happens."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import mfgsql

FIRST = """
import time; t = time.perf_counter()
import mfgsql
s = mfgsql.connect({path!r})
s.execute("FROM ml_predict('m', 't') LIMIT 1").fetchall()
print(time.perf_counter() - t)
"""


def run() -> list[dict]:
    """Seconds of ``mfgsql --help``, and from ``import`` to the first prediction in a fresh process."""
    program = Path(sys.executable).with_name("mfgsql")
    times = []
    for _ in range(5):
        started = time.perf_counter()
        subprocess.run([program, "--help"], check=True, capture_output=True)
        times.append(time.perf_counter() - started)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "a.duckdb")
        with mfgsql.connect(path, progress="off") as s:
            s.execute("CREATE TABLE t AS SELECT random() AS a, random() > 0.5 AS y FROM range(1000)")
            s.finetune("m", "t", target="y", options={"epochs": 1})
        done = subprocess.run(
            [sys.executable, "-c", FIRST.format(path=path)], check=True, capture_output=True, text=True
        )
    return [
        {"figure": "mfgsql --help, seconds (best of 5)", "measured": round(min(times), 2), "goal": "<= 0.5"},
        {"figure": "first prediction after import, seconds", "measured": round(float(done.stdout), 2), "goal": "shown"},
    ]
