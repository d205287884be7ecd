"""Who may do what, on sessions as a server has them: an identity each, on an engine that is guarded and locked."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mfgsql
from mfgsql.engine import Session
from mfgsql.engine.access import Identity, Role, check_statements, resolve_file
from mfgsql.engine.access.calls import TABLE_FUNCTIONS
from mfgsql.engine.access.verbs import VERBS
from mfgsql.engine.installing import shipped_functions
from mfgsql.engine.planning import planners
from mfgsql.errors import AccessError, InputError, MfgsqlError, SourceError
from tests.conftest import PARTS, _finetune

ROLES = ("reader", "analyst", "admin")
TRAIN = _finetune("fail", "SELECT torque, temp, shift, hot, failed FROM parts", "failed")


class Served:
    """A database as a server holds it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.file = folder, folder / "plant.duckdb"
        self.root = folder / "files"
        self.root.mkdir()
        (folder / "x.csv").write_text("a,b\n1,2\n")
        self.owner = mfgsql.connect(self.file, threads=2, progress="off")
        self.owner.execute(PARTS)
        self.owner.execute(TRAIN).fetchall()
        self.owner.execute("CREATE TABLE sales AS SELECT i % 3 AS a, i AS b FROM range(9) t(i)")
        self.owner.execute("CREATE SEQUENCE numbers; CREATE SCHEMA lab; CREATE MACRO twice(x) AS x * 2")
        self.owner.engine.guard(self.root)
        self.owner.engine.lock()
        self.sessions = {role: self.session(role) for role in ROLES}

    def session(self, role: str) -> Session:
        session = self.owner.cursor()
        session.identity = Identity(f"the {role}", Role(role))
        return session

    def run(self, role: str, sql: str) -> list[tuple]:
        """As the server does: judged, then run; what a reader runs in a transaction that only reads."""
        session, rows = self.sessions[role], []
        assert session.identity is not None
        for statement in check_statements(session.con, sql, session.identity):
            if session.identity.role.reads_only:
                session.execute("BEGIN TRANSACTION READ ONLY")
            try:
                rows = session.execute(statement.text).fetchall()
            finally:
                if session.identity.role.reads_only:
                    session.execute("ROLLBACK")
        return rows


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = Served(tmp_path_factory.mktemp("served"))
    with served.owner:
        yield served


@pytest.fixture(scope="module")
def con(served: Served) -> duckdb.DuckDBPyConnection:
    return served.sessions["reader"].con


# -- what nobody may ----------------------------------------------------------------------------------------------------

