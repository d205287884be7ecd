"""The way to a server: the url's parameters, encryption, and a password that a person is asked for."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import suppress
from typing import Any

import click
import psycopg
from psycopg.conninfo import conninfo_to_dict

from mfgsql.cli.remote.address import encryption, public
from mfgsql.cli.remote.errors import refused
from mfgsql.cli.remote.session import Remote
from mfgsql.errors import OptionError

_PATIENCE = 10  # seconds until a server must have answered


def connect(url: str, *, read_only: bool = False) -> Remote:
    """A session on a server.

    Raises:
        RemoteError: it can't be reached, or lets nobody in.
        OptionError: the url has an unknown parameter, or can't be read.
    """
    logging.getLogger("psycopg").addHandler(logging.NullHandler())  # it would tell of a second Ctrl-C
    shown = public(url)
    given = _parameters(url, shown)
    more: dict[str, Any] = encryption(given)
    if "connect_timeout" not in given and "PGCONNECT_TIMEOUT" not in os.environ:
        more["connect_timeout"] = _PATIENCE
    if read_only:
        more["options"] = f"{given.get('options', '')} -c default_transaction_read_only=on".strip()
    if "application_name" not in given:
        more["application_name"] = "mfgsql"
    return Remote(_connected(url, shown, more), shown)


def _parameters(url: str, shown: str) -> dict[str, Any]:
    """Of the url, by libpq's names. What is wrong with it is told of the url without a password."""
    with suppress(psycopg.ProgrammingError):
        return conninfo_to_dict(url)
    try:
        conninfo_to_dict(shown)
        words = "signs in its password are written as %40 and the like"
    except psycopg.ProgrammingError as error:
        words = str(error).strip()
    raise OptionError(f"The url can't be read: {words}.", remedy="As postgresql://anna@localhost:5432/plant.")


def _connected(url: str, shown: str, more: dict[str, Any]) -> psycopg.Connection[Any]:
    """At a terminal a password that is missing is asked for, as psql does."""
    try:
        return psycopg.connect(url, autocommit=True, **more)
    except psycopg.OperationalError as error:
        if not (error.pgconn and error.pgconn.needs_password and sys.stderr.isatty() and "password" not in more):
            raise refused(error, shown) from None
    password = click.prompt(f"Password for {shown}", hide_input=True, err=True)
    return _connected(url, shown, more | {"password": password})
