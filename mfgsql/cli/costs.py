"""``--missed`` and ``--false-alarm``: what mistakes cost."""

from __future__ import annotations

import click

from mfgsql.cli.session import F


def costs_options(command: F) -> F:
    """Both options."""
    command = click.option("--false-alarm", type=float, help="What an alarm without a positive costs.")(command)
    return click.option("--missed", type=float, help="What a positive without an alarm costs.")(command)


def costs_of(missed: float | None, false_alarm: float | None) -> dict[str, float]:
    """The argument ``costs`` of the verbs; empty where none were told."""
    if missed is None and false_alarm is None:
        return {}
    if missed is None or false_alarm is None:
        raise click.UsageError("--missed and --false-alarm go together.")
    return {"missed": missed, "false_alarm": false_alarm}
