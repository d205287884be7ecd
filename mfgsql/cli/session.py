"""``--db`` and ``--url``: which database, and the session on it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from mfgsql.cli.remote.address import is_url, public

if TYPE_CHECKING:
    from mfgsql import Session
    from mfgsql.cli.remote.session import Remote

F = TypeVar("F", bound=Callable[..., Any])
R = TypeVar("R")
MEMORY = ":memory:"


def database(*, required: bool = True, served: bool = True) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """The options ``--db`` and ``--url`` as the argument ``db``: a path, or the url of a server.

    Args:
        served: whether the command works through a server, too.
    """

    def decorate(command: Callable[..., R]) -> Callable[..., R]:
        @click.option("--url", envvar="MFGSQL_URL", metavar="URL", help="Instead: a server, postgresql://USER@HOST/DB.")
        @click.option("--db", envvar="MFGSQL_DB", metavar="PATH", help="The database file.")
        @wraps(command)
        def wrapped(*args: Any, db: str | None, url: str | None, **kwargs: Any) -> R:
            chosen = _chosen(click.get_current_context(), db or None, url or None, served)
            if required and not chosen:
                other = ", or name a server by --url" if served else ""
                raise click.UsageError(f"Which database? Name it: --db plant.duckdb, or set MFGSQL_DB{other}.")
            return command(*args, db=chosen, **kwargs)

        return wrapped

    return decorate


def _chosen(ctx: click.Context, db: str | None, url: str | None, served: bool) -> str | None:
    """What was said on the command line counts before the environment."""
    told = {name: ctx.get_parameter_source(name) for name in ("db", "url")}
    if url and not served:
        if told["url"] != ParameterSource.ENVIRONMENT:
            raise click.UsageError(f"'{ctx.command_path}' works on the file itself: name it by --db.")
        url = None
    if db and url and told["db"] == told["url"]:
        names = "MFGSQL_DB and MFGSQL_URL" if told["db"] == ParameterSource.ENVIRONMENT else "--db and --url"
        raise click.UsageError(f"{names} name two databases: say one of them.")
    if db and url:
        db, url = (None, url) if told["db"] == ParameterSource.ENVIRONMENT else (db, None)
    if url and not is_url(url):
        raise click.UsageError("A url is as postgresql://anna@localhost:5432/plant; a file is named by --db.")
    if db and is_url(db):
        raise click.UsageError("--db names a file; a url is told by --url.")
    return db or url


@contextmanager
def opened(db: str, *, read_only: bool = False) -> Iterator[Session | Remote]:
    """A session on a file or on a server.

    Raises:
        SourceError: there is no such database.
        CatalogError: a server holds it.
        RemoteError: the server can't be reached, or lets nobody in.
        MissingExtraError: for a url, packages are missing.
    """
    if not is_url(db):
        with opened_file(db, read_only=read_only) as local:
            yield local
        return
    from mfgsql.errors import MissingExtraError

    try:
        from mfgsql.cli.remote.connecting import connect
    except ModuleNotFoundError as error:
        remedy = "pip install 'mfgsql[serve]'"
        raise MissingExtraError(f"--url needs an extra ({error.name} is missing).", remedy=remedy) from None
    with connect(db, read_only=read_only) as remote:
        yield remote


@contextmanager
def opened_file(db: str, *, create: bool = False, read_only: bool = False) -> Iterator[Session]:
    """A session on a file; a misspelt path makes no new one unless ``create`` is set.

    Raises:
        SourceError: there is no such database.
        CatalogError: a server holds it.
    """
    from mfgsql.errors import CatalogError, SourceError

    if not create and db != MEMORY and not Path(db).exists():
        raise SourceError(f"There is no database '{db}'.", remedy=f"Make it: mfgsql init --db {db}")
    from mfgsql import connect
    from mfgsql.engine.serving import ServedError

    try:
        session = connect(db, read_only=read_only)
    except ServedError as error:
        raise CatalogError(error.message, remedy=f"Use --url {error.url} instead of --db.") from None
    with session:
        yield session


def where(db: str) -> str:
    """The options that name this database, to be copied; without a password."""
    return f"--url {shlex.quote(public(db))}" if is_url(db) else f"--db {shlex.quote(db)}"


def call(verb: str, /, *args: object, **named: object) -> str:
    """``FROM ml_<verb>(...)`` with the arguments that were given."""
    from mfgsql.engine.quoting import call as written

    told = {name: value for name, value in named.items() if value is not None and value is not False and value != {}}
    return written(verb, args, told)
