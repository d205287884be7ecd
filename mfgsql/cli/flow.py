"""``bottlenecks`` and ``whatif``: which station limits a line, and what changing one brings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mfgsql.cli.learning import parse_options
from mfgsql.cli.predict import check_path, show_or_write, to_file
from mfgsql.cli.rows import Output, output
from mfgsql.cli.session import F, call, database, opened

# What tells most, on a screen; --all and files have all columns.
_OF_LOG = "working, starved, idle, wait_minutes, critical, finding, ml_status, ml_reason"
_OF_CHANGE = "measure, now, changed, difference, lower, upper, finding, ml_status, ml_reason"
_SUGGESTED = "rank, change, gain, lower, upper, cost, gain_per_cost, suggestion, ml_status, ml_reason"
_OF_STATES = "working, starved, blocked, failed, changeover, bottleneck, finding, ml_status, ml_reason"


def _log(command: F) -> F:
    """Columns of a log of operations."""
    for name, what in (
        ("finished", "when the operation ended; NULL: it is still running"), ("started", "when the operation began"),
        ("station", "the station"), ("case-id", "the order or part"),
    ):  # fmt: skip
        command = click.option(f"--{name}", metavar="COL", help=f"Column of {what}.")(command)
    return command


@click.command()
@click.argument("source")
@_log
@click.option("--order-by", metavar="COL", help="Column of time, of a table of machine states.")
@click.option("--state", metavar="COL", help="Column of the state: running, starved, blocked, failed, changeover.")
@click.option("--each", metavar="SPAN", help="A row for each station and period, such as '1 day'.")
@click.option("--option", "options", metavar="KEY=VALUE", multiple=True, help="machines={'mill': 2}, quality=0.98.")
@to_file
@database()
@output
def bottlenecks(source: str, options: tuple[str, ...], path: Path | None, db: str, out: Output, **named: Any) -> None:
    """Which station limits a line, by a log of operations or a table of machine states in a SOURCE.

    A table on the screen has the columns that tell most; --all, other formats and files have all.

    \b
    Example:
      mfgsql bottlenecks events --case-id case_id --station activity --started start_ts --finished end_ts \\
        --db plant.duckdb
    """
    check_path(path)
    statement = call("bottlenecks", source, **named, options=parse_options(options) or None)
    if out.format == "table" and not (out.everything or path):
        kind = _OF_STATES if named["state"] else _OF_LOG
        statement = f"SELECT rank, station, {'period_start, ' if named['each'] else ''}{kind} FROM ({statement})"
    with opened(db) as session:
        show_or_write(session, statement, path, out)


@click.command()
@click.argument("source")
@_log
@click.option(
    "--change", metavar="TEXT", multiple=True, help="As 'oven: -10 %'; several are one. Without: suggestions."
)
@click.option("--minute", type=float, metavar="COST", help="What it costs to take a minute off a station's operations.")
@click.option("--percent", type=float, metavar="COST", help="What it costs to take off one percent.")
@click.option("--machine", type=float, metavar="COST", help="What a machine more costs.")
@click.option("--level", type=float, help="Share of true values that intervals hold; default 0.9.")
@click.option("--option", "options", metavar="KEY=VALUE", multiple=True, help="release=log, wip=6, replications=20.")
@to_file
@database()
@output
def whatif(
    source: str, change: tuple[str, ...], minute: float | None, percent: float | None, machine: float | None,
    options: tuple[str, ...], path: Path | None, db: str, out: Output, **named: Any,
) -> None:  # fmt: skip
    """What a line would do if a station were faster, simulated from a log in a SOURCE; or which change pays.

    Throughput and gain are in cases a day, lead_time in hours, waiting is a share of it. A table on the screen has the
    columns that tell most; --all, other formats and files have all.

    \b
    Example:
      mfgsql whatif events --case-id case_id --station activity --started start_ts --finished end_ts \\
        --change "Heat-treat: -10 %" --db plant.duckdb
    """
    check_path(path)
    costs = {
        name: cost
        for name, cost in (("minute", minute), ("percent", percent), ("machine", machine))
        if cost is not None
    }
    told = {"change": list(change) or None, "costs": costs or None, "options": parse_options(options) or None}
    statement = call("whatif", source, **named, **told)
    if out.format == "table" and not (out.everything or path):
        statement = f"SELECT {_OF_CHANGE if change else _SUGGESTED} FROM ({statement})"
    with opened(db) as session:
        show_or_write(session, statement, path, out)
