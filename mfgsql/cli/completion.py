"""The argument MODEL, which the Tab key completes from the database that ``--db`` or MFGSQL_DB names."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import click


def _complete(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """A shell asks between two keys: whatever fails here (no database, one that is being written) offers nothing."""
    with suppress(Exception):
        path = ctx.params.get("db") or os.environ.get("MFGSQL_DB")
        if path and Path(path).is_file():
            from mfgsql.engine.verbs.showing import model_names

            return [name for name in model_names(path) if name.startswith(incomplete)]
    return []


model_argument = click.argument("model", shell_complete=_complete)
