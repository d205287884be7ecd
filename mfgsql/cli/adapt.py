"""``adapt``: a model goes on learning from new rows."""

from __future__ import annotations

import click

from mfgsql.cli.completion import model_argument
from mfgsql.cli.learning import parse_options
from mfgsql.cli.remote.address import is_url
from mfgsql.cli.rows import Output, output
from mfgsql.cli.session import call, database, opened

_POLICIES = click.Choice(["manual", "shadow", "auto"])


@click.command()
@model_argument
@click.argument("source")
@click.option("--policy", type=_POLICIES, help="Who becomes champion; default: manual.")
@click.option("--force", is_flag=True, help="Learn again from a batch that has been learnt from.")
@click.option("--option", "options", metavar="KEY=VALUE", multiple=True, help="How to learn: epochs=4, replay=5000.")
@database()
@output
def adapt(
    model: str, source: str, policy: str | None, force: bool, options: tuple[str, ...], db: str, out: Output
) -> None:
    """Let the champion of a MODEL go on learning from the new rows of a SOURCE.

    \b
    Example:
      mfgsql adapt press_failure labelled_today --policy auto --db plant.duckdb
    """
    asked = {"policy": policy, "force": force or None, "options": parse_options(options)}
    with opened(db) as session:
        if not is_url(db):
            from mfgsql.engine.runs import load_libraries

            load_libraries()  # here Ctrl-C ends the process at once
        session.execute(call("adapt", model, source, **{k: v for k, v in asked.items() if v}))
        out.record(session)
