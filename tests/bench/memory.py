"""Memory of a fine-tuning: ten times the rows, the same setting of ``memory``."""

import subprocess
import sys
import tempfile
from pathlib import Path

import mfgsql

ROWS = 200_000
MEMORY = "384MB"  # the smaller run fills this, as the larger one does; more, and the larger one may take more
FINETUNE = """
import resource, sys, mfgsql
s = mfgsql.connect(sys.argv[1], progress="off", memory=sys.argv[2])
row = s.execute("FROM ml_finetune('m', 'rows', target := 'y', options := {'epochs': 1, 'width': 8, 'layers': 1, 'heads': 2})").fetchall()
assert row[0][3] == "finished", row
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


def run() -> list[dict]:
    """Peak memory of the process at 200,000 and at 2,000,000 rows of 20 columns."""
    small, large = (_peak(rows) for rows in (ROWS, 10 * ROWS))
    return [
        {
            "figure": f"peak memory of fine-tuning {10 * ROWS:,} rows over {ROWS:,} (memory = {MEMORY})",
            "measured": f"{large / small:.2f}x ({large / 2**20:,.0f} / {small / 2**20:,.0f} MiB)",
            "goal": "<= 1.2x",
        }
    ]


def _peak(rows: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "p.duckdb")
        with mfgsql.connect(path, progress="off") as s:
            columns = ", ".join(f"(hash(i * 20 + {n}) % 100000) / 1000 AS c{n}" for n in range(20))
            s.execute(f"CREATE TABLE rows AS SELECT {columns}, hash(i) % 10 = 0 AS y FROM range({rows}) r(i)")
        done = subprocess.run([sys.executable, "-c", FINETUNE, path, MEMORY], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)
    peak = int(done.stdout)
    print(f"{rows:,} rows: {peak / 2**20:,.0f} MiB", flush=True)
    return peak
