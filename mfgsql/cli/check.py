"""``check``: what would come of learning, before it is tried."""

from __future__ import annotations

import click

from mfgsql.cli.learning import names
from mfgsql.cli.rows import Output, output
from mfgsql.cli.session import call, database, opened


@click.command()
@click.argument("source")
@click.option("--target", help="Column to predict; left out: for a base.")
@click.option("--exclude", metavar="A,B", help="Columns to leave out.")
@database()
@output
def check(source: str, target: str | None, exclude: str | None, db: str, out: Output) -> None:
    """Rows, target, leaks, NULLs and effort of a SOURCE. Exit code 1: it can't be learnt from.

    \b
    Example:
      mfgsql check labelled --target failed_within_24h --db plant.duckdb
    """
    options = {"exclude": names(exclude)} if exclude else {}
    with opened(db) as session:
        session.execute(call("check", source, target=target, options=options))
        columns = [(name, str(kind)) for name, kind, *_ in session.description or []]
        rows = session.fetchall()
        out.rows(columns, rows)
    if rows and rows[-1][:2] == ("go", "stop"):
        raise click.exceptions.Exit(1)
