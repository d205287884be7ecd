"""What the way through SQL costs: against the best bare set-up around the same model, and against pandas.

The bare set-ups hold the rows as an Arrow table in memory and do what the scorer does with them and no more: encode, run
the network, make probabilities. They differ in workers (processes, or threads of one process), torch's threads and batch size;
all are tried on a tenth of the rows, the best on all. SQL scores the same rows, from a table of the database.
"""

import itertools
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
import torch
from torch import Tensor, nn

import mfgsql
from mfgsql.cli import read_results_directly
from mfgsql.model import Model

ROWS = 1_000_000
CORES = len(os.sched_getaffinity(0))
FEATURES = [f"s{i}" for i in range(1, 9)]
TELEMETRY = f"""
CREATE TABLE telemetry AS SELECT 'press-' || (i % 97) AS machine, TIMESTAMP '2026-01-01' + to_seconds(i) AS ts,
  'order ' || (hash(i) % 5000) AS work_order, ['running', 'idle', 'set-up'][1 + i % 3] AS state,
  {", ".join(f"(hash(i * 8 + {n}) % 10000) / 10000 AS {name}" for n, name in enumerate(FEATURES))},
  (s1 + s2 * s3 > 1.1) AS failed FROM range({ROWS}) r(i)
"""


def run() -> list[dict]:
    """SQL over the best bare set-up (rows a second), and an identity model over pandas (seconds)."""
    with tempfile.TemporaryDirectory() as folder, mfgsql.connect(Path(folder) / "p.duckdb", progress="off") as s:
        s.execute(TELEMETRY)
        rows = [row for backbone in ("transformer", "ensemble") for row in _against_bare(s, Path(folder), backbone)]
    spawn = multiprocessing.get_context("spawn")
    for own in (True, False):  # each in a process that has not decided yet how DuckDB reads results
        with ProcessPoolExecutor(1, spawn) as pool:
            rows += pool.submit(_against_pandas, own).result()
    return rows


def _against_bare(s: mfgsql.Session, folder: Path, backbone: str) -> list[dict]:
    columns = ", ".join(FEATURES)
    s.finetune("m", f"SELECT {columns}, failed FROM telemetry LIMIT 5000", target="failed",
               options={"epochs": 1, "backbone": backbone})  # fmt: skip
    feather.write_feather(s.execute(f"SELECT {columns} FROM telemetry").arrow(), folder / "rows", "uncompressed")
    s.execute("FROM ml_export('m', $1, overwrite := true)", [str(folder / "m.mlmodel")]).fetchall()
    best, tried = _best(folder)
    print(backbone, best, flush=True)
    sql, bare = [], []
    for _ in range(2):  # by turns, the better of two each: what else runs on the machine hits both
        sql.append(
            ROWS
            / _seconds(
                lambda: s.execute(
                    "SELECT sum(probability), count(predicted_failed) FROM ml_predict('m', 'telemetry')"
                ).fetchall()
            )
        )
        bare.append(_bare(folder, *best, ROWS))
        print(f"SQL {sql[-1]:,.0f} rows/s, bare {bare[-1]:,.0f} rows/s", flush=True)
    s.execute("FROM ml_drop('m')").fetchall()
    kind, workers, threads, batch = best
    what = f"{workers} {kind} x {threads} torch threads x {batch} rows"
    row = {
        "figure": f"scoring {ROWS:,} rows by SQL ({backbone}) over the best bare set-up ({what})",
        "measured": f"{max(sql) / max(bare):.3f} ({max(sql):,.0f} / {max(bare):,.0f} rows/s)",
        "goal": ">= .95",
        "tried_rows_per_second": tried,
    }
    return [row]


