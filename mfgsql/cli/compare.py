"""``compare``: two versions on the same labelled rows."""

from __future__ import annotations

from typing import Any

import click

from mfgsql.cli.learning import parse_options
from mfgsql.cli.rows import Output, output
from mfgsql.cli.session import call, database, opened


@click.command()
@click.argument("a")
@click.argument("b")
@click.argument("source")
@click.option("--entity", metavar="COL", help="Column of the machine or unit whose rows are alike.")
@click.option("--level", type=float, help="Of the interval; default 0.95.")
@click.option("--option", "options", metavar="KEY=VALUE", multiple=True, help="draws=2000, seed=0.")
@database()
@output
def compare(a: str, b: str, source: str, options: tuple[str, ...], db: str, out: Output, **given: Any) -> None:
    """Compare the versions A and B on a SOURCE that has the target: each metric of both, and whether one is ahead.

    \b
    Example:
      mfgsql compare press_failure@candidate press_failure telemetry_test --db plant.duckdb
    """
    with opened(db) as session:
        out.result(session.execute(call("compare", a, b, source, options=parse_options(options) or None, **given)))
