"""Files into tables."""

import gzip
from datetime import datetime

import duckdb
import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mfgsql
from mfgsql.engine.intake import LoadOptions, load
from mfgsql.engine.pivoting import Pivot
from mfgsql.engine.profiling import describe
from mfgsql.engine.readings import read_padded_numbers
from mfgsql.errors import CancelledError, MfgsqlError, SourceError

WORDS = st.text(st.characters(codec="gb18030", categories=["L", "N"]), min_size=1, max_size=6)


@pytest.fixture
def con():
    with duckdb.connect() as connection:
        yield connection


@settings(max_examples=25, deadline=None)
@given(
    rows=st.lists(st.tuples(st.integers(-(10**6), 10**6), st.floats(-1e6, 1e6).map(lambda v: round(v, 3))), min_size=2),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "gb18030"]),
    decimal=st.sampled_from([".", ","]),
)
def test_csv_round_trip(tmp_path_factory, rows, encoding, decimal):
    file = tmp_path_factory.mktemp("csv") / "a.csv"
    text = "nr;压力 [bar];wort\n" + "".join(f"{n};{str(v).replace('.', decimal)};冷却{n}\n" for n, v in rows)
    file.write_text(text, encoding=encoding)
    with duckdb.connect() as con:
        load(con, [str(file)], "t", LoadOptions(delimiter=";", decimal=decimal, encoding=encoding))
        got = con.execute('SELECT nr, "压力 [bar]"::DOUBLE, wort FROM t').fetchall()
    assert got == [(n, float(v), f"冷却{n}") for n, v in rows]


def test_gb18030_is_found_out(con, tmp_path):
    (tmp_path / "a.csv").write_text("name,v\n轴承,1\n冷却,2\n", encoding="gb18030")
    loaded = load(con, [str(tmp_path / "a.csv")], "t", LoadOptions())
    assert con.execute("SELECT name FROM t").fetchall() == [("轴承",), ("冷却",)]
    assert "gb18030" in loaded.notes[0]


def test_a_second_bad_file_leaves_the_table_untouched(con, tmp_path):
    (tmp_path / "a.csv").write_text("a,b\n1,2\n3,4\n")
    load(con, [str(tmp_path / "a.csv")], "t", LoadOptions())
    (tmp_path / "b.csv").write_text("a,c\n1,2\n")
    with pytest.raises(MfgsqlError, match="ADD COLUMN"):
        load(con, [str(tmp_path / "a.csv"), str(tmp_path / "b.csv")], "t", LoadOptions(append=True))
    assert con.execute("SELECT count(*) FROM t").fetchone() == (2,)
    with pytest.raises(MfgsqlError, match="--append"):
        load(con, [str(tmp_path / "a.csv")], "t", LoadOptions())
    assert load(con, [str(tmp_path / "a.csv")], "t", LoadOptions(append=True)).rows == 2


def test_formats_and_globs(con, tmp_path):
    con.execute(f"COPY (SELECT 1 a) TO '{tmp_path}/a.parquet'; COPY (SELECT 2 a) TO '{tmp_path}/b.json'")
    (tmp_path / "c.csv.gz").write_bytes(gzip.compress(b"a\n3\n4\n"))
    loaded = load(con, [f"{tmp_path}/*"], "t", LoadOptions())
    assert loaded.rows == 4
    assert con.execute("SELECT sum(a) FROM t").fetchone() == (10,)


def test_excel(con, tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["nr", "Messwert [bar]", "wann", "wort"])
    book.active.append([1, 2.5, datetime(2026, 1, 2, 3, 4), "冷却"])
    book.active.append([2, None, datetime(2026, 1, 2, 3, 5), "x"])
    book.create_sheet("more").append(["b"])
    book["more"].append([7])
    book.save(tmp_path / "a.xlsx")
    assert load(con, [f"{tmp_path}/a.xlsx"], "t", LoadOptions()).rows == 2
    assert con.execute("FROM t ORDER BY nr").fetchone() == (1, 2.5, datetime(2026, 1, 2, 3, 4), "冷却")
    load(con, [f"{tmp_path}/a.xlsx"], "more", LoadOptions(sheet="more"))
    assert con.execute("FROM more").fetchall() == [(7,)]
    with pytest.raises(MfgsqlError, match="a.xlsx"):
        load(con, [f"{tmp_path}/a.xlsx"], "none", LoadOptions(sheet="no such"))


