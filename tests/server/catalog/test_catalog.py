"""The catalog's answers about tables, views, keys, types and functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb
import pytest

from mfgsql.server.catalog import install, rewrite
from mfgsql.server.catalog.vocabulary import functions, relations
from mfgsql.wire.types.pg import pg_type

Ask = Callable[..., list[tuple[Any, ...]]]


def test_visible_relations(ask: Ask) -> None:
    sql = "SELECT nspname, relname, relkind FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname NOT IN ('pg_catalog', 'information_schema') AND relkind <> 'i' ORDER BY 1, 2"
    assert ask(sql) == [
        ("lab", "My Table 表", "r"), ("lab", "Samples", "r"), ("main", "every", "r"), ("main", "hot", "v"), ("main", "machines", "r"),
        ("main", "readings", "r"), ("main", "seq_a", "S"), ("main", "tickets", "r"), ("ml", "runs", "v"),
    ]  # fmt: skip


@pytest.mark.parametrize("hidden", ["ml_catalog", "secrets", "passing", "_hidden", "ml_pg"])
def test_hidden(hidden: str, ask: Ask) -> None:
    for sql in ("SELECT nspname FROM pg_namespace", "SELECT relname FROM pg_class", "SELECT proname FROM pg_proc",
                "SELECT table_name FROM information_schema.tables", "SELECT schema_name FROM information_schema.schemata",
                "SELECT table_schema FROM information_schema.columns", "SELECT datname FROM pg_database"):  # fmt: skip
        assert (hidden,) not in ask(sql)


def test_oids_are_unique(ask: Ask) -> None:
    assert ask("SELECT count(*) - count(DISTINCT oid) FROM pg_class") == [(0,)]
    assert ask("SELECT count(*) - count(DISTINCT oid) FROM pg_constraint") == [(0,)]
    assert ask("SELECT count(*) - count(DISTINCT oid) FROM pg_proc") == [(0,)]
    assert ask("SELECT count(*) - count(DISTINCT oid) FROM pg_type") == [(0,)]


def test_oids_stay(ask: Ask, con: duckdb.DuckDBPyConnection) -> None:
    sql = "SELECT oid FROM pg_constraint ORDER BY oid"
    before = ask(sql)
    con.execute("CREATE TABLE brief(a INTEGER PRIMARY KEY); DROP TABLE brief")
    assert ask(sql) == before


@pytest.mark.parametrize(
    ("name", "found"),
    [("machines", "machines"), ("MACHINES", "machines"), ("main.machines", "machines"), ('"main"."machines"', "machines"),
     ('lab."My Table 表"', 'lab."My Table 表"'), ("pg_class", "pg_class"), ("pg_catalog.pg_class", "pg_class"), ("nope", None), ("lab.machines", None)],
)  # fmt: skip
def test_regclass(name: str, found: str | None, ask: Ask) -> None:
    assert ask("SELECT $1::regclass::oid::regclass::text", name) == [(found,)]


def test_names_of_the_caller_are_not_caught(ask: Ask) -> None:
    """A bare ``oid`` as an argument is the caller's, not one of the tables that the function reads."""
    rows = ask("SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint c WHERE contype = 'f' ORDER BY 1")
    assert rows == [
        ("Samples_of_col a_fkey", 'FOREIGN KEY (of) REFERENCES lab."My Table 表"("Col A")'),
        ("readings_machine_id_fkey", "FOREIGN KEY (machine) REFERENCES machines(id)"),
    ]
    assert ask("SELECT relname, obj_description(oid, 'pg_class') FROM pg_class t WHERE relname IN ('machines', 'readings') ORDER BY 1") == [
        ("machines", "the machines"), ("readings", None)]  # fmt: skip
    assert ask("SELECT proname, pg_get_function_arguments(p.oid) FROM pg_proc p WHERE proname IN ('double_it', 'rows_of') ORDER BY 1") == [
        ("double_it", "x"), ("rows_of", "n")]  # fmt: skip
    for bare in ("oid", "c.oid", "n.oid", "r.oid", "t.oid", "p.oid", "d.oid"):
        alias = bare.split(".")[0] if "." in bare else "x"
        shown = ask(f"SELECT {bare}::regclass FROM pg_class {alias} WHERE relname = 'machines'")
        assert shown == [("machines",)], bare


def test_types_agree_with_the_wire(ask: Ask, con: duckdb.DuckDBPyConnection) -> None:
    """A column's type in the catalog is the one that its values are sent as."""
    columns = con.execute("SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = 'every'").fetchall()
    sent = {name: pg_type(kind) for name, kind in columns}
    sql = "SELECT attname, atttypid, atttypmod, typname, typlen FROM pg_attribute JOIN pg_type t ON t.oid = atttypid WHERE attrelid = 'every'::regclass"
    assert {row[0]: row[1:] for row in ask(sql)} == {
        name: (t.oid, t.modifier, t.name, t.size) for name, t in sent.items()
    }


def test_format_type(ask: Ask) -> None:
    assert ask("SELECT format_type(1700, 786439), format_type(1007, -1), format_type(25, NULL), format_type(1043, 14), format_type(0, -1), format_type(NULL, -1), format_type(99, -1)") == [
        ("numeric(12,3)", "integer[]", "text", "character varying(10)", "-", None, "???")]  # fmt: skip


def test_regtype(ask: Ask) -> None:
    assert ask("SELECT 'int4'::regtype::oid, 'integer'::regtype::oid, 'text[]'::regtype::oid, to_regtype('nope'), 23::oid::regtype, 'pg_catalog.int8'::regtype::oid") == [
        (23, 23, 1009, None, "integer", 20)]  # fmt: skip


