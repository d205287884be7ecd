"""Constraints as users write them, ``'sum(quantity) OVER (PARTITION BY plant) <= 400'``: parsed, never pasted into SQL.

What comes of a text is a tree of a few kinds of nodes, all of which are known; SQL is written from it anew, with each
name quoted. A side is linear in the names that are to be decided about: for each there is a factor, an expression of
other columns, and what is left is the side's constant.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from mfgsql.engine.expressions import CONDITIONS, DIALECT, VALUES, Names, checked, texts_of, tree_of
from mfgsql.errors import OptionError

FORMS = "a comparison, as 'lane_capacity <= 400' or 'quantity <= capacity'"
_TURNED = {"<=": ">=", ">=": "<=", "=": "="}
_COMPARED: dict[type[exp.Expression], str] = {exp.LTE: "<=", exp.GTE: ">=", exp.EQ: "="}


@dataclass(frozen=True)
class Linear:
    """A sum of decided values times factors, and a constant.

    Attributes:
        factors: by the name of what is decided; expressions of other columns. constant: one, too.
    """

    factors: dict[str, exp.Expression] = field(default_factory=dict)
    constant: exp.Expression = field(default_factory=lambda: exp.Literal.number(0))


@dataclass(frozen=True)
class Constraint:
    """One comparison of a row's values, or of sums over rows.

    Attributes:
        text: as it was written. sum: what is added up for the rows. op: ``<=``, ``>=`` or ``=``. bound: what it is
            compared with, an expression of columns. total: whether all rows of a group are added up. groups: columns
            that make groups; none: all rows are one. where: the rows that are added up, or compared.
    """

    text: str
    sum: Linear
    op: str
    bound: exp.Expression
    total: bool = False
    groups: tuple[str, ...] = ()
    where: exp.Expression | None = None


def parse_constraints(texts: Any, decided: Collection[str], columns: Collection[str]) -> list[Constraint]:
    """What a list of texts says, or a single one.

    Args:
        decided: names of what is decided about. columns: what else may be named.

    Raises:
        OptionError: a text is no such comparison; the message shows it.
    """
    listed = texts_of(texts, f"subject_to is a list of texts, each {FORMS}")
    return [constraint for text in listed for constraint in _parse(text, Names(decided, columns))]


def _parse(text: str, names: Names) -> list[Constraint]:
    tree = tree_of(text, FORMS, names)
    if isinstance(tree, exp.Between) and not tree.args.get("symmetric"):
        ends = ((exp.GTE, tree.args["low"]), (exp.LTE, tree.args["high"]))
        return [_compared(text, kind(this=tree.this.copy(), expression=end.copy()), names) for kind, end in ends]
    if isinstance(tree, exp.LT | exp.GT):
        raise OptionError(f"The constraint '{text}' is strict: write <= or >=, which is as good for numbers.")
    if isinstance(tree, exp.And):
        raise OptionError(f"The constraint '{text}' is two: write them as two texts of the list.")
    if type(tree) not in _COMPARED:
        raise OptionError(f"The constraint '{text}' is not {FORMS}.")
    return [_compared(text, tree, names)]


def _compared(text: str, tree: exp.Expression, names: Names) -> Constraint:
    left, right, op = tree.this, tree.expression, _COMPARED[type(tree)]
    if not _sums(left) and _sums(right):
        left, right, op = right, left, _TURNED[op]
    if _sums(left):
        if _sums(right) or names.decides(right):
            raise OptionError(f"The constraint '{text}' has what is decided about on both sides of a sum.",
                              remedy="Bring it to one side: 'sum(a - b) <= 0'.")  # fmt: skip
        return _of_sum(text, left, op, checked(text, right, names, VALUES, FORMS), names)
    told = _Linearity(text, names).of(exp.Sub(this=exp.paren(left.copy()), expression=exp.paren(right.copy())))
    if not told.factors:
        raise OptionError(f"The constraint '{text}' says nothing of {', '.join(names.decided.values())}.")
    return Constraint(text, Linear(told.factors), op, exp.Neg(this=exp.paren(told.constant)))


def _sums(node: exp.Expression) -> bool:
    return node.find(exp.Sum, exp.Window, exp.Filter, exp.AggFunc) is not None


def _of_sum(text: str, node: exp.Expression, op: str, bound: exp.Expression, names: Names) -> Constraint:
    """Of ``sum(..) [FILTER (WHERE ..)] [OVER (PARTITION BY ..)]``."""
    form = "sum(quantity) FILTER (WHERE depot = 'north') OVER (PARTITION BY plant)"
    groups: tuple[str, ...] = ()
    node = node.unnest()
    if isinstance(node, exp.Window):
        parts = node.args.get("partition_by") or []
        more = any(value for name, value in node.args.items() if name not in ("this", "partition_by", "over"))
        if more or not all(isinstance(part, exp.Column) for part in parts):
            raise OptionError(f"The constraint '{text}' has a window that is more than groups.", remedy=f"As {form}.")
        groups = tuple(names.of(part, text) for part in parts)
        node = node.this
    where = None
    if isinstance(node, exp.Filter):
        where = checked(text, node.expression.this, names, CONDITIONS, FORMS)
        if names.decides(where):
            raise OptionError(f"The constraint '{text}' chooses rows by what is decided about.")
        node = node.this
    if not isinstance(node, exp.Sum) or node.args.get("distinct") or isinstance(node.this, exp.Distinct):
        raise OptionError(f"The constraint '{text}' adds up in a way that is not known.", remedy=f"As {form}.")
    told = _Linearity(text, names).of(node.this)
    if not told.factors:
        raise OptionError(f"The constraint '{text}' says nothing of {', '.join(names.decided.values())}.")
    return Constraint(text, told, op, bound, True, groups, where)


@dataclass(frozen=True)
class _Linearity:
    """Takes expressions apart."""

    text: str
    names: Names

    def of(self, node: exp.Expression) -> Linear:
        """The expression as factors and a constant.

        Raises:
            OptionError: it is not linear.
        """
        if not self.names.decides(node):
            return Linear({}, checked(self.text, node, self.names, VALUES, FORMS))
        parts: dict[type[exp.Expression], Callable[[Any], Linear]] = {
            exp.Column: self._column, exp.Paren: lambda n: self.of(n.this), exp.Neg: self._negative,
            exp.Add: lambda n: _added(self.of(n.this), self.of(n.expression)),
            exp.Sub: lambda n: _added(self.of(n.this), _times(self.of(n.expression), exp.Literal.number(-1))),
            exp.Mul: self._product, exp.Div: self._quotient,
        }  # fmt: skip
        if type(node) not in parts:
            raise self._bent(node)
        return parts[type(node)](node)

    def _column(self, node: exp.Column) -> Linear:
        return Linear({self.names.of(node, self.text): exp.Literal.number(1)})

    def _negative(self, node: exp.Neg) -> Linear:
        return _times(self.of(node.this), exp.Literal.number(-1))

    def _product(self, node: exp.Mul) -> Linear:
        left, right = self.of(node.this), self.of(node.expression)
        if left.factors and right.factors:
            raise self._bent(node)
        return _times(left, right.constant) if left.factors else _times(right, left.constant)

    def _quotient(self, node: exp.Div) -> Linear:
        left, right = self.of(node.this), self.of(node.expression)
        if right.factors:
            raise self._bent(node)
        return _times(left, exp.Div(this=exp.Literal.number("1.0"), expression=exp.paren(right.constant)))

    def _bent(self, node: exp.Expression) -> OptionError:
        shown = node.sql(dialect=DIALECT)
        return OptionError(f"The constraint '{self.text}' is not linear in {', '.join(self.names.decided.values())}: "
                           f"{shown}.")  # fmt: skip


def _added(left: Linear, right: Linear) -> Linear:
    factors = dict(left.factors)
    for name, factor in right.factors.items():
        known = factors.get(name)
        factors[name] = exp.Add(this=exp.paren(known), expression=exp.paren(factor)) if known else factor
    return Linear(factors, exp.Add(this=exp.paren(left.constant), expression=exp.paren(right.constant)))


def _times(of: Linear, factor: exp.Expression) -> Linear:
    def scaled(node: exp.Expression) -> exp.Expression:
        return exp.Mul(this=exp.paren(node.copy()), expression=exp.paren(factor.copy()))

    return Linear({name: scaled(one) for name, one in of.factors.items()}, scaled(of.constant))
