"""Which of the session's commands a statement is. All others are DuckDB's, and reach it as they are written."""

from __future__ import annotations

from collections.abc import Callable

from mfgsql.engine.lexing import first_words, tokens
from mfgsql.server.session.calls import read_call
from mfgsql.server.session.command import (
    Begin,
    CloseCursor,
    Command,
    Commit,
    Copy,
    Deallocate,
    Declare,
    Discard,
    Fetch,
    Nothing,
    Release,
    Rollback,
    RollbackTo,
    Savepoint,
    Set,
    SetTransaction,
    Show,
)
from mfgsql.server.session.copy_options import read_options
from mfgsql.server.session.words import Words
from mfgsql.wire.errors import WireError


def read_command(sql: str, known: Callable[[str], bool]) -> Command | None:
    """The command that a statement is, or None where it is DuckDB's.

    Args:
        known: whether a name is a setting of the session; ``SHOW tables`` is DuckDB's.

    Raises:
        WireError: it begins as a command and is none (42601).
    """
    first = first_words(sql, 1)
    if first == ["select"]:
        return read_call(sql)
    if not first or first[0] not in (*_READERS, *_SETTINGS):
        return None
    reader = Words(sql, tokens(sql))
    word = reader.next()
    return _setting(word, reader, known) if word in _SETTINGS else _READERS[word](reader)


def _modes(reader: Words) -> bool | None:
    """Of a transaction; levels of isolation are all DuckDB's one, which is a snapshot."""
    read_only: bool | None = None
    while reader.peek():
        reader.accept(",")
        if reader.accept("read", "only"):
            read_only = True
        elif reader.accept("read", "write"):
            read_only = False
        elif reader.accept("isolation", "level"):
            level = reader.next()
            if level == "read":
                level = reader.next()
            elif level == "repeatable":
                reader.expect("read")
            elif level != "serializable":
                raise reader.wrong()
        elif not (reader.accept("deferrable") or reader.accept("not", "deferrable")):
            raise reader.wrong()
    return read_only


def _begin(reader: Words) -> Command:
    if not reader.accept("transaction"):
        reader.accept("work")
    return Begin(bool(_modes(reader)))


def _start(reader: Words) -> Command:
    reader.expect("transaction")
    return Begin(bool(_modes(reader)))


def _ended(reader: Words, command: Command) -> Command:
    if not reader.accept("transaction"):
        reader.accept("work")
    if reader.accept("and", "chain"):
        raise WireError("0A000", "AND CHAIN is not known here.", remedy="Say BEGIN after it.")
    reader.accept("and", "no", "chain")
    reader.end()
    return command


def _rollback(reader: Words) -> Command:
    begin = reader.at
    if not reader.accept("transaction"):
        reader.accept("work")
    if reader.accept("to"):
        reader.accept("savepoint")
        return _named(reader, RollbackTo)
    reader.at = begin
    return _ended(reader, Rollback())


def _named(reader: Words, kind: Callable[[str], Command]) -> Command:
    name = reader.name()
    reader.end()
    return kind(name)


def _release(reader: Words) -> Command:
    reader.accept("savepoint")
    return _named(reader, Release)


def _setting(word: str, reader: Words, known: Callable[[str], bool]) -> Command | None:
    if word == "show":
        return _show(reader, known)
    if word == "reset":
        return Set("all" if reader.accept("all") else _setting_name(reader), None)
    local = reader.accept("local")
    session = not local and reader.accept("session")
    if session and reader.accept("characteristics", "as", "transaction"):
        return SetTransaction(_modes(reader))
    if not session and reader.accept("transaction"):
        return SetTransaction(_modes(reader))
    if reader.accept("time", "zone"):
        value = reader.value()
        return Set("timezone", None if value.lower() in ("default", "local") else value, local)
    if reader.accept("variable"):
        return None
    if reader.accept("names"):
        return Set("client_encoding", reader.value(), local)
    name = _setting_name(reader)
    if not (reader.accept("to") or reader.accept("=")):
        raise reader.wrong()
    return Set(name, _values(reader), local)


def _values(reader: Words) -> str | None:
    if reader.accept("default"):
        reader.end()
        return None
    values = [reader.value()]
    while reader.accept(","):
        values.append(reader.value())
    reader.end()
    return ", ".join(values)


def _setting_name(reader: Words) -> str:
    """With a dot where an extension's."""
    name = reader.name()
    while reader.accept("."):
        name += f".{reader.name()}"
    return name


