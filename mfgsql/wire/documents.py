"""What nests comes from clients as JSON, which is how they get it."""

from __future__ import annotations

from mfgsql.wire.types.pg import read_through


def read_document(value: str, kind: str) -> str | None:
    """SQL that makes a nested value of a text: JSON, else as DuckDB writes it. None: the type is none that nests.

    Args:
        value: SQL of the text. kind: DuckDB's type.
    """
    through = read_through(kind)
    if through is None:
        return None
    as_json = f"WHEN json_valid({value}) THEN CAST(CAST({value} AS {through}) AS {kind})"
    return f"(CASE {as_json} ELSE CAST({value} AS {kind}) END)"
