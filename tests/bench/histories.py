"""Histories at scale: 3,000,000 rows x 14 sensors by SQL, under a memory limit, beside a plain list and a bare loop.

An identity model hands rows over and back; it stands in the very plan that ml_predict makes. The bare loop has the rows
encoded in memory, and takes the best of several batch sizes and numbers of torch threads. Scoring only the last row of each
of 10,000 machines is compared with scoring all of their 30,000,000 rows, which is counted from one machine in a hundred.
"""

import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import torch

import mfgsql
from mfgsql.catalog import read_artifact, resolve
from mfgsql.features import Track
from mfgsql.features.histories import firsts
from mfgsql.model import Model

SENSORS = [f"s{i}" for i in range(14)]
VALUES = [f"hash(i, {k}) % 10007 / 10007.0 AS {name}" for k, name in enumerate(SENSORS)]
LIFE = "TIMESTAMP '2026-01-01' + to_seconds(i // {units}) AS ts"


def run() -> list[dict]:
    """Each figure once, or the best of three where it takes seconds."""
    with TemporaryDirectory() as folder, mfgsql.connect(Path(folder) / "plant.duckdb", progress="off", threads=2) as s:
        _table(s, "telemetry", 1000, 3_000_000)
        s.execute("CHECKPOINT")
        _train(s)
        return [*_identity(s), *_limited(s), *_real(s), *_latest(s)]


def _table(s: mfgsql.Session, name: str, units: int, rows: int, sensors: int = 14) -> None:
    s.execute(f"CREATE TABLE {name} AS SELECT i % {units} AS unit, {LIFE.format(units=units)}, {', '.join(VALUES[:sensors])} FROM range({rows}) r(i)")


def _train(s: mfgsql.Session) -> None:
    """Untrained would do: what is timed is the way through."""
    source = "SELECT *, s0 + s1 AS y FROM telemetry WHERE unit < 10 AND ts < TIMESTAMP '2026-01-01 00:10:00'"
    s.finetune("real", source, target="y", entity="unit", order_by="ts", options={"window": 64, "epochs": 1, "folds": 1})


def _timed(s: mfgsql.Session, sql: str, times: int = 3) -> float:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        s.execute(sql).fetchall()
        taken.append(time.perf_counter() - began)
    return min(taken)


def _row(figure: str, measured: str, goal: str) -> dict:
    print(figure, measured, flush=True)
    return {"figure": figure, "measured": measured, "goal": goal}


def _hand_back(rows: pa.ChunkedArray, told: pa.ChunkedArray) -> pa.Array:
    """An identity model: a sensor's value as the prediction."""
    lists = rows.combine_chunks() if rows.num_chunks != 1 else rows.chunk(0)
    flat = lists.flatten()
    names = [flat.type.field(i).name for i in range(flat.type.num_fields)]
    value = flat.field(names.index("s0"))
    texts, why = pa.nulls(len(flat), pa.string()), pa.nulls(len(flat), pa.list_(pa.struct([("feature", pa.string()), ("at", pa.string()), ("value", pa.string()), ("contribution", pa.float64())])))
    fields = {"value": value, "lower": value, "upper": value, "ml_status": texts, "ml_reason": texts, "why": why, "__ml_row": flat.field(names.index("__ml_row"))}
    return pa.ListArray.from_arrays(lists.offsets, pa.StructArray.from_arrays(list(fields.values()), list(fields)))


def _plan(s: mfgsql.Session, source: str) -> str:
    plan = s.execute(f"SELECT plan FROM ml_plan('predict', 'real', '{source}')").fetchone()[0]
    return plan.replace("_ml_history_value(", "_bench_identity(")


