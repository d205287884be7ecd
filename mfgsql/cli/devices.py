"""``devices``: where models can run."""

from __future__ import annotations

import click

from mfgsql.cli.rows import Output, output
from mfgsql.cli.session import MEMORY, call, database, opened


@click.command()
@database(required=False)
@output
def devices(db: str | None, out: Output) -> None:
    """The devices of this machine, and which one models run on.

    \b
    Example:
      mfgsql devices
    """
    with opened(db or MEMORY) as session:
        out.result(session.execute(call("devices")))