NOBODY = [
    "COPY sales TO '{folder}/out.csv'",
    "COPY sales TO '{file}'",
    "COPY (SELECT 1) TO 'out.parquet' (FORMAT parquet)",
    "COPY sales FROM '{folder}/x.csv'",
    "COPY FROM DATABASE plant TO other",
    "FROM read_csv('{folder}/x.csv')",
    "FROM read_csv_auto('{folder}/x.csv')",
    "SELECT content FROM read_blob('{file}')",
    "SELECT content FROM read_blob('{file}.wal')",
    "SELECT * FROM READ_Blob /* a */ -- b\n ('{file}')",
    "SELECT * FROM \"read_blob\"('{file}')",
    "SELECT * FROM main.read_blob('{file}')",
    "SELECT * FROM system.main.\"read_blob\" ('{file}')",
    "SELECT * FROM read_blob\u00a0('{file}')",
    "SELECT\u00a0*\u2003FROM\u3000read_blob\ufeff('{file}')",
    "SELECT $\u00a0x$ FROM read_blob('{file}') $\u00a0x$ FROM read_blob('{file}')",
    "SELECT $\u00a0x$ , content FROM read_blob('{file}')",
    "SELECT (SELECT content FROM read_blob($${file}$$))",
    "WITH a AS (FROM read_text('{file}')) FROM a",
    "SELECT 1; FROM read_blob('{file}')",
    "FROM query('FROM read_blob(''{file}'')')",
    "FROM query($$FROM query('FROM read_blob(''{file}'')')$$)",
    "FROM query('FROM read_' || 'blob(''{file}'')')",
    "FROM query(concat('SELECT', ' 1'))",
    "FROM query($1)",
    "FROM query(E'SELECT 1')",
    "FROM query('SEL'\n'ECT 1')",
    "FROM query_table('{file}')",
    "FROM query_table(['ml_catalog.models'])",
    "FROM glob('*')",
    "FROM sniff_csv('{folder}/x.csv')",
    "FROM parquet_metadata('{folder}/x.parquet')",
    "FROM read_duckdb('{file}', table_name='sales')",
    "FROM duckdb_secrets()",
    "FROM which_secret('s3://b', 's3')",
    "FROM duckdb_logs()",
    "FROM duckdb_logs",
    "FROM duckdb_logs_parsed('QueryLog')",
    "FROM duckdb_table_sample('ml_catalog.models')",
    "FROM enable_logging(storage='file', storage_path='{folder}/log')",
    "CALL enable_logging()",
    "CALL truncate_duckdb_logs()",
    "FROM enable_profiling()",
    "FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))",
    "PRAGMA json_execute_serialized_sql('{{}}')",
    "SELECT json_serialize_plan('FROM enable_logging()')",
    "SELECT write_log('x')",
    "FROM seq_scan('x')",
    "FROM pandas_scan(0)",
    "ATTACH '{folder}/other.duckdb' AS other",
    "ATTACH ':memory:' AS other",
    "DETACH plant",
    "INSTALL httpfs",
    "LOAD json",
    "FORCE INSTALL httpfs",
    "UPDATE EXTENSIONS",
    "EXPORT DATABASE '{folder}/all'",
    "IMPORT DATABASE '{folder}/all'",
    "PRAGMA import_database('{folder}/all')",
    "PRAGMA enable_profiling",
    "PRAGMA memory_limit='1GB'",
    "PRAGMA disable_checkpoint_on_shutdown",
    "SET memory_limit = '1GB'",
    "SET enable_external_access = true",
    "SET schema = 'ml_catalog'",
    "SET TimeZone = 'UTC'",
    "RESET memory_limit",
    "USE memory",
    "USE plant.ml_catalog",
    "CREATE SECRET s (TYPE s3)",
    "CREATE OR REPLACE TEMPORARY SECRET s (TYPE s3)",
    "CREATE PERSISTENT SECRET s (TYPE s3)",
    "DROP SECRET s",
    "ALTER DATABASE plant SET ALIAS TO other",
    "SELECT _ml_run('{{\"action\": \"drop\", \"args\": {{\"model\": \"fail\"}}}}')",
    "SELECT \"_ml_run\"('{{}}')",
    "SELECT _ml_plan('drop', {{'model': 'fail'}})",
    "SELECT _ml_plan(a::VARCHAR, {{'model': 'fail'}}) FROM sales",
    "FROM query(_ml_plan('predict', {{'model': 'fail', 'source': 'parts'}}))",
    "SELECT _ml_score_row('fail@1', p) FROM parts p",
    "CREATE TABLE ml.mine (a INT)",
    "CREATE TABLE plant.ml.mine (a INT)",
    'CREATE OR REPLACE VIEW "ML"."models" AS SELECT 1',
    "CREATE VIEW ml_catalog.mine AS SELECT 1",
    "CREATE SCHEMA IF NOT EXISTS ml",
    "DROP SCHEMA ml CASCADE",
    "DROP SCHEMA plant.ml CASCADE",
    "DROP SCHEMA IF EXISTS \"ml_catalog\" CASCADE",
    "DROP VIEW ml.models",
    "DROP TABLE ml_catalog.models",
    "ALTER VIEW ml.models RENAME TO mine",
    "ALTER TABLE IF EXISTS plant.ml_catalog.models ADD COLUMN x INT",
    "COMMENT ON VIEW ml.models IS 'mine'",
    "COMMENT ON COLUMN ml.models.model IS 'mine'",
    "INSERT INTO ml_catalog.models SELECT * FROM ml_catalog.models",
    "DELETE FROM \"ml_catalog\".runs",
    "UPDATE plant.ml_catalog.runs SET status = 'finished'",
    "TRUNCATE ml_catalog.runs",
    "WITH a AS (SELECT 1) DELETE FROM ml_catalog.runs",
    "INSERT INTO ml_pg.main.pg_class VALUES (1)",
    "DROP VIEW ml_pg.main.pg_class",
    "CREATE OR REPLACE MACRO ml_predict(model, input) AS 1",
    "CREATE OR REPLACE MACRO main._ml_plan(a, b) AS 'FROM sales'",
    "DROP MACRO TABLE ml_predict",
    "DROP FUNCTION ml_predict",
    "COMMENT ON MACRO ml_predict IS 'mine'",
    "FROM ml_predict('fail', 'FROM enable_logging()')",
    "FROM ml_predict('fail', '{folder}/x.csv')",
    "FROM ml_predict('fail', 'x.parquet')",
    "FROM ml_predict('fail', '''{folder}/x.csv''')",
    "FROM ml_predict('fail', '{file}')",
    "FROM ml_predict('fail', '/etc/passwd')",
    "FROM ml_predict('fail', 'FROM read_blob(''{file}'')')",
    "FROM ml_predict('fail', 'read_blob(''{file}'')')",
    "FROM ml_predict('fail', 'FROM read_blob\u00a0(''{file}'')')",
    "FROM ml_predict('fail', 'FROM query(''FROM '' || ''sales'')')",
    "FROM ml_predict('fail', 'IMPORT DATABASE ''{folder}''')",
    "FROM ml_predict('fail', 'x; IMPORT DATABASE ''{folder}''')",
    "FROM ml_labels('parts', failures := 'FROM read_csv(''x.csv'')', horizon := INTERVAL 1 HOUR, entity := 'unit', "
    "order_by := 'ts')",
    "FROM ml_labels('parts', failures := 'x.csv', horizon := INTERVAL 1 HOUR, entity := 'unit', order_by := 'ts')",
    "FROM ml_check('FROM glob(''*'')')",
    "FROM ml_drivers('x.csv', target := 'a')",
    "FROM ml_finetune('n', 'FROM read_blob(''{file}'')', target := 'size')",
    "FROM ml_finetune('n', 'x.csv', target := 'a')",
    "FROM ml_plan('predict', 'fail', 'x.csv')",
    "PREPARE p AS FROM read_blob('{file}')",
    "PREPARE p AS COPY sales TO 'x.csv'",
    "EXPLAIN COPY sales TO 'x.csv'",
    "EXPLAIN ANALYZE FROM read_blob('{file}')",
    "CREATE VIEW mine AS FROM read_blob('{file}')",
    "CREATE TABLE mine AS FROM read_blob('{file}')",
    "CREATE TABLE mine (a VARCHAR DEFAULT (_ml_run('x')))",
    "CREATE MACRO mine(f) AS TABLE FROM read_blob(f)",
    "CREATE MACRO mine(f) AS TABLE FROM query(f)",
    "CALL ml_drop('fail')",
]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("sql", NOBODY)
def test_nobody_may(served, role, sql):
    with pytest.raises(AccessError):
        served.run(role, sql.format(folder=served.folder, file=served.file))


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    "sql",
    ["FROM '{folder}/x.csv'", 'FROM "{folder}/x.csv"', "FROM '{file}'", 'FROM "{file}"', "DESCRIBE '{folder}/x.csv'",
     "SELECT * FROM sales, '{file}'", "SELECT * FROM sales JOIN '{folder}/x.csv' ON true", "SUMMARIZE '{file}'",
     "FROM ('{folder}/x.csv' CROSS JOIN sales)", "FROM query('FROM \"{file}\"')"],
)  # fmt: skip
def test_a_name_is_never_a_file(served, role, sql):
    """By a rule of ours, or by the lock on DuckDB; UnicodeDecodeError is how its error about its own file gets lost."""
    with pytest.raises((AccessError, duckdb.Error, UnicodeDecodeError)):
        served.run(role, sql.format(folder=served.folder, file=served.file))


