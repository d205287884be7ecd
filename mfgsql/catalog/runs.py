"""Runs: one for each learning statement that had to do something."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

import duckdb

from mfgsql.catalog.migrate import SCHEMA


@dataclass(frozen=True)
class Run:
    """A finished run, as a later equal statement finds it; ``version``: that it kept, if any."""

    run_id: str
    version: int | None
    result: str


def new_run(con: duckdb.DuckDBPyConnection, *, model: str, verb: str, source: str, status: str) -> str:
    """Record that a run begins; its id."""
    run_id = uuid.uuid4().hex[:12]
    con.execute(
        f"INSERT INTO {SCHEMA}.runs (run_id, model, verb, status, source, started_at) VALUES (?, ?, ?, ?, ?, now())",
        [run_id, model, verb, status, source],
    )
    return run_id


def update_run(con: duckdb.DuckDBPyConnection, run_id: str, **values: Any) -> None:
    """Set columns of a run."""
    columns = ", ".join(f"{c} = ?" for c in values)
    con.execute(f"UPDATE {SCHEMA}.runs SET {columns} WHERE run_id = ?", [*values.values(), run_id])


def finish_run(con: duckdb.DuckDBPyConnection, run_id: str, status: str, **values: Any) -> None:
    """Set a run's last status."""
    update_run(con, run_id, status=status, **values)
    con.execute(f"UPDATE {SCHEMA}.runs SET finished_at = now() WHERE run_id = ?", [run_id])


def forget_run(con: duckdb.DuckDBPyConnection, run_id: str) -> None:
    """Leave nothing of a run that had nothing to do, inside the caller's transaction."""
    con.execute(f"DELETE FROM {SCHEMA}.runs WHERE run_id = ?", [run_id])


def reusable(con: duckdb.DuckDBPyConnection, key: str) -> Run | None:
    """The finished run of that key whose version is still there, or that kept none."""
    row = con.execute(
        f"SELECT r.run_id, r.version, r.result FROM {SCHEMA}.runs r LEFT JOIN {SCHEMA}.versions v "
        "ON v.run_id = r.run_id WHERE r.key = ? AND r.status = 'finished' "
        "AND (v.run_id IS NOT NULL OR r.version IS NULL) ORDER BY r.started_at DESC LIMIT 1",
        [key],
    ).fetchone()
    return Run(*row) if row else None


def interrupt_stale_runs(con: duckdb.DuckDBPyConnection) -> int:
    """Mark runs that an earlier process left behind; how many. Only one process can write a database."""
    rows = con.execute(
        f"UPDATE {SCHEMA}.runs SET status = 'interrupted', finished_at = now(), "
        "error = 'The process ended while this run was under way.' "
        "WHERE status IN ('queued', 'running') RETURNING run_id"
    ).fetchall()
    return len(rows)
