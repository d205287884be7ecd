"""``detect``: rows of histories with what is unusual about them."""

from __future__ import annotations

import click

from mfgsql.cli.completion import model_argument
from mfgsql.cli.predict import histories
from mfgsql.cli.rows import Output, output
from mfgsql.cli.session import call, database, opened


@click.command()
@model_argument
@click.argument("source")
@click.option("--explain", type=click.IntRange(min=1), metavar="K", help="The K sensors that add most to each score.")
@click.option("--latest", is_flag=True, help="The last row of each entity only.")
@click.option("--since", metavar="TIME", help="Rows after that time only.")
@database()
@output
def detect(model: str, source: str, explain: int | None, latest: bool, since: str | None, db: str, out: Output) -> None:
    """Score the rows of a SOURCE by how unlike normal ones they are, by a detector MODEL.

    \b
    Example:
      mfgsql finetune pump normal --task anomaly --order-by ts --option window=60 --db plant.duckdb
      mfgsql detect pump live --explain 2 --db plant.duckdb
    """
    with opened(db) as session:
        asked = histories(latest, since)
        out.result(session.execute(call("detect_anomalies", model, source, explain=explain, **asked)))
