"""Who asks: the session that binds a statement, or whoever asked for the job that a thread of DuckDB's runs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from mfgsql.catalog.events import acting
from mfgsql.engine.access.roles import Identity, Role
from mfgsql.engine.engine import Engine, caller
from mfgsql.engine.guarding import Guard
from mfgsql.errors import AccessError

# Whom nothing is known of, in a served engine: DuckDB also binds views by itself.
NOBODY = Identity("nobody", Role.READER)
_asked: ContextVar[tuple[Identity | None, Guard | None]] = ContextVar("mfgsql_asked")


def who_asks(engine: Engine) -> Identity | None:
    """None is embedded use."""
    session = caller.get()
    if session is not None:
        identity: Identity | None = session.identity
        return identity
    return _asked.get((NOBODY if engine.guarded else None, None))[0]


def asker() -> Identity | None:
    """For whom this thread plans or runs."""
    return _asked.get((None, None))[0]


@contextmanager
def asked_by(identity: Identity | None, guard: Guard | None) -> Iterator[None]:
    """Plan or run for somebody: what is planned meanwhile on this thread is planned for them."""
    token, name = _asked.set((identity, guard)), acting.set(identity.name if identity else None)
    try:
        yield
    finally:
        _asked.reset(token)
        acting.reset(name)


def write_job(job: Mapping[str, Any]) -> str:
    """A job as text; of a served engine with its seal, and with who asks.

    Raises:
        AccessError: nobody asks whom a served engine knows.
    """
    identity, guard = _asked.get((None, None))
    if guard and identity is NOBODY:
        raise AccessError("Nobody who is known here asks for it.", remedy="Run the verb in a session of the server.")
    by = {"by": {"name": identity.name, "role": identity.role}} if identity else {}
    text = json.dumps({**job, **by}, sort_keys=True, default=str, ensure_ascii=False)
    return guard.seal(text) if guard else text


def read_job(engine: Engine, text: str) -> tuple[dict[str, Any], Identity | None]:
    """A job, and who asked for it. The views of schema ml are for all: the database keeps their jobs without a seal.

    Raises:
        AccessError: a served engine did not plan it.
    """
    job: dict[str, Any] = json.loads(text)
    if engine.guarded and job.get("action") != "view":
        job = json.loads(engine.guarded.unseal(text))
    by = job.get("by")
    return job, Identity(by["name"], Role(by["role"])) if by else None
