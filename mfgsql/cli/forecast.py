"""``forecast`` and ``backtest``: the steps to come of series, and how good such forecasts were."""

from __future__ import annotations

from pathlib import Path

import click

from mfgsql.cli.completion import model_argument
from mfgsql.cli.learning import names
from mfgsql.cli.predict import check_path, show_or_write, to_file
from mfgsql.cli.rows import Output, output
from mfgsql.cli.session import call, database, opened


@click.command()
@model_argument
@click.argument("source")
@to_file
@click.option("--horizon", type=int, metavar="STEPS", help="How many; default: as many as the model does at once.")
@click.option("--level", type=float, help="Share of true values that intervals hold; default 0.9.")
@click.option("--group-by", "group_by", metavar="A,B", help="Columns by which series are summed up.")
@click.option("--total", is_flag=True, help="The sum of all series.")
@database()
@output
def forecast(
    model: str,
    source: str,
    path: Path | None,
    horizon: int | None,
    level: float | None,
    group_by: str | None,
    total: bool,
    db: str,
    out: Output,
) -> None:
    """Forecast the steps to come of each series of a SOURCE, by a MODEL of task forecast.

    \b
    Example:
      mfgsql forecast demand orders --horizon 28 --db plant.duckdb
      mfgsql forecast demand orders --total -o demand.csv --db plant.duckdb
    """
    check_path(path)
    if total and group_by:
        raise click.UsageError("--total is the sum of all series: leave out --group-by, or it.")
    groups = [] if total else names(group_by) if group_by else None
    with opened(db) as session:
        asked = {"horizon": horizon, "level": level, "group_by": groups}
        show_or_write(session, call("forecast", model, source, **asked), path, out)


@click.command()
@model_argument
@click.argument("source")
@to_file
@click.option("--horizon", type=int, metavar="STEPS", help="How many; default: as many as the model does at once.")
@click.option("--folds", type=int, help="From how many moments, each a horizon before the next; default 4.")
@click.option("--level", type=float, help="Share of true values that intervals should hold; default 0.9.")
@click.option("--details", is_flag=True, help="The forecasts themselves, beside what came.")
@database()
@output
def backtest(
    model: str,
    source: str,
    path: Path | None,
    horizon: int | None,
    folds: int | None,
    level: float | None,
    details: bool,
    db: str,
    out: Output,
) -> None:
    """How good forecasts of a MODEL would have been, made from moments of the past of a SOURCE.

    \b
    Example:
      mfgsql backtest demand orders --folds 2 --db plant.duckdb
    """
    check_path(path)
    asked = {"horizon": horizon, "folds": folds, "level": level, "details": details or None}
    with opened(db) as session:
        show_or_write(session, call("backtest", model, source, **asked), path, out)
