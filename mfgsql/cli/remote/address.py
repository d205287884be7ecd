"""Urls of servers: what is one, and how it is shown and read."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

_SCHEMES = ("postgresql://", "postgres://")
_PASSWORD = re.compile(r"(?<=[?&])password=[^&]*&?")
_TO_HOSTS = ("host", "hostaddr")


def is_url(place: str | None) -> bool:
    """Whether it names a server, not a file."""
    return bool(place) and str(place).startswith(_SCHEMES)


def public(url: str) -> str:
    """The url without its password."""
    scheme, _, rest = url.partition("://")
    where, mark, query = rest.partition("?")
    account, at, host = where.rpartition("@")
    query = _PASSWORD.sub("", f"?{query}")[1:].rstrip("&")
    return f"{scheme}://{account.partition(':')[0]}{at}{host}{mark if query else ''}{query}"


def encryption(given: Mapping[str, object], environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """``sslmode`` where nobody has chosen one: a connection to another machine is encrypted, or there is none.

    Args:
        given: the url's parameters, by libpq's names.
    """
    if {"sslmode", "service"} & set(given) or {"PGSSLMODE", "PGSERVICE"} & set(environment):
        return {}
    told = [given.get(name) or environment.get(f"PG{name.upper()}") for name in _TO_HOSTS]
    hosts = [host for names in told if names for host in str(names).split(",")]
    return {} if all(map(_is_here, hosts)) else {"sslmode": "require"}


def _is_here(host: str) -> bool:
    """This machine, by name, address or socket."""
    return host in ("", "localhost", "::1") or host.startswith(("127.", "/", "@"))
