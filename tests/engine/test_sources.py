"""What a source may be, and what is said of one that is none."""

from __future__ import annotations

import pytest

from mfgsql.engine import Session
from mfgsql.engine.sources import read_source
from mfgsql.errors import MfgsqlError, SourceError

FEATURES = "torque, temp, shift, hot"


@pytest.fixture(scope="module")
def tables(plant: Session, tmp_path_factory: pytest.TempPathFactory) -> Session:
    """The plant with sources under awkward names, each of another number of rows."""
    plant.execute('CREATE SCHEMA IF NOT EXISTS "sc h"; CREATE SCHEMA IF NOT EXISTS other')
    names = {
        '"my tab"': 11, '"x.y"': 12, '"select"': 13, '"sc h".t': 14, 'other."my tab"': 15, '"pump; DROP TABLE parts"': 16,
        '"say ""hi"""': 17, '"Großer Tisch 机器"': 18, '"x.parquet"': 19, '"a-b"': 20, '"it\'s"': 21, '"from"': 22,
        '"1st"': 23, '"(odd)"': 24, '"values"': 25, '"--"': 26, "other.t": 27,
    }  # fmt: skip
    for name, count in names.items():
        plant.execute(f"CREATE OR REPLACE TABLE {name} AS FROM parts WHERE id < {count}")
    plant.execute("CREATE OR REPLACE VIEW seen AS FROM parts WHERE id < 30")
    plant.execute("CREATE OR REPLACE TEMP TABLE mine AS FROM parts WHERE id < 31")
    folder = tmp_path_factory.mktemp("files")
    for name in ("plain.parquet", "with space.parquet", "it's.parquet", "p.csv"):
        target = str(folder / name).replace("'", "''")
        plant.execute(f"COPY (FROM parts WHERE id < 32) TO '{target}'")
    plant.execute(f"SET VARIABLE folder = '{folder}'")
    return plant


def folder(s: Session) -> str:
    return str(s.execute("SELECT getvariable('folder')").fetchone()[0])


def count(s: Session, source: str, before: str = "") -> int:
    """Rows that are scored; a prediction is read, so that each one really is."""
    quoted = source.replace("'", "''")
    return int(s.execute(f"{before} SELECT count(probability) FROM ml_predict('fail', '{quoted}')").fetchone()[0])


FORMS = [
    ("parts", 600), ("  parts  ", 600), ("PARTS", 600), ('"parts"', 600), ("main.parts", 600), ('main."parts"', 600),
    ("plant.main.parts", 600), ("my tab", 11), ('"my tab"', 11), ("x.y", 12), ('"x.y"', 12), ("select", 13),
    ('"select"', 13), ("sc h.t", None), ('"sc h".t', 14), ("sc h", None), ('other."my tab"', 15), ("other.t", 27),
    ("pump; DROP TABLE parts", 16), ('say "hi"', 17), ('"say ""hi"""', 17), ("Großer Tisch 机器", 18),
    ('"x.parquet"', 19), ("a-b", 20), ("it's", 21), ("from", 22), ("1st", 23), ('"1st"', 23), ("(odd)", 24),
    ("values", 25), ('"--"', 26), ("seen", 30), ("mine", 31),
    ("SELECT * FROM parts", 600), ("select * from parts;", 600), ("  SELECT * FROM parts ;  \n", 600),
    ("(SELECT * FROM parts)", 600), ("((SELECT * FROM parts))", 600), ("FROM parts", 600), ("TABLE parts", 600),
    ("/* the parts */ SELECT * FROM parts", 600), ("-- the parts\nSELECT * FROM parts", 600),
    ("SELECT * FROM parts -- all", 600), ("SELECT * FROM parts; -- all", 600), ("-- a\n\n/* b */ FROM parts -- c\n", 600),
    ("WITH x AS (FROM parts WHERE id < 9) FROM x", 9), ("SELECT * FROM parts WHERE shift = 'A'", 200),
    ("(VALUES (1.0, 25.0, 'A', true), (2.0, 26.0, 'B', false)) v(torque, temp, shift, hot)", 2),
    ("(SELECT * FROM parts) AS p", 600), ("parts p", 600), ("parts JOIN range(5) r(id) USING (id)", 5),
    ("SELECT * FROM parts LIMIT 3", 3), ("FROM parts ORDER BY id LIMIT 4", 4), ("FROM parts UNION ALL FROM parts", 1200),
    ("SELECT 1.0 AS torque, 25.0 AS temp, 'A' AS shift, true AS hot", 1),
    ("SELECT torque AS \"TORQUE\", temp AS Temp, shift, hot FROM parts", 600),
    ("SELECT 'a;b' AS note, * FROM parts", 600), ("SELECT '-- no' AS note, * FROM parts", 600),
    ("SELECT '?' AS q, '$1' AS p, * FROM parts", 600),
]  # fmt: skip


@pytest.mark.parametrize(("source", "wanted"), FORMS)
def test_a_source_means_its_rows(tables: Session, source: str, wanted: int | None) -> None:
    if wanted is None:
        with pytest.raises(Exception, match="sc h"):
            count(tables, source)
    else:
        assert count(tables, source) == wanted


