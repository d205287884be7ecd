"""``allocate``: who ships what where, at the least cost."""

from __future__ import annotations

from pathlib import Path

import click

from mfgsql.cli.predict import check_path, show_or_write, to_file
from mfgsql.cli.rows import Output, output
from mfgsql.cli.session import call, database, opened


@click.command()
@click.option("--supply", metavar="SOURCE", required=True, help="What is there: a place and a number, and the goods.")
@click.option("--demand", metavar="SOURCE", required=True, help="What is needed: a place and a number, and the goods.")
@click.option("--cost", metavar="SOURCE", required=True, help="The lanes: both places, and what a unit costs.")
@click.option("--limit", "limits", metavar="TEXT", multiple=True, help="As 'lane_capacity <= 400'; repeatable.")
@click.option("--unmet", type=float, help="What a unit costs that is not delivered; default: all has to be.")
@click.option("--available", metavar="COL", help="Column of supply that tells how much there is.")
@click.option("--needed", metavar="COL", help="Column of demand that tells how much is needed.")
@click.option("--price", metavar="COL", help="Column of the lanes: what a unit costs.")
@click.option("--fixed", metavar="COL", help="Column of what a lane costs to be used at all.")
@click.option("--whole", is_flag=True, help="Ship whole numbers.")
@to_file
@database()
@output
def allocate(
    supply: str,
    demand: str,
    cost: str,
    limits: tuple[str, ...],
    unmet: float | None,
    available: str | None,
    needed: str | None,
    price: str | None,
    fixed: str | None,
    whole: bool,
    path: Path | None,
    db: str,
    out: Output,
) -> None:
    """Who ships what where at the least cost: a row for each lane that is used. Columns of one name belong together.

    \b
    Example:
      mfgsql allocate --supply warehouse_stock --demand region_needs --cost lanes --unmet 20 --db plant.duckdb
    """
    check_path(path)
    told: dict[str, object] = {"available": available, "needed": needed, "price": price}
    told |= {"unmet": unmet, "fixed": fixed, "whole": whole or None}
    options = {name: value for name, value in told.items() if value is not None}
    named = {"subject_to": list(limits) or None, "options": options or None}
    with opened(db) as session:
        show_or_write(session, call("allocate", supply=supply, demand=demand, cost=cost, **named), path, out)
