"""``importance``: which features a model needs."""

from __future__ import annotations

import click

from mfgsql.cli.completion import model_argument
from mfgsql.cli.rows import Output, output
from mfgsql.cli.session import call, database, opened


@click.command()
@model_argument
@database()
@output
def importance(model: str, db: str, out: Output) -> None:
    """Which features a MODEL needs: what shuffling each costs on rows held out.

    \b
    Example:
      mfgsql importance press_failure --db plant.duckdb
    """
    with opened(db) as session:
        out.result(session.execute(call("feature_importance", model)))
