"""Expressions that users write as texts: parsed, of nodes that are all known, and written anew, each name quoted."""

from __future__ import annotations

from collections.abc import Collection

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from mfgsql.errors import OptionError, did_you_mean

DIALECT = "duckdb"
VALUES: tuple[type[exp.Expression], ...] = (
    exp.Column, exp.Identifier, exp.Literal, exp.Boolean, exp.Null, exp.Paren, exp.Neg, exp.Add, exp.Sub, exp.Mul,
    exp.Div, exp.Abs, exp.Least, exp.Greatest, exp.Coalesce, exp.Round, exp.Sqrt,
)  # fmt: skip
CONDITIONS: tuple[type[exp.Expression], ...] = (
    *VALUES, exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.In, exp.Between, exp.Is,
    exp.Like,
)  # fmt: skip


def sql_of(node: exp.Expression) -> str:
    """SQL of a parsed expression, all names quoted."""
    return str(node.sql(dialect=DIALECT, identify=True, comments=False))


class Names:
    """Names that may stand in an expression, whatever their case; some of them are decided about."""

    def __init__(self, decided: Collection[str], columns: Collection[str]) -> None:
        self.decided = {name.lower(): name for name in decided}
        self.columns = {name.lower(): name for name in columns} | self.decided

    def of(self, column: exp.Column, text: str) -> str:
        """As it is spelt where it comes from."""
        name = self.columns.get(column.name.lower())
        if column.table or name is None:
            hint = did_you_mean(column.name, self.columns.values())
            raise OptionError(f"The constraint '{text}' names {column.sql()!r}, which there is not.{hint}",
                              remedy=f"It may name {', '.join(self.columns.values())}.")  # fmt: skip
        return name

    def decides(self, node: exp.Expression) -> bool:
        """Whether something that is decided about stands in it."""
        return any(column.name.lower() in self.decided for column in node.find_all(exp.Column))


def tree_of(text: str, forms: str) -> exp.Expression:
    """The tree of one expression.

    Args:
        forms: what it is to be, in words.

    Raises:
        OptionError: it can't be parsed, or is more than one.
    """
    try:
        parsed = sqlglot.parse(f"SELECT {text}", dialect=DIALECT)
    except (SqlglotError, RecursionError):
        parsed = []
    if len(parsed) == 1 and isinstance(parsed[0], exp.Select) and len(parsed[0].expressions) == 1:
        whole = parsed[0]
        if {name for name, value in whole.args.items() if value} <= {"kind", "expressions"}:
            tree: exp.Expression = whole.expressions[0]
            return tree.unnest() if isinstance(tree, exp.Paren) else tree
    raise OptionError(f"The constraint '{text}' can't be parsed: it is {forms}.")


def checked(
    text: str, node: exp.Expression, names: Names, known: tuple[type[exp.Expression], ...], forms: str
) -> exp.Expression:
    """A copy in which all nodes are known and names are spelt as columns are.

    Raises:
        OptionError: it holds another node, or names what isn't there.
    """
    copy = node.copy()
    for part in copy.walk():
        if not isinstance(part, known):
            raise OptionError(f"The constraint '{text}' holds {part.sql(dialect=DIALECT)!r}, which can't stand there.",
                              remedy=f"It is {forms}.")  # fmt: skip
    for column in list(copy.find_all(exp.Column)):
        column.this.set("this", names.of(column, text))
    return copy
