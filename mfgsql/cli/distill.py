"""``distill``: small models learn what a large one answers."""

from __future__ import annotations

import click

from mfgsql.cli.completion import model_argument
from mfgsql.cli.learning import parse_options
from mfgsql.cli.remote.address import is_url
from mfgsql.cli.rows import Output, output
from mfgsql.cli.session import call, database, opened


@click.command()
@model_argument
@click.argument("source")
@click.option("--teacher", metavar="MODEL", help="Whose answers are learnt; default: the champion of MODEL.")
@click.option("--loss", type=float, help="How much worse than the teacher it may be; default 0.01.")
@click.option("--size", "sizes", type=click.Choice(["tiny", "small", "medium"]), multiple=True, help="Of a student.")
@click.option("--force", is_flag=True, help="Train again though an equal run has finished.")
@click.option("--option", "options", metavar="KEY=VALUE", multiple=True, help="How to learn: temperature=2, epochs=20.")
@database()
@output
def distill(
    model: str, source: str, teacher: str | None, loss: float | None, sizes: tuple[str, ...], force: bool,
    options: tuple[str, ...], db: str, out: Output,
) -> None:  # fmt: skip
    """Let small models learn what a large one answers to the rows of a SOURCE, which need no labels.

    The smallest that is good enough becomes a version of MODEL.

    \b
    Example:
      mfgsql distill press_fast labelled --teacher press_failure --loss 0.01 --db plant.duckdb
    """
    told = parse_options(options) | ({"sizes": list(sizes)} if sizes else {})
    asked = {"teacher": teacher, "loss": loss, "force": force or None, "options": told or None}
    with opened(db) as session:
        if not is_url(db):
            from mfgsql.engine.runs import load_libraries

            load_libraries()  # here Ctrl-C ends the process at once
        out.result(session.execute(call("distill", model, source, **{k: v for k, v in asked.items() if v is not None})))