# -- what takes a role --------------------------------------------------------------------------------------------------

ANALYSTS = [
    "CREATE TABLE t_{n} AS SELECT 1 AS a",
    "CREATE TEMP TABLE tt_{n} (a INT)",
    "CREATE OR REPLACE VIEW v_{n} AS SELECT * FROM ml.models",
    "CREATE SCHEMA s_{n}",
    "CREATE SEQUENCE q_{n}",
    "CREATE INDEX i_{n} ON sales (a)",
    "CREATE UNIQUE INDEX u_{n} ON sales (b)",
    "CREATE TYPE mood_{n} AS ENUM ('a', 'b')",
    "CREATE TABLE p_{n} AS PIVOT sales ON a USING sum(b)",
    "DROP TABLE IF EXISTS nosuch",
    "ALTER TABLE lab_{n} ADD COLUMN c INT",
    "COMMENT ON TABLE lab_{n} IS 'x'",
    "COMMENT ON COLUMN lab_{n}.a IS 'x'",
    "INSERT INTO lab_{n} VALUES (1) RETURNING a",
    "INSERT INTO lab_{n} BY NAME SELECT 1 AS a",
    "WITH one AS (SELECT 1 AS a) INSERT INTO lab_{n} FROM one",
    "INSERT INTO lab_{n} SELECT count(*) FROM ml.runs",
    "UPDATE lab_{n} SET a = 2",
    "DELETE FROM lab_{n}",
    "TRUNCATE lab_{n}",
    "MERGE INTO lab_{n} USING sales ON lab_{n}.a = sales.a WHEN MATCHED THEN UPDATE SET a = 1",
    "SELECT nextval('numbers')",
    "EXPLAIN ANALYZE INSERT INTO lab_{n} VALUES (1)",
    "EXPLAIN (ANALYZE, FORMAT json) INSERT INTO lab_{n} VALUES (1)",
    "EXPLAIN CREATE TABLE x_{n} (a INT)",
    "PREPARE put_{n} AS INSERT INTO lab_{n} VALUES (1)",
    "/* a */ DELETE /* b */ FROM -- c\n lab_{n}",
    "SELECT 1; DELETE FROM lab_{n}",
    "FROM ml_promote('fail')",
    "FROM ml_predict('fail', 'SELECT p.* FROM parts p, ml_promote(''fail'')')",
    "FROM ml_plan('promote', 'fail', '')",
    "EXPLAIN FROM ml_drop('fail')",
    "SELECT * FROM sales, ml_promote('fail')",
    "WITH p AS MATERIALIZED (FROM ml_promote('fail')) FROM p",
]
ADMINS = [
    "CREATE OR REPLACE MACRO thrice(x) AS x * 3",
    "CREATE OR REPLACE TEMP MACRO four(x) AS TABLE SELECT x + 4 AS y",
    "CREATE OR REPLACE FUNCTION five(x) AS x + 5",
    "DROP MACRO IF EXISTS nosuch",
    "CHECKPOINT",
    "FROM checkpoint()",
    "CALL checkpoint()",
    "VACUUM",
    "ANALYZE",
    "PRAGMA version",
    "PRAGMA table_info('sales')",
    "CALL pragma_version()",
    "FROM pragma_storage_info('sales')",
    "SELECT count(*) FROM ml_catalog.models",
    "SELECT count(*) FROM plant.\"ml_catalog\".models",
    "FROM ml_export('fail', 'fail_{n}.safetensors')",
]