def _show(reader: Words, known: Callable[[str], bool]) -> Command | None:
    if reader.accept("time", "zone"):
        return Show("timezone")
    if reader.accept("transaction", "isolation", "level"):
        return Show("transaction_isolation")
    if reader.accept("all"):
        return Show("all") if not reader.peek() else None  # SHOW ALL TABLES is DuckDB's
    name = reader.next()
    while reader.accept("."):
        name += f".{reader.next()}"
    return Show(name) if known(name) and not reader.peek() else None


def _declare(reader: Words) -> Command:
    name = reader.name()
    while not reader.accept("cursor"):
        if reader.accept("binary"):
            raise WireError(
                "0A000", "A cursor's rows come in the format that its FETCH asks for.", remedy="Leave BINARY out."
            )
        if reader.accept("scroll"):
            raise WireError("0A000", "Cursors go forward only.", remedy="Leave SCROLL out.")
        if not (reader.accept("no", "scroll") or reader.accept("insensitive") or reader.accept("asensitive")):
            raise reader.wrong()
    hold = reader.accept("with", "hold")
    if not hold:
        reader.accept("without", "hold")
    reader.expect("for")
    return Declare(name, reader.rest(), hold)


def _fetch(reader: Words, *, move: bool = False) -> Command:
    rows: int | None = 1
    if reader.accept("all") or reader.accept("forward", "all"):
        rows = None
    elif reader.accept("next"):
        rows = 1
    else:
        forward = reader.accept("forward")
        if reader.peek().isdigit() and len(reader.peek()) < 19:
            rows = int(reader.next())
        elif not forward and reader.peek() in ("prior", "first", "last", "absolute", "relative", "backward", "-"):
            raise WireError("0A000", "Cursors go forward only.", remedy="FETCH, FETCH 100 or FETCH ALL.")
    if not reader.accept("from"):
        reader.accept("in")
    name = reader.name()
    reader.end()
    return Fetch(name, rows, move)


def _close(reader: Words) -> Command:
    return CloseCursor(None) if reader.accept("all") else _named(reader, CloseCursor)


def _deallocate(reader: Words) -> Command:
    reader.accept("prepare")
    return Deallocate(None) if reader.accept("all") else _named(reader, Deallocate)


def _discard(reader: Words) -> Command:
    what = reader.next()
    if what not in ("all", "plans", "sequences", "temp", "temporary"):
        raise reader.wrong()
    reader.end()
    return Discard(what)


def _copy(reader: Words) -> Command | None:
    query: str | None = None
    table = ""
    columns: tuple[str, ...] = ()
    if reader.peek() == "(":
        query = reader.span()
    else:
        begin = reader.tokens[reader.at].begin if reader.at < len(reader.tokens) else 0
        reader.name()
        while reader.accept("."):
            reader.name()
        last = reader.tokens[reader.at - 1]
        table = reader.sql[begin : last.begin + len(last.text)]
        if reader.peek() == "(":
            columns = reader.names()
    into = reader.accept("from")
    if not into:
        reader.expect("to")
    if not reader.accept("stdin" if into else "stdout"):
        return None  # a file: what DuckDB and the roles say of it
    return Copy(query, table or None, columns, into, read_options(reader))


def _unlisten(reader: Words) -> Command:
    return Nothing("UNLISTEN")


def _listen(reader: Words) -> Command:
    raise WireError("0A000", "There are no notifications here: LISTEN and NOTIFY do nothing.")


def _users(reader: Words) -> Command:
    raise WireError(
        "0A000", "Users and roles are no matter of SQL here.", remedy="mfgsql users add NAME --role reader --db DB"
    )


def _users_or_none(reader: Words) -> Command | None:
    """CREATE, ALTER, DROP: of users and roles, as ``\\password`` of psql asks for; else DuckDB's."""
    return _users(reader) if reader.peek() in ("user", "role", "group") else None


_SETTINGS = ("set", "reset", "show")
_READERS: dict[str, Callable[[Words], Command | None]] = {
    "begin": _begin,
    "start": _start,
    "commit": lambda reader: _ended(reader, Commit()),
    "end": lambda reader: _ended(reader, Commit()),
    "rollback": _rollback,
    "abort": lambda reader: _ended(reader, Rollback()),
    "savepoint": lambda reader: _named(reader, Savepoint),
    "release": _release,
    "declare": _declare,
    "fetch": _fetch,
    "move": lambda reader: _fetch(reader, move=True),
    "close": _close,
    "deallocate": _deallocate,
    "discard": _discard,
    "copy": _copy,
    "listen": _listen,
    "notify": _listen,
    "unlisten": _unlisten,
    "grant": _users,
    "revoke": _users,
    "create": _users_or_none,
    "alter": _users_or_none,
    "drop": _users_or_none,
}
