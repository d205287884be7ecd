"""What stands behind FROM: the catalog's relations, and functions that PostgreSQL lets stand there."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlglot import exp

from mfgsql.server.catalog import calling
from mfgsql.server.catalog.vocabulary import SETS, defined, functions, relations
from mfgsql.server.catalog.wording import call, move

_COLUMNAR = (exp.Explode, exp.ExplodingGenerateSeries)


def schema_of(table: exp.Table, ctes: Collection[str]) -> str | None:
    """The schema of ``ml_pg`` that the relation is in; None where it is none of the catalog's.

    Args:
        ctes: names, lower case, that mean something else in this statement.
    """
    if not isinstance(table.this, exp.Identifier):
        return None
    name, schema = table.name.lower(), table.db.lower()
    if schema == "information_schema":
        return "info" if name in defined("info", "TABLE", "VIEW") else None
    bare = schema == "" and name not in ctes
    return "pg" if (bare or schema == "pg_catalog") and name in relations() else None


def relation(table: exp.Table, schema: str, replaced: Mapping[str, exp.Expression]) -> exp.Expression:
    """A relation of the catalog, moved to ``ml_pg``, some of its columns replaced."""
    name, alias = table.name.lower(), table.args.get("alias")
    move(table, schema, name)
    if not replaced:
        return table
    joins = table.args.get("joins")
    table.set("alias", None)
    table.set("joins", None)
    columns = [exp.alias_(value, column) for column, value in replaced.items()]
    rows = exp.select(exp.Star(replace=columns)).from_(table.copy())
    return exp.Subquery(this=rows, alias=alias or exp.TableAlias(this=exp.to_identifier(name)), joins=joins)


def function(table: exp.Table) -> exp.Expression:
    """A function behind FROM: DuckDB has fewer of them, and names their columns in its own way."""
    made, alias = table.this, table.args.get("alias")
    if table.db.lower() == "pg_catalog":
        table.set("db", None)
    name = made.name.lower() if isinstance(made, exp.Anonymous) else ""
    if name in relations():
        move(table, "pg", name)
        return table
    if name in SETS:
        table.set("this", exp.Anonymous(this="unnest", expressions=[call(name, *made.expressions)]))
        return unnest(table)
    if alias is not None and (name in functions() or isinstance(made, exp.StringToArray)):
        value = calling.translate(made) if isinstance(made, calling.KINDS) else made
        return exp.Subquery(this=exp.select(exp.alias_(value.copy(), alias.name)), alias=alias)
    if isinstance(made, exp.ExplodingGenerateSeries) and made.find(exp.Dot, exp.Query):
        return _series(made, alias)
    return unnest(table) if isinstance(made, _COLUMNAR) else table


def unnest(node: exp.Expression) -> exp.Expression:
    """In PostgreSQL the alias names the one column as well."""
    alias = node.args.get("alias")
    if alias is not None and alias.this and not alias.args.get("columns"):
        alias.set("columns", [alias.this.copy()])
    return node


def _series(made: exp.Expression, alias: exp.TableAlias | None) -> exp.Expression:
    """Numbers between bounds that are computed: behind FROM, DuckDB wants constants."""
    column = (alias.args.get("columns") or [alias.this])[0].name if alias else "generate_series"
    numbers = exp.GenerateSeries(**{key: value.copy() for key, value in made.args.items() if value})
    named = alias or exp.TableAlias(this=exp.to_identifier(column))
    named.set("columns", None)
    return exp.Subquery(this=exp.select(exp.alias_(exp.Explode(this=numbers), column)), alias=named)
