"""One parsed statement, PostgreSQL's words replaced by DuckDB's: relations, columns, functions, operators, names of outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from sqlglot import exp

from mfgsql.server.catalog import calling, casting, naming
from mfgsql.server.catalog.vocabulary import ARRAYS, INFO_ROLES, REGPROCS, ROLES, SETS, VECTORS, defined, functions, relations
from mfgsql.server.catalog.wording import call, list_of, move

_SYSTEM = frozenset({"ctid", "xmin", "xmax", "cmin", "cmax"})
_COLUMNAR = (exp.Explode, exp.ExplodingGenerateSeries)
_SCHEMAS = frozenset({"pg_catalog", "information_schema"})


class Translation:
    """The work on one tree, which it changes in place.

    Attributes:
        touched: whether anything of the catalog was there; else the tree is of no use.
    """

    def __init__(self, tree: exp.Query, user: str) -> None:
        self.tree, self.user, self.touched = tree, user, False
        self._ctes = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
        self._asks = any(self._is_relation(table) for table in tree.find_all(exp.Table))
        naming.name_outputs(tree)
        self._replace_system_columns()
        root = exp.Subquery(this=tree)  # so that the statement itself has a parent, too
        for node in reversed(list(root.this.dfs())):  # children first
            handler = self._HANDLERS.get(type(node))
            new = handler(self, node) if handler else node
            if new is not node:
                node.replace(new)
        self.tree = root.this

    def sql(self) -> str:
        """As DuckDB's SQL."""
        return self.tree.sql(dialect="duckdb")

    # -- what stands behind FROM ------------------------------------------------------------------------------------

    def _is_relation(self, table: exp.Table) -> str | None:
        """The schema of ``ml_pg`` that the table is in; None where it is the user's."""
        if not isinstance(table.this, exp.Identifier):
            return None
        name, schema = table.name.lower(), table.db.lower()
        if schema == "information_schema":
            return "info" if name in defined("info", "TABLE", "VIEW") else None
        bare = schema == "" and name not in self._ctes
        return "pg" if (bare or schema == "pg_catalog") and name in relations() else None

    def _table(self, table: exp.Table) -> exp.Expression:
        table.set("only", None)
        if schema := self._is_relation(table):
            self.touched = True
            name, alias = table.name.lower(), table.args.get("alias")
            move(table, schema, name)
            column = (ROLES if schema == "pg" else INFO_ROLES).get(name)
            return table if column is None else self._with_user(table, column, alias or exp.TableAlias(this=exp.to_identifier(name)))
        if isinstance(table.this, exp.Identifier):
            return table
        return self._table_function(table)

    def _with_user(self, table: exp.Table, column: str, alias: exp.Expression) -> exp.Expression:
        joins = table.args.get("joins")
        table.set("alias", None)
        table.set("joins", None)
        mine = exp.alias_(exp.Literal.string(self.user), column)
        return exp.Subquery(this=exp.select(exp.Star(replace=[mine])).from_(table.copy()), alias=alias, joins=joins)

    def _table_function(self, table: exp.Table) -> exp.Expression:
        function, alias = table.this, table.args.get("alias")
        if table.db.lower() == "pg_catalog":
            table.set("db", None)
            self.touched = True
        name = function.name.lower() if isinstance(function, exp.Anonymous) else ""
        if name in relations():
            self.touched = True
            move(table, "pg", name)
            return table
        if name in SETS:
            self.touched = True
            table.set("this", exp.Anonymous(this="unnest", expressions=[call(name, *function.expressions)]))
        if alias is not None and (name in functions() - SETS or isinstance(function, exp.StringToArray)):
            made = calling.translate(function) if isinstance(function, calling.KINDS) else function
            return exp.Subquery(this=exp.select(exp.alias_(made.copy(), alias.name)), alias=alias)
        if isinstance(function, exp.ExplodingGenerateSeries) and function.find(exp.Dot, exp.Query):
            return self._series(function, alias)
        return self._unnest(table) if name in SETS or isinstance(function, _COLUMNAR) else table

    def _series(self, function: exp.Expression, alias: exp.Expression | None) -> exp.Expression:
        """Numbers between bounds that are computed: behind FROM, DuckDB takes them as constants or not at all."""
        column = (alias.args.get("columns") or [alias.this])[0].name if alias else "generate_series"
        made = exp.Explode(this=exp.GenerateSeries(**{k: v.copy() for k, v in function.args.items() if v}))
        named = alias or exp.TableAlias(this=exp.to_identifier(column))
        named.set("columns", None)
        return exp.Subquery(this=exp.select(exp.alias_(made, column)), alias=named)

    def _unnest(self, table: exp.Expression) -> exp.Expression:
        """In PostgreSQL the alias names the one column as well."""
        alias = table.args.get("alias")
        if alias is not None and alias.this and not alias.args.get("columns"):
            alias.set("columns", [alias.this.copy()])
        return table

    # -- columns ----------------------------------------------------------------------------------------------------

    def _replace_system_columns(self) -> None:
        for column in list(self.tree.find_all(exp.Column)):
            name = column.name.lower()
            if name != "tableoid" and name not in _SYSTEM:
                continue
            owner = self._owner(column)
            if owner is not None and name == "tableoid":
                column.replace(exp.cast(exp.Literal.string(owner), exp.DataType(this=exp.DType.USERDEFINED, kind="regclass")))
            elif owner is not None:
                column.replace(exp.Literal.number(0))

    def _owner(self, column: exp.Column) -> str | None:
        """The catalog's relation that a column belongs to, as the statement's FROM says."""
        select = column.find_ancestor(exp.Select)
        if select is None:
            return None
        sources = [select.args.get("from_"), *(select.args.get("joins") or [])]
        for source in sources:
            for table in source.find_all(exp.Table) if source else ():
                if self._is_relation(table) and column.table in ("", table.alias_or_name):
                    return table.name.lower()
        return None

    def _column(self, column: exp.Column) -> exp.Expression:
        if column.db.lower() in _SCHEMAS:
            column.set("db", None)
            column.set("catalog", None)
        bare = not column.table and not column.this.quoted
        if bare and column.name.lower() in ("user", "current_role", "current_user", "session_user"):
            select = column.find_ancestor(exp.Select)  # DuckDB lets a column be called so, PostgreSQL does not
            if self._asks or (select is not None and not select.args.get("from_")):
                return self._caller(column)
        return column

    def _caller(self, _: exp.Expression) -> exp.Expression:
        self.touched = True
        return exp.Literal.string(self.user)

    # -- expressions ------------------------------------------------------------------------------------------------

    def _cast(self, node: exp.Cast) -> exp.Expression:
        new = casting.translate(node, self.user)
        self.touched |= new is not node
        return new

    def _function(self, node: exp.Expression) -> exp.Expression:
        if isinstance(node.parent, exp.Dot) and node.parent.expression is node and isinstance(node.parent.this, exp.Identifier):
            return node  # its schema stands before it: seen next
        if isinstance(node.parent, exp.Table):
            return node
        return self._call(node)

    def _call(self, node: exp.Expression) -> exp.Expression:
        if calling.function_name(node) in ("current_user", "session_user", "current_role", "pg_get_userbyid"):
            return self._caller(node)
        new = calling.translate(node)
        self.touched |= new is not node
        return new

    def _dot(self, node: exp.Dot) -> exp.Expression:
        schema, function = node.this, node.expression
        if not isinstance(schema, exp.Identifier) or schema.name.lower() not in _SCHEMAS or not isinstance(function, exp.Func):
            return node
        self.touched = True
        return self._call(function)

    def _operator(self, node: exp.Operator) -> exp.Expression:
        self.touched = True
        sign = str(node.args["operator"]).rsplit(".", 1)[-1].strip()
        build = _OPERATORS.get(sign)
        return build(node.this, node.expression) if build else node

    def _collate(self, node: exp.Collate) -> exp.Expression:
        named = node.expression
        schema = named.table if isinstance(named, exp.Column) else named.this.name if isinstance(named, exp.Dot) else ""
        return node.this if schema.lower() == "pg_catalog" else node

    def _comparison(self, node: exp.Binary) -> exp.Expression:
        listed = node.expression.this.unnest() if isinstance(node, exp.EQ) and isinstance(node.expression, exp.Any) else None
        if isinstance(listed, exp.Column):  # DuckDB reads ANY as a subquery, which it can't have in the condition of a join
            return exp.Anonymous(this="list_contains", expressions=[listed.copy(), node.this.copy()])
        for own, other in (("this", "expression"), ("expression", "this")):
            column, value = node.args[own], node.args[other]
            if not isinstance(column, exp.Column):
                continue
            name = column.name.lower()
            if name in ARRAYS and isinstance(value, exp.Literal):
                value.replace(list_of(value))
            elif name in REGPROCS and isinstance(value, exp.Literal) and not value.is_string:
                value.replace(exp.Literal.string("-"))
            elif name in REGPROCS and isinstance(value, exp.Column) and value.name.lower().endswith("oid"):
                column.replace(call("regproc_oid", column.copy()))
        return node

    def _division(self, node: exp.Div) -> exp.Expression:
        """PostgreSQL's whole numbers divide to whole ones. (As DuckDB's grammar was read, they don't.)"""
        whole = node.args.get("typed") and _is_whole(node.this) and _is_whole(node.expression)
        return exp.IntDiv(this=node.this, expression=node.expression) if whole else node

    def _any(self, node: exp.Any) -> exp.Expression:
        inner = node.this.unnest()
        if isinstance(inner, exp.Literal) and inner.is_string and inner.name.startswith("{"):
            node.set("this", exp.Paren(this=list_of(inner)))
        return node

    def _bracket(self, node: exp.Bracket) -> exp.Expression:
        if isinstance(node.this, exp.Column) and node.this.name.lower() in VECTORS and len(node.expressions) == 1:
            node.set("expressions", [exp.Add(this=exp.Paren(this=node.expressions[0]), expression=exp.Literal.number(1))])
        return node

    _HANDLERS: ClassVar[dict[type[exp.Expression], Callable[..., exp.Expression]]] = {
        exp.Table: _table,
        exp.Unnest: _unnest,
        exp.Column: _column,
        exp.Cast: _cast,
        exp.Dot: _dot,
        exp.Operator: _operator,
        exp.Collate: _collate,
        exp.EQ: _comparison,
        exp.NEQ: _comparison,
        exp.Any: _any,
        exp.Div: _division,
        exp.Bracket: _bracket,
        exp.CurrentUser: _caller,
        exp.SessionUser: _caller,
        **dict.fromkeys(calling.KINDS, _function),
    }


