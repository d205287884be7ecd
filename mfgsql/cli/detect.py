"""``detect``: rows of histories, or pictures, with what is unusual about them."""

from __future__ import annotations

from pathlib import Path

import click

from mfgsql.cli.completion import model_argument
from mfgsql.cli.predict import check_path, histories, show_or_write, to_file
from mfgsql.cli.rows import Output, output
from mfgsql.cli.session import call, database, opened


@click.command()
@model_argument
@click.argument("source")
@click.option("--explain", type=click.IntRange(min=1), metavar="K", help="The K sensors that add most to each score.")
@click.option("--latest", is_flag=True, help="The last row of each entity only.")
@click.option("--since", metavar="TIME", help="Rows after that time only.")
@click.option("--heat-map", is_flag=True, help="The column heat_map: a PNG of where each picture is unusual.")
@to_file
@database()
@output
def detect(
    model: str,
    source: str,
    explain: int | None,
    latest: bool,
    since: str | None,
    heat_map: bool,
    path: Path | None,
    db: str,
    out: Output,
) -> None:
    """Score the rows of a SOURCE by how unlike normal ones they are, by a detector MODEL of histories or pictures.

    \b
    Example:
      mfgsql finetune pump normal --task anomaly --order-by ts --option window=60 --db plant.duckdb
      mfgsql detect pump live --explain 2 --db plant.duckdb
      mfgsql detect good_plates camera_now --heat-map -o unusual.parquet --db plant.duckdb
    """
    check_path(path)
    asked = histories(latest, since)
    statement = call("detect_anomalies", model, source, explain=explain, heat_map=heat_map, **asked)
    with opened(db) as session:
        show_or_write(session, statement, path, out)
