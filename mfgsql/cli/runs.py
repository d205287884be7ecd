"""``runs``: learning statements that ran."""

from __future__ import annotations

import click

from mfgsql.cli.rows import Output, output
from mfgsql.cli.session import database, opened


@click.group()
def runs() -> None:
    """Trainings: which ran, how long, and why one failed.

    \b
    Example:
      mfgsql runs list --db plant.duckdb
    """


@runs.command("list")
@click.option("--model", help="Of this model only.")
@database()
@output
def list_(model: str | None, db: str, out: Output) -> None:
    """All runs, the oldest first.

    \b
    Example:
      mfgsql runs list --model press_failure --db plant.duckdb
    """
    columns = "run_id, status, model, version, verb, seconds, started_at, error"
    with opened(db) as session:
        out.result(session.execute(f"SELECT {columns} FROM ml.runs WHERE $1 IS NULL OR model = $1", [model]))


@runs.command()
@click.argument("run_id")
@click.option("--metrics", is_flag=True, help="Its figures, step by step.")
@database()
@output
def show(run_id: str, metrics: bool, db: str, out: Output) -> None:
    """All about one run; the beginning of its id will do.

    \b
    Example:
      mfgsql runs show 3f2a --db plant.duckdb
      mfgsql runs show 3f2a --metrics --db plant.duckdb
    """
    from mfgsql.errors import NotFoundError

    with opened(db) as session:
        found = session.execute("SELECT run_id FROM ml.runs WHERE starts_with(run_id, $1)", [run_id]).fetchall()
        if len(found) != 1:
            what = f"{len(found)} runs begin with" if found else "There is no run"
            raise NotFoundError(f"{what} '{run_id}'.", remedy="See: mfgsql runs list")
        if metrics:
            steps = "SELECT step, split, metric, value, baseline, final FROM ml.metrics WHERE run_id = $1"
            out.result(session.execute(steps, list(found[0])))
        else:
            out.record(session.execute("FROM ml.runs WHERE run_id = $1", list(found[0])))
