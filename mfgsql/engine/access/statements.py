"""Statements of a text: parsed by DuckDB, and judged by the kind that its parser tells.

A kind that nobody thought of is refused. What a statement calls and names is judged beside that, token by token, by
DuckDB's own lexer; no rule here looks at raw text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from mfgsql.engine.access.calls import TABLE_FUNCTIONS, check_words
from mfgsql.engine.access.objects import check_object, check_written
from mfgsql.engine.access.roles import Identity, Role, refuse, require
from mfgsql.engine.access.spaces import plain_spaces
from mfgsql.engine.lexing import Token, split, tokens

_READING = ("SELECT", "EXPLAIN", "PREPARE", "EXECUTE", "DEALLOCATE", "TRANSACTION", "VARIABLE")
_WRITING = ("INSERT", "UPDATE", "DELETE", "MERGE_INTO")
_OBJECTS = ("CREATE", "DROP", "ALTER")
_LEAST = {
    **dict.fromkeys(_READING, Role.READER),
    **dict.fromkeys((*_WRITING, *_OBJECTS), Role.ANALYST),
    **dict.fromkeys(("CALL", "VACUUM", "PRAGMA"), Role.ADMIN),
}
_CALLS = TABLE_FUNCTIONS | {"checkpoint", "force_checkpoint", "pragma_storage_info"}
_PRAGMAS = ("collations", "database_list", "database_size", "functions", "platform", "show", "show_databases",
            "show_tables", "show_tables_expanded", "storage_info", "table_info", "user_agent", "version")  # fmt: skip


@dataclass(frozen=True)
class Statement:
    """A statement that was understood.

    Attributes:
        text: as it may be run. kind: DuckDB's type of it, as SELECT, INSERT, TRANSACTION; or DEALLOCATE, VARIABLE.
        parameters: names of its parameters, as ``1`` or ``name``.
        reads_only: whether as SQL it only reads; a verb in it may act all the same, through the engine.
        returns_rows: whether rows come back.
    """

    text: str
    kind: str
    parameters: frozenset[str]
    reads_only: bool
    returns_rows: bool


def check_statements(con: duckdb.DuckDBPyConnection, sql: str, identity: Identity | None) -> list[Statement]:
    """The statements of a text in their order, none run; without an identity they are parsed only.

    ``con`` parses and knows names. Run `Statement.text`, not the text that was given: it is what was judged.

    Raises:
        AccessError: one of them is not for this role, or for nobody.
        duckdb.Error: one can't be parsed.
        InputError: the text holds a NUL.
    """
    return [_check(con, one, identity) for one in split(plain_spaces(sql))]


def refuse_before_parsing(words: Sequence[Token]) -> None:
    """Refuse what DuckDB would act on while it parses: IMPORT reads a file, a PRAGMA becomes another statement.

    Raises:
        AccessError: it is that.
    """
    first, second = ([w.word for w in words[:2]] + ["", ""])[:2]
    if (first, second) in (("import", "database"), ("update", "extensions")):
        raise refuse(f"{first} {second}".upper())
    if first == "pragma" and (second not in _PRAGMAS or any(w.text == "=" for w in words)):
        raise refuse(f"PRAGMA {second}")


def _check(con: duckdb.DuckDBPyConnection, text: str, identity: Identity | None) -> Statement:
    words = tokens(text)
    first = words[0].word if words else ""
    if identity is not None:
        refuse_before_parsing(words)
        if first == "pragma":
            require(identity, _LEAST["PRAGMA"], "PRAGMA")
        for inside in check_words(con, text, words, identity):
            check_statements(con, inside, identity)
    inner = _inner(con, text, words, identity)
    parsed = con.extract_statements(text)
    kind = "DEALLOCATE" if first == "deallocate" else _kind(parsed, words)
    if kind == "SET" and len(words) > 1 and words[1].text.lower() == "variable":
        kind = "VARIABLE"  # of the session alone, no setting
    if identity is not None:
        _judge(kind, words, identity)
    # What EXECUTE runs was judged when it was prepared; whether that writes is not known here.
    reads = kind in _READING and kind != "EXECUTE" and (inner is None or inner.reads_only)
    return Statement(text, kind, _parameters(parsed), reads, _returns_rows(kind, words))


def _judge(kind: str, words: Sequence[Token], identity: Identity) -> None:
    if kind not in _LEAST:
        raise refuse(kind.replace("_", " "), _INSTEAD.get(kind))
    require(identity, _LEAST[kind], kind.replace("_", " "))
    if kind in _OBJECTS:
        check_object(words, identity)
    if kind in (*_OBJECTS, *_WRITING):
        check_written(words)
    if kind == "CALL" and words[0].word == "call" and not any(w.word in _CALLS for w in words[1:2]):
        raise refuse("CALL of this function", "Call a verb as FROM ml_promote('m@2').")


_INSTEAD = {
    "COPY": "The server copies from and to the client only: COPY t FROM STDIN, COPY t TO STDOUT.",
    "SET": "DuckDB's settings belong to whoever runs the server.",
}


def _inner(
    con: duckdb.DuckDBPyConnection, text: str, words: Sequence[Token], identity: Identity | None
) -> Statement | None:
    """The statement that EXPLAIN or PREPARE holds, judged as itself."""
    first = words[0].word if words else ""
    if first == "prepare":
        at = next((i + 1 for i, w in enumerate(words) if w.text.lower() == "as"), len(words))
    elif first == "explain":
        at = _behind_explain(words)
    else:
        return None
    return _check(con, text[words[at].begin :], identity) if at < len(words) else None


def _behind_explain(words: Sequence[Token]) -> int:
    """Where the statement begins, behind ANALYZE, VERBOSE or options in parentheses."""
    at = 1
    while at < len(words) and words[at].text.lower() in ("analyze", "analyse", "verbose"):
        at += 1
    if at + 1 < len(words) and words[at].text == "(" and words[at + 1].word in ("format", "analyze", "verbose"):
        depth = 0
        for i in range(at, len(words)):
            depth += {"(": 1, ")": -1}.get(words[i].text, 0)
            if not depth:
                return i + 1
    return at


def _kind(parsed: Sequence[duckdb.Statement], words: Sequence[Token]) -> str:
    """A PIVOT over unknown values becomes several: types made first, all in one transaction."""
    kinds = [one.type.name for one in parsed]
    if len(kinds) > 1:
        kinds = [k for k in kinds if k != "TRANSACTION"]
        pivots = any(w.word in ("pivot", "pivot_wider") for w in words)
        if not kinds or not pivots or any(k != "CREATE" for k in kinds[:-1]):
            return kinds[0] if kinds else "MULTI"
    return kinds[-1] if kinds else "MULTI"


def _parameters(parsed: Sequence[duckdb.Statement]) -> frozenset[str]:
    return frozenset(name for one in parsed for name in one.named_parameters)


def _returns_rows(kind: str, words: Sequence[Token]) -> bool:
    if kind in _WRITING:
        return any(w.text.lower() == "returning" for w in words)
    return kind in ("SELECT", "EXPLAIN", "EXECUTE", "CALL", "PRAGMA")
