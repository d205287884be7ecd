"""SELECTs of one function that acts on a session, as clients write them: ``set_config`` and ``pg_cancel_backend``."""

from __future__ import annotations

from mfgsql.engine.lexing import first_words, tokens
from mfgsql.server.session.command import Command, SetConfig, Signal
from mfgsql.server.session.words import Words
from mfgsql.wire.errors import WireError

_SIGNALS = ("pg_cancel_backend", "pg_terminate_backend")


def read_call(sql: str) -> Command | None:
    """The command that such a SELECT is; None of any other, or where the values are no constants."""
    words = first_words(sql, 4)
    name = words[3] if words[1:3] == ["pg_catalog", "."] and len(words) > 3 else "".join(words[1:2])
    if name != "set_config" and name not in _SIGNALS:
        return None
    reader = Words(sql, tokens(sql))
    reader.accept("select", "pg_catalog", ".") or reader.accept("select")
    reader.next()
    reader.expect("(")
    try:
        return _setting(reader) if name == "set_config" else _signal(reader, name)
    except WireError:  # no constants: it is DuckDB's to say what is wrong with it
        return None


def _setting(reader: Words) -> Command | None:
    name = reader.value()
    reader.expect(",")
    value = reader.value()
    reader.expect(",")
    local = reader.value().lower() in ("true", "t", "on")
    reader.expect(")")
    return SetConfig(name, value, local) if not reader.peek() else None


def _signal(reader: Words, function: str) -> Command | None:
    """Of a number, or of ``pid`` in ``FROM pg_stat_activity WHERE pid = ..``, as Superset has it."""
    word = reader.value()
    reader.expect(")")
    if word == "pid":
        if not reader.accept("from", "pg_stat_activity", "where", "pid", "="):
            return None
        word = reader.value()
    return Signal(function, int(word)) if word.isdigit() and len(word) < 19 and not reader.peek() else None
