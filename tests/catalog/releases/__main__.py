"""Make the small database of this release: ``python -m tests.catalog.releases``.

It lies beside this file, under the release's number. Make it anew until that release is out, and never after.
"""

from __future__ import annotations

import gzip
import tempfile
from pathlib import Path

import mfgsql
from mfgsql.version import __version__

FILE = Path(__file__).with_name(f"{__version__}.duckdb.gz")
TINY = "options := {'epochs': 1, 'width': 8, 'layers': 1, 'heads': 2, 'precision': 'fp32'}"
PARTS = """
CREATE TABLE parts AS SELECT
  i AS id, nullif(i % 40, 7) / 10.0 AS torque, 20 + i * 7919 % 1000 / 50 AS temp, substr('ABC', 1 + i % 3, 1) AS shift,
  i % 2 = 0 AS hot, TIMESTAMP '2026-01-01' + to_minutes(i) AS ts, (i % 40) > 28 AS failed, i % 40 / 5.0 + 1 AS wear
FROM range(200) r(i)
"""
STATEMENTS = (
    "SET wal_autocheckpoint = '1GB'",  # the file is written once, at the end
    PARTS,
    f"FROM ml_pretrain('base', 'SELECT * EXCLUDE (id, failed, wear) FROM parts', {TINY})",
    f"FROM ml_finetune('fail', 'SELECT * EXCLUDE (id, wear) FROM parts', target := 'failed', base := 'base', {TINY})",
    f"FROM ml_finetune('fail', 'SELECT torque, hot, failed FROM parts', target := 'failed', {TINY})",
    f"FROM ml_finetune('wear', 'SELECT * EXCLUDE (id, failed) FROM parts', target := 'wear', {TINY})",
    "UPDATE ml_catalog.snapshots SET path = 'gone.parquet'",
    "CREATE VIEW risk AS SELECT id, probability FROM ml_predict('fail', 'parts')",
    """CREATE TABLE predicted AS SELECT id, f.predicted_failed, f.probability, c.probability AS by_candidate,
         w.predicted_wear, w."lower", w."upper"
       FROM ml_predict('fail', 'parts') f JOIN ml_predict('fail@candidate', 'parts') c USING (id)
       JOIN ml_predict('wear', 'parts', level := 0.8) w USING (id) ORDER BY id""",
    "CHECKPOINT",
)

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "plant.duckdb"
        with mfgsql.connect(path, threads=1, progress="off") as s:
            for statement in STATEMENTS:
                s.execute(statement).fetchall()
        FILE.write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    print(FILE.name, FILE.stat().st_size)