@pytest.mark.parametrize("at", range(len(ANALYSTS)))
def test_takes_an_analyst(served, at):
    served.owner.execute(f"CREATE OR REPLACE TABLE lab_{at} (a INT)")
    sql = ANALYSTS[at].format(n=at)
    with pytest.raises(AccessError, match="role analyst"):
        served.run("reader", sql)
    served.run("analyst", sql)


@pytest.mark.parametrize("at", range(len(ADMINS)))
def test_takes_an_admin(served, at):
    sql = ADMINS[at].format(n=at)
    for role in ("reader", "analyst"):
        with pytest.raises(AccessError):
            served.run(role, sql)
    served.run("admin", sql)


def test_duckdb_itself_refuses_a_readers_write(served):
    """The second wall, should the first one have a hole."""
    session = served.sessions["reader"]
    session.execute("BEGIN TRANSACTION READ ONLY")
    try:
        with pytest.raises(duckdb.Error, match="read-only"):
            session.execute("INSERT INTO sales VALUES (1, 1)")
    finally:
        session.execute("ROLLBACK")


def test_only_a_reader_belongs_into_a_transaction_that_reads():
    assert [role.reads_only for role in Role] == [True, False, False]


# -- verbs --------------------------------------------------------------------------------------------------------------


def test_every_verb_has_a_least_role():
    macros = {f.name.split(".")[0].removeprefix("ml_") for f in shipped_functions()} - {"report", "page"}  # plain functions
    assert set(planners) == set(VERBS) == macros


def test_a_verb_that_nobody_thought_of_is_for_admins(served, monkeypatch):
    monkeypatch.delitem(VERBS, "devices")
    with pytest.raises(AccessError, match="role admin"):
        served.run("analyst", "FROM ml_devices()")
    assert served.run("admin", "FROM ml_devices()")


def test_a_view_does_what_its_reader_may(served):
    served.run("analyst", "CREATE VIEW trap AS FROM ml_promote('fail')")
    with pytest.raises(AccessError, match="role analyst"):
        served.run("reader", "FROM trap")
    with pytest.raises(AccessError, match="role analyst"):
        served.run("reader", "FROM ml_predict('fail', 'trap')")
    assert served.run("reader", "SELECT count(*) FROM duckdb_columns() WHERE table_name = 'trap'")[0][0] == 3
    assert served.run("analyst", "FROM trap") == [("fail", 1, None)]


def test_a_prepared_statement_does_what_its_session_may(served):
    served.run("analyst", "PREPARE champion AS FROM ml_promote('fail')")
    assert served.run("analyst", "EXECUTE champion") == [("fail", 1, None)]
    with pytest.raises(AccessError):
        served.run("reader", "PREPARE champion AS FROM ml_promote('fail')")


@pytest.mark.parametrize("role", ROLES)
def test_training_within_training_is_planned_for_who_asked(served, role):
    """Sources of a training are bound on threads of DuckDB's; who asks is known there."""
    sql = "FROM ml_check('SELECT p.*, d.kind AS k FROM parts p, ml_promote(''fail'') d(kind)')"
    if role == "reader":
        with pytest.raises(MfgsqlError, match="role analyst"):
            served.run(role, sql)
    else:
        assert served.run(role, sql)


