"""A source is SQL, or the name of a file, inside a text: it passes the same policy as a statement."""

from __future__ import annotations

import re

import duckdb

from mfgsql.engine.access.asking import asker
from mfgsql.engine.access.calls import FILE, check_words
from mfgsql.engine.access.roles import refuse
from mfgsql.engine.access.spaces import plain_spaces
from mfgsql.engine.access.statements import check_statements, refuse_before_parsing
from mfgsql.engine.lexing import split, tokens

_ONE_WORD = re.compile(r"[^\s()]+")


def admit_source(con: duckdb.DuckDBPyConnection, text: str) -> str:
    """The source as it may be parsed and bound for whom this thread plans; embedded use may name all.

    Whether there is such a file is not looked at: that, too, would tell something.

    Raises:
        AccessError: a file, or SQL that their role may not use.
    """
    identity = asker()
    if identity is None:
        return text
    name = text.strip().strip("'")
    if _ONE_WORD.fullmatch(name) and ("/" in name or FILE.search(name)):
        raise refuse(f"Reading the file {text!r}", "Load it into a table; of a table's odd name: 'FROM \"x.csv\"'.")
    text = plain_spaces(text)
    for one in split(text):
        refuse_before_parsing(tokens(one))
    for inside in check_words(con, text, tokens(text), identity):
        check_statements(con, inside, identity)
    return text
