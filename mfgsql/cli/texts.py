"""``spans``, ``embed``, ``search`` and ``similar``: what texts and pictures say, and which are like which."""

from __future__ import annotations

from pathlib import Path

import click

from mfgsql.cli.completion import model_argument
from mfgsql.cli.predict import check_path, show_or_write, to_file
from mfgsql.cli.rows import Output, output
from mfgsql.cli.session import F, call, database, opened


def _field(command: F) -> F:
    return click.option("--field", metavar="COL", help="Column to read; default: as the model has learnt.")(command)


@click.command()
@model_argument
@click.argument("source")
@to_file
@database()
@output
def spans(model: str, source: str, path: Path | None, db: str, out: Output) -> None:
    """Find labelled spans in the texts of a SOURCE, by a MODEL that was trained to: a row for each.

    \b
    Example:
      mfgsql finetune entities annotated_notes --task token_classification --target spans --db plant.duckdb
      mfgsql spans entities work_orders --db plant.duckdb
    """
    check_path(path)
    with opened(db) as session:
        show_or_write(session, call("spans", model, source), path, out)


@click.command()
@model_argument
@click.argument("source")
@_field
@to_file
@database()
@output
def embed(model: str, source: str, field: str | None, path: Path | None, db: str, out: Output) -> None:
    """Turn the texts or pictures of a SOURCE into vectors, by a MODEL or base that reads such.

    \b
    Example:
      mfgsql embed notes work_orders -o vectors.parquet --db plant.duckdb
    """
    check_path(path)
    with opened(db) as session:
        show_or_write(session, call("embed", model, source, field=field), path, out)


@click.command()
@model_argument
@click.argument("source")
@click.argument("query")
@click.option("-k", "k", type=click.IntRange(min=1), metavar="K", help="How many rows at most; default: 10.")
@_field
@database()
@output
def search(model: str, source: str, query: str, k: int | None, field: str | None, db: str, out: Output) -> None:
    """The rows of a SOURCE whose texts are most like a QUERY by what they mean, best first.

    \b
    Example:
      mfgsql search notes work_orders "bearing noise after oil change" -k 5 --db plant.duckdb
    """
    with opened(db) as session:
        out.result(session.execute(call("search", model, source, field=field, query=query, k=k)))


@click.command()
@model_argument
@click.argument("source")
@click.option("--key", metavar="COL", required=True, help="Column that names a row.")
@click.option("--least", type=click.FloatRange(-1, 1), help="Similarity from which rows are told, such as 0.95.")
@click.option("-k", "k", type=click.IntRange(min=1), metavar="K", help="How many rows for each; default: 1.")
@_field
@database()
@output
def similar(
    model: str, source: str, key: str, least: float | None, k: int | None, field: str | None, db: str, out: Output
) -> None:
    """For each row of a SOURCE those most like it, such as work orders written twice.

    \b
    Example:
      mfgsql similar notes work_orders --key id --least 0.95 --db plant.duckdb
    """
    with opened(db) as session:
        out.result(session.execute(call("similar", model, source, key=key, field=field, k=k, least=least)))