def test_reading_verbs_may_be_sources_of_a_training(served):
    inner = "FROM ml_predict(''fail'', ''SELECT * FROM parts WHERE failed IS NOT NULL'')".replace("''", "''''")
    source = f"SELECT torque, temp, failed FROM ({inner.replace(chr(39) * 4, chr(39))})"
    rows = served.run("analyst", _finetune("again", source, "failed", "force := true"))
    assert rows[0][:2] == ("again", 1)
    served.run("analyst", "FROM ml_drop('again')")


# -- the seal on jobs ---------------------------------------------------------------------------------------------------


def test_forged_jobs_are_refused(served):
    """Called as embedded: past the rule that no client may name this function."""
    forged = {"action": "drop", "args": {"model": "fail"}}
    jobs = [forged, {"job": json.dumps(forged), "seal": "0" * 64}, {"job": json.dumps(forged)}, {"job": 1, "seal": 2}]
    for job in jobs:
        with pytest.raises(AccessError, match="Only a verb"):
            served.owner.execute("SELECT _ml_run($1)", [json.dumps(job)]).fetchall()
    assert served.run("reader", "SELECT count(*) FROM ml.versions WHERE model = 'fail'") == [(1,)]


def test_an_altered_job_is_refused(served):
    plan = served.run("analyst", "FROM ml_plan('promote', 'fail', '')")[0][0]
    assert "seal" in plan
    assert served.owner.execute(plan).fetchall() == [("fail", 1, None)]
    with pytest.raises(AccessError, match="Only a verb"):
        served.owner.execute(plan.replace("promote", "rollback")).fetchall()


def test_a_seal_is_of_one_engine(served, plant):
    with mfgsql.connect(served.folder / "other.duckdb", progress="off") as other:
        other.engine.guard(None)
        plan = other.execute("FROM ml_plan('devices', '', '')").fetchone()[0]
        assert other.execute(plan).fetchall()
        with pytest.raises(AccessError, match="Only a verb"):
            served.owner.execute(plan).fetchall()


def test_without_a_caller_nothing_acts(served):
    """Arguments that are no constants are planned on threads of DuckDB's, where nobody is known."""
    bare = served.owner.con.cursor()
    sql = "SELECT _ml_plan(CASE a WHEN 0 THEN 'drop' ELSE 'promote' END, {'model': 'fail'}) FROM sales"
    with pytest.raises(duckdb.Error, match="not for the role reader of 'nobody'"):
        bare.execute(sql).fetchall()
    with pytest.raises(duckdb.Error, match="Nobody who is known"):
        bare.execute("SELECT _ml_plan('devices', {'a': a}) FROM sales").fetchall()
    bare.close()


def test_an_engine_that_is_not_guarded_is_as_ever(plant):
    text = plant.execute("FROM ml_plan('promote', 'fail', '')").fetchone()[0]
    assert "seal" not in text and '"by"' not in text
    assert plant.execute("SELECT _ml_run($1)", ['{"action": "devices", "args": {}}']).fetchone()


def test_views_of_schema_ml_are_for_all(served):
    for role in ROLES:
        assert served.run(role, "SELECT model FROM ml.models") == [("fail",)]
        assert served.run(role, "SELECT count(*) > 10 FROM ml.functions") == [(True,)]


# -- files --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["../x.safetensors", "a/../../x", "/etc/passwd", "{folder}/x", "link/x", "link", "", ".", "{root}/../x", "loop"]
)
def test_paths_lead_out_of_the_folder(served, path):
    for name, target in (("link", served.folder), ("loop", served.root / "loop")):
        if not (served.root / name).is_symlink():
            (served.root / name).symlink_to(target)
    told = path.format(folder=served.folder, root=served.root)
    for verb in ("export", "import"):
        with pytest.raises(MfgsqlError):
            served.run("admin", f"FROM ml_{verb}('fail', '{told}')")
        with pytest.raises(AccessError, match="role admin"):
            served.run("analyst", f"FROM ml_{verb}('fail', '{told}')")
    if told:
        with pytest.raises(AccessError):
            resolve_file(served.owner.engine, Identity("a", Role.ADMIN), told)


def test_files_below_the_folder(served):
    served.run("admin", "FROM ml_export('fail', 'm.safetensors', overwrite := true)")
    assert served.run("admin", f"FROM ml_import('copy', '{served.root}/m.safetensors')")[0][:2] == ("copy", 1)
    served.run("analyst", "FROM ml_drop('copy')")
    admin = Identity("a", Role.ADMIN)
    assert resolve_file(served.owner.engine, admin, "new/deep.bin") == served.root.resolve() / "new/deep.bin"
    assert resolve_file(served.owner.engine, None, "../any") == Path("../any")


