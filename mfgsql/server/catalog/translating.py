"""One parsed statement, PostgreSQL's words replaced by DuckDB's, from the leaves up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

from sqlglot import ErrorLevel, exp

from mfgsql.server.catalog import calling, casting, expressions, naming, sources
from mfgsql.server.catalog.vocabulary import ROLES

_SYSTEM = frozenset({"ctid", "xmin", "xmax", "cmin", "cmax"})
_SCHEMAS = frozenset({"pg_catalog", "information_schema"})
_CALLER = frozenset({"user", "current_user", "session_user", "current_role"})

Handler = Callable[..., exp.Expression]


class Translation:
    """The work on one tree, which it changes in place.

    Attributes:
        tree: the statement.
        touched: whether anything of the catalog was in it; else the tree is of no use.
    """

    def __init__(self, tree: exp.Query, user: str, settings: Mapping[str, str] | None = None) -> None:
        self.user, self.settings, self.touched = user, settings or {}, False
        self._ctes = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
        self._asks = any(sources.schema_of(table, self._ctes) for table in tree.find_all(exp.Table))
        naming.name_outputs(tree)
        self._replace_system_columns(tree)
        root = exp.Subquery(this=tree)  # so that the statement itself has a parent, too
        for node in reversed(list(tree.dfs())):
            handler = self._HANDLERS.get(type(node))
            new = handler(self, node) if handler else node
            if new is not node:
                node.replace(new)
        self.tree: exp.Expression = root.this

    def sql(self) -> str:
        """As DuckDB's SQL."""
        return str(self.tree.sql(dialect="duckdb", comments=False, unsupported_level=ErrorLevel.IGNORE))

    def _replace_system_columns(self, tree: exp.Query) -> None:
        """Columns that each row has in PostgreSQL: ``tableoid`` is the relation, the others say nothing here."""
        for column in list(tree.find_all(exp.Column)):
            name = column.name.lower()
            owner = self._owner(column) if name == "tableoid" or name in _SYSTEM else None
            if owner is not None and name == "tableoid":
                regclass = exp.DataType(this=exp.DType.USERDEFINED, kind="regclass")
                column.replace(exp.cast(exp.Literal.string(owner), regclass))
            elif owner is not None:
                column.replace(exp.Literal.number(0))

    def _owner(self, column: exp.Column) -> str | None:
        """The catalog's relation that a column belongs to, as the statement's FROM says."""
        select = column.find_ancestor(exp.Select)
        if select is None:
            return None
        for source in (select.args.get("from_"), *(select.args.get("joins") or [])):
            for table in source.find_all(exp.Table) if source else ():
                if sources.schema_of(table, self._ctes) and column.table in ("", table.alias_or_name):
                    return str(table.name.lower())
        return None

    # -- one node after the other -----------------------------------------------------------------------------------

    def _table(self, table: exp.Table) -> exp.Expression:
        if schema := sources.schema_of(table, self._ctes):
            self.touched = True
            table.set("only", None)
            return sources.relation(table, schema, self._replaced(schema, table.name.lower()))
        if isinstance(table.this, exp.Identifier):
            return table
        self.touched |= table.db.lower() == "pg_catalog" or calling.is_known(table.this)
        return sources.function(table)

    def _replaced(self, schema: str, name: str) -> dict[str, exp.Expression]:
        """Columns of a relation that are not the same for everybody."""
        if column := ROLES.get((schema, name)):
            return {column: exp.Literal.string(self.user)}
        if name != "pg_settings" or not self.settings:
            return {}
        ifs = [exp.If(this=exp.Literal.string(n), true=exp.Literal.string(v)) for n, v in self.settings.items()]
        return {"setting": exp.Case(this=exp.func("lower", exp.column("name")), ifs=ifs, default=exp.column("setting"))}

    def _unnest(self, node: exp.Unnest) -> exp.Expression:
        return sources.unnest(node)

    def _column(self, column: exp.Column) -> exp.Expression:
        if column.db.lower() in _SCHEMAS:
            column.set("db", None)
            column.set("catalog", None)
        if not column.table and not column.this.quoted and column.name.lower() in _CALLER:
            select = column.find_ancestor(exp.Select)  # DuckDB lets a column be called so, PostgreSQL does not
            if self._asks or (select is not None and not select.args.get("from_")):
                return self._caller(column)
        return column

    def _caller(self, _: exp.Expression) -> exp.Expression:
        self.touched = True
        return exp.Literal.string(self.user)

    def _cast(self, node: exp.Cast) -> exp.Expression:
        self.touched |= casting.is_known(node)
        return casting.translate(node, self.user)

    def _function(self, node: exp.Expression) -> exp.Expression:
        parent = node.parent
        is_qualified = isinstance(parent, exp.Dot) and parent.expression is node and _is_schema(parent.this)
        return node if is_qualified or isinstance(parent, exp.Table) else self._call(node)

    def _dot(self, node: exp.Dot) -> exp.Expression:
        if not _is_schema(node.this) or not isinstance(node.expression, exp.Func):
            return node
        self.touched = True
        return self._call(node.expression)

    def _call(self, node: exp.Expression) -> exp.Expression:
        if calling.function_name(node) in _CALLER | {"pg_get_userbyid"}:
            return self._caller(node)
        self.touched |= calling.is_known(node)
        if calling.setting_of(node) in self.settings:
            self.touched = True
            return exp.Literal.string(self.settings[calling.setting_of(node)])
        return calling.translate(node)

    def _operator(self, node: exp.Operator) -> exp.Expression:
        self.touched = True
        return expressions.operator(node)

    def _pattern(self, node: exp.Like | exp.ILike) -> exp.Expression:
        return expressions.pattern(node) if self._asks else node  # else it may be a user's own, for DuckDB

    _HANDLERS: ClassVar[dict[type[exp.Expression], Handler]] = {
        exp.Table: _table,
        exp.Unnest: _unnest,
        exp.Column: _column,
        exp.Cast: _cast,
        exp.Dot: _dot,
        exp.Operator: _operator,
        exp.CurrentUser: _caller,
        exp.SessionUser: _caller,
        exp.Collate: lambda _, node: expressions.collation(node),
        exp.EQ: lambda _, node: expressions.comparison(node),
        exp.NEQ: lambda _, node: expressions.comparison(node),
        exp.Like: _pattern,
        exp.ILike: _pattern,
        exp.Any: lambda _, node: expressions.any_of(node),
        exp.Bracket: lambda _, node: expressions.element(node),
        exp.Div: lambda _, node: expressions.division(node),
        **dict.fromkeys(calling.KINDS, _function),
    }


def _is_schema(node: exp.Expression) -> bool:
    return isinstance(node, exp.Identifier) and node.name.lower() in _SCHEMAS
