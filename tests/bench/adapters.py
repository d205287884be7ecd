"""50 lines on one base: an adapter for each, beside one model for all and 50 models.

Simulated, seeded: what six readings mean for wear differs from line to line about what it means on all (slopes and an offset of
their own; wear's noise is .7, which no model goes below). Each line has 100 rows to learn from and 100 to be told by. All models
start from one base (width 32, 2 layers) and learn as by default. Speed is of rows of all lines in a random order, on one
thread, and of the library peft's own way through such a batch (``adapter_names``, rank and layers alike).
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import torch

import mfgsql
from mfgsql.catalog import read_artifact, resolve
from mfgsql.engine import Session
from mfgsql.model import Model

LINES, ROWS, NOISE, RANK = 50, 100, 0.7, 4
READINGS = [f"x{i}" for i in range(6)]
SCORED, PASS = 100_000, 2_048


def run() -> list[dict]:
    """Error, memory and speed."""
    torch.set_num_threads(1)
    with mfgsql.connect(":memory:", progress="off", threads=1) as s:
        s.con.register("drawn", _lines(np.random.default_rng(1)).to_arrow())
        s.execute("CREATE TABLE learnt AS SELECT * EXCLUDE told FROM drawn WHERE NOT told; CREATE TABLE later AS SELECT * EXCLUDE told FROM drawn WHERE told")
        s.execute("CREATE TABLE many AS SELECT * FROM later ORDER BY hash(x0)")
        s.execute(
            f"FROM ml_pretrain('base', 'SELECT {', '.join(READINGS)} FROM learnt', options := {{'width': 32, 'layers': 2, 'epochs': 10}})"
        ).fetchall()
        seconds = {
            "one model": _fit(s, "shared", "learnt", "options := {'exclude': ['line']}"),
            "one model that reads the line": _fit(s, "reads", "learnt"),
            "adapters": _fit(s, "own", "learnt", f"adapter_by := 'line', options := {{'rank': {RANK}}}"),
            "50 models": sum(
                _fit(s, f"line_{n}", f"SELECT * EXCLUDE line FROM learnt WHERE line = 'L{n}'") for n in range(LINES)
            ),
        }
        errors = {
            "one model": _error(s, "shared", "later"),
            "one model that reads the line": _error(s, "reads", "later"),
            "adapters": _error(s, "own", "later"),
            "50 models": float(np.sqrt(np.mean([_error(s, f"line_{n}", f"SELECT * FROM later WHERE line = 'L{n}'") ** 2 for n in range(LINES)]))),
        }
        models = {name: _model(s, name) for name in ("shared", "own", "line_0")}
        return [*_told(errors, seconds), *_sizes(models), *_speeds(models)]


def _lines(rng: np.random.Generator) -> pl.DataFrame:
    usual, parts = rng.normal(size=4), []
    for line in range(LINES):
        slopes, offset = usual + 0.7 * rng.normal(size=4), rng.normal()
        x = rng.normal(size=(2 * ROWS, 6))
        wear = x[:, :4] @ slopes + offset + np.maximum(x[:, 0], x[:, 4]) + 0.5 * x[:, 5] ** 2 + NOISE * rng.normal(size=len(x))
        told = {"line": [f"L{line}"] * len(x), "wear": wear, "told": np.arange(len(x)) >= ROWS}
        parts.append(pl.DataFrame(dict(zip(READINGS, x.T, strict=True)) | told))
    return pl.concat(parts)


def _fit(s: Session, model: str, source: str, more: str = "options := NULL") -> float:
    started = time.perf_counter()
    quoted = source.replace("'", "''")
    s.execute(f"FROM ml_finetune('{model}', '{quoted}', target := 'wear', base := 'base', {more})").fetchall()
    return time.perf_counter() - started


def _error(s: Session, model: str, source: str) -> float:
    quoted = source.replace("'", "''")
    (value,) = s.execute(f"SELECT value FROM ml_evaluate('{model}', '{quoted}') WHERE metric = 'rmse'").fetchone()
    return float(value)


def _model(s: Session, name: str) -> Model:
    with s.engine.cursor() as cursor:
        version = resolve(cursor, name)
        return Model.from_bytes(read_artifact(cursor, version.artifact, version.bytes))


def _told(errors: dict[str, float], seconds: dict[str, float]) -> list[dict]:
    goals = {"adapters": f"below one model ({errors['one model']:.3f}); noise {NOISE}"}
    return [
        {"figure": f"RMSE of wear on later rows, {name}", "measured": f"{value:.3f} ({seconds[name]:.0f} s)", "goal": goals.get(name, "")}
        for name, value in errors.items()
    ]


def _sizes(models: dict[str, Model]) -> list[dict]:
    one, own, line = (models[n].size for n in ("shared", "own", "line_0"))
    config: Any = models["own"].manifest.backbone
    each = (own - one) / config.own
    return [
        {
            "figure": f"memory of {LINES} adapters of rank {RANK}",
            "measured": f"{own / 1e6:.2f} MB with the model ({config.own - 1} kept), {own / one:.1f} x one model, {LINES * line / own:.1f} x less than 50",
            "goal": "hundreds cost megabytes",
        },
        {"figure": "300 such adapters", "measured": f"{300 * each / 1e6:.1f} MB", "goal": "megabytes"},
    ]


def _speeds(models: dict[str, Model]) -> list[dict]:
    rng = np.random.default_rng(2)
    config: Any = models["own"].manifest.backbone
    x = torch.from_numpy(rng.normal(size=(SCORED, 6)).astype(np.float32))
    which = torch.from_numpy(rng.integers(1, config.own, (SCORED, 1)))
    none, one = torch.empty(SCORED, 0, dtype=torch.long), torch.ones(SCORED, 1, dtype=torch.long)
    names = [str(n) for n in which[:, 0].tolist()]
    shared, own = models["shared"].network, models["own"].network
    plain, mixed, alone = _rates(x, (shared, none), (own, which), (own, one))
    (library,) = _rates(x, (_by_library(shared, config.own), none), names=names)
    return [
        {"figure": "rows/s, one model", "measured": f"{plain:,.0f}", "goal": ""},
        {"figure": "rows/s, rows of all lines mixed", "measured": f"{mixed:,.0f}, {plain / mixed:.2f} x the time", "goal": "below 2 x"},
        {"figure": "rows/s, rows of one line", "measured": f"{alone:,.0f}, {plain / alone:.2f} x the time", "goal": "below 2 x"},
        {"figure": "rows/s, mixed, by peft's adapter_names", "measured": f"{library:,.0f}, {plain / library:.2f} x the time", "goal": ""},
    ]


def _rates(x: torch.Tensor, *asked: tuple[Callable[..., Any], torch.Tensor], names: list[str] | None = None) -> list[float]:
    """Rows a second of networks with codes, the best of three turns, in which each is asked once."""
    best = [float("inf")] * len(asked)
    with torch.inference_mode():
        for _ in range(3):
            for number, (network, codes) in enumerate(asked):
                started = time.perf_counter()
                for at in range(0, len(x), PASS):
                    more = {} if names is None else {"adapter_names": names[at : at + PASS]}
                    network(x[at : at + PASS], codes[at : at + PASS], **more)
                best[number] = min(best[number], time.perf_counter() - started)
    return [len(x) / seconds for seconds in best]


def _by_library(network: torch.nn.Module, count: int) -> torch.nn.Module:
    from peft import LoraConfig, get_peft_model

    class Whole(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, x: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
            return self.network(x, codes)

    layers = [n for n, m in Whole().named_modules() if isinstance(m, torch.nn.Linear)]
    told = LoraConfig(r=RANK, target_modules=layers, init_lora_weights=False)
    made = get_peft_model(Whole(), told, adapter_name="1")
    for number in range(2, count):
        made.add_adapter(str(number), told)
    return made.eval()