def test_a_server_without_a_folder_has_no_files(tmp_path):
    with mfgsql.connect(tmp_path / "p.duckdb", progress="off") as owner:
        owner.engine.guard(None)
        with pytest.raises(AccessError, match="--files-root"):
            resolve_file(owner.engine, Identity("a", Role.ADMIN), "x")


# -- ordinary work ------------------------------------------------------------------------------------------------------

READING = [
    "SELECT 1",
    "FROM sales",
    "TABLE sales",
    "VALUES (1), (2)",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) FROM n",
    "PIVOT sales ON a USING sum(b)",
    "PIVOT sales ON a IN (0, 1) USING sum(b)",
    "FROM (PIVOT sales ON a USING sum(b))",
    "UNPIVOT (SELECT 1 AS x, 2 AS y) ON x, y",
    "SELECT {'a': 1, 'b': [1, 2]}.b[1]",
    "SELECT list_transform([1, 2], lambda x: x + 1), [x * 2 FOR x IN [1, 2] IF x > 1]",
    "SELECT a, b FROM sales QUALIFY row_number() OVER (PARTITION BY a ORDER BY b) = 1",
    "SELECT COLUMNS(c -> c LIKE 'a%') FROM sales",
    "SELECT * EXCLUDE (a) REPLACE (b + 1 AS b) FROM sales",
    "DESCRIBE sales",
    "SHOW TABLES",
    "SHOW ALL TABLES",
    "SUMMARIZE sales",
    "EXPLAIN SELECT 1",
    "EXPLAIN ANALYZE SELECT 1",
    "EXPLAIN (FORMAT json) SELECT * FROM sales",
    "EXPLAIN ANALYZE (SELECT 1)",
    "PREPARE three AS SELECT 3",
    "EXECUTE three",
    "DEALLOCATE three",
    "SET VARIABLE a = (SELECT max(a) FROM sales)",
    "RESET VARIABLE a",
    "SELECT 'it''s; COPY x TO ''y''', \"a\" FROM sales -- DROP TABLE sales",
    "SELECT $$ read_blob('x') $$, 'ml_catalog', 'x.csv'",
    "SELECT a FROM sales WHERE b::VARCHAR IN ('x.csv', 'y.duckdb')",
    "SELECT extract(year FROM '2026-01-01'::DATE), trim(BOTH ' ' FROM ' x '), substring('abc' FROM 2)",
    "SELECT 'a\u00a0b'\u00a0AS\u3000x",
    "-- \u8bf4\u660e\u3000all\nSELECT 1",
    "FROM query('SELECT 1')",
    "FROM query($$FROM sales WHERE a = 1$$)",
    "SELECT twice(3), version(), current_schema()",
    "FROM range(3) r(i), unnest([1, 2]) u(x)",
    "FROM json_each('{\"a\": 1}')",
    "SELECT count(*) FROM duckdb_tables(), duckdb_columns() LIMIT 1",
    "SELECT table_name FROM information_schema.tables",
    "SELECT relname FROM pg_catalog.pg_class",
    "SELECT checkpoint FROM (SELECT 1 AS checkpoint)",
    "SELECT query.a FROM sales AS query",
    "FROM ml.models; FROM ml.runs; FROM ml.functions",
    "FROM ml_predict('fail', 'parts') WHERE probability > 0.3",
    "WITH recent AS (FROM parts LIMIT 5) FROM ml_predict('fail', 'recent')",
    "FROM ml_predict('fail', 'SELECT *, 1 / 2 AS half FROM parts WHERE shift <> ''x.csv''')",
    "FROM ml_predict('fail', '(SELECT * FROM parts)')",
    "FROM ml_predict('fail', 'plant.main.parts')",
    "FROM ml_predict('fail', 'SELECT * FROM parts WHERE torque > 1', explain := 2) LIMIT 1",
    "SELECT ml_predict('fail', p).probability FROM parts p LIMIT 1",
    "FROM ml_evaluate('fail', 'parts')",
    "FROM ml_confusion_matrix('fail', 'parts')",
    "FROM ml_check('parts', target := 'failed')",
    "FROM ml_drivers('parts', target := 'failed')",
    "FROM ml_feature_importance('fail')",
    "FROM ml_control_chart('parts', kind := 'i_mr', field := 'temp', order_by := 'ts')",
    "FROM ml_labels('parts', failures := 'SELECT unit, ts AS failed_at FROM parts WHERE failed', "
    "horizon := INTERVAL 1 HOUR, entity := 'unit', order_by := 'ts', options := {'failed_at': 'failed_at'})",
    "SELECT length(ml_report('fail'))",
    "FROM ml_devices()",
    "FROM ml_plan('predict', 'fail', 'parts')",
]


