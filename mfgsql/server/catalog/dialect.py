"""PostgreSQL's grammar as catalog queries use it: ``oid[]`` is a type, and ``AS select`` names a column."""

from __future__ import annotations

from sqlglot.dialects.postgres import Postgres
from sqlglot.tokens import TokenType


class CatalogSql(Postgres):  # type: ignore[misc]  # sqlglot is read without its types
    """sqlglot's PostgreSQL, a little wider."""

    class Tokenizer(Postgres.Tokenizer):  # type: ignore[misc]
        """Object identifiers (``oid``, ``regclass``) are plain names of types."""

        KEYWORDS = {  # noqa: RUF012  # sqlglot's own way
            word: kind for word, kind in Postgres.Tokenizer.KEYWORDS.items() if kind is not TokenType.OBJECT_IDENTIFIER
        }

    class Parser(Postgres.Parser):  # type: ignore[misc]
        """Any word may stand behind AS."""

        RESERVED_TOKENS = Postgres.Parser.RESERVED_TOKENS - {TokenType.SELECT}
