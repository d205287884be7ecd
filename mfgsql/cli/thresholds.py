"""``thresholds``: from which probability on an alarm pays."""

from __future__ import annotations

import click

from mfgsql.cli.completion import model_argument
from mfgsql.cli.costs import costs_of, costs_options
from mfgsql.cli.rows import Output, output
from mfgsql.cli.session import call, database, opened


@click.command()
@model_argument
@click.argument("source")
@costs_options
@click.option("--order-by", metavar="TS", help="Column of time; gives alarms a day.")
@database()
@output
def thresholds(
    model: str,
    source: str,
    missed: float | None,
    false_alarm: float | None,
    order_by: str | None,
    db: str,
    out: Output,
) -> None:
    """What thresholds of a MODEL raise, catch and cost on a SOURCE that has the target; the best one is marked.

    \b
    Example:
      mfgsql thresholds press_failure telemetry_test --missed 2000 --false-alarm 50 --db plant.duckdb
    """
    costs = costs_of(missed, false_alarm)
    with opened(db) as session:
        out.result(session.execute(call("thresholds", model, source, costs=costs, order_by=order_by)))