def test_decimal_commas_are_found(con, tmp_path):
    (tmp_path / "a.csv").write_text("nr;druck;stueck;wort\n1;1,5;1,234;a,b\n2;;2,345;c\n3;-0,25;3,456;d\n")
    notes = load(con, [f"{tmp_path}/a.csv"], "t", LoadOptions()).notes
    assert con.execute("SELECT druck, stueck FROM t ORDER BY nr").fetchall() == [
        (1.5, "1,234"),
        (None, "2,345"),
        (-0.25, "3,456"),
    ]
    assert [n for n in notes if "decimal comma" in n] == ["druck is read with a decimal comma."]
    assert any(n.startswith("stueck stays text") for n in notes)


def test_epochs_and_absent_columns_are_pointed_out(con, tmp_path):
    (tmp_path / "a.csv").write_text("ts,a,b\n1700000000123,1,2\n")
    assert any(
        "--epoch ts" in n and "milliseconds" in n for n in load(con, [f"{tmp_path}/a.csv"], "t", LoadOptions()).notes
    )
    (tmp_path / "b.csv").write_text("ts,a\n1700000000124,1\n")
    notes = load(con, [f"{tmp_path}/b.csv"], "t", LoadOptions(append=True)).notes
    assert "The new rows have no b: NULL there." in notes


def test_a_pivot_carries_on_for_a_while_only(con, tmp_path):
    (tmp_path / "h.csv").write_text(
        "tag,ts,value\nA,2024-01-01 00:00:00,1\nB,2024-01-01 00:00:00,5\nB,2024-01-01 00:30:00,6\nB,2024-01-01 02:00:00,7\n"
    )
    load(con, [f"{tmp_path}/h.csv"], "t", LoadOptions(pivot=Pivot(fill_limit="1 hour")))
    assert con.execute('SELECT "A", "B" FROM t ORDER BY ts').fetchall() == [(1.0, 5.0), (1.0, 6.0), (None, 7.0)]


def test_a_bad_line_is_named_by_its_number(con, tmp_path):
    (tmp_path / "a.csv").write_text("a,b\n" + "1,2\n" * 50 + "1,2,3,4\n" + "5,6\n" * 50)
    with pytest.raises(MfgsqlError, match="52"):
        load(con, [f"{tmp_path}/a.csv"], "t", LoadOptions(delimiter=","))


def test_epoch_and_time_zone(con, tmp_path):
    (tmp_path / "a.csv").write_text("ms,local\n1700000000123,2024-07-01 12:00:00\n1700000001123,2024-07-01 13:00:00\n")
    load(con, [f"{tmp_path}/a.csv"], "t", LoadOptions(epoch=("ms",)))
    assert con.execute("SELECT min(ms) FROM t").fetchone() == (datetime(2023, 11, 14, 22, 13, 20, 123000),)
    load(con, [f"{tmp_path}/a.csv"], "t", LoadOptions(replace=True, timezone="Europe/Berlin"))
    assert con.execute("SELECT min(local) AT TIME ZONE 'UTC' FROM t").fetchone() == (datetime(2024, 7, 1, 10),)