@pytest.mark.parametrize("role", ROLES)
def test_ordinary_reading(served, role):
    for sql in READING:
        served.run(role, sql)


def test_training_over_the_wire(served):
    model, version, *_ = served.run("analyst", TRAIN.replace("'fail'", "'mine'"))[0]
    assert (model, version) == ("mine", 1)
    served.run("analyst", "FROM ml_promote('mine@1', require := 'accuracy >= 0')")
    assert served.run("analyst", "FROM ml_drop('mine', reason := 'a trial')") == [("mine", 1)]
    told = served.run("reader", "SELECT who, event, reason FROM ml.events WHERE model = 'mine'")
    who = served.sessions["analyst"].identity.name
    assert told == [(who, "created", None), (who, "promoted", "the first version"), (who, "dropped", "a trial")]


def test_what_is_known_of_a_statement(served, con):
    reader = Identity("r", Role.READER)
    told = check_statements(con, "SELECT $a, $b; BEGIN; PIVOT sales ON a USING sum(b); EXPLAIN FROM sales;; -- end", reader)
    assert [(s.kind, s.reads_only, s.returns_rows) for s in told] == [
        ("SELECT", True, True), ("TRANSACTION", True, False), ("SELECT", True, True), ("EXPLAIN", True, True),
    ]  # fmt: skip
    assert told[0].parameters == {"a", "b"}
    one, two, three, four = check_statements(
        con, "INSERT INTO sales VALUES (?, ?) RETURNING a; DELETE FROM sales; CREATE TABLE z AS SELECT 1; "
        "EXPLAIN ANALYZE DELETE FROM sales", Identity("a", Role.ANALYST),
    )  # fmt: skip
    assert (one.kind, one.parameters, one.returns_rows, one.reads_only) == ("INSERT", {"1", "2"}, True, False)
    assert (two.kind, two.returns_rows) == ("DELETE", False)
    assert (three.kind, three.returns_rows, three.reads_only) == ("CREATE", False, False)
    assert (four.kind, four.returns_rows, four.reads_only) == ("EXPLAIN", True, False)
    assert check_statements(con, " ; -- nothing", reader) == []


def test_without_an_identity_statements_are_parsed_only(con):
    assert [s.kind for s in check_statements(con, "COPY sales TO 'x'; SET a = 1", None)] == ["COPY", "SET"]


def test_errors_of_the_parser_are_duckdbs(con):
    for sql in ("SELEC 1", "SELECT 'a", "SELECT U&'x'", "SELECT (1"):
        with pytest.raises(duckdb.ParserException):
            check_statements(con, sql, Identity("r", Role.READER))
    with pytest.raises(InputError, match="NUL"):
        check_statements(con, "SELECT 1\0; DROP TABLE sales", Identity("r", Role.READER))


def test_an_error_tells_the_role_that_may(con):
    with pytest.raises(AccessError) as raised:
        check_statements(con, "DELETE FROM sales", Identity("anna", Role.READER))
    assert isinstance(raised.value, PermissionError)
    assert str(raised.value).startswith("DELETE is not for the role reader of 'anna'. It takes the role analyst")


def test_a_source_that_is_no_query_is_told_as_ever(served):
    with pytest.raises(SourceError, match="INSERT statement"):
        served.run("reader", "FROM ml_predict('fail', 'INSERT INTO sales VALUES (1, 2)')")


# -- the lock -----------------------------------------------------------------------------------------------------------


def test_a_locked_engine_still_learns_and_lets_no_setting_change(served):
    for sql in ("SET threads = 1", "SET enable_external_access = true", "SET lock_configuration = false"):
        with pytest.raises(duckdb.InvalidInputException, match="locked"):
            served.owner.execute(sql)
    with pytest.raises(duckdb.PermissionException):
        served.owner.execute(f"FROM read_csv('{served.folder}/x.csv')")


def test_the_allowed_table_functions_exist(served):
    rows = served.owner.execute(
        "SELECT function_name FROM duckdb_functions() WHERE function_type IN ('table', 'table_macro')"
    ).fetchall()
    assert {name for (name,) in rows} >= TABLE_FUNCTIONS


# -- whatever is written ------------------------------------------------------------------------------------------------

