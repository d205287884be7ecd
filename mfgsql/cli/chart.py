"""``chart``: control charts."""

from __future__ import annotations

import click

from mfgsql.cli.learning import names, parse_options
from mfgsql.cli.making import keep_or_show, table_options
from mfgsql.cli.rows import Output, output
from mfgsql.cli.session import call, database, opened

_KINDS = ("i_mr", "xbar_r", "ewma", "cusum", "hotelling")


@click.command()
@click.argument("source")
@click.option("--field", metavar="COL", required=True, help="Column of the measurement; for hotelling A,B,C.")
@click.option("--entity", metavar="COL", help="Column of the machine or unit, each with limits of its own.")
@click.option("--order-by", metavar="COL", required=True, help="Column of time, or of a number.")
@click.option("--kind", type=click.Choice(_KINDS), default=_KINDS[0], show_default=True, help="Which chart.")
@click.option("--baseline", metavar="N|TIME", help="First points, or up to when, limits are estimated from.")
@click.option("--option", "options", metavar="KEY=VALUE", multiple=True, help="subgroup=5, lambda=0.1 and so on.")
@click.option("--signals", is_flag=True, help="Only points that break a rule.")
@table_options
@database()
@output
def chart(
    source: str,
    field: str,
    entity: str | None,
    order_by: str,
    kind: str,
    baseline: str | None,
    options: tuple[str, ...],
    signals: bool,
    table: str | None,
    replace: bool,
    db: str,
    out: Output,
) -> None:
    """A control chart of a SOURCE: is a process as it was? Each point beside its limits.

    \b
    Example:
      mfgsql chart telemetry --field vibration --entity machine_id --order-by ts --kind ewma --db plant.duckdb
      mfgsql chart quality --field diameter_mm --order-by ts --kind xbar_r --option subgroup=5 --db plant.duckdb
    """
    told = parse_options(options)
    if baseline:
        told["baseline"] = int(baseline) if baseline.isdecimal() else baseline
    fields = names(field) if kind == "hotelling" else field
    statement = call("control_chart", source, field=fields, entity=entity, order_by=order_by, kind=kind, options=told)
    with opened(db) as session:
        keep_or_show(session, f"{statement}{' WHERE signal' if signals else ''}", table, replace, out)