def test_pivot_with_last_known_value(con, tmp_path):
    (tmp_path / "h.csv").write_text(
        "tag,ts,value\nTI-1,2024-01-01 00:00:05,1.5\nPI-2,2024-01-01 00:00:40,7\nTI-1,2024-01-01 00:01:10,Bad\n"
        "PI-2,2024-01-01 00:02:00,8\nST,2024-01-01 00:00:01,auto\n"
    )
    loaded = load(con, [f"{tmp_path}/h.csv"], "t", LoadOptions(pivot=Pivot(every="1 minute")))
    assert con.execute('SELECT "TI-1", "PI-2", "ST" FROM t ORDER BY ts').fetchall() == [
        (1.5, 7.0, "auto"),
        (1.5, 7.0, "auto"),
        (1.5, 8.0, "auto"),
    ]
    assert any("Bad" in note for note in loaded.notes)


@pytest.mark.parametrize(("name", "content", "words"), [("none.csv", None, "no file"), ("e.csv", "", "empty")])
def test_what_can_not_be_read(con, tmp_path, name, content, words):
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(MfgsqlError, match=words):
        load(con, [str(tmp_path / name)], "t", LoadOptions())


def test_bad_lines_stop_the_load_or_are_counted(con, tmp_path):
    (tmp_path / "a.csv").write_text("a,b\n" + "1,2\n" * 50 + "1,2,3,4\n" + "5,6\n" * 50)
    with pytest.raises(MfgsqlError, match="can.t be loaded"):
        load(con, [f"{tmp_path}/a.csv"], "t", LoadOptions(delimiter=","))
    loaded = load(con, [f"{tmp_path}/a.csv"], "t", LoadOptions(delimiter=",", on_bad="skip"))
    assert (loaded.rows, loaded.rejected) == (100, 1)


def test_tags_that_sql_can_not_tell_apart_are_refused(con, tmp_path):
    (tmp_path / "h.csv").write_text("tag,ts,value\nA,2024-01-01 00:00:00,1.5\na,2024-01-01 00:00:00,2.5\n")
    with pytest.raises(MfgsqlError, match="'A' and 'a'"):
        load(con, [f"{tmp_path}/h.csv"], "t", LoadOptions(pivot=Pivot()))


@pytest.mark.parametrize("given", [{"every": "soon"}, {"fill_limit": "soon"}])
def test_a_bad_interval_is_named(con, tmp_path, given):
    (tmp_path / "h.csv").write_text("tag,ts,value\nA,2024-01-01 00:00:00,1.5\n")
    with pytest.raises(MfgsqlError, match="no length of time"):
        load(con, [f"{tmp_path}/h.csv"], "t", LoadOptions(pivot=Pivot(**given)))


def test_an_epoch_can_be_pivoted(con, tmp_path):
    (tmp_path / "h.csv").write_text("tag,ts,value\nA,1700000000123,1.5\n")
    load(
        con, [f"{tmp_path}/h.csv"], "t", LoadOptions(epoch=("ts",), pivot=Pivot(every="1 minute", fill_limit="1 hour"))
    )
    assert con.execute("FROM t").fetchall() == [(datetime(2023, 11, 14, 22, 13), 1.5)]


def test_tables_of_the_user_are_left_alone(con, tmp_path):
    con.execute("CREATE TABLE reject_errors AS SELECT 1 AS mine")
    (tmp_path / "a.csv").write_text("a\n1\n")
    assert load(con, [f"{tmp_path}/a.csv"], "t", LoadOptions()).rejected == 0
    assert con.execute("FROM reject_errors").fetchall() == [(1,)]


