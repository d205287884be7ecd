"""Names of output columns as PostgreSQL gives them: a call's is the function's, a cast's is what it casts."""

from __future__ import annotations

from functools import singledispatch

from sqlglot import exp

from mfgsql.server.catalog.calling import function_name

_NAMES: dict[type[exp.Expression], str] = {
    exp.Exists: "exists",
    exp.Array: "array",
    exp.Explode: "unnest",
    exp.GroupConcat: "string_agg",
    exp.Coalesce: "coalesce",
    exp.CurrentVersion: "version",
}


def fold_names(tree: exp.Expression) -> None:
    """Names that are not quoted are lower case in PostgreSQL, those of outputs, too."""
    for name in tree.find_all(exp.Identifier):
        if not name.quoted:
            name.set("this", name.name.lower())


def name_outputs(tree: exp.Query) -> None:
    """Give each output of each SELECT that has no name the one that PostgreSQL gives it."""
    outermost: exp.Expression = tree
    while isinstance(outermost, exp.SetOperation | exp.Subquery):
        outermost = outermost.this
    for select in tree.find_all(exp.Select):
        for output in list(select.expressions):
            if isinstance(output, exp.Alias | exp.Column) or output.is_star:
                continue
            if name := _name(output) or _kind(output) or ("?column?" if select is outermost else None):
                output.replace(exp.alias_(output.copy(), name, quoted=True))


def _kind(node: exp.Expression) -> str | None:
    """The weaker name: of a type, or ``case``."""
    node = node.unnest()
    if isinstance(node, exp.Cast):
        return str(node.to.sql(dialect="postgres")).rsplit(".", 1)[-1].strip('"').lower()
    return "case" if isinstance(node, exp.Case) else None


@singledispatch
def _name(node: exp.Expression) -> str | None:
    """The name of a column or function in it."""
    if type(node) in _NAMES:
        return _NAMES[type(node)]
    if isinstance(node, exp.Connector | exp.Predicate) or not isinstance(node, exp.Func):
        return None
    return function_name(node) if isinstance(node, exp.Anonymous) else str(node.sql_name()).lower()


@_name.register(exp.Column)
@_name.register(exp.Identifier)
def _(node: exp.Expression) -> str | None:
    return str(node.name)


@_name.register(exp.Paren)
@_name.register(exp.Bracket)
@_name.register(exp.Cast)
def _(node: exp.Expression) -> str | None:
    return _name(node.this)


@_name.register(exp.Dot)
def _(node: exp.Dot) -> str | None:
    return _name(node.expression)


@_name.register(exp.Case)
def _(node: exp.Case) -> str | None:
    default = node.args.get("default")
    return None if default is None else _name(default)


@_name.register(exp.Subquery)
def _(node: exp.Subquery) -> str | None:
    first = node.this.selects[0] if isinstance(node.this, exp.Query) and node.this.selects else None
    return str(first.alias) if isinstance(first, exp.Alias) else _name(first) if first is not None else None
