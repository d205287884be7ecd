"""``evaluate``: predictions against the truth."""

from __future__ import annotations

import shlex

import click

from mfgsql.cli.completion import model_argument
from mfgsql.cli.rows import Output, output
from mfgsql.cli.session import call, database, opened


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
        from mfgsql.engine.verbs.judging import trained_on

        if version := trained_on(session.engine, model, source):
            note = f"{version} was trained on a source of this name: on rows that it has not seen it may do worse."
            see = f"Figures of rows held out: mfgsql models show {version} --db {shlex.quote(db)}"
            click.echo(f"\n{note} {see}", err=out.format != "table")