def _best(folder: Path) -> tuple[tuple[str, int, int, int], dict[str, int]]:
    setups = [("threads", 1, CORES), ("processes", 1, CORES), ("threads", CORES, 1), ("processes", CORES, 1)]
    speeds = {}
    for (kind, workers, threads), batch in itertools.product(setups, (128, 256, 512, 1024, 2048)):
        speeds[kind, workers, threads, batch] = _bare(folder, kind, workers, threads, batch, ROWS // 10)
        print(
            f"{workers} {kind} x {threads} threads x {batch}: {speeds[kind, workers, threads, batch]:,.0f} rows/s",
            flush=True,
        )
    shown = {f"{w} {k} x {t} threads x {b}": round(v) for (k, w, t, b), v in speeds.items()}
    return max(speeds, key=speeds.__getitem__), shown


def _bare(folder: Path, kind: str, workers: int, threads: int, batch: int, rows: int) -> float:
    """Rows a second, without the time that workers need to start and to load model and rows."""
    pool: Executor
    if kind == "processes":
        spawn = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(workers, spawn, _open, (folder, threads))
    else:
        pool = ThreadPoolExecutor(workers, initializer=_open, initargs=(folder, threads))
    with pool:
        list(pool.map(_warm, range(4 * workers)))
        starts = range(0, rows, 8 * batch)
        seconds = _seconds(lambda: list(pool.map(_score, starts, [8 * batch] * len(starts), [batch] * len(starts))))
    return rows / seconds


_loaded: tuple[Model, pa.Table]


def _open(folder: Path, threads: int) -> None:
    global _loaded
    torch.set_num_threads(threads)
    _loaded = (
        Model.from_bytes((folder / "m.mlmodel").read_bytes()),
        feather.read_table(folder / "rows", memory_map=True),
    )


def _warm(_: int) -> None:
    time.sleep(0.05)  # so that each worker gets one
    _score(0, 2048, 2048)


def _score(start: int, count: int, batch: int) -> np.ndarray:
    """Probabilities of some rows."""
    model, table = _loaded
    parts = []
    with torch.inference_mode():
        for rows in table.slice(start, count).to_batches(max_chunksize=batch):
            encoded = model.manifest.features.encode(
                dict(zip(table.column_names, rows.columns, strict=True)), len(rows)
            )
            output = model.network(torch.from_numpy(encoded.continuous), torch.from_numpy(encoded.codes))
            parts.append(torch.softmax(output.double(), dim=-1).mean(dim=1).numpy())
    return np.concatenate(parts) if parts else np.empty((0, 2))


class Identity(nn.Module):
    """Says its first channel: what is left is the way there and back."""

    def forward(self, continuous: Tensor, codes: Tensor) -> Tensor:
        return continuous[:, :1, None]


def _against_pandas(own: bool) -> list[dict]:
    """Two questions, by SQL, and by a data frame that goes out, is scored, and is inserted back.

    One wants predictions in a query; SQL needs no copy for that. The other wants a new table with all columns, which both write.

    Args:
        own: as in the command line's process; else as in a process of somebody else's.
    """
    if own:
        read_results_directly()
    with tempfile.TemporaryDirectory() as folder, mfgsql.connect(Path(folder) / "p.duckdb", progress="off") as s:
        s.execute(TELEMETRY)
        return _identity(s, "command line" if own else "Python session")


def _identity(s: mfgsql.Session, where: str) -> list[dict]:
    s.finetune("same", "SELECT s1, s2 AS y FROM telemetry LIMIT 5000", target="y", options={"epochs": 1})
    engine = s.engine
    with engine.scorer("same@1") as scorer:
        scorer.model.network = Identity()
        scorer.batch = 2048  # a network that keeps nothing in the cache needs no small passes
        query = "SELECT machine, avg(predicted_y) FROM {} GROUP BY machine"
        asked = query.format("ml_predict('same', 'telemetry')")
        table = "CREATE OR REPLACE TABLE scored AS FROM ml_predict('same', 'telemetry')"

        def by_frame(then: str | None = None) -> None:
            frame = s.execute("FROM telemetry").df()
            frame["predicted_y"] = frame["s1"]
            s.con.register("frame", frame)
            s.execute("CREATE OR REPLACE TABLE scored AS FROM frame").fetchall()
            s.con.unregister("frame")
            if then:
                s.execute(then).fetchall()

        pairs = [(asked, query.format("scored")), (table, None)]
        sql, pandas = zip(
            *(_by_turns(lambda: s.execute(a).fetchall(), lambda: by_frame(b)) for a, b in pairs), strict=True
        )  # noqa: B023
    return [
        {
            "figure": f"identity model in a {where}, {ROWS:,} rows x 13 columns, {what}: pandas out and back / SQL, seconds",
            "measured": f"{slow / fast:.1f}x ({slow:.2f} / {fast:.2f})",
            "goal": goal,
        }
        for what, slow, fast, goal in zip(
            ("mean by machine", "a new table"), pandas, sql, (">= 5x" if where == "command line" else "shown", "shown"), strict=True
        )
    ]


def _by_turns(one: Callable[[], object], other: Callable[[], object]) -> tuple[float, float]:
    """Best of seven turns of each: what else runs on the machine only adds, and hits both."""
    both = [(_seconds(one), _seconds(other)) for _ in range(7)]
    return min(a for a, _ in both), min(b for _, b in both)


def _seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started
