"""What the plans take for granted about DuckDB. Where one of these fails, they have to be thought over."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest

STRUCT = "STRUCT(label VARCHAR, score DOUBLE)"


@pytest.fixture()
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("SET threads = 2; CREATE TABLE t AS SELECT i AS a, i % 10 AS g FROM range(10_000) r(i)")
        yield connection


def register(
    con: duckdb.DuckDBPyConnection, name: str, returns: str, body: Callable[..., pa.Array], *, volatile: bool = False
) -> list[int]:
    """An Arrow UDF like those of the engine; the number of rows of each of its calls."""
    calls: list[int] = []

    def counted(*columns: pa.ChunkedArray) -> pa.Array:
        calls.append(len(columns[0]))
        return body(*columns)

    con.create_function(
        name, counted, None, con.dtype(returns), type="arrow", null_handling="special", side_effects=volatile
    )
    return calls


def scorer(con: duckdb.DuckDBPyConnection, *, volatile: bool) -> list[int]:
    """``_score(struct)``: the score is the row's ``a``."""

    def score(row: pa.ChunkedArray) -> pa.Array:
        a = pc.cast(pc.struct_field(row.combine_chunks(), "a"), pa.float64())
        return pa.StructArray.from_arrays([pa.array(["x"] * len(a)), a], names=["label", "score"])

    return register(con, "_score", STRUCT, score, volatile=volatile)


def planner(con: duckdb.DuckDBPyConnection) -> list[int]:
    """``verb(word)``: a table macro over a planner that returns ``SELECT <word> AS word``."""
    texts = register(
        con, "_plan", "VARCHAR", lambda words: pa.array([f"SELECT '{w}' AS word" for w in words.to_pylist()])
    )
    con.execute("CREATE MACRO verb(word) AS TABLE FROM query(_plan(word))")
    return texts


PLAN = """SELECT COLUMNS(lambda c: lower(c) NOT IN ('score', '__ml')), __ml.score AS score
FROM (SELECT *, _score({'a': a}) AS __ml FROM t)"""


# -- planning while binding -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrap", ["{}", "EXPLAIN {}", "PREPARE p AS {}", "CREATE VIEW v AS {}", "CREATE TABLE c AS {}"])
def test_a_bind_plans_once(con: duckdb.DuckDBPyConnection, wrap: str) -> None:
    calls = planner(con)
    con.execute(wrap.format("FROM verb('hello')")).fetchall()
    assert calls == [1]


def test_a_view_is_planned_at_every_use(con: duckdb.DuckDBPyConnection) -> None:
    calls = planner(con)
    con.execute("CREATE VIEW v AS FROM verb('hello')")
    assert [con.execute("FROM v").fetchall() for _ in range(2)] == [[("hello",)]] * 2
    assert len(calls) == 3


def test_a_prepared_statement_keeps_its_plan_until_a_ddl(con: duckdb.DuckDBPyConnection) -> None:
    calls = planner(con)
    con.execute("PREPARE p AS SELECT word, count(*) FROM verb('hello'), t GROUP BY 1")
    for _ in range(3):
        con.execute("EXECUTE p").fetchall()
    assert len(calls) == 1
    con.cursor().execute("CREATE OR REPLACE VIEW touched AS SELECT 1")  # what promoting does
    con.execute("EXECUTE p").fetchall()
    assert len(calls) == 2


def test_a_planner_can_read_and_write_by_a_cursor(con: duckdb.DuckDBPyConnection) -> None:
    def plan(words: pa.ChunkedArray) -> pa.Array:
        with con.cursor() as own:
            own.execute("INSERT INTO noted VALUES (1)")
            rows = own.execute("SELECT count(*) FROM t").fetchone()[0]
        return pa.array([f"SELECT {rows} AS n"])

    con.execute("CREATE TABLE noted (a INTEGER)")
    register(con, "_plan", "VARCHAR", plan)
    assert con.execute("FROM query(_plan('x'))").fetchall() == [(10_000,)]
    assert con.execute("SELECT count(*) FROM noted").fetchone() == (1,)


def test_a_cursor_inside_a_udf_sees_what_is_committed_only(con: duckdb.DuckDBPyConnection) -> None:
    def tables(words: pa.ChunkedArray) -> pa.Array:
        with con.cursor() as own:
            found = own.execute("SELECT list(table_name ORDER BY ALL) FROM duckdb_tables()").fetchone()[0]
        return pa.array([",".join(found)])

    register(con, "_tables", "VARCHAR", tables)
    con.execute("CREATE TEMP TABLE mine AS SELECT 1 AS a; BEGIN; CREATE TABLE uncommitted AS SELECT 1 AS a")
    assert con.execute("SELECT _tables('x')").fetchone() == ("t",)
    con.execute("COMMIT")
    assert con.execute("SELECT _tables('x')").fetchone() == ("t,uncommitted",)


