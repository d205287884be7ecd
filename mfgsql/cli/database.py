"""``init`` and ``migrate``: a database with the verbs, of this release."""

from __future__ import annotations

import time

import click

from mfgsql.cli.session import database, opened_file


@click.command()
@database(served=False)
def init(db: str) -> None:
    """Make a database file with the verbs; one that exists is brought up to date.

    \b
    Example:
      mfgsql init --db plant.duckdb
    """
    with opened_file(db, create=True) as session:
        row = session.execute("SELECT count(*) FROM duckdb_functions() WHERE function_name LIKE 'ml\\_%' ESCAPE '\\'")
        click.echo(f"{db} is ready: {row.fetchone()[0]} functions (ml_...), and the views of schema ml.")


@click.command()
@database(served=False)
def migrate(db: str) -> None:
    """Bring a database up to this release; done by every command, too, unless it opens read-only.

    \b
    Example:
      mfgsql migrate --db plant.duckdb
    """
    started = time.time()
    with opened_file(db) as session:
        steps = "SELECT name FROM ml_catalog.migrations WHERE epoch(applied_at) >= ? ORDER BY number"
        applied = [name for (name,) in session.execute(steps, [started]).fetchall()]
    for name in applied:
        click.echo(f"applied {name}")
    click.echo(f"{db} is up to date.")
