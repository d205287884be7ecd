"""Peak memory of a statement on a table and on ten times its rows, each in a process of its own."""

import subprocess
import sys
from pathlib import Path

RUN = """
import resource, sys, mfgsql
s = mfgsql.connect(sys.argv[1], progress="off", threads=2)
s.execute(sys.argv[2]).fetchall()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


def growth(what: str, database: Path, statement: str, rows: int) -> dict:
    """The figure.

    Args:
        statement: with ``{rows}`` where the number of rows stands. rows: of the larger run.
    """
    peaks = []
    for n in (rows // 10, rows):
        done = subprocess.run([sys.executable, "-c", RUN, str(database), statement.format(rows=n)], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr)
        peaks.append(int(done.stdout))
    small, large = peaks
    told = f"{large / small:.2f}x ({large / 2**20:,.0f} / {small / 2**20:,.0f} MiB)"
    return {"figure": f"peak memory of {what}, {rows:,} rows over {rows // 10:,}", "measured": told, "goal": "<= 1.2x"}
