"""What a server, or the way to it, says of a failure: one error for commands, in the server's words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from mfgsql.errors import MfgsqlError

_PLACE = re.compile(r"^LINE \d+: .*\n *\^", re.MULTILINE)
_ATTEMPT = re.compile(r"(?:.*: )?connection to server .*? failed: ")


class RemoteError(MfgsqlError):
    """A server refused or failed, or there is no way to it."""


@contextmanager
def told() -> Iterator[None]:
    """Errors of psycopg become a `RemoteError`."""
    try:
        yield
    except psycopg.Error as error:
        raise answered(error) from None


def answered(error: psycopg.Error) -> RemoteError:
    """Message and hint; of a syntax error the place, below them."""
    if error.diag.message_primary is None:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        return RemoteError(f"The connection broke: {lines[0].rstrip('.') if lines else type(error).__name__}.")
    message, remedy = error.diag.message_primary, error.diag.message_hint
    if place := _PLACE.search(str(error)):
        message, remedy = (message, f"{remedy}\n{place[0]}") if remedy else (f"{message}\n{place[0]}", None)
    return RemoteError(message, remedy=remedy)


def refused(error: psycopg.Error, url: str) -> RemoteError:
    """Why there is no connection. Of several attempts, the last one counts.

    Args:
        url: without a password.
    """
    said = _ATTEMPT.split(str(error))[-1].strip()
    text, _, hint = said.partition("\nHINT:")
    lines = [line.strip() for line in text.splitlines()]
    if lines[0].startswith("FATAL:"):
        words = lines[0].removeprefix("FATAL:").strip().rstrip(".")
        return RemoteError(f"{url} does not let you in: {words}.", remedy=hint.strip() or None)
    if lines[0] == "fe_sendauth: no password supplied":
        ways = "Put it into the file ~/.pgpass or PGPASSWORD, or call this from a terminal, where it is asked for."
        return RemoteError(f"{url} asks for a password.", remedy=ways)
    remedy = " ".join(lines[1:])
    if lines[0] == "Connection refused":
        remedy = "Is 'mfgsql serve' running there?"
    return RemoteError(f"{url} can't be reached: {lines[0].rstrip('.')}.", remedy=remedy or None)
