"""The argument MODEL, which the Tab key completes from the database that ``--db`` or MFGSQL_DB names."""

from __future__ import annotations

import os
from pathlib import Path

import click


def _complete(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """A shell asks between two keys: where there is no database, nothing is offered."""
    path = ctx.params.get("db") or os.environ.get("MFGSQL_DB")
    if not path or not Path(path).is_file():
        return []
    from mfgsql.engine.verbs.showing import model_names

    return [name for name in model_names(path) if name.startswith(incomplete)]


model_argument = click.argument("model", shell_complete=_complete)
