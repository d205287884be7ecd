"""Scoring pictures by SQL, beside the best bare loop around the same network; and the memory that it takes.

NEU's JPEGs of 200 x 200 pixels, again and again, at 96 pixels: 1,000 of them, or 5,000 with MFGSQL_BENCH_FULL=1. The network
is a small vision transformer (ViT, 6 layers of 192) that transformers makes, as saved in a folder.
"""

import json
import os
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

import mfgsql
from tests.bench import bare
from tests.bench.corpora import DATA, neu, table
from tests.bench.flat import growth

FULL = os.environ.get("MFGSQL_BENCH_FULL") == "1"
ROWS = 5_000 if FULL else 1_000
SIDE, WIDTH = 96, 192
RUNS = 3
SIZES = (16, 32, 64, 128)
MANY = "SELECT image FROM range({rows}) r(i) JOIN pictures ON n = i % (SELECT count(*) FROM pictures)"


def run() -> list[dict]:
    """Pictures a second by SQL over the bare loop's, and peak memory."""
    if not (DATA / "neu_det").exists():
        return [{"figure": "scoring pictures", "measured": f"skipped: {DATA / 'neu_det'} is absent", "goal": ""}]
    with TemporaryDirectory() as folder:
        file = Path(folder) / "plant.duckdb"
        with mfgsql.connect(file, progress="off", threads=bare.THREADS) as s:
            rows = [_speed(s, vit(Path(folder) / "vit"))]
        scored = f"SELECT count(predicted_label) FROM ml_predict('m', '{MANY}')"
        return [*rows, growth("scoring pictures", file, scored, ROWS)]


def vit(folder: Path) -> Path:
    """A folder with the network, untrained: what is timed is the way through."""
    from transformers import ViTConfig, ViTModel

    torch.manual_seed(0)
    shape = ViTConfig(image_size=SIDE, patch_size=16, hidden_size=WIDTH, num_hidden_layers=6, num_attention_heads=3, intermediate_size=4 * WIDTH)
    ViTModel(shape).save_pretrained(folder)
    told = {"size": {"height": SIDE, "width": SIDE}, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    (folder / "preprocessor_config.json").write_text(json.dumps(told))
    return folder


def _speed(s: mfgsql.Session, folder: Path) -> dict:
    from transformers import ViTModel

    pictures = neu()
    table(s, "pictures", {"image": [p.image for p in pictures], "label": [p.label for p in pictures]})
    s.execute(f"CREATE TABLE many AS {MANY.format(rows=ROWS)}").fetchall()
    s.finetune("m", "SELECT image, label FROM pictures WHERE n % 6 = 0", target="label", base=str(folder),
               options={"epochs": 1, "freeze": "yes", "size": SIDE})  # fmt: skip
    s.execute("SELECT count(predicted_label) FROM ml_predict('m', 'SELECT * FROM many LIMIT 64')").fetchall()  # warms up, as the loop does
    seconds = []
    for _ in range(RUNS):  # DuckDB may score on the calling thread or on one of its own, which is slower by a tenth
        began = time.perf_counter()
        s.execute("SELECT count(predicted_label) FROM ml_predict('m', 'many')").fetchall()
        seconds.append(time.perf_counter() - began)
    by_sql = ROWS / statistics.median(seconds)
    files = [image for (image,) in s.execute("SELECT image FROM many").fetchall()]
    loop = bare.pictures(ViTModel.from_pretrained(folder), WIDTH, 6, SIDE, 0.5, 0.5)
    speed, size = bare.best(loop, files, SIZES)
    print(f"SQL {by_sql:,.0f} pictures/s, bare {speed:,.0f} pictures/s (batches of {size})", flush=True)
    return {
        "figure": f"scoring {ROWS:,} pictures by SQL (ViT, 6 x {WIDTH}; median of {RUNS}) over the best bare loop ({bare.THREADS} decoding and torch threads, batches of {size})",
        "measured": f"{by_sql / speed:.3f} ({by_sql:,.0f} / {speed:,.0f} pictures/s)",
        "goal": ">= .95",
    }
