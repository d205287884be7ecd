"""``order``, ``suppliers`` and ``countermeasures``: what to hold, who is late, and what to do about it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mfgsql.cli.completion import model_argument
from mfgsql.cli.learning import parse_options
from mfgsql.cli.predict import check_path, show_or_write, to_file
from mfgsql.cli.rows import Output, output
from mfgsql.cli.session import F, call, database, opened


def _costs(command: F) -> F:
    """Costs, each as an option."""
    for name, what in (
        ("order", "What an order costs."),
        ("shortage", "What a piece costs that is missing."),
        ("holding", "What it costs to hold a piece for a step."),
    ):
        command = click.option(f"--{name}", metavar="COST", help=what)(command)
    return command


def _told(costs: dict[str, str | None]) -> dict[str, Any] | None:
    """Numbers, or names of columns."""
    found: dict[str, Any] = {}
    for name, text in costs.items():
        if text is not None:
            try:
                found[name] = float(text)
            except ValueError:
                found[name] = text
    return found or None


@click.command()
@model_argument
@click.argument("source")
@to_file
@click.option("--lead-time", required=True, metavar="STEPS|COL", help="Steps until an order arrives, or their column.")
@_costs
@click.option("--service-level", type=float, help="Probability that stock lasts until the next order can be there.")
@click.option("--stock", metavar="SOURCE", help="What is there: then the result tells what to order now.")
@click.option("--backtest", type=int, metavar="STEPS", help="Play the policy against so many of the last steps.")
@click.option("--option", "options", metavar="KEY=VALUE", multiple=True, help="policy=periodic, review=7, lot=50.")
@database()
@output
def order(
    model: str,
    source: str,
    path: Path | None,
    lead_time: str,
    holding: str | None,
    shortage: str | None,
    order: str | None,
    service_level: float | None,
    stock: str | None,
    backtest: int | None,
    options: tuple[str, ...],
    db: str,
    out: Output,
) -> None:
    """When to order each item and how much, by a MODEL of its demand in a SOURCE.

    \b
    Example:
      mfgsql order demand "SELECT * FROM orders JOIN skus USING (sku)" --lead-time lead_days --service-level 0.95 \\
        --db plant.duckdb
    """
    check_path(path)
    lead = float(lead_time) if lead_time.replace(".", "", 1).isdigit() else lead_time
    told = {"holding": holding, "shortage": shortage, "order": order}
    named = {"lead_time": lead, "costs": _told(told), "service_level": service_level, "stock": stock}
    named |= {"backtest": backtest, "options": parse_options(options) or None}
    with opened(db) as session:
        show_or_write(session, call("order_policy", model, source, **named), path, out)


@click.command()
@click.argument("source")
@click.option("--supplier", metavar="COL", help="Column of the supplier; default supplier.")
@click.option("--ordered", metavar="COL", help="Column of when an order was made; default ordered_on.")
@click.option("--promised", metavar="COL", help="Column of when it was to arrive; default promised_on.")
@click.option("--received", metavar="COL", help="Column of when it did; default received_on.")
@click.option("--level", type=float, help="Share of suppliers whose probability intervals hold; default 0.9.")
@database()
@output
def suppliers(source: str, db: str, out: Output, **given: Any) -> None:
    """How long each supplier takes and how often it is late, by purchase orders in a SOURCE.

    \b
    Example:
      mfgsql suppliers purchases --db plant.duckdb
    """
    with opened(db) as session:
        out.result(session.execute(call("supplier_risk", source, **given)))


@click.command()
@model_argument
@click.argument("source")
@click.option("--stock", metavar="SOURCE", required=True, help="What is there: the item and on_hand.")
@click.option("--purchases", metavar="SOURCE", required=True, help="Purchase orders, those under way among them.")
@_costs
@click.option("--expedite", metavar="COST", help="What it costs to hurry an order.")
@click.option("--second-source", metavar="COST", help="What each piece costs more from a second supplier.")
@click.option("--horizon", type=int, metavar="STEPS", help="How far to look; default: what the model does at once.")
@to_file
@database()
@output
def countermeasures(
    model: str,
    source: str,
    stock: str,
    purchases: str,
    horizon: int | None,
    path: Path | None,
    db: str,
    out: Output,
    **costs: str | None,
) -> None:
    """What can be done before stock runs out, and what it costs, by a MODEL of demand in a SOURCE.

    \b
    Example:
      mfgsql countermeasures demand orders --stock stock --purchases purchases --holding 0.02 --shortage 5 --order 30 \\
        --expedite 80 --db plant.duckdb
    """
    check_path(path)
    named = {"stock": stock, "purchases": purchases, "costs": _told(costs), "horizon": horizon}
    with opened(db) as session:
        show_or_write(session, call("countermeasures", model, source, **named), path, out)
