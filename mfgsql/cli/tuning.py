"""``tune``: many trainings, and the best of them."""

from __future__ import annotations

from typing import Any

import click

from mfgsql.cli.border import cancelled
from mfgsql.cli.learning import learn, of_models, read_value, shared
from mfgsql.cli.rows import Output, output
from mfgsql.cli.session import database

_FORM = "What is searched is KEY=LOW..HIGH, KEY=LOW..HIGH:log or KEY=A,B,C"


@click.command()
@shared
@of_models
@click.option("--trials", type=int, help="How many trainings; default 30, the first by the defaults.")
@click.option("--budget", metavar="SPAN", help="Time after which no further one begins, such as '20 minutes'.")
@click.option("--search", "searched", metavar="KEY=RANGE", multiple=True, help="lr=1e-4..1e-2:log or layers=2,4,6.")
@database()
@output
def tune(model: str, source: str, searched: tuple[str, ...], db: str, out: Output, **given: Any) -> None:
    """Train a MODEL many times with other options, on the rows of a SOURCE, and keep the best.

    What is neither searched nor given as an option is searched as the network asks for. On a terminal, each trial is
    told in a line.

    \b
    Example:
      mfgsql tune press_failure labelled --target failed --trials 30 --budget '20 minutes' --db plant.duckdb
      mfgsql tune press_failure labelled --target failed --search lr=1e-4..1e-2:log --search layers=2,4,6 \\
        --option epochs=20 --db plant.duckdb
      mfgsql sql "FROM ml.trials" --db plant.duckdb
    """
    try:
        learn("tune", model, source, db, out, given | {"searched": parse_space(searched)})
    except BaseException as error:
        if cancelled(error):
            click.echo("Trials that ended, if any, are kept: the same command goes on from there.", err=True)
        raise


def parse_space(given: tuple[str, ...]) -> dict[str, Any]:
    """``lr=1e-4..1e-2:log`` as a range, ``layers=2,4,6`` as a list."""
    space: dict[str, Any] = {}
    for text in given:
        name, equals, told = (part.strip() for part in text.partition("="))
        if not equals or not name or not told:
            raise click.UsageError(f"{_FORM}, not '{text}'.")
        low, between, high = told.removesuffix(":log").partition("..")
        if not between:
            space[name] = [read_value(value.strip()) for value in told.split(",")]
            continue
        space[name] = {"low": read_value(low), "high": read_value(high)} | ({"log": True} if ":log" in told else {})
    return space
