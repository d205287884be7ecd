"""``drift``: is this data still what a model learnt from?"""

from __future__ import annotations

from pathlib import Path

import click

from mfgsql.cli.completion import model_argument
from mfgsql.cli.learning import parse_options
from mfgsql.cli.predict import check_path, show_or_write, to_file
from mfgsql.cli.rows import Output, output
from mfgsql.cli.session import call, database, opened

_TOLD = "kind, feature, drifted, value, reference, p_adjusted, psi, since, ml_reason"


@click.command()
@model_argument
@click.argument("source")
@click.option("--reference", metavar="SOURCE", help="Rows to compare with; default: what the version learnt from.")
@click.option("--order-by", metavar="COL", help="Column that orders the rows: tells since when.")
@click.option("--option", "options", metavar="KEY=VALUE", multiple=True, help="alpha=0.05, psi=0.2, detector=adwin.")
@to_file
@database()
@output
def drift(
    model: str,
    source: str,
    reference: str | None,
    order_by: str | None,
    options: tuple[str, ...],
    path: Path | None,
    db: str,
    out: Output,
) -> None:
    """Whether a SOURCE is still what a MODEL learnt from: features, scores, and the metric where labels came.

    \b
    Example:
      mfgsql drift press_failure telemetry_today --order-by ts --db plant.duckdb
    """
    check_path(path)
    named = {"reference": reference, "order_by": order_by, "options": parse_options(options) or None}
    statement = call("drift", model, source, **named)
    if path is None and out.format == "table":  # what a screen has room for; the others are figures of the tests
        statement = f"SELECT {_TOLD} FROM ({statement})"
    with opened(db) as session:
        show_or_write(session, statement, path, out)
