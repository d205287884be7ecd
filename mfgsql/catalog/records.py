"""What is recorded about a version beside its weights: features, metrics, snapshots."""

from __future__ import annotations

import json
from typing import Any

import duckdb

from mfgsql.catalog.migrate import SCHEMA
from mfgsql.catalog.models import Version


def add_features(
    con: duckdb.DuckDBPyConnection, version: Version, features: list[tuple[Any, str | None, str | None]]
) -> None:
    """Record (profile or name, kind, why left out) of each column."""
    for profile, kind, why in features:
        known = {"name": profile, "top": ()} if isinstance(profile, str) else profile.to_dict()
        con.execute(
            f"INSERT INTO {SCHEMA}.features VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                version.model, version.version, known["name"], kind, why, known.get("type"), known.get("rows"),
                known.get("nulls"), known.get("distinct"), known.get("minimum"), known.get("maximum"),
                known.get("mean"), known.get("deviation"), list(known.get("quantiles", ())),
                json.dumps([list(t) for t in known["top"][:20]], ensure_ascii=False),
            ],
        )  # fmt: skip


def add_metrics(con: duckdb.DuckDBPyConnection, run_id: str, rows: list[tuple[Any, ...]]) -> None:
    """Record (step, split, metric, value, baseline, final) of a run."""
    if rows:
        con.executemany(f"INSERT INTO {SCHEMA}.metrics VALUES (?, ?, ?, ?, ?, ?, ?)", [(run_id, *r) for r in rows])


def final_metrics(con: duckdb.DuckDBPyConnection, run_id: str | None) -> dict[str, float]:
    """Figures of the version that a run kept, on rows it held out, by metric; none of an imported one."""
    rows = con.execute(
        f"SELECT metric, value FROM {SCHEMA}.metrics WHERE run_id = ? AND final AND value IS NOT NULL", [run_id]
    ).fetchall()
    return dict(rows)


def add_snapshot(con: duckdb.DuckDBPyConnection, run_id: str, digest: str, path: str, rows: int, source: str) -> None:
    """Record a run's snapshot."""
    con.execute(f"INSERT INTO {SCHEMA}.snapshots VALUES (?, ?, ?, ?, ?, now())", [digest, run_id, path, rows, source])


def forget_snapshots(con: duckdb.DuckDBPyConnection, model: str, version: int | None = None) -> list[str]:
    """Forget the snapshots of a version, or of all versions of a model; their paths."""
    rows = con.execute(
        f"DELETE FROM {SCHEMA}.snapshots WHERE run_id IN (SELECT run_id FROM {SCHEMA}.versions "
        "WHERE model = $model AND ($version IS NULL OR version = $version)) RETURNING path",
        {"model": model, "version": version},
    ).fetchall()
    return [r[0] for r in rows]


def old_snapshots(con: duckdb.DuckDBPyConnection, model: str, *, keep: int) -> list[str]:
    """Forget the snapshots of a model beyond the newest ``keep``; their paths. Those that an alias names stay, and that
    of the version which those that adapt go back to: rows in it are not new.
    """
    rows = con.execute(
        f"SELECT s.path FROM {SCHEMA}.snapshots s JOIN {SCHEMA}.runs r USING (run_id) WHERE r.model = $model "
        f"AND r.version NOT IN (SELECT version FROM {SCHEMA}.aliases WHERE model = $model) "
        f"AND r.version NOT IN (SELECT root FROM {SCHEMA}.replays WHERE model = $model) "
        "ORDER BY s.created_at DESC OFFSET $keep",
        {"model": model, "keep": keep},
    ).fetchall()
    if rows:
        con.executemany(f"DELETE FROM {SCHEMA}.snapshots WHERE path = ?", rows)
    return [r[0] for r in rows]
