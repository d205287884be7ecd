"""Conditions on a row's values, ``'water between 140 and 190'``: parsed, then judged by SQL.

Candidates are rows of values that a search proposes. Of each condition SQL tells how far a row is from holding, so
that a search knows where to go, and in the end, by the condition itself, whether it holds.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sqlglot import exp

from mfgsql.engine.expressions import CONDITIONS, VALUES, Names, checked, conjuncts, sql_of, texts_of, tree_of
from mfgsql.engine.quoting import quote_identifier
from mfgsql.errors import DataError, OptionError
from mfgsql.features.profile import INTEGER_TYPES, base_type

FORMS = "a condition on columns, as 'water between 140 and 190', 'cement + slag <= 500' or 'line in (''A'', ''B'')'"
_MATHS: tuple[type[exp.Expression], ...] = (exp.Exp, exp.Ln, exp.Pow, exp.Floor, exp.Ceil)
_KNOWN: tuple[type[exp.Expression], ...] = (*CONDITIONS, *_MATHS, exp.Case, exp.If, exp.Tuple)
_EXPRESSION = "expressions of columns, as 0.12 * cement"
_DIFFERENCES: dict[type[exp.Expression], str] = {
    exp.LTE: "({a}) - ({b})", exp.LT: "({a}) - ({b})", exp.GTE: "({b}) - ({a})", exp.GT: "({b}) - ({a})",
    exp.EQ: "abs(({a}) - ({b}))",
}  # fmt: skip
_TURNED = {exp.LTE: exp.GTE, exp.LT: exp.GT, exp.GTE: exp.LTE, exp.GT: exp.LT, exp.EQ: exp.EQ}
_BROKEN = 1.0  # how far a condition is from holding where no number tells it
_CANDIDATES = "__ml_candidates"
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Condition:
    """One condition.

    Attributes:
        text: as it was written. tree: parsed, names spelt as columns are. columns: that it names.
    """

    text: str
    tree: exp.Expression
    columns: frozenset[str]

    @property
    def sql(self) -> str:
        """The condition itself, all names quoted."""
        return sql_of(self.tree)

    @property
    def excess(self) -> str:
        """SQL of how far a row is from holding: 0 where it does, of numbers relative to their size, else 1."""
        return f"CASE WHEN {self.sql} THEN 0 ELSE coalesce(nullif({_excess(self.tree)}, 0), 1e-9) END"

    def parts(self) -> list[exp.Expression]:
        """What has to hold altogether: the sides of AND, and both ends of BETWEEN."""
        return _parts(self.tree)


@dataclass(frozen=True)
class Range:
    """What conditions on one column alone leave of its values.

    Attributes:
        low, high: of numbers. among: values, where they are listed.
    """

    low: float = -math.inf
    high: float = math.inf
    among: tuple[Any, ...] | None = None

    def __and__(self, other: Range) -> Range:
        """What both leave."""
        among = self.among if other.among is None else other.among
        if self.among is not None and other.among is not None:
            among = tuple(v for v in self.among if v in other.among)
        return Range(max(self.low, other.low), min(self.high, other.high), among)


def parse_conditions(
    texts: Any, columns: Collection[str], argument: str = "subject_to", truths: Collection[str] = ()
) -> list[Condition]:
    """What a list of texts says, or a single one.

    Args:
        columns: what may be named. argument: whose texts they are, for messages. truths: columns that are true or
            false, each of which is a condition by itself.

    Raises:
        OptionError: a text is no condition; the message shows it.
    """
    listed = texts_of(texts, f"{argument} is a list of texts, each {FORMS}")
    return [_parsed(text, Names((), columns), truths) for text in listed]


def _parsed(text: str, names: Names, truths: Collection[str]) -> Condition:
    tree = checked(text, tree_of(text, FORMS, names), names, _KNOWN, FORMS)
    truth = isinstance(tree, exp.Column) and tree.name in truths
    if not truth and not isinstance(tree, exp.Predicate | exp.Connector | exp.Not):
        raise OptionError(f"The constraint '{text}' is no condition that holds or doesn't.", remedy=f"It is {FORMS}.")
    named = frozenset(column.name for column in tree.find_all(exp.Column))
    if not named:
        raise OptionError(f"The constraint '{text}' names no column.", remedy=f"It is {FORMS}.")
    return Condition(text, tree, named)


def parse_derived(told: Any, columns: Collection[str], fixed: Collection[str] = ()) -> dict[str, exp.Expression]:
    """Columns computed of others, ``{'cost': '0.12 * cement + 0.05 * slag'}``, each may name those before it.

    Args:
        columns: what may be named. fixed: of them those that can't be computed anew.

    Raises:
        OptionError: a text is no expression; the message shows it.
    """
    if told is None:
        return {}
    if not isinstance(told, dict) or not all(isinstance(text, str) for text in told.values()):
        raise OptionError(f"derive is a struct of {_EXPRESSION}: {{'cost': '0.12 * cement'}}, not {told!r}.")
    found: dict[str, exp.Expression] = {}
    for name, text in told.items():
        if name.lower() in {other.lower() for other in fixed}:
            raise OptionError(f"derive makes '{name}', which a model predicts: give it another name.")
        known = [c for c in columns if c.lower() not in (name.lower(), *map(str.lower, found))]
        names = Names((), [*known, *found], "expression")
        tree = checked(text, tree_of(text, _EXPRESSION, names), names, (*VALUES, *_MATHS), _EXPRESSION)
        found[name] = renamed(tree, found)
    return found


def computed_among(columns: Iterable[str], derived: Iterable[str]) -> dict[str, str]:
    """Those of the columns that ``derive`` makes, whatever the case of their names, and what it calls them."""
    made = {name.lower(): name for name in derived}
    return {name: made[name.lower()] for name in columns if name.lower() in made}


def renamed(tree: exp.Expression, by_name: Mapping[str, exp.Expression]) -> exp.Expression:
    """A copy with expressions in place of columns."""

    def put(node: exp.Expression) -> exp.Expression:
        known = by_name.get(node.name) if isinstance(node, exp.Column) else None
        return node if known is None else exp.paren(known.copy())

    return tree.copy().transform(put)


def replaced(condition: Condition, by_name: Mapping[str, exp.Expression]) -> Condition:
    """The condition with expressions in place of columns."""
    tree = renamed(condition.tree, by_name)
    return Condition(condition.text, tree, frozenset(column.name for column in tree.find_all(exp.Column)))


def ranges(conditions: Sequence[Condition]) -> dict[str, Range]:
    """By column, what the conditions on it alone leave: those that compare it with numbers, or list its values."""
    found: dict[str, Range] = {}
    for part in (part for condition in conditions for part in condition.parts()):
        told = _range(part)
        if told is not None:
            name, left = told
            found[name] = found.get(name, Range()) & left
    return found


class Judge:
    """Judges candidates by conditions, through DuckDB.

    Args:
        con: its statements run there. types: DuckDB's type of each column that a condition may name, as which its
            values are read; whole numbers and decimals as the widest, or UTINYINT could hold no sum and no difference.
        expressions: of columns, whose numbers are asked for.
    """

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        conditions: Sequence[Condition],
        types: Mapping[str, str],
        expressions: Sequence[exp.Expression] = (),
    ) -> None:
        self.con, self.conditions, self.expressions = con, list(conditions), list(expressions)
        in_expressions = {column.name for tree in expressions for column in tree.find_all(exp.Column)}
        named = sorted({name for condition in conditions for name in condition.columns} | in_expressions)
        self.columns = named
        cast = ", ".join(f"CAST({quote_identifier(n)} AS {_wide(types[n])}) AS {quote_identifier(n)}" for n in named)
        self._rows = f"(SELECT {cast or '*'} FROM {_CANDIDATES})"

    def excess(self, values: Mapping[str, Any]) -> Floats:
        """How far each row is from holding, [rows, conditions]; 0 just where it holds: one that is NULL doesn't.

        Args:
            values: by column, arrays or lists [rows].
        """
        found: Floats = self._asked(values, [condition.excess for condition in self.conditions], np.float64)
        return found

    def numbers(self, values: Mapping[str, Any]) -> Floats:
        """The expressions' numbers of each row, [rows, expressions]; NaN where one is NULL."""
        asked = [f"coalesce(CAST({sql_of(tree)} AS DOUBLE), 'nan'::DOUBLE)" for tree in self.expressions]
        found: Floats = self._asked(values, asked, np.float64)
        return found

    def _asked(self, values: Mapping[str, Any], asked: Sequence[str], kind: Any) -> Any:
        rows = len(next(iter(values.values())))
        if not asked:
            return np.zeros((rows, 0), kind)
        named = {name: pa.array(values[name], from_pandas=True) for name in self.columns}
        table = pa.table(named or {"__ml_row": np.arange(rows)})
        self.con.register(_CANDIDATES, table)
        try:
            selected = ", ".join(f"{sql} AS c{i}" for i, sql in enumerate(asked))
            found = self.con.execute(f"SELECT {selected} FROM {self._rows}").fetchnumpy()
        except (duckdb.BinderException, duckdb.ConversionException, duckdb.OutOfRangeException) as error:
            texts = ", ".join([f"'{c.text}'" for c in self.conditions] + [f"'{sql_of(e)}'" for e in self.expressions])
            what = str(error).splitlines()[0]
            raise DataError(f"The constraints {texts} can't be told of these columns: {what}") from None
        finally:
            self.con.unregister(_CANDIDATES)
        return np.stack([np.asarray(found[f"c{i}"], kind) for i in range(len(asked))], axis=1)


