"""``capability``: does a process keep within its limits?"""

from __future__ import annotations

import click

from mfgsql.cli.rows import Output, output
from mfgsql.cli.session import call, database, opened


@click.command()
@click.argument("source")
@click.option("--field", metavar="COL", required=True, help="Column of the measurement.")
@click.option("--lower", type=float, help="Lower limit of the specification.")
@click.option("--upper", type=float, help="Upper limit.")
@click.option("--nominal", type=float, help="The value aimed at; default: the middle.")
@click.option("--entity", metavar="COL", help="Column of the machine or unit; a row for each.")
@click.option("--order-by", metavar="COL", help="Column of time; without it there is no sigma of neighbours.")
@click.option("--subgroup", metavar="N|COL", help="Points in a row, or a column, that sigma within is of.")
@database()
@output
def capability(
    source: str,
    field: str,
    lower: float | None,
    upper: float | None,
    nominal: float | None,
    entity: str | None,
    order_by: str | None,
    subgroup: str | None,
    db: str,
    out: Output,
) -> None:
    """Capability of a measurement of a SOURCE: indices, shares outside of the limits, and a verdict.

    \b
    Example:
      mfgsql capability quality --field diameter_mm --lower 47.9 --upper 48.1 --order-by ts --db plant.duckdb
    """
    told: dict[str, object] = {"lower": lower, "upper": upper, "nominal": nominal}
    told["subgroup"] = int(subgroup) if subgroup and subgroup.isdecimal() else subgroup
    given = {name: value for name, value in told.items() if value is not None}
    with opened(db) as session:
        named = {"field": field, "entity": entity, "order_by": order_by, "options": given}
        out.result(session.execute(call("capability", source, **named)))
