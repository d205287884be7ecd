"""PostgreSQL's operators and comparisons in DuckDB's words. Each function gives the node that stands in for its own."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from mfgsql.server.catalog.vocabulary import ARRAYS, REGPROCS, VECTORS
from mfgsql.server.catalog.wording import call, is_list, list_of


def operator(node: exp.Operator) -> exp.Expression:
    """``a OPERATOR(pg_catalog.~) b``."""
    build = _OPERATORS.get(str(node.args["operator"]).rsplit(".", 1)[-1].strip())
    return build(node.this, node.expression) if build else node


def collation(node: exp.Collate) -> exp.Expression:
    """``a COLLATE pg_catalog.default`` is a."""
    named = node.expression
    schema = named.table if isinstance(named, exp.Column) else named.this.name if isinstance(named, exp.Dot) else ""
    return node.this if schema.lower() == "pg_catalog" else node


def comparison(node: exp.Binary) -> exp.Expression:
    """Comparisons with array literals, with oids of functions, and with any element of a column."""
    if isinstance(node, exp.EQ) and isinstance(node.expression, exp.Any):
        listed = node.expression.this.unnest()
        if isinstance(listed, exp.Column):  # DuckDB takes ANY for a subquery, and has none in the condition of a join
            return exp.Anonymous(this="list_contains", expressions=[listed.copy(), node.this.copy()])
    for own, other in ((node.this, node.expression), (node.expression, node.this)):
        if isinstance(own, exp.Column):
            _compare(own, other)
    return node


def _compare(column: exp.Column, other: exp.Expression) -> None:
    name = column.name.lower()
    if name in ARRAYS and is_list(other):
        other.replace(list_of(other))
    elif name in REGPROCS and other.is_int:  # 0 is none
        other.replace(exp.Literal.string("-"))
    elif name in REGPROCS and isinstance(other, exp.Column) and other.name.lower().endswith("oid"):
        column.replace(call("regproc_oid", column))


def any_of(node: exp.Any) -> exp.Expression:
    """``ANY ('{r,v}')``."""
    if is_list(inner := node.this.unnest()):
        node.set("this", exp.Paren(this=list_of(inner)))
    return node


def pattern(node: exp.Like | exp.ILike) -> exp.Expression:
    """A backslash in a pattern escapes in PostgreSQL, unless the statement says what does."""
    plain = isinstance(node.expression, exp.Literal) and "\\" not in node.expression.name
    if plain or isinstance(node.parent, exp.Escape):
        return node
    return exp.Escape(this=node.copy(), expression=exp.Literal.string("\\"))


def element(node: exp.Bracket) -> exp.Expression:
    """``indkey[0]``: DuckDB's lists count from 1."""
    if isinstance(node.this, exp.Column) and node.this.name.lower() in VECTORS and len(node.expressions) == 1:
        place = exp.Paren(this=node.expressions[0])
        node.set("expressions", [exp.Add(this=place, expression=exp.Literal.number(1))])
    return node


def division(node: exp.Div) -> exp.Expression:
    """PostgreSQL's whole numbers divide to whole ones. (What was read by DuckDB's grammar is not ``typed``.)"""
    whole = node.args.get("typed") and _is_whole(node.this) and _is_whole(node.expression)
    return exp.IntDiv(this=node.this, expression=node.expression) if whole else node


def _is_whole(node: exp.Expression) -> bool:
    node = node.unnest()
    return bool(node.is_int) or (isinstance(node, exp.Cast) and node.to.this in exp.DataType.INTEGER_TYPES)


def _plain(kind: type[exp.Expression]) -> Callable[[exp.Expression, exp.Expression], exp.Expression]:
    return lambda a, b: kind(this=a, expression=b)


def _negated(kind: type[exp.Expression]) -> Callable[[exp.Expression, exp.Expression], exp.Expression]:
    return lambda a, b: exp.Not(this=exp.Paren(this=kind(this=a, expression=b)))


_OPERATORS: dict[str, Callable[[exp.Expression, exp.Expression], exp.Expression]] = {
    "~": _plain(exp.RegexpLike),
    "!~": _negated(exp.RegexpLike),
    "~*": _plain(exp.RegexpILike),
    "!~*": _negated(exp.RegexpILike),
    "~~": _plain(exp.Like),
    "!~~": _negated(exp.Like),
    "~~*": _plain(exp.ILike),
    "=": _plain(exp.EQ),
    "<>": _plain(exp.NEQ),
    "<": _plain(exp.LT),
    ">": _plain(exp.GT),
    "<=": _plain(exp.LTE),
    ">=": _plain(exp.GTE),
    "||": _plain(exp.DPipe),
    "+": _plain(exp.Add),
    "-": _plain(exp.Sub),
}