def _wide(type_name: str) -> str:
    """A type that holds all sums of this one."""
    kind = base_type(type_name)
    if kind == "DECIMAL" and "," in type_name:
        return f"DECIMAL(38,{type_name.split(',')[1].rstrip(') ')})"
    return type_name if kind not in INTEGER_TYPES else "DOUBLE" if kind == "UHUGEINT" else "HUGEINT"


def _parts(tree: exp.Expression) -> list[exp.Expression]:
    return [end for part in conjuncts(tree) for end in _ends(part)]


def _ends(tree: exp.Expression) -> list[exp.Expression]:
    if isinstance(tree, exp.Between) and not tree.args.get("symmetric"):
        low, high = tree.args["low"], tree.args["high"]
        return [exp.GTE(this=tree.this, expression=low), exp.LTE(this=tree.this, expression=high)]
    return [tree]


def _excess(tree: exp.Expression) -> str:
    """SQL; NULL where a value is."""
    parts = _parts(tree)
    if len(parts) > 1:
        return " + ".join(f"({_excess(part)})" for part in parts)
    (tree,) = parts
    if isinstance(tree, exp.Or):
        return f"least({_excess(tree.left)}, {_excess(tree.right)})"
    difference = _DIFFERENCES.get(type(tree))
    if difference is None or not (_numeric(tree.this) and _numeric(tree.expression)):
        return f"CASE WHEN {sql_of(tree)} THEN 0 ELSE {_BROKEN} END"
    a, b = sql_of(tree.this), sql_of(tree.expression)
    size = f"greatest(abs({a}), abs({b}), 1e-9)"
    return f"least(greatest(({difference.format(a=a, b=b)}) / {size}, 0), 2 * {_BROKEN})"


