"""``thresholds``: from which probability on an alarm pays."""

from __future__ import annotations

import click

from mfgsql.cli.completion import model_argument
from mfgsql.cli.rows import Output, output
from mfgsql.cli.session import call, database, opened


@click.command()
@model_argument
@click.argument("source")
@click.option("--missed", type=float, help="What a positive without an alarm costs.")
@click.option("--false-alarm", type=float, help="What an alarm without a positive costs.")
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
    if (missed is None) != (false_alarm is None):
        raise click.UsageError("--missed and --false-alarm go together.")
    costs = {} if missed is None else {"missed": missed, "false_alarm": false_alarm}
    with opened(db) as session:
        out.result(session.execute(call("thresholds", model, source, costs=costs, order_by=order_by)))
