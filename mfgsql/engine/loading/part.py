"""A file as the database sees it: a relation, and for each column an expression over it."""

from __future__ import annotations

from dataclasses import dataclass, replace

UNKNOWN = '"NULL"'  # DuckDB's own word for the type of a column that holds nothing


@dataclass(frozen=True)
class Column:
    """One column of a part.

    Attributes:
        name: as the file has it.
        type: DuckDB's name of the type of ``sql``; ``UNKNOWN`` when no row has a value.
        sql: the expression over the relation.
        text: the cell as the file wrote it, when the file is text; so another type loses nothing.
        read_as: how the text was read, in words.
        spelt: the text with its numbers in SQL's spelling, where a column of numbers has other text too.
    """

    name: str
    type: str
    sql: str
    text: str | None = None
    read_as: str = ""
    spelt: str | None = None


@dataclass(frozen=True)
class Part:
    """One file's rows.

    Attributes:
        path: for messages.
        relation: what stands behind FROM.
        comma: whether a comma in its text may be a decimal sign.
    """

    path: str
    relation: str
    columns: tuple[Column, ...]
    comma: bool = True

    def find(self, name: str) -> Column | None:
        """The column of that name; SQL's names know no case."""
        return next((c for c in self.columns if fold(c.name) == fold(name)), None)

    def having(self, column: Column) -> Part:
        """The part with a column of the same name replaced."""
        return replace(self, columns=tuple(column if c.name == column.name else c for c in self.columns))


def fold(name: str) -> str:
    """A name as DuckDB compares it: A-Z only, so that 'Ä' and 'ä' stay two columns."""
    return "".join(c.lower() if c.isascii() else c for c in name)