def _numeric(node: exp.Expression) -> bool:
    """Whether it isn't by a text that one compares: texts have no distance."""
    return not any(literal.is_string for literal in node.find_all(exp.Literal)) and not node.find(exp.Boolean, exp.Null)


def _range(part: exp.Expression) -> tuple[str, Range] | None:
    """What one part leaves of one column, where it speaks of one alone."""
    if isinstance(part, exp.In) and isinstance(part.this, exp.Column) and not part.args.get("query"):
        listed = [_constant(e) for e in part.expressions]
        return None if None in listed else (part.this.name, Range(among=tuple(listed)))
    if type(part) not in _TURNED:
        return None
    kind, left, right = type(part), part.this.unnest(), part.expression.unnest()
    if not isinstance(left, exp.Column):
        kind, left, right = _TURNED[kind], right, left
    bound = _constant(right)
    if not isinstance(left, exp.Column) or bound is None:
        return None
    if not isinstance(bound, float):
        return (left.name, Range(among=(bound,))) if kind is exp.EQ else None
    low = bound if kind in (exp.GTE, exp.GT, exp.EQ) else -math.inf
    high = bound if kind in (exp.LTE, exp.LT, exp.EQ) else math.inf
    return left.name, Range(low, high)


def _constant(node: exp.Expression) -> float | str | bool | None:
    node = node.unnest()
    if isinstance(node, exp.Neg):
        value = _constant(node.this)
        return -value if isinstance(value, float) else None
    if isinstance(node, exp.Boolean):
        return bool(node.this)
    if isinstance(node, exp.Literal):
        return str(node.this) if node.is_string else float(node.this)
    return None
