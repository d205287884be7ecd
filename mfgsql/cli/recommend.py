"""``recommend``: how inputs are to be set so that a goal is reached."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mfgsql.cli.completion import model_argument
from mfgsql.cli.learning import names, parse_derived, parse_options
from mfgsql.cli.predict import check_path, show_or_write, to_file
from mfgsql.cli.rows import Output, output
from mfgsql.cli.session import call, database, opened


@click.command()
@model_argument
@click.argument("source")
@click.option("--adjust", required=True, metavar="COL,...", help="Columns that may be set.")
@click.option("--maximize", metavar="WHAT", multiple=True, help="A target, a class (quality = 'good'), an expression.")
@click.option("--minimize", metavar="WHAT", multiple=True, help="The same, of what is to be low.")
@click.option("--goal", metavar="CONDITION", multiple=True, help="What predictions have to reach, as 'strength >= 60'.")
@click.option("--limit", "limits", metavar="CONDITION", multiple=True, help="What has to hold: 'cement + slag <= 500'.")
@click.option("--derive", metavar="COL=EXPRESSION", multiple=True, help="What follows: 'cost=0.12 * cement'.")
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
    """
    check_path(path)
    named = {name: list(value) if isinstance(value, tuple) else value for name, value in given.items()}
    named = {name: value for name, value in named.items() if value != []}
    named |= {"adjust": names(adjust), "subject_to": list(limits) or None, "derive": parse_derived(derive) or None}
    named["options"] = parse_options(options) or None
    with opened(db) as session:
        show_or_write(session, call("recommend", model, source, **named), path, out)
