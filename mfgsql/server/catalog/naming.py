"""Names of output columns as PostgreSQL gives them: a call's is the function's, a cast's is what it casts."""

from __future__ import annotations

from sqlglot import exp

from mfgsql.server.catalog.calling import function_name

_KINDS: dict[type[exp.Expression], str] = {
    exp.Case: "case", exp.Exists: "exists", exp.Array: "array", exp.Explode: "unnest", exp.GroupConcat: "string_agg", exp.Coalesce: "coalesce",
    exp.CurrentUser: "current_user", exp.SessionUser: "session_user", exp.CurrentDatabase: "current_database", exp.CurrentSchema: "current_schema",
    exp.CurrentCatalog: "current_catalog", exp.Boolean: "bool",
}  # fmt: skip


def name_outputs(tree: exp.Expression) -> None:
    """Give each output of each SELECT that has no name the one that PostgreSQL gives it."""
    for select in tree.find_all(exp.Select):
        outermost = select is tree
        for output in list(select.expressions):
            if isinstance(output, exp.Alias | exp.Column | exp.Star) or output.is_star:
                continue
            name = _figure(output) or ("?column?" if outermost else None)
            if name:
                output.replace(exp.alias_(output.copy(), name, quoted=True))


def _figure(node: exp.Expression) -> str | None:  # noqa: PLR0912
    if isinstance(node, exp.Paren):
        return _figure(node.this)
    if isinstance(node, exp.Column):
        return str(node.name)
    if isinstance(node, exp.Dot):
        return _figure(node.expression) if isinstance(node.expression, exp.Func) else str(node.expression.name)
    if isinstance(node, exp.Bracket):
        return _figure(node.this)
    if isinstance(node, exp.Cast):
        return _figure(node.this) or str(node.to.sql(dialect="postgres")).rsplit(".", 1)[-1].strip('"').lower()
    if isinstance(node, exp.Subquery):
        first = node.this.selects[0] if isinstance(node.this, exp.Query) and node.this.selects else None
        return (first.alias if isinstance(first, exp.Alias) else _figure(first)) if first is not None else None
    if type(node) in _KINDS:
        return _KINDS[type(node)]
    if isinstance(node, exp.Connector | exp.Predicate) or not isinstance(node, exp.Func):
        return None
    return function_name(node) if isinstance(node, exp.Anonymous) or type(node) is not exp.Func and node.name == "" else str(node.sql_name()).lower()
