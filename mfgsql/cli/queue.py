"""``queue``: which rows a person should label next."""

from __future__ import annotations

from pathlib import Path

import click

from mfgsql.cli.completion import model_argument
from mfgsql.cli.learning import parse_options
from mfgsql.cli.predict import check_path, show_or_write, to_file
from mfgsql.cli.rows import Output, output
from mfgsql.cli.session import call, database, opened


@click.command()
@model_argument
@click.argument("source")
@click.option("-k", type=int, help="Rows; default 20.")
@click.option("--option", "options", metavar="KEY=VALUE", multiple=True, help="novelty=0.5, uncertainty=entropy.")
@to_file
@database()
@output
def queue(
    model: str, source: str, k: int | None, options: tuple[str, ...], path: Path | None, db: str, out: Output
) -> None:
    """Which rows of a SOURCE to label next: those that a MODEL is unsure of, and that are new to it.

    \b
    Example:
      mfgsql queue press_failure telemetry_now -k 50 -o to_label.csv --db plant.duckdb
    """
    check_path(path)
    with opened(db) as session:
        sql = call("label_queue", model, source, k=k, options=parse_options(options) or None)
        show_or_write(session, sql, path, out)