def _identity(s: mfgsql.Session) -> list[dict]:
    why = 'STRUCT(feature VARCHAR, "at" VARCHAR, "value" VARCHAR, contribution DOUBLE)[]'
    returns = f'STRUCT("value" DOUBLE, "lower" DOUBLE, "upper" DOUBLE, ml_status VARCHAR, ml_reason VARCHAR, why {why}, __ml_row BIGINT)[]'
    s.con.create_function("_bench_identity", _hand_back, None, s.con.dtype(returns), type="arrow", null_handling="special", side_effects=True)
    struct = ", ".join(f"'{n}': {n}" for n in SENSORS)
    plain = _timed(s, f"SELECT sum(u.s0), count(*) FROM (SELECT unnest(rows) AS u FROM (SELECT list({{{struct}}} ORDER BY ts) AS rows FROM telemetry GROUP BY unit))")
    through = _timed(s, f"SELECT sum(predicted_y), count(*) FROM ({_plan(s, 'telemetry')})")
    return [_row("identity model on 3,000,000 rows x 14, over the plain list aggregate", f"{through / plain:.2f}x ({through:.2f} / {plain:.2f} s)", "<= 1.5x")]


def _limited(s: mfgsql.Session) -> list[dict]:
    limit = s.execute("SELECT current_setting('memory_limit')").fetchone()[0]
    s.execute("SET memory_limit = '600MB'")
    try:
        taken = _timed(s, f"SELECT sum(predicted_y), count(*) FROM ({_plan(s, 'telemetry')})", 1)
        said = f"passes, {taken:.1f} s"
    except Exception as error:  # the figure is whether it passes
        said = f"fails: {str(error)[:80]}"
    s.execute(f"SET memory_limit = '{limit}'")
    return [_row("the same under memory_limit = '600MB'", said, "passes")]


def _real(s: mfgsql.Session) -> list[dict]:
    """SQL and bare loop on 150,000 rows of 50 machines."""
    s.execute("CREATE TABLE part AS SELECT * FROM telemetry WHERE unit < 50")
    rows = s.execute("SELECT count(*) FROM part").fetchone()[0]
    by_sql = rows / _timed(s, "SELECT sum(predicted_y) FROM ml_predict('real', 'part')", 2)
    table = s.execute("FROM part ORDER BY unit, ts").arrow()
    with s.engine.cursor() as con:
        version = resolve(con, "real")
        model = Model.from_bytes(read_artifact(con, version.artifact, version.bytes))
    columns = {n: table[n].combine_chunks() for n in SENSORS}
    batch = model.manifest.features.encode(columns, len(table))
    times = table["ts"].combine_chunks().cast(pa.int64()).to_numpy() / 1e6
    track = Track.of(model.manifest.history, batch.continuous, batch.codes, times, firsts(table["unit"].combine_chunks().to_numpy()))
    best = max((_bare(model, track, threads, size), threads, size) for threads in (1, 2) for size in (128, 256, 512, 1024))
    return [_row("transformer (64 rows, d64 x 3) on 150,000 rows by SQL, over the best bare loop", f"{by_sql / best[0]:.2f} ({by_sql:,.0f} / {best[0]:,.0f} rows/s: {best[1]} threads, batch {best[2]})", ">= .95")]


def _bare(model: Model, track: Track, threads: int, size: int, rows: int = 20_000) -> float:
    torch.set_num_threads(threads)
    began = time.perf_counter()
    with torch.inference_mode():
        for start in range(0, rows, size):
            windows, codes = track.windows(np.arange(start, min(start + size, rows)))
            model.network(torch.from_numpy(windows), torch.from_numpy(codes))
    return rows / (time.perf_counter() - began)


def _latest(s: mfgsql.Session) -> list[dict]:
    _table(s, "fleet", 10_000, 30_000_000, 3)
    s.execute("CREATE TABLE few AS SELECT * FROM fleet WHERE unit % 100 = 0")
    s.finetune("three", "SELECT *, s0 + s1 AS y FROM fleet WHERE unit < 10 AND ts < TIMESTAMP '2026-01-01 00:10:00'", target="y",
               entity="unit", order_by="ts", options={"window": 64, "epochs": 1, "folds": 1})  # fmt: skip
    part = _timed(s, "SELECT sum(predicted_y) FROM ml_predict('three', 'few')", 1)
    latest = _timed(s, "SELECT sum(predicted_y), count(*) FROM ml_predict('three', 'fleet', latest := true)", 1)
    return [_row("latest := true on 10,000 machines x 3,000 rows, over scoring all", f"{latest / (100 * part):.2%} ({latest:.1f} / {100 * part:,.0f} s)", "<= 5 %")]


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
