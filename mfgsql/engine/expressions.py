"""Expressions that users write as texts: parsed, of nodes that are all known, and written anew, each name quoted."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from mfgsql.errors import OptionError, did_you_mean

DIALECT = "duckdb"
_PLAIN = re.compile(r"[^\W\d]\w*")  # a name that needs no quotes, unless it is a word of SQL
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
    """Names that may stand in an expression, whatever their case; some of them are decided about.

    Args:
        what: the text is, for messages.
    """

    def __init__(self, decided: Collection[str], columns: Collection[str], what: str = "constraint") -> None:
        self.decided, self.what = {name.lower(): name for name in decided}, what
        self.columns = {name.lower(): name for name in columns} | self.decided

    def of(self, column: exp.Column, text: str) -> str:
        """As it is spelt where it comes from."""
        name = self.columns.get(column.name.lower())
        if column.table or name is None:
            known, hint = ", ".join(self.columns.values()), did_you_mean(column.name, self.columns.values())
            raise OptionError(f"The {self.what} '{text}' names {column.sql()!r}, which there is not.{hint}",
                              remedy=self.quoted(text) or f"It may name {known}.")  # fmt: skip
        return name

    def decides(self, node: exp.Expression) -> bool:
        """Whether something that is decided about stands in it."""
        return any(column.name.lower() in self.decided for column in node.find_all(exp.Column))

    def quoted(self, text: str) -> str | None:
        """How a text is to be written that holds a name of more than one word without quotes around it."""
        for name in sorted(self.columns.values(), key=len, reverse=True):
            place = text.lower().find(name.lower())
            if place >= 0 and not _PLAIN.fullmatch(name) and text[place - 1 : place] != '"':
                better = f"{text[:place]}{exp.to_identifier(name, quoted=True).sql(DIALECT)}{text[place + len(name) :]}"
                return f"Put double quotes around the name: '{better}'."
        return None


def tree_of(text: str, forms: str, names: Names) -> exp.Expression:
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
    raise OptionError(f"The {names.what} '{text}' can't be parsed: it is {forms}.", remedy=names.quoted(text))


def texts_of(told: Any, says: str) -> list[str]:
    """A text, or a list of them; none where nothing is told.

    Args:
        says: what they are, for the message.

    Raises:
        OptionError: it is something else.
    """
    texts = [told] if isinstance(told, str) else [] if told is None else told
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise OptionError(f"{says}, not {told!r}.")
    return texts


def conjuncts(tree: exp.Expression) -> list[exp.Expression]:
    """What has to hold all at once, without parentheses around it."""
    tree = tree.unnest()
    return [*conjuncts(tree.left), *conjuncts(tree.right)] if isinstance(tree, exp.And) else [tree]


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
            holds = f"holds {part.sql(dialect=DIALECT)!r}, which can't stand there."
            raise OptionError(f"The {names.what} '{text}' {holds}", remedy=names.quoted(text) or f"It is {forms}.")
    for column in list(copy.find_all(exp.Column)):
        column.this.set("this", names.of(column, text))
    return copy
