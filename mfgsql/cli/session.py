"""``--db``: which database, and the session on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from mfgsql import Session

F = TypeVar("F", bound=Callable[..., Any])
MEMORY = ":memory:"


def database(*, required: bool = True) -> Callable[[F], F]:
    """The option ``--db`` as the argument ``db``."""

    def named(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
        if required and not value and not ctx.resilient_parsing:
            raise click.UsageError("Which database? Name it: --db plant.duckdb, or set MFGSQL_DB=plant.duckdb.")
        return value or None

    return click.option("--db", envvar="MFGSQL_DB", metavar="PATH", callback=named, help="The database file.")


@contextmanager
def opened(db: str, *, create: bool = False, read_only: bool = False) -> Iterator[Session]:
    """A session; a misspelt path makes no new file unless ``create`` is set.

    Raises:
        SourceError: there is no such database.
    """
    from mfgsql.errors import SourceError

    if not create and db != MEMORY and not Path(db).exists():
        raise SourceError(f"There is no database '{db}'.", remedy=f"Make it: mfgsql init --db {db}")
    from mfgsql import connect

    with connect(db, read_only=read_only) as session:
        yield session


def call(verb: str, /, *args: object, **named: object) -> str:
    """``FROM ml_<verb>(...)`` with the arguments that were given."""
    from mfgsql.engine.quoting import call as written

    return written(verb, args, {name: value for name, value in named.items() if value not in (None, False, {})})
