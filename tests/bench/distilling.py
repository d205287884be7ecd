"""What small students lose and gain: AI4I, whose default ensemble teaches, on 30 % of the rows that nobody has seen.

Of each student: the PR-AUC by the truth on the rows that judged (as `ml_distill` tells it) and on the test rows, the agreement with
the teacher, and rows a second: in this process (as it tells it), and through ``ml_predict`` over 200,000 rows.
"""

import time
from pathlib import Path

import mfgsql

AI4I = Path(__file__).parents[3] / "shared/data/ai4i2020/ai4i2020.csv"
SIZES = ("tiny", "small", "medium")
COPIES = 29  # of the 7,000 rows


def run() -> list[dict]:
    if not AI4I.exists():
        return [{"figure": "ml_distill, AI4I", "measured": f"skipped: {AI4I} is absent", "goal": ""}]
    with mfgsql.connect(progress="off", threads=2) as s:
        s.execute(
            'CREATE TABLE parts AS SELECT * EXCLUDE (UDI, "Product ID", TWF, HDF, PWF, OSF, RNF), '
            f"hash(UDI, 0) % 10 < 3 AS judges FROM '{AI4I}'"
        )
        s.execute("CREATE TABLE milling AS SELECT * EXCLUDE judges FROM parts WHERE NOT judges")
        s.execute("CREATE TABLE later AS SELECT * EXCLUDE judges FROM parts WHERE judges")
        s.execute(f"CREATE TABLE many AS SELECT milling.* FROM milling, range({COPIES})")
        s.finetune("big", "milling", target="Machine failure")
        found, teacher = {}, {}
        for size in SIZES:
            started = time.monotonic()
            teacher, student = s.distill(size, "milling", teacher="big", loss=1.0, options={"sizes": [size]})
            found[size] = student
            print(size, {k: student[k] for k in ("parameters", "value", "agreement")}, f"{time.monotonic() - started:.0f} s", flush=True)
        return [_figure(s, "teacher", "big", teacher), *(_figure(s, size, size, found[size]) for size in SIZES)]


def _figure(s: mfgsql.Session, name: str, model: str, row: dict) -> dict:
    later = s.execute(f"SELECT value FROM ml_evaluate('{model}', 'later') WHERE metric = 'pr_auc'").fetchone()[0]
    agreement = s.execute(
        f'SELECT avg((a."predicted_machine_failure" = b."predicted_machine_failure")::INT) FROM ml_predict(\'big\', \'later\') a '
        f"POSITIONAL JOIN ml_predict('{model}', 'later') b"
    ).fetchone()[0]
    told = f"{row['value']:.3f} / {later:.3f} / {agreement:.4f}; {row['rows_per_second'] / 1e3:.0f}k / {_scored(s, model) / 1e3:.0f}k"
    what = "PR-AUC judged / on test rows / agreement there; rows/s here / by ml_predict"
    return {"figure": f"AI4I, {name} ({row['parameters']:,} parameters): {what}", "measured": told, "goal": "shown"}


def _scored(s: mfgsql.Session, model: str) -> float:
    """Rows a second by SQL, the better of two runs."""
    best = float("inf")
    for _ in range(2):
        started = time.monotonic()
        rows = s.execute(f"SELECT count(probability) FROM ml_predict('{model}', 'many')").fetchone()[0]
        best = min(best, time.monotonic() - started)
    return rows / best
