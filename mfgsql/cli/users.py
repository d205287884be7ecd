"""``users``: add, list, passwd, role, remove. They need the path only: a server may hold the database meanwhile."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mfgsql.cli.rows import Output, output
from mfgsql.cli.session import database

if TYPE_CHECKING:
    from mfgsql.engine.users import Users

_ROLES = click.Choice(["reader", "analyst", "admin"])


@click.group()
def users() -> None:
    """Who may log in to a served database, and what they may do there.

    A reader queries and predicts, an analyst also changes tables and trains, an admin also makes macros and reaches
    the server's folder for files.

    \b
    Example:
      mfgsql users add anna --role analyst --db plant.duckdb
      mfgsql users list --db plant.duckdb
    """


@users.command()
@click.argument("name")
@click.option("--role", type=_ROLES, required=True, help="What the user may do.")
@database(served=False)
def add(name: str, role: str, db: str) -> None:
    """Make a user NAME; the password is asked for, or read from the input.

    \b
    Example:
      mfgsql users add anna --role analyst --db plant.duckdb
    """
    _users(db).add(name, role, asked_password())
    click.echo(f"'{name}' may log in as {role}.")


@users.command("list")
@database(served=False)
@output
def list_(db: str, out: Output) -> None:
    """All users and their roles.

    \b
    Example:
      mfgsql users list --db plant.duckdb
    """
    rows = [(user.name, str(user.role)) for user in _users(db).list()]
    out.rows([("user", "VARCHAR"), ("role", "VARCHAR")], rows)


@users.command()
@click.argument("name")
@database(served=False)
def passwd(name: str, db: str) -> None:
    """Give the user NAME another password.

    \b
    Example:
      mfgsql users passwd anna --db plant.duckdb
    """
    _users(db).passwd(name, asked_password())
    click.echo(f"'{name}' has another password.")


@users.command()
@click.argument("name")
@click.argument("role", type=_ROLES)
@click.option("--force", is_flag=True, help="Even where no admin is left.")
@database(served=False)
def role(name: str, role: str, force: bool, db: str) -> None:
    """Give the user NAME another ROLE, from their next login on.

    \b
    Example:
      mfgsql users role anna admin --db plant.duckdb
    """
    _users(db).set_role(name, role, force=force)
    click.echo(f"'{name}' is {role} from the next login on.")


@users.command()
@click.argument("name")
@click.option("--force", is_flag=True, help="Even where no admin is left.")
@database(served=False)
def remove(name: str, force: bool, db: str) -> None:
    """Delete the user NAME, who can't log in any more.

    \b
    Example:
      mfgsql users remove anna --db plant.duckdb
    """
    _users(db).remove(name, force=force)
    click.echo(f"'{name}' can't log in any more.")


def _users(db: str) -> Users:
    """Of a database that exists; it isn't opened."""
    from mfgsql.engine.users import Users
    from mfgsql.errors import SourceError

    if not Path(db).is_file():
        raise SourceError(f"There is no database '{db}'.", remedy=f"Make it: mfgsql init --db {db}")
    return Users(db)


def asked_password() -> str:
    """From a prompt, twice; or where no person types, the input's first line, which a second may repeat."""
    from mfgsql.errors import OptionError

    if sys.stdin.isatty():
        asked = "Password, 8 characters or more"
        typed: str = click.prompt(asked, hide_input=True, confirmation_prompt="The same again", err=True)
        return typed
    lines = sys.stdin.read().splitlines()
    if not lines:
        raise OptionError("No password was given.", remedy="Write it as a line to the input.")
    if len(lines) > 1 and lines[1] != lines[0]:
        raise OptionError("The two passwords differ.")
    return lines[0]
