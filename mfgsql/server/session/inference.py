"""Types of parameters that a client has left to the server: found from what each stands beside.

PostgreSQL finds them as it parses. DuckDB tells none, so a parameter takes the type of what it is compared with, of the
column that it is written to, of its cast, or of a LIMIT; DuckDB says what those types are. Whatever is left is text.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import lru_cache

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from mfgsql.errors import MfgsqlError, of_duckdb
from mfgsql.wire.placeholders import MARK, marked

Describe = Callable[[str], list[str]]  # a SELECT's types, by DuckDB
_COMPARING = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Between, exp.In)
_COUNTING = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod)
_NUMBERS = ("INT", "DECIMAL", "DOUBLE", "FLOAT")


def infer(sql: str, wanted: Collection[str], describe: Describe) -> dict[str, str]:
    """DuckDB's types of parameters by number; those that can't be found are left out.

    Args:
        describe: gives the types of a SELECT's columns; it may raise whatever DuckDB raises.
    """
    try:
        tree = sqlglot.parse_one(marked(sql), read="duckdb")
    except (SqlglotError, RecursionError):
        return {}
    describe = lru_cache(maxsize=None)(describe)  # a row of an INSERT asks as the one before
    found: dict[str, str] = {}
    for parameter in _parameters(tree):
        number = parameter.name.removeprefix(MARK)
        if number in wanted and number not in found:
            kind = _kind_of(parameter, tree, describe)
            if kind:
                found[number] = kind
    return found


def _kind_of(parameter: exp.Expression, tree: exp.Expression, describe: Describe) -> str | None:
    node: exp.Expression = parameter
    while isinstance(node.parent, exp.Paren):
        node = node.parent
    parent = node.parent
    if isinstance(parent, exp.Cast | exp.TryCast) and parent.this is node:
        return _described(exp.select(exp.cast(exp.null(), _sized(parent.to))), describe)  # INT is INTEGER
    if isinstance(parent, exp.Limit | exp.Offset | exp.Fetch):
        return "BIGINT"
    if isinstance(parent, exp.Tuple) and isinstance(parent.parent, exp.Values):
        return _of_insert(tree, parent.expressions.index(node), describe)
    if isinstance(parent, exp.Select) and isinstance(tree, exp.Insert) and parent is tree.expression:
        return _of_insert(tree, parent.expressions.index(node), describe)
    if (
        isinstance(parent, exp.EQ)
        and isinstance(parent.parent, exp.Update | exp.OnConflict)
        and parent.expression is node
    ):
        return _typed(parent.this, parent, describe)
    if isinstance(parent, (*_COMPARING, exp.Tuple, exp.Coalesce)):
        return _first(_others(parent, node), node, describe)
    if isinstance(parent, exp.Any) and isinstance(parent.parent, exp.EQ):
        kind = _first(_others(parent.parent, parent), node, describe)
        return f"{kind}[]" if kind else None
    if isinstance(parent, _COUNTING):
        kind = _first(_others(parent, node), node, describe)
        return kind if kind and any(word in kind for word in _NUMBERS) else None
    return None


def _sized(kind: exp.DataType) -> exp.DataType:
    """FLOAT(53) is a DOUBLE, which sqlglot writes as REAL(53)."""
    if kind.this != exp.DataType.Type.FLOAT or not kind.expressions:
        return kind.copy()
    return exp.DataType.build("DOUBLE" if int(kind.expressions[0].name) > 24 else "FLOAT", dialect="duckdb")


def _others(parent: exp.Expression, node: exp.Expression) -> list[exp.Expression]:
    """What stands beside it, without parameters of its own."""
    if isinstance(parent, exp.Tuple) and isinstance(parent.parent, exp.In):
        parent = parent.parent
    beside = [e for e in parent.iter_expressions() if e is not node]
    return [exp.paren(e) if isinstance(e, exp.Query) else e for e in beside if not any(_parameters(e))]


def _parameters(tree: exp.Expression) -> list[exp.Column]:
    return [c for c in tree.find_all(exp.Column) if c.name.startswith(MARK)]


def _first(candidates: list[exp.Expression], node: exp.Expression, describe: Describe) -> str | None:
    return next((kind for e in candidates if (kind := _typed(e, node, describe))), None)


def _typed(expression: exp.Expression, at: exp.Expression, describe: Describe) -> str | None:
    """DuckDB's type of an expression, where the names of that place hold."""
    scope = at.find_ancestor(exp.Select, exp.Update, exp.Delete, exp.Insert)
    probe = exp.select(exp.paren(expression.copy()))
    if isinstance(scope, exp.Select):
        for key in ("from_", "from", "joins", "with_", "with", "laterals"):
            if value := scope.args.get(key):
                probe.set(key, [v.copy() for v in value] if isinstance(value, list) else value.copy())
        root = scope.root()
        for key in ("with_", "with"):
            if root is not scope and root.args.get(key) and not probe.args.get(key):
                probe.set(key, root.args[key].copy())
    elif scope is not None and isinstance(scope.this, exp.Table | exp.Schema):
        table = scope.this.this if isinstance(scope.this, exp.Schema) else scope.this
        probe = probe.from_(table.copy())
    return _described(_without_parameters(probe), describe)


def _of_insert(tree: exp.Expression, at: int, describe: Describe) -> str | None:
    """The type of the column that a value is written to."""
    if not isinstance(tree, exp.Insert):
        return None
    target = tree.this
    if isinstance(target, exp.Schema):
        if at >= len(target.expressions):
            return None
        named = target.expressions[at]
        column = exp.column((named if isinstance(named, exp.Identifier) else named.this).copy())
        return _described(exp.select(column).from_(target.this.copy()), describe)
    if not isinstance(target, exp.Table):
        return None
    types = _all_described(exp.select("*").from_(target.copy()), describe)
    return types[at] if at < len(types) else None


def _without_parameters(probe: exp.Expression) -> exp.Expression:
    for parameter in _parameters(probe):
        parameter.replace(exp.null())
    return probe


def _described(probe: exp.Expression, describe: Describe) -> str | None:
    types = _all_described(probe, describe)
    return types[0] if types and types[0] not in ('"NULL"', "NULL") else None


def _all_described(probe: exp.Expression, describe: Describe) -> list[str]:
    try:
        return describe(probe.sql(dialect="duckdb"))
    except Exception as error:
        if of_duckdb(error) or isinstance(error, MfgsqlError):
            return []  # the statement itself will say what is wrong with it
        raise