@pytest.mark.parametrize(
    ("encoding", "text", "passes"),
    [
        ("utf-8", "n;x\n" + "轴;1\n" * 4000, 1),
        ("gb18030", "n;x\n" + "轴;1\n" * 4000, 1),
        ("latin-1", "n;x\n" + "plain;1\n" * 4000 + "ä;1\n", 3),
    ],
)
def test_the_encoding_is_found_in_one_pass_that_can_be_stopped(con, tmp_path, monkeypatch, encoding, text, passes):
    monkeypatch.setattr("mfgsql.engine.encoding._BLOCK", 1000)
    data = text.encode(encoding)
    (tmp_path / "a.csv").write_bytes(data)
    checks = []
    load(con, [f"{tmp_path}/a.csv"], "t", LoadOptions(), lambda: checks.append(1))
    assert con.execute("SELECT count(*) FROM t").fetchone() == (text.count("\n") - 1,)
    blocks = len(data) // 1000
    assert blocks * passes <= len(checks) <= (blocks + 4) * passes + 10

    def stop():
        left.pop()
        if not left:
            raise CancelledError("Cancelled.")

    for after in (2, blocks // 2, len(checks)):
        left = [0] * after
        with pytest.raises(CancelledError):
            load(con, [f"{tmp_path}/a.csv"], "u", LoadOptions(), stop)
        assert con.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name <> 't'").fetchone() == (0,)


def test_a_byte_that_can_not_be_read_is_counted_from_the_beginning(con, tmp_path, monkeypatch):
    monkeypatch.setattr("mfgsql.engine.encoding._BLOCK", 7)
    (tmp_path / "a.csv").write_bytes("name\n轴轴轴轴轴轴轴轴轴\n".encode("gb18030") + b"\xff\xff")
    with pytest.raises(MfgsqlError, match="byte 24 can't"):
        load(con, [f"{tmp_path}/a.csv"], "t", LoadOptions(encoding="gb18030"))
    with pytest.raises(MfgsqlError, match="no encoding 'base64'"):
        load(con, [f"{tmp_path}/a.csv"], "t", LoadOptions(encoding="base64"))


def test_the_broken_one_of_several_files_is_named(con, tmp_path):
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    (tmp_path / "b.parquet").write_bytes(b"PAR1 broken")
    with pytest.raises(MfgsqlError, match=r"b\.parquet can't be loaded"):
        load(con, [f"{tmp_path}/a.csv", f"{tmp_path}/b.parquet"], "t", LoadOptions())
    (tmp_path / "c.csv").write_text("a,b\n1,word\n")
    con.execute("CREATE TABLE t (a INT, b INT)")
    with pytest.raises(MfgsqlError, match=r"^[^ ]*c\.csv can't be loaded: Conv"):
        load(con, [f"{tmp_path}/a.csv", f"{tmp_path}/c.csv"], "t", LoadOptions(append=True))
    (tmp_path / "d.csv").write_text("a,new\n1,2\n")
    with pytest.raises(MfgsqlError, match=r"no column 'new', which '[^ ]*d\.csv' has"):
        load(con, [f"{tmp_path}/a.csv", f"{tmp_path}/d.csv"], "t", LoadOptions(append=True))
    assert con.execute("SELECT count(*) FROM t").fetchone() == (0,)


@pytest.mark.parametrize("decimal", [".", ","])
def test_thousands_are_read_where_the_decimal_sign_is_told(con, tmp_path, decimal):
    swap = str.maketrans(",.", ".,") if decimal == "," else {}
    text = "nr;a;b;c;d;e\n1;1,234.5;1,234;1,234.5;12,34.5;x, y\n2;-0.25;12,345,678;n/a;1.5;z\n3;;0;7;2;1\n".translate(
        swap
    )
    (tmp_path / "a.csv").write_text(text)
    (tmp_path / "b.csv").write_text("nr;a\n4;1.234\n".translate(swap))
    loaded = load(con, [f"{tmp_path}/a.csv", f"{tmp_path}/b.csv"], "t", LoadOptions(delimiter=";", decimal=decimal))
    assert con.execute("SELECT a, b FROM t ORDER BY nr").fetchall() == [
        (1234.5, 1234.0),
        (-0.25, 12345678.0),
        (None, 0.0),
        (1.234, None),
    ]
    kinds = dict(loaded.columns)
    assert (kinds["c"], kinds["d"], kinds["e"]) == ("VARCHAR", "VARCHAR", "VARCHAR")
    other = "," if decimal == "." else "."
    signs = f"decimal '{decimal}' and thousands '{other}'."
    assert loaded.notes == [
        f"a is read with {signs}",
        f"b is read with {signs}",
        f"c stays text: 'n/a' is no number with {signs}",
        f"d stays text: '{'12,34.5'.translate(swap)}' is no number with {signs}",
    ]
    assert load(con, [f"{tmp_path}/a.csv"], "t", LoadOptions(delimiter=";", decimal=decimal, append=True)).rows == 3
    assert con.execute("SELECT max(a), count(*) FILTER (c = ?) FROM t", ["1,234.5".translate(swap)]).fetchone() == (
        1234.5,
        2,
    )


def test_what_the_told_decimal_sign_rules_out_stays_text(con, tmp_path):
    (tmp_path / "a.csv").write_text("a;b\n0.5;0.123\n2.25;4.567\n")
    loaded = load(con, [f"{tmp_path}/a.csv"], "t", LoadOptions(delimiter=";", decimal=","))
    assert con.execute("FROM t").fetchall() == [("0.5", "0.123"), ("2.25", "4.567")]
    assert [n.split(" is no")[0] for n in loaded.notes] == ["a stays text: '0.5'", "b stays text: '0.123'"]


def test_appended_decimal_commas_are_read_unless_the_table_holds_text(con, tmp_path):
    (tmp_path / "a.csv").write_text("a;b\n1,5;2,5\n")
    con.execute("CREATE TABLE t (a DOUBLE, b VARCHAR)")
    load(con, [f"{tmp_path}/a.csv"], "t", LoadOptions(delimiter=";", append=True))
    assert con.execute("FROM t").fetchall() == [(1.5, "2,5")]


LONG = "tag;ts;value\nT;2024-01-01 00:00:00;21,5\nT;2024-01-01 00:01:00;Bad\nT;2024-01-01 00:02:00;22\nU;2024-01-01 00:00:00;1,234\nS;2024-01-01 00:00:00;auto\nP;2024-01-01 00:00:00;1.5\n"


def test_decimal_commas_in_a_long_form_are_read_by_tag(con, tmp_path):
    (tmp_path / "a.csv").write_text(LONG)
    (tmp_path / "b.csv").write_text("tag;ts;value\nT;2024-01-01 00:03:00;1.234,5\nP;2024-01-01 00:03:00;2.5\n")
    loaded = load(con, [f"{tmp_path}/a.csv"], "t", LoadOptions(pivot=Pivot()))
    assert con.execute('SELECT "T", "U", "S", "P" FROM t ORDER BY ts').fetchall() == [
        (21.5, "1,234", "auto", 1.5)
    ] * 2 + [(22.0, "1,234", "auto", 1.5)]
    assert "T is read with a decimal comma." in loaded.notes and any(n.startswith("U stays text") for n in loaded.notes)
    both = [f"{tmp_path}/a.csv", f"{tmp_path}/b.csv"]
    loaded = load(con, both, "u", LoadOptions(pivot=Pivot(fill="none"), decimal=","))
    assert con.execute('SELECT "T", "U", "P" FROM u ORDER BY ts').fetchall() == [
        (21.5, 1.234, "1.5"),
        (None, None, None),
        (22.0, None, None),
        (1234.5, None, "2.5"),
    ]
    assert any(n.startswith("P stays text: '1.5'") for n in loaded.notes)
    assert "T is read with decimal ',' and thousands '.'." in loaded.notes


def test_a_long_form_is_read_as_it_is_written(con, tmp_path):
    (tmp_path / "a.csv").write_text("tag;ts;value\nT;2024-01-01 00:00:00;1,234\n")
    (tmp_path / "b.csv").write_text("tag;ts;value\nT;2024-01-01 00:01:00;1.234,5\n")
    load(con, [f"{tmp_path}/a.csv", f"{tmp_path}/b.csv"], "t", LoadOptions(pivot=Pivot(), decimal=","))
    assert con.execute('SELECT "T" FROM t ORDER BY ts').fetchall() == [(1.234,), (1234.5,)]


def test_a_failed_load_leaves_no_sheet_behind(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["a"])
    book.active.append([1])
    book.save(tmp_path / "a.xlsx")

    class Connection:  # DuckDB's own can't be patched
        def __init__(self, con):
            self.con, self.sheets = con, []

        def __getattr__(self, name):
            return getattr(self.con, name)

        def register(self, name, rows):
            self.sheets.append(name)
            return self.con.register(name, rows)

        def unregister(self, name):
            self.sheets.remove(name)
            return self.con.unregister(name)

        def execute(self, sql, *parameters):
            if "__ml_sheet" in sql:
                raise duckdb.InvalidInputException("no")
            return self.con.execute(sql, *parameters)

    with duckdb.connect() as inner:
        con = Connection(inner)
        with pytest.raises(MfgsqlError, match=r"a\.xlsx can't be loaded"):
            load(con, [f"{tmp_path}/a.xlsx"], "t", LoadOptions())
        assert con.sheets == []


def test_dates_with_points_become_times_and_points_beside_commas_are_pointed_out(tmp_path):
    rows = "\n".join(f"{d:02d}.{d % 12 + 1:02d}.2024 00:15;6,{d};1.{d:03d}" for d in range(1, 29))
    (tmp_path / "g.csv").write_text(f"Zeit;Druck;Stück\n{rows}\n", encoding="utf-8")
    with mfgsql.connect(progress="off") as s:
        loaded = s.load([str(tmp_path / "g.csv")], "g")
        assert [kind for _, kind in loaded.columns] == ["TIMESTAMP", "DOUBLE", "DOUBLE"]
        assert s.execute("SELECT min(Zeit)::VARCHAR FROM g").fetchone() == ("2024-01-12 00:15:00",)
        assert any("Zeit is read as day.month.year" in n for n in loaded.notes)
        assert any("if it groups thousands, say --decimal ','" in n for n in loaded.notes)
        told = s.load([str(tmp_path / "g.csv")], "told", LoadOptions(decimal=","))
        assert [kind for _, kind in told.columns] == ["TIMESTAMP", "DOUBLE", "DOUBLE"]
        assert s.execute('SELECT min("Stück"), max("Stück") FROM told').fetchone() == (1001.0, 1028.0)


def test_one_column_in_two_notations_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text("a;b\n1,5;x\n2,5;y\n")
    (tmp_path / "b.csv").write_text("a;b\n3,5;x\nn/a;y\n")
    with mfgsql.connect(progress="off") as s:
        with pytest.raises(SourceError, match="'a' is text in .*b.csv' and a number"):
            s.load([str(tmp_path / "a.csv"), str(tmp_path / "b.csv")], "t", LoadOptions(decimal=","))
        assert s.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 't'").fetchone() == (0,)


def test_a_table_may_be_called_like_a_variable_of_python(tmp_path):
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    with mfgsql.connect(progress="off") as s:
        for name in ("con", "select", "duckdb"):
            assert s.load([str(tmp_path / "a.csv")], name).rows == 1


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1252", "Maschine;Prüfkraft;Größe;Zustand\n" + "Säge 1;1.5;3;geprüft – gut\n" * 50),
        ("cp1252", "Größe;Spaltmaß\n" + "1;2\n" * 50),
        ("cp1252", "Temperatur [°C];Weg [µm]\n" + "1;2\n" * 50),
        ("cp1252", "Température;État\n" + "1;arrêté\n2;démarré\n" * 50),
        ("gb18030", "机器;温度\n" + "压力机一号;故障 5\n" * 50),
    ],
)
def test_western_files_are_not_read_as_chinese(con, tmp_path, encoding, text):
    (tmp_path / "a.csv").write_bytes(text.encode(encoding))
    loaded = load(con, [f"{tmp_path}/a.csv"], "t", LoadOptions())
    assert [name for name, _ in loaded.columns] == text.split("\n")[0].split(";")
    assert f"is read as {encoding}" in loaded.notes[0] and "--encoding" in loaded.notes[0]


