"""PostgreSQL's grammar as catalog queries use it: ``oid[]`` and ``regclass[]`` are types, ``AS select`` names a column."""

from __future__ import annotations

from sqlglot import tokens
from sqlglot.dialects.postgres import Postgres


class CatalogSql(Postgres):
    """sqlglot's PostgreSQL, with object identifiers as plain type names."""

    class Tokenizer(Postgres.Tokenizer):
        """Words without those for object identifiers."""

        KEYWORDS = {  # noqa: RUF012  (sqlglot reads a plain class attribute)
            word: kind for word, kind in Postgres.Tokenizer.KEYWORDS.items() if kind is not tokens.TokenType.OBJECT_IDENTIFIER
        }

    class Parser(Postgres.Parser):
        """Any word may stand behind AS."""

        RESERVED_TOKENS = Postgres.Parser.RESERVED_TOKENS - {tokens.TokenType.SELECT}
