"""``labels``: telemetry and failures become rows to learn from."""

from __future__ import annotations

import click

from mfgsql.cli.learning import parse_options
from mfgsql.cli.making import keep_or_show, table_options
from mfgsql.cli.rows import Output, output
from mfgsql.cli.session import call, database, opened


@click.command()
@click.argument("source")
@click.option("--failures", metavar="SOURCE", help="When each entity failed.")
@click.option("--run-to-failure", is_flag=True, help="Instead: the last row of each entity is its failure.")
@click.option("--entity", metavar="COL", required=True, help="Column of the machine or unit, in both.")
@click.option("--order-by", metavar="COL", required=True, help="Column of time, or of a number such as cycles.")
@click.option("--horizon", default="24 hours", show_default=True, help="How far ahead: an interval, or a number.")
@click.option("--repairs", metavar="SOURCE", help="When each entity ran again; rows before are left out.")
@click.option("--option", "options", metavar="KEY=VALUE", multiple=True, help="failed_at=stopped, unit=day and so on.")
@table_options
@database()
@output
def labels(
    source: str,
    failures: str | None,
    run_to_failure: bool,
    entity: str,
    order_by: str,
    horizon: str,
    repairs: str | None,
    options: tuple[str, ...],
    table: str | None,
    replace: bool,
    db: str,
    out: Output,
) -> None:
    """Label the rows of a SOURCE: whether a failure follows within a horizon, and how long until the next.

    \b
    Example:
      mfgsql labels telemetry --failures failures --entity machine_id --order-by ts --table labelled --db plant.duckdb
      mfgsql labels engines --run-to-failure --entity unit --order-by cycle --horizon 30 --db plant.duckdb
    """
    told = parse_options(options) | ({"repairs": repairs} if repairs else {})
    told |= {"run_to_failure": True} if run_to_failure else {}
    named = {"failures": failures, "entity": entity, "order_by": order_by, "options": told}
    with opened(db) as session:
        statement = call("labels", source, horizon=_number_or_text(horizon), **named)
        keep_or_show(session, statement, table, replace, out)


def _number_or_text(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