def _is_whole(node: exp.Expression) -> bool:
    node = node.unnest()
    return (isinstance(node, exp.Cast) and node.to.this in exp.DataType.INTEGER_TYPES) or bool(node.is_int)


def _negated(kind: type[exp.Binary]) -> Callable[[exp.Expression, exp.Expression], exp.Expression]:
    return lambda a, b: exp.Not(this=exp.Paren(this=kind(this=a, expression=b)))


_OPERATORS: dict[str, Callable[[exp.Expression, exp.Expression], exp.Expression]] = {
    "~": lambda a, b: exp.RegexpLike(this=a, expression=b),
    "!~": _negated(exp.RegexpLike),
    "~*": lambda a, b: exp.RegexpILike(this=a, expression=b),
    "!~*": _negated(exp.RegexpILike),
    "~~": lambda a, b: exp.Like(this=a, expression=b),
    "!~~": _negated(exp.Like),
    "~~*": lambda a, b: exp.ILike(this=a, expression=b),
    "=": lambda a, b: exp.EQ(this=a, expression=b),
    "<>": lambda a, b: exp.NEQ(this=a, expression=b),
    "<": lambda a, b: exp.LT(this=a, expression=b),
    ">": lambda a, b: exp.GT(this=a, expression=b),
    "<=": lambda a, b: exp.LTE(this=a, expression=b),
    ">=": lambda a, b: exp.GTE(this=a, expression=b),
    "||": lambda a, b: exp.DPipe(this=a, expression=b),
    "+": lambda a, b: exp.Add(this=a, expression=b),
    "-": lambda a, b: exp.Sub(this=a, expression=b),
}
