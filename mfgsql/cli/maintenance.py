"""``maintenance``: when to intervene at each unit."""

from __future__ import annotations

import click

from mfgsql.cli.completion import model_argument
from mfgsql.cli.rows import Output, output
from mfgsql.cli.session import call, database, opened


@click.command()
@model_argument
@click.argument("source")
@click.option("--failure", type=float, required=True, help="What a failure costs, all that comes of it included.")
@click.option("--replacement", type=float, required=True, help="What a planned replacement costs.")
@click.option("--lead", type=float, help="Time that an intervention takes to prepare, in the unit of the target.")
@click.option("--level", type=float, help="Share of true values that intervals hold; default 0.9.")
@database()
@output
def maintenance(
    model: str,
    source: str,
    failure: float,
    replacement: float,
    lead: float | None,
    level: float | None,
    db: str,
    out: Output,
) -> None:
    """When to intervene at each unit of a SOURCE, by a MODEL of remaining life.

    \b
    Example:
      mfgsql maintenance pump_life telemetry --failure 20000 --replacement 3000 --lead 24 --db plant.duckdb
    """
    costs, options = {"failure": failure, "replacement": replacement}, {} if lead is None else {"lead": lead}
    with opened(db) as session:
        out.result(session.execute(call("maintenance_plan", model, source, costs=costs, level=level, options=options)))