def test_a_table_macro_and_a_scalar_macro_share_a_name(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE MACRO twice(x) AS TABLE SELECT x AS of_table; CREATE MACRO twice(x) AS x * 2")
    assert con.execute("SELECT twice(of_table) FROM twice(3)").fetchall() == [(6,)]


def test_a_macro_has_no_struct_without_fields_as_its_default(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.ParserException):
        con.execute("CREATE MACRO m(a := {}) AS a")


# -- scoring once per row -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "evaluated"),
    [
        ("SELECT * FROM plan", 10_000),
        ("SELECT g, score FROM plan WHERE g = 3", 1_000),  # filters on input columns come first
        ("SELECT a, score FROM plan WHERE score > 5000 AND g = 3", 1_000),  # filtered and returned, yet once
        ("SELECT g, max(score) FROM plan WHERE score < 100 GROUP BY g HAVING min(score) < 50", 10_000),
        ("SELECT count(*) FROM plan", 0),
        ("SELECT sum(a) FROM plan WHERE g < 5", 0),
    ],
)
def test_a_udf_with_side_effects_is_evaluated_once_per_row(
    con: duckdb.DuckDBPyConnection, query: str, evaluated: int
) -> None:
    calls = scorer(con, volatile=True)
    con.execute(f"WITH plan AS ({PLAN}) {query}").fetchall()
    assert sum(calls) == evaluated


def test_a_pure_udf_is_evaluated_more_than_once(con: duckdb.DuckDBPyConnection) -> None:
    calls = scorer(con, volatile=False)
    found = con.execute(f"SELECT a, score FROM ({PLAN}) WHERE score >= 5000").fetchall()
    assert len(found) == 5_000
    assert sum(calls) > 10_000


def test_an_alias_of_a_pure_udf_can_be_filtered(con: duckdb.DuckDBPyConnection) -> None:
    query = "SELECT _score({'a': a}).score AS s FROM t WHERE s >= 9990"
    scorer(con, volatile=False)
    assert len(con.execute(query).fetchall()) == 10
    con.remove_function("_score")
    scorer(con, volatile=True)
    with pytest.raises(duckdb.BinderException, match="side effects"):
        con.execute(query)


def test_a_source_with_the_outputs_names_does_not_get_through(con: duckdb.DuckDBPyConnection) -> None:
    scorer(con, volatile=True)
    con.execute("ALTER TABLE t ADD COLUMN score DOUBLE DEFAULT -1")
    con.execute("DESCRIBE " + PLAN)
    assert con.execute(f"SELECT min(score), max(score) FROM ({PLAN})").fetchone() == (0, 9999)


# -- the calls ------------------------------------------------------------------------------------------------------


def test_arguments_come_in_at_most_2048_rows(con: duckdb.DuckDBPyConnection) -> None:
    calls = scorer(con, volatile=True)
    con.execute(f"SELECT max(score) FROM ({PLAN})").fetchall()
    assert (max(calls), sum(calls)) == (2048, 10_000)


def test_a_udf_without_parameters_takes_any_number_of_any_type(con: duckdb.DuckDBPyConnection) -> None:
    register(con, "_types", "VARCHAR", lambda *c: pa.array(["; ".join(str(x.type) for x in c)] * len(c[0])))
    found = con.execute(
        "SELECT _types(x), _types(1, x, NULL) FROM (SELECT 1 AS \"Torque [Nm]\", 'a' AS b) x"
    ).fetchone()
    row = "struct<Torque [Nm]: int32, b: string>"
    assert found == (row, f"int32; {row}; null")


def test_a_null_reaches_the_udf(con: duckdb.DuckDBPyConnection) -> None:
    register(con, "_isnull", "BOOLEAN", lambda c: pc.is_null(c.combine_chunks()))
    assert con.execute("SELECT _isnull(a) FROM (VALUES (1), (NULL)) v(a)").fetchall() == [(False,), (True,)]


def test_an_exception_inside_a_udf_arrives_as_text(con: duckdb.DuckDBPyConnection) -> None:
    def broken(column: pa.ChunkedArray) -> pa.Array:
        raise LookupError("no such model; train one")

    register(con, "_broken", "VARCHAR", broken)
    with pytest.raises(duckdb.InvalidInputException, match="LookupError: no such model; train one") as caught:
        con.execute("SELECT _broken(a) FROM t").fetchall()
    assert caught.value.__cause__ is None


def test_a_udf_is_seen_by_every_cursor(con: duckdb.DuckDBPyConnection) -> None:
    before = con.cursor()
    register(con, "_one", "INTEGER", lambda c: pa.array([1] * len(c)))
    for cursor in (before, con.cursor()):
        assert cursor.execute("SELECT sum(_one(a)) FROM t").fetchone() == (10_000,)


@pytest.mark.parametrize("hidden", [False, True])
def test_a_result_goes_through_the_dataset_scanner_where_that_can_be_imported(hidden):
    """Which is why the command line hides it; the result is the same."""
    script = f"""
import sys
if {hidden}: sys.modules['pyarrow.dataset'] = None
import duckdb, pyarrow.compute as pc
with duckdb.connect() as con:
    con.create_function('double', lambda x: pc.multiply(x, 2), None, con.dtype('BIGINT'), type='arrow')
    print(con.execute('SELECT sum(double(i)) FROM range(5000) r(i)').fetchone()[0], sys.modules['pyarrow.dataset'] is None)
"""
    assert subprocess.check_output([sys.executable, "-c", script], text=True).split() == ["24995000", str(hidden)]
