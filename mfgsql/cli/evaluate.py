"""``evaluate``: predictions against the truth."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from mfgsql.cli.completion import model_argument
from mfgsql.cli.rows import Output, output
from mfgsql.cli.session import call, database, opened, where

if TYPE_CHECKING:
    from mfgsql import Session
    from mfgsql.cli.remote.session import Remote

_TRAINED_ON = """
SELECT v.model || '@' || v.version, r.source FROM ml.versions v JOIN ml.runs r USING (run_id)
WHERE v.model = $1 AND (v.version::VARCHAR = $2 OR list_contains(string_split(v.aliases, ', '), $2))
"""


@click.command()
@model_argument
@click.argument("source")
@click.option("--report", is_flag=True, help="Precision, recall and F1 by class.")
@click.option("--confusion", is_flag=True, help="Rows by actual and predicted class.")
@database()
@output
def evaluate(model: str, source: str, report: bool, confusion: bool, db: str, out: Output) -> None:
    """Metrics of a MODEL on a SOURCE that has the target, beside a naive baseline's.

    \b
    Example:
      mfgsql evaluate press_failure telemetry_test --db plant.duckdb
      mfgsql evaluate press_failure telemetry_test --report --db plant.duckdb
    """
    if report and confusion:
        raise click.UsageError("--report and --confusion are two tables; ask for one.")
    verb = "classification_report" if report else "confusion_matrix" if confusion else "evaluate"
    with opened(db) as session:
        out.result(session.execute(call(verb, model, source)))
        if version := _trained_on(session, model, source):
            note = f"{version} was trained on a source of this name: on rows that it has not seen it may do worse."
            see = f"Figures of rows held out: mfgsql models show {version} {where(db)}"
            click.echo(f"\n{note} {see}", err=out.format != "table")


def _trained_on(session: Session | Remote, model: str, source: str) -> str | None:
    """The version that the model means, where its training named this very source."""
    name, _, ref = model.partition("@")
    row = session.execute(_TRAINED_ON, [name, ref or "champion"]).fetchone()
    return row[0] if row and row[1] and _same(row[1]) == _same(source) else None


def _same(source: str) -> str:
    """Equal for sources that differ in a semicolon, or a plain ``SELECT * FROM``."""
    return re.sub(r"^(select \* )?from ", "", source.strip().rstrip(";"), flags=re.IGNORECASE).strip()
