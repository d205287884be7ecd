"""Trials of tuned models: each is recorded as it ends, so that none is lost with the process."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import duckdb

from mfgsql.catalog.migrate import SCHEMA

FINISHED, PRUNED, FAILED = "finished", "pruned", "failed"


@dataclass(frozen=True)
class Trial:
    """A row of ``ml_catalog.trials``.

    Attributes:
        number: from 0. state: finished, pruned or failed.
        options: what was searched, by name. criterion: the least is the best; None unless finished.
        curve: criteria met, by step.
        steps: of training. seconds: it took.
    """

    number: int
    state: str
    options: dict[str, Any]
    started_at: datetime
    finished_at: datetime
    metric: str | None = None
    value: float | None = None
    criterion: float | None = None
    curve: dict[int, float] = field(default_factory=dict)
    steps: int = 0
    error: str | None = None

    @property
    def seconds(self) -> float:
        """It took."""
        return (self.finished_at - self.started_at).total_seconds()


_COLUMNS = "trial, state, options, started_at, finished_at, metric, value, criterion, curve, steps, error"


def add_trial(con: duckdb.DuckDBPyConnection, key: str, run_id: str, model: str, trial: Trial) -> None:
    """Record a trial, inside the caller's transaction."""
    row = [
        key, run_id, model, trial.number, trial.state, json.dumps(trial.options), trial.started_at, trial.finished_at,
        trial.metric, trial.value, trial.criterion, json.dumps(list(trial.curve.items())), trial.steps, trial.error,
    ]  # fmt: skip
    con.execute(
        f"INSERT INTO {SCHEMA}.trials (key, run_id, model, {_COLUMNS}) VALUES ({', '.join('?' * len(row))})", row
    )


def trials_of(con: duckdb.DuckDBPyConnection, key: str, *, stopped: bool) -> list[Trial]:
    """Trials of equal statements by their numbers, each once. What made a whole run fail may have made its trials fail:
    those that failed in it are not among them, and their numbers are free.

    Args:
        stopped: only those of runs that were interrupted or cancelled.
    """
    runs = f"(SELECT run_id FROM {SCHEMA}.runs WHERE status IN"
    rows = con.execute(
        f"SELECT {_COLUMNS} FROM {SCHEMA}.trials t WHERE key = $key "
        f"AND NOT (state = '{FAILED}' AND run_id IN {runs} ('failed'))) "
        f"AND (NOT $stopped OR run_id IN {runs} ('interrupted', 'cancelled'))) "
        "QUALIFY row_number() OVER (PARTITION BY trial ORDER BY started_at DESC) = 1 ORDER BY trial",
        {"key": key, "stopped": stopped},
    ).fetchall()
    return [_read(row) for row in rows]


def _read(row: tuple[Any, ...]) -> Trial:
    number, state, options, started, finished, metric, value, criterion, curve, steps, error = row
    met = dict(json.loads(curve))
    told = (number, state, json.loads(options), started, finished, metric, value, criterion, met, steps, error)
    return Trial(*told)