def test_numbers_among_spaces_are_numbers(con, tmp_path):
    (tmp_path / "a.txt").write_text("cement \twater\n" + "".join(f"{i}.5 \t {i} \n" for i in range(9)))
    loaded = load(con, [f"{tmp_path}/a.txt"], "t", LoadOptions())
    assert {kind for _, kind in loaded.columns} <= {"DOUBLE", "BIGINT"}
    assert con.execute("SELECT COLUMNS(*) FROM t LIMIT 1").fetchone() == (0.5, 0)


def test_a_text_among_numbers_is_told_with_its_remedy(con, tmp_path):
    (tmp_path / "a.csv").write_text("temp,unit\n" + "".join(f"{i / 7},m{i}\n" for i in range(99)) + "defekt,m99\n")
    loaded = load(con, [f"{tmp_path}/a.csv"], "t", LoadOptions())
    (note,) = loaded.notes
    assert note.startswith("temp stays text: 'defekt' is no number (1 of 100 values aren't). To read these as missing: ALTER TABLE")
    con.execute(note.partition("missing: ")[2])
    assert con.execute("SELECT count(*), count(temp), typeof(any_value(temp)) FROM t").fetchone() == (100, 99, "DOUBLE")


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_a_ragged_file_is_never_one_column(con, tmp_path, sign):
    lines = [sign.join(("temp", "press", "fail")), *[sign.join((str(i), str(i * 2), "0")) for i in range(2000)]]
    lines[700], lines[1500] = sign.join("1234567"), "1"
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n")
    with pytest.raises(SourceError, match="--on-bad skip"):
        load(con, [f"{tmp_path}/a.csv"], "t", LoadOptions())
    skipped = load(con, [f"{tmp_path}/a.csv"], "t", LoadOptions(on_bad="skip"))
    assert (skipped.rows, len(skipped.columns)) == (1998, 3)


