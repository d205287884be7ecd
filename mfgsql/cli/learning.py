"""``pretrain`` and ``finetune``: the verbs that learn."""

from __future__ import annotations

import ast
import shlex
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import click

from mfgsql.cli.costs import costs_of, costs_options
from mfgsql.cli.remote.address import is_url
from mfgsql.cli.rows import Output, output
from mfgsql.cli.session import F, call, database, opened, where

_TASKS = (
    "By the target's kind classification, regression, multilabel or hierarchy; else rul, forecast, process, "
    "anomaly, token_classification or embedding."
)


def shared(command: F) -> F:
    """Arguments and options that the verbs have."""
    options: list[Callable[[Any], Any]] = [
        click.argument("model"),
        click.argument("source"),
        click.option("--base", help="A base to start from: its name, a folder './minilm', or 'hf:org/name'."),
        click.option("--field", metavar="COL", help="Column of texts or pictures, which is then read alone."),
        click.option("--split", help="Rows to judge by: time, entity, or a column; default: by hash."),
        click.option("--order-by", metavar="COL", help="Column of time."),
        click.option("--entity", metavar="COL", help="Column of the machine, unit or case."),
        click.option("--promote", type=click.Choice(["auto"]), help="auto: a better version takes over by itself."),
        click.option("--force", is_flag=True, help="Train again though an equal run has finished."),
        click.option("--exclude", metavar="A,B", help="Columns to leave out."),
        click.option("--option", "options", metavar="KEY=VALUE", multiple=True, help="How to train: epochs=20."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def of_models(command: F) -> F:
    """Options of the verbs that make a model of a target."""
    options: list[Callable[[Any], Any]] = [
        click.option("--target", metavar="COL", help="Column to predict; a detector of anomalies has none."),
        click.option("--task", help=_TASKS),
        click.option("--weight", metavar="COL", help="Column of row weights."),
        costs_options,
    ]
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@shared
@click.option("--objective", help="masked, autoencoder, autoregressive, forecast, design; default: by the column.")
@database()
@output
def pretrain(model: str, source: str, db: str, out: Output, **given: Any) -> None:
    """Train a base MODEL on the rows of a SOURCE, without labels.

    \b
    Example:
      mfgsql pretrain press telemetry --option epochs=20 --db plant.duckdb
      mfgsql pretrain notes work_orders --field note --base ./minilm --db plant.duckdb
      mfgsql pretrain mix_designer mixes --objective design --exclude batch --db plant.duckdb
    """
    learn("pretrain", model, source, db, out, given)


@click.command()
@shared
@of_models
@click.option("--adapter-by", metavar="COL", help="Column of the line or machine: each gets an adapter of its own.")
@database()
@output
def finetune(model: str, source: str, db: str, out: Output, **given: Any) -> None:
    """Train a MODEL that predicts a target, on the rows of a SOURCE.

    \b
    Example:
      mfgsql finetune press_failure labelled --target failed_within_24h --exclude note --db plant.duckdb
      mfgsql finetune press_line labelled --target failed --base press --adapter-by line --db plant.duckdb
      mfgsql finetune pump_life lives --task rul --target rul --entity unit --order-by ts --db plant.duckdb
      mfgsql finetune demand orders --task forecast --target quantity --entity sku --order-by day --db plant.duckdb
      mfgsql finetune flow events --task process --target activity --entity order_no --order-by ended --db plant.duckdb
      mfgsql finetune entities annotated_notes --task token_classification --target spans --base notes --db plant.duckdb
      mfgsql finetune press_failure labelled --target failed_within_24h --missed 2000 --false-alarm 50 --db plant.duckdb
    """
    learn("finetune", model, source, db, out, given)


def learn(verb: str, model: str, source: str, db: str, out: Output, given: dict[str, Any]) -> None:
    """Run a learning verb with what was given, and show its row.

    Raises:
        click.UsageError: a model is to be made of no target.
    """
    if verb != "pretrain" and given["target"] is None and given["task"] != "anomaly":
        raise click.UsageError("Missing option '--target'; only a detector of anomalies has none (--task anomaly).")
    options = parse_options(given.pop("options")) | given.pop("searched", {})
    costs = costs_of(given.pop("missed", None), given.pop("false_alarm", None))
    if exclude := given.pop("exclude"):
        options["exclude"] = names(exclude)
    use = "forecast" if given.get("task") == "forecast" else "predict"
    with opened(db) as session:
        if not is_url(db):
            from mfgsql.engine.runs import load_libraries

            load_libraries()  # here Ctrl-C ends the process at once
        session.execute(call(verb, model, source, **given, costs=costs, options=options))
        result = out.record(session)
    if result and out.format == "table":
        made = shlex.quote(result["model"])
        predict, then = f"{use} {made} SOURCE", f"finetune MODEL SOURCE --target COLUMN --base {made}"
        click.echo(f"\nNext: mfgsql {then if verb == 'pretrain' else predict} {where(db)}")


def parse_options(given: tuple[str, ...]) -> dict[str, Any]:
    """``epochs=20`` as a number, ``balanced=true`` as a truth value, ``{'mill': 2}`` as a struct, else as text."""
    options = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise click.UsageError(f"An option is KEY=VALUE, such as epochs=20, not '{text}'.")
        options[key.strip()] = read_value(value.strip())
    return options


def read_value(text: str) -> Any:
    """A truth value, a number, a struct, or text."""
    if text.startswith("{"):
        with suppress(ValueError, SyntaxError):
            return ast.literal_eval(text)
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def parse_derived(given: tuple[str, ...]) -> dict[str, str]:
    """``cost=0.12 * cement`` as a column and its expression."""
    found = {}
    for text in given:
        name, equals, expression = text.partition("=")
        if not equals or not name.strip():
            raise click.UsageError(f"What is derived is COL=EXPRESSION, as 'cost=0.12 * cement', not '{text}'.")
        found[name.strip()] = expression.strip()
    return found


def names(text: str) -> list[str]:
    """``a, b`` as two names."""
    return [name.strip() for name in text.split(",") if name.strip()]