def test_a_file_is_a_source(tables: Session) -> None:
    place = folder(tables)
    for source in ("plain.parquet", "with space.parquet", "it's.parquet", "p.csv", "pl*.parquet"):
        assert count(tables, f"{place}/{source}") == 32
    assert count(tables, f"'{place}/plain.parquet'") == 32
    assert count(tables, f"read_parquet('{place}/plain.parquet')") == 32
    assert count(tables, f"SELECT * FROM '{place}/plain.parquet' WHERE id < 5") == 5
    with pytest.raises(Exception, match=r"nowhere\.parquet"):
        count(tables, f"{place}/nowhere.parquet")


def test_a_cte_and_a_bare_name_are_sources(tables: Session) -> None:
    assert count(tables, "x", "WITH x AS (FROM parts WHERE id < 8)") == 8
    assert tables.execute("SELECT count(probability) FROM ml_predict(fail, parts)").fetchone() == (600,)
    assert tables.execute("SELECT count(probability) FROM ml_predict('fail', 'par' || 'ts')").fetchone() == (600,)


def test_uncommitted_rows_can_be_scored(tables: Session) -> None:
    tables.execute("BEGIN")
    tables.execute("CREATE TABLE fresh AS FROM parts WHERE id < 33")
    assert count(tables, "fresh") == 33
    tables.execute("ROLLBACK")


def test_a_caller_elsewhere_means_what_it_sees(tables: Session) -> None:
    with tables.cursor() as own:
        own.execute("USE other")
        assert own.execute("SELECT count(probability) FROM main.ml_predict('fail', 't')").fetchone() == (27,)
        assert own.execute("SELECT count(probability) FROM main.ml_predict('fail', 'main.parts')").fetchone() == (600,)


REFUSED = [
    ("", "A source is"), ("   ", "A source is"), ("FROM parts; FROM parts", "2 statements"),
    ("INSERT INTO parts FROM parts", "INSERT statement"), ("DELETE FROM parts", "DELETE statement"),
    ("DROP TABLE parts", "DROP statement"), ("CREATE TABLE z AS FROM parts", "CREATE statement"),
    ("SELECT * FROM parts WHERE id = $1", "parameters"), ("SELECT * FROM parts WHERE id = ?", "parameters"),
    ("SELECT * FROM parts WHERE id = $name", "parameters"), ("FROM parts; DROP TABLE parts", "2 statements"),
    ("COPY parts TO 'x.csv'", "COPY statement"), ("SET threads = 1", "SET statement"),
    ("BEGIN", "TRANSACTION statement"), ("ATTACH 'x.duckdb'", "ATTACH statement"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "words"), REFUSED)
def test_what_is_no_source_is_told_the_forms(tables: Session, source: str, words: str) -> None:
    with pytest.raises(SourceError) as caught:
        count(tables, source)
    assert words in str(caught.value)
    assert "a SELECT" in str(caught.value) or "parameters" in words
    assert tables.execute("SELECT count(*) FROM parts").fetchone() == (600,)


def test_null_and_numbers_are_refused(tables: Session) -> None:
    for source in ("NULL", "3", "[1]", "{'a': 1}", "true"):
        with pytest.raises(SourceError, match="A source is a table or view"):
            tables.execute(f"FROM ml_predict('fail', {source})")


@pytest.mark.parametrize(
    ("source", "near"),
    [
        ("SELECT * FORM parts", 'at or near "parts" in line 1: SELECT \\* FORM parts'),
        ("SELEC * FROM parts", 'at or near "SELEC"'),
        ("-- of late\nSELECT * FROM parts WHERE", "at end of input"),
        ("FROM parts SELECT (id", "at end of input"),
    ],
)
def test_a_slip_of_the_pen_is_shown(tables: Session, source: str, near: str) -> None:
    with pytest.raises(SourceError, match=f"^The source can't be parsed: syntax error {near}"):
        count(tables, source)


def test_a_name_with_words_of_a_query_is_a_name(tables: Session) -> None:
    tables.execute('CREATE TABLE "all from press select" AS FROM parts LIMIT 5')
    assert count(tables, "all from press select") == 5
    tables.execute('DROP TABLE "all from press select"')


@pytest.mark.parametrize(
    "source", ["nowhere", "no.where", "SELECT * FROM nowhere", "SELEC * FROM parts", ")", "parts WHERE"]
)
def test_what_is_not_there_is_named(tables: Session, source: str) -> None:
    with pytest.raises(Exception) as caught:
        count(tables, source)
    assert not isinstance(caught.value, MfgsqlError) or "\n" not in str(caught.value)
    assert any(word in str(caught.value) for word in ("where", "SELEC", ")", "parts WHERE"))


@pytest.mark.parametrize(
    "source", ["parts) AS x; DROP TABLE parts; --", "parts'; DROP TABLE parts; --", 'parts"; DROP TABLE parts; --']
)
def test_nothing_breaks_out_of_a_source(tables: Session, source: str) -> None:
    with pytest.raises(Exception):  # noqa: B017, PT011  (whose error it is depends on where it breaks)
        count(tables, source)
    assert tables.execute("SELECT count(*) FROM parts").fetchone() == (600,)


def test_a_source_is_never_run_to_be_understood(tables: Session) -> None:
    tables.execute("CREATE SEQUENCE IF NOT EXISTS used")
    with tables.engine.cursor() as cursor:
        read_source(cursor, "SELECT nextval('used') AS n, * FROM parts")
    assert tables.execute("SELECT nextval('used')").fetchone() == (1,)
