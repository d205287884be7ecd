"""``--table``: rows that a verb returns kept as a table, or shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from mfgsql.cli.rows import Output
from mfgsql.cli.session import F

if TYPE_CHECKING:
    from mfgsql import Session
    from mfgsql.cli.remote.session import Remote


def table_options(command: F) -> F:
    """The options ``--table`` and ``--replace``."""
    options: list[Callable[[Any], Any]] = [
        click.option("--table", metavar="NAME", help="Keep the rows as a table; else they are shown."),
        click.option("--replace", is_flag=True, help="Replace the table where it exists."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def keep_or_show(session: Session | Remote, statement: str, table: str | None, replace: bool, out: Output) -> None:
    """Make the table, or show the rows."""
    from mfgsql.engine.quoting import quote_identifier

    if table is None:
        if replace:
            raise click.UsageError("--replace goes with --table.")
        out.result(session.execute(statement))
        return
    make = "CREATE OR REPLACE TABLE" if replace else "CREATE TABLE"
    session.execute(f"{make} {quote_identifier(table)} AS {statement}")
    click.echo(f"{session.fetchone()[0]:,} rows in the table {table}")