_BLANK = st.sampled_from([" ", "\n", "\t", " /* x */ ", " -- x\n", "\u00a0", "\u3000", " /* /* n */ */ ", "\ufeff "])
_NAME = st.sampled_from(["sales", '"sales"', "main.sales", 'plant."main".sales', "SALES"])
_WRITES: list[Callable[[str], list[str]]] = [
    lambda t: ["INSERT", "INTO", t, "VALUES", "(1, 2)"],
    lambda t: ["WITH", "q", "AS", "(SELECT 1, 2)", "INSERT", "INTO", t, "FROM", "q"],
    lambda t: ["UPDATE", t, "SET", "a = 1"],
    lambda t: ["DELETE", "FROM", t],
    lambda t: ["TRUNCATE", t],
    lambda t: ["MERGE", "INTO", t, "AS", "x", "USING", "parts", "ON", "true", "WHEN", "MATCHED", "THEN", "DELETE"],
    lambda t: ["CREATE", "OR", "REPLACE", "TABLE", t, "AS", "SELECT", "1"],
    lambda t: ["CREATE", "TEMP", "VIEW", "w", "AS", "FROM", t],
    lambda t: ["DROP", "TABLE", "IF", "EXISTS", t],
    lambda t: ["ALTER", "TABLE", t, "RENAME", "a", "TO", "c"],
    lambda t: ["COMMENT", "ON", "TABLE", t, "IS", "'x'"],
    lambda t: ["COPY", t, "FROM", "'x'"],
    lambda t: ["SELECT", "1", "FROM", t, ";", "DELETE", "FROM", t],
    lambda t: ["FROM", t, ",", "read_blob", "('x')"],
    lambda t: ["SELECT", "_ml_run", "(a)", "FROM", t],
    lambda t: ["VACUUM", t],
    lambda t: ["SET", "threads", "=", "1", ";", "FROM", t],
]
_BEFORE = st.sampled_from([[], ["EXPLAIN"], ["EXPLAIN", "ANALYZE"], ["PREPARE", "p", "AS"], [";"], ["SELECT", "1", ";"]])


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_nothing_that_writes_passes_for_a_reader(served, con, data):
    write = data.draw(st.sampled_from(_WRITES))(data.draw(_NAME))
    words = [*data.draw(_BEFORE), *write]
    cased = [w if w[0] in "\"'(" else data.draw(st.sampled_from([w, w.lower()])) for w in words]
    blanks = data.draw(st.lists(_BLANK, min_size=len(cased), max_size=len(cased)))
    sql = "".join(word + blank for word, blank in zip(cased, blanks, strict=True))
    with pytest.raises((AccessError, duckdb.ParserException)):
        for statement in check_statements(con, sql, Identity("r", Role.READER)):
            assert statement.kind in ("SELECT", "EXPLAIN", "PREPARE")
    # The property has teeth: what DuckDB can parse, an admin is refused only for what nobody may.
    assert served.owner.execute("SELECT count(*) FROM sales").fetchone() == (9,)


_PIECES = [" FROM read_blob('x')", "read_blob", "('x')", " FROM ", "$x$", "$\u00a0x$", "\u00a0FROM\u00a0", "FROM\u3000read_blob", "--", "/*", "*/", "''", "\\'", ", a "]


@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(st.sampled_from([*"ab1 '\"$(),-*eEU&\n\u00a0\u3000", *_PIECES]), max_size=16))
def test_what_is_judged_is_what_duckdb_parses(con, parts):
    """Whatever passes holds, as DuckDB parses it, no call that the policy missed: found in its own syntax tree."""
    try:
        passed = check_statements(con, f"SELECT 1 {''.join(parts)}", Identity("r", Role.READER))
    except (MfgsqlError, duckdb.Error):
        return
    for statement in passed:
        tree = con.cursor().execute("SELECT json_serialize_sql(?::VARCHAR)", [statement.text]).fetchone()[0]
        assert '"function_name":"read_blob"' not in tree.lower()


# -- what the documentation shows ---------------------------------------------------------------------------------------

_ROOT = Path(__file__).parents[2]
_SHOWN = re.findall(r"^```sql\n(.*?)^```", (_ROOT / "README.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)
_SHOWN += [file.read_text("utf-8") for file in sorted((_ROOT / "sql/examples").glob("*.sql"))]


@pytest.mark.parametrize("text", _SHOWN, ids=range(len(_SHOWN)))
def test_an_analyst_may_do_what_the_documentation_shows(con, text):
    assert check_statements(con, text, Identity("a", Role.ANALYST))


def test_an_admin_may_make_the_simulated_plant(con):
    for file in sorted((_ROOT / "sql/plant").glob("*.sql")):
        assert check_statements(con, file.read_text("utf-8"), Identity("a", Role.ADMIN))
