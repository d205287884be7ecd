"""``recommend``: how inputs are to be set so that a goal is reached."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from mfgsql.cli.completion import model_argument
from mfgsql.cli.learning import names, parse_derived, parse_options
from mfgsql.cli.predict import check_path, show_or_write, to_file
from mfgsql.cli.rows import Output, output
from mfgsql.cli.session import call, database, opened

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_RANGE = re.compile(rf"(?P<name>.*\S)\s+(?P<low>{_NUMBER})\.\.(?P<high>{_NUMBER})(?:\s+by\s+(?P<step>{_NUMBER}))?")


@click.command()
@model_argument
@click.argument("source")
@click.option("--adjust", required=True, metavar="COL,...", help="What may be set: 'line, cement 200..400 by 5'.")
@click.option("--maximize", metavar="WHAT", multiple=True, help="A target, a class (quality = 'good'), an expression.")
@click.option("--minimize", metavar="WHAT", multiple=True, help="The same, of what is to be low.")
@click.option("--goal", metavar="CONDITION", multiple=True, help="What predictions have to reach, as 'strength >= 60'.")
@click.option("--limit", "limits", metavar="CONDITION", multiple=True, help="What has to hold: 'cement + slag <= 500'.")
@click.option("--derive", metavar="COL=EXPRESSION", multiple=True, help="What follows: 'cost=0.12 * cement'.")
@click.option("--cost", "costs", metavar="COL=NUMBER", multiple=True, help="What a change by one costs; repeatable.")
@click.option("-k", type=int, help="Suggestions for each row; default 3.")
@click.option("--level", type=float, help="How sure a goal has to be; default 0.9.")
@to_file
@click.option("--option", "options", metavar="KEY=VALUE", multiple=True, help="most_changes=2, beyond=true, seed=1.")
@database()
@output
def recommend(
    model: str,
    source: str,
    adjust: str,
    limits: tuple[str, ...],
    derive: tuple[str, ...],
    costs: tuple[str, ...],
    options: tuple[str, ...],
    path: Path | None,
    db: str,
    out: Output,
    **given: Any,
) -> None:
    """How inputs of a MODEL are to be set, for each row of a SOURCE, so that a goal is reached.

    \b
    Example:
      mfgsql recommend strength mixes_now --adjust water,cement --maximize strength --limit "water >= 140" \\
        --db plant.duckdb
      mfgsql recommend strength mixes_now --adjust "water 140..190, cement 200..400 by 5" --goal "strength >= 60" \\
        --cost cement=0.12 --db plant.duckdb
    """
    check_path(path)
    named = {name: list(value) if isinstance(value, tuple) else value for name, value in given.items()}
    named |= {"adjust": parse_adjust(adjust), "costs": parse_options(costs), "options": parse_options(options)}
    named |= {"subject_to": list(limits), "derive": parse_derived(derive)}
    asked = {name: value for name, value in named.items() if value not in (None, [], {})}
    with opened(db) as session:
        show_or_write(session, call("recommend", model, source, **asked), path, out)


def parse_adjust(text: str) -> dict[str, Any]:
    """``line, cement 200..400 by 5`` as what is said of each column."""
    found: dict[str, Any] = {}
    for part in names(text):
        told = _RANGE.fullmatch(part)
        name = told["name"] if told else part
        numbers = {field: float(told[field]) for field in ("low", "high", "step") if told[field]} if told else None
        found[name] = numbers
    return found
