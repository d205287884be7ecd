"""``generate``: new designs that hold what is asked of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mfgsql.cli.completion import model_argument
from mfgsql.cli.learning import parse_derived, parse_options
from mfgsql.cli.predict import check_path, show_or_write, to_file
from mfgsql.cli.rows import Output, output
from mfgsql.cli.session import call, database, opened


@click.command()
@model_argument
@click.option("-n", type=int, help="How many; default 100.")
@click.option("--limit", "limits", metavar="CONDITION", multiple=True, help="As 'strength >= 60'; repeatable.")
@click.option("--guide", metavar="SOURCE", help="Rules: the columns expression and reason.")
@click.option("--given", metavar="COL=VALUE", multiple=True, help="What is fixed, as line=A; repeatable.")
@click.option("--score", metavar="MODEL", multiple=True, help="A model whose predictions count; repeatable.")
@click.option("--maximize", metavar="COL", multiple=True, help="What is to be high; repeatable.")
@click.option("--minimize", metavar="COL", multiple=True, help="What is to be low; repeatable.")
@click.option("--derive", metavar="COL=EXPRESSION", multiple=True, help="What follows: 'cost=0.12 * cement'.")
@click.option("--level", type=float, help="How sure a scored target has to be; default 0.9.")
@to_file
@click.option("--option", "options", metavar="KEY=VALUE", multiple=True, help="seed=1, temperature=0.8, copies=true.")
@database()
@output
def generate(
    model: str,
    n: int | None,
    limits: tuple[str, ...],
    given: tuple[str, ...],
    derive: tuple[str, ...],
    options: tuple[str, ...],
    path: Path | None,
    db: str,
    out: Output,
    **more: Any,
) -> None:
    """New designs by a MODEL of past ones, unlike one another, that hold what is asked of them.

    \b
    Example:
      mfgsql generate mix_designer -n 20 --limit "strength >= 60" --guide design_rules --given line=A --db plant.duckdb
    """
    check_path(path)
    named = {name: list(value) if isinstance(value, tuple) else value for name, value in more.items()}
    named |= {"subject_to": list(limits), "given": parse_options(given), "options": parse_options(options)}
    named |= {"derive": parse_derived(derive), "n": n}
    asked = {name: value for name, value in named.items() if value not in (None, [], {})}
    with opened(db) as session:
        show_or_write(session, call("generate", model, **asked), path, out)
