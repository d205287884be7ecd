"""``drivers``: which columns a defect or a number depends on."""

from __future__ import annotations

import click

from mfgsql.cli.learning import names
from mfgsql.cli.rows import Output, output
from mfgsql.cli.session import call, database, opened


@click.command()
@click.argument("source")
@click.option("--target", required=True, help="Column of the defect, or of a number.")
@click.option("--exclude", metavar="A,B", help="Columns to leave out.")
@database()
@output
def drivers(source: str, target: str, exclude: str | None, db: str, out: Output) -> None:
    """Columns of a SOURCE that drive a target, the strongest effect first; no model is needed.

    \b
    Example:
      mfgsql drivers quality --target defect --db plant.duckdb
    """
    options = {"exclude": names(exclude)} if exclude else {}
    with opened(db) as session:
        out.result(session.execute(call("drivers", source, target=target, options=options)))