def test_keys(ask: Ask) -> None:
    sql = """SELECT conname, contype, conkey, confkey, conindid <> 0 FROM pg_constraint WHERE conrelid = 'readings'::regclass ORDER BY 1"""
    assert ask(sql) == [
        ("readings_machine_id_fkey", "f", [2], [1], True),
        ("readings_t_machine_pkey", "p", [1, 2], None, True),
    ]


def test_indexes(ask: Ask) -> None:
    sql = """SELECT c.relname, indisunique, indisprimary, indkey, pg_get_indexdef(indexrelid), pg_get_indexdef(indexrelid, indnatts::int, true)
      FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE indrelid = 'readings'::regclass ORDER BY 1"""
    assert ask(sql) == [
        ("readings_key", True, False, [2, 0], "CREATE UNIQUE INDEX readings_key ON readings USING btree (machine, (v + 1))", "(v + 1)"),
        ("readings_t_machine_pkey", True, True, [1, 2], "CREATE UNIQUE INDEX readings_t_machine_pkey ON readings USING btree (t, machine)", "machine"),
        ("readings_v", False, False, [3], "CREATE INDEX readings_v ON readings USING btree (v)", "v"),
    ]  # fmt: skip


@pytest.mark.parametrize("view", ["hot", "a view", "with_columns", "select"])
def test_view_definition(view: str, ask: Ask, con: duckdb.DuckDBPyConnection) -> None:
    if view != "hot":
        con.execute(f'CREATE OR REPLACE VIEW lab."{view}"(a, "b ) AS") AS SELECT 1 AS a, 2 AS b')
    where = "main" if view == "hot" else "lab"
    ((text,),) = ask(f"SELECT pg_get_viewdef('{where}.\"{view}\"'::regclass)")
    assert con.execute(text).fetchall() == ([] if view == "hot" else [(1, 2)])
    if view != "hot":
        con.execute(f'DROP VIEW lab."{view}"')


def test_comments(ask: Ask) -> None:
    assert ask("SELECT obj_description('ml.runs'::regclass, 'pg_class'), col_description('machines'::regclass, 4), col_description('machines'::regclass, 0)") == [
        ("The runs.", "in euro", None)]  # fmt: skip


def test_settings(ask: Ask) -> None:
    assert ask("SELECT current_setting('server_version_num'), current_setting('TimeZone'), current_setting('search_path'), set_config('jit', 'on', false)") == [
        ("150000", "UTC", "main", "on")]  # fmt: skip
    assert ("max_index_keys", "32") in ask("SELECT name, setting FROM pg_settings")
    ((version,),) = ask("SELECT version()")
    assert version.startswith("PostgreSQL 15.0 (mfgsql ")
    assert f"DuckDB {duckdb.__version__}" in version


def test_settings_of_the_session(con: duckdb.DuckDBPyConnection) -> None:
    mine = {"application_name": "it's mine", "timezone": "Asia/Shanghai"}
    sql = "SELECT current_setting('application_name'), current_setting('TimeZone'), current_setting('jit')"
    assert con.execute(rewrite(sql, "hans", mine) or "").fetchall() == [("it's mine", "Asia/Shanghai", "off")]
    sql = "SELECT s.setting FROM pg_settings s WHERE lower(s.name) IN ('application_name', 'timezone', 'jit') ORDER BY s.name"
    assert con.execute(rewrite(sql, "hans", mine) or "").fetchall() == [("Asia/Shanghai",), ("it's mine",), ("off",)]


def test_privileges(ask: Ask) -> None:
    assert ask(
        "SELECT has_table_privilege('machines', 'SELECT'), has_schema_privilege('hans', 'lab', 'USAGE'), pg_has_role('hans', 'USAGE')"
    ) == [(True, True, True)]


@pytest.mark.parametrize("name", sorted(relations()))
def test_every_relation_answers(name: str, ask: Ask) -> None:
    ask(f"SELECT * FROM pg_catalog.{name}")


def test_every_function_is_reached(con: duckdb.DuckDBPyConnection) -> None:
    made = {
        n
        for (n,) in con.execute("SELECT function_name FROM duckdb_functions() WHERE database_name = 'ml_pg'").fetchall()
    }
    assert functions() <= made


def test_it_follows_the_database(ask: Ask, con: duckdb.DuckDBPyConnection) -> None:
    con.execute('CREATE TABLE lab."New One"(a INTEGER, b VARCHAR)')
    sql = "SELECT attname FROM pg_attribute WHERE attrelid = 'lab.\"New One\"'::regclass ORDER BY attnum"
    assert ask(sql) == [("a",), ("b",)]
    con.execute('DROP TABLE lab."New One"')
    assert ask(sql) == []


@pytest.mark.parametrize("name", ["plant", "it's", 'a"b', "表 1"])
def test_nothing_is_stored(name: str, tmp_path: Any) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    with duckdb.connect() as con:
        con.execute(f"ATTACH '{tmp_path / 'x.duckdb'}' AS {quoted}; USE {quoted}; CREATE TABLE t(a INTEGER)")
        before = con.execute("SELECT count(*) FROM duckdb_views() WHERE NOT internal").fetchall()
        install(con.execute, name)
        con.execute("SET enable_external_access = false; SET lock_configuration = true")
        assert con.execute(rewrite("SELECT datname FROM pg_database", "hans") or "").fetchall() == [(name,)]
        assert con.execute(
            rewrite("SELECT table_catalog, table_name FROM information_schema.tables", "hans") or ""
        ).fetchall() == [(name, "t")]
    with duckdb.connect(str(tmp_path / "x.duckdb")) as con:
        assert con.execute("SELECT count(*) FROM duckdb_views() WHERE NOT internal").fetchall() == before
