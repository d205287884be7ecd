"""``events``: a log of events joined to rows of machines, as of each row."""

from __future__ import annotations

import click

from mfgsql.cli.learning import names, parse_options
from mfgsql.cli.making import keep_or_show, table_options
from mfgsql.cli.rows import Output, output
from mfgsql.cli.session import call, database, opened


@click.command()
@click.argument("source")
@click.argument("log")
@click.option("--entity", metavar="COL", required=True, help="Column of the machine or unit, in both.")
@click.option("--order-by", metavar="COL", required=True, help="Column of time, or of a number such as cycles.")
@click.option("--field", metavar="COL", help="The log's column of kinds.")
@click.option("--kinds", metavar="A,B", help="Kinds that get columns; default: the eight most frequent.")
@click.option("--option", "options", metavar="KEY=VALUE", multiple=True, help="within='30 days', unit=day and so on.")
@table_options
@database()
@output
def events(
    source: str,
    log: str,
    entity: str,
    order_by: str,
    field: str | None,
    kinds: str | None,
    options: tuple[str, ...],
    table: str | None,
    replace: bool,
    db: str,
    out: Output,
) -> None:
    """Join a LOG of events to the rows of a SOURCE: how many of each kind lately, how long since the last one.

    \b
    Example:
      mfgsql events telemetry maintenance --entity machine_id --order-by ts --field kind --db plant.duckdb
    """
    told = parse_options(options)
    told |= ({"field": field} if field else {}) | ({"kinds": names(kinds)} if kinds else {})
    with opened(db) as session:
        statement = call("events", source, log, entity=entity, order_by=order_by, options=told)
        keep_or_show(session, statement, table, replace, out)