def test_delimiters_may_be_named(con, tmp_path):
    (tmp_path / "a.tsv").write_text("a\tb\n1\t2\n3\t4\n")
    for name in ("tab", "TAB", "\\t", "\t"):
        assert len(load(con, [f"{tmp_path}/a.tsv"], "t", LoadOptions(replace=True, delimiter=name)).columns) == 2


def test_one_column_of_texts_with_commas_stays_one(con, tmp_path):
    (tmp_path / "a.csv").write_text("note\n" + '"tool worn, replaced"\n' * 20)
    assert len(load(con, [f"{tmp_path}/a.csv"], "t", LoadOptions()).columns) == 1


@pytest.mark.parametrize(
    "texts",
    [["00123", "00124", "01000"], ["2024_01", "2024_02"], ["123456789012345678", " ", "123456789012345679"], ["007 ", " 008"]],
)
def test_codes_stay_as_they_are(con, tmp_path, texts):
    (tmp_path / "a.csv").write_text("part,x\n" + "".join(f'"{t}",1\n' for t in texts * 20) + "A17,1\n")
    loaded = load(con, [f"{tmp_path}/a.csv"], "t", LoadOptions())
    assert dict(loaded.columns)["part"] == "VARCHAR"
    assert not [n for n in loaded.notes if n.startswith("part")]
    con.execute("DELETE FROM t WHERE part = 'A17'; CREATE TABLE __ml AS SELECT part FROM t")
    notes = []
    read_padded_numbers(con, "__ml", "t", (), notes)
    assert (describe(con, "__ml"), notes) == ({"part": "VARCHAR"}, [])


@pytest.mark.parametrize("on_bad", ["error", "skip"])
@pytest.mark.parametrize("rows", [('"Position (x, y)"', '"1.0, 2.0"'), ('"name, first"', '"Doe, John"')])
def test_one_quoted_column_stays_one(con, tmp_path, rows, on_bad):
    (tmp_path / "a.csv").write_text(rows[0] + "\n" + (rows[1] + "\n") * 30)
    loaded = load(con, [f"{tmp_path}/a.csv"], "t", LoadOptions(on_bad=on_bad))
    assert (loaded.rows, len(loaded.columns)) == (30, 1)
