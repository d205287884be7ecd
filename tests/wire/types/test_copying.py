"""COPY in and out: PostgreSQL's streams byte for byte, and anything that is sent comes back."""

from __future__ import annotations

import random
import struct

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfgsql.wire.errors import WireError
from mfgsql.wire.types.copying import CopyDecoder, CopyEncoder, CopyLayout

NAMES, KINDS = ["a", "b", "c", "d"], ["VARCHAR", "INTEGER", "BLOB", "VARCHAR[]"]
TYPES = [pa.string(), pa.int32(), pa.binary(), pa.list_(pa.string())]
ROWS = [
    ("plain", 1, b"ab", ["a", "b c"]),
    ("", None, b"", None),
    (None, 2, None, []),
    ('tab\tnl\nbs\\cr\rq"c,|', 3, b"\x00\xff", ['x,"y']),
    ("\\N", 4, None, None),
    ("\\.", 5, None, None),
    ("\b\fv", 6, None, None),
]
BINARY_HEAD = b"PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00"

POSTGRES = [
    ({}, [b'plain\t1\t\\\\x6162\t{a,"b c"}\n', b"\t\\N\t\\\\x\t\\N\n", b"\\N\t2\t\\N\t{}\n",
          b'tab\\tnl\\nbs\\\\cr\\rq"c,|\t3\t\\\\x00ff\t{"x,\\\\"y"}\n', b"\\\\N\t4\t\\N\t\\N\n", b"\\\\.\t5\t\\N\t\\N\n",
          b"\\b\\fv\t6\t\\N\t\\N\n"]),
    ({"delimiter": "|", "null": "nix", "header": True},
     [b"a|b|c|d\n", b'plain|1|\\\\x6162|{a,"b c"}\n', b"|nix|\\\\x|nix\n", b"nix|2|nix|{}\n",
      b'tab\\tnl\\nbs\\\\cr\\rq"c,\\||3|\\\\x00ff|{"x,\\\\"y"}\n', b"\\\\N|4|nix|nix\n", b"\\\\.|5|nix|nix\n", b"\\b\\fv|6|nix|nix\n"]),
    ({"format": "csv"},
     [b'plain,1,\\x6162,"{a,""b c""}"\n', b'"",,\\x,\n', b",2,,{}\n",
      b'"tab\tnl\nbs\\cr\rq""c,|",3,\\x00ff,"{""x,\\""y""}"\n', b"\\N,4,,\n", b"\\.,5,,\n", b"\x08\x0cv,6,,\n"]),
    ({"format": "csv", "header": True, "force_quote": ("a",), "null": "nix", "delimiter": ";"},
     [b"a;b;c;d\n", b'"plain";1;\\x6162;"{a,""b c""}"\n', b'"";nix;\\x;nix\n', b"nix;2;nix;{}\n",
      b'"tab\tnl\nbs\\cr\rq""c,|";3;\\x00ff;"{""x,\\""y""}"\n', b'"\\N";4;nix;nix\n', b'"\\.";5;nix;nix\n', b'"\x08\x0cv";6;nix;nix\n']),
    ({"format": "csv", "quote": "'", "escape": "\\"},
     [b"plain,1,\\x6162,'{a,\"b c\"}'\n", b"'',,\\x,\n", b",2,,{}\n",
      b"'tab\tnl\nbs\\\\cr\rq\"c,|',3,\\x00ff,'{\"x,\\\\\"y\"}'\n", b"\\N,4,,\n", b"\\.,5,,\n", b"\x08\x0cv,6,,\n"]),
    ({"format": "csv", "force_quote": "*"},
     [b'"plain","1","\\x6162","{a,""b c""}"\n', b'"",,"\\x",\n', b',"2",,"{}"\n',
      b'"tab\tnl\nbs\\cr\rq""c,|","3","\\x00ff","{""x,\\""y""}"\n', b'"\\N","4",,\n', b'"\\.","5",,\n', b'"\x08\x0cv","6",,\n']),
    ({"format": "binary"},
     [BINARY_HEAD + b"\x00\x04\x00\x00\x00\x05plain\x00\x00\x00\x04\x00\x00\x00\x01\x00\x00\x00\x02ab\x00\x00\x00 \x00\x00\x00\x01"
      b"\x00\x00\x00\x00\x00\x00\x00\x19\x00\x00\x00\x02\x00\x00\x00\x01\x00\x00\x00\x01a\x00\x00\x00\x03b c",
      b"\x00\x04\x00\x00\x00\x00\xff\xff\xff\xff\x00\x00\x00\x00\xff\xff\xff\xff",
      b"\x00\x04\xff\xff\xff\xff\x00\x00\x00\x04\x00\x00\x00\x02\xff\xff\xff\xff\x00\x00\x00\x0c\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x19",
      b'\x00\x04\x00\x00\x00\x12tab\tnl\nbs\\cr\rq"c,|\x00\x00\x00\x04\x00\x00\x00\x03\x00\x00\x00\x02\x00\xff\x00\x00\x00\x1c\x00\x00\x00\x01'
      b'\x00\x00\x00\x00\x00\x00\x00\x19\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x04x,"y',
      b"\x00\x04\x00\x00\x00\x02\\N\x00\x00\x00\x04\x00\x00\x00\x04\xff\xff\xff\xff\xff\xff\xff\xff",
      b"\x00\x04\x00\x00\x00\x02\\.\x00\x00\x00\x04\x00\x00\x00\x05\xff\xff\xff\xff\xff\xff\xff\xff",
      b"\x00\x04\x00\x00\x00\x03\x08\x0cv\x00\x00\x00\x04\x00\x00\x00\x06\xff\xff\xff\xff\xff\xff\xff\xff", b"\xff\xff"]),
]  # fmt: skip
"""What PostgreSQL 15 sent for ROWS, a message each."""


def batch_of(rows, types=TYPES, names=NAMES):
    return pa.RecordBatch.from_arrays([pa.array([r[k] for r in rows], t) for k, t in enumerate(types)], names)


def written(rows_of, layout: CopyLayout, batches, kinds=KINDS, names=NAMES) -> list[bytes]:
    encoder = CopyEncoder(kinds, names, layout)
    buffers = [encoder.start(), *(encoder.encode(b) for b in batches), encoder.finish()]
    return [message for buffer in buffers for message in rows_of(buffer, b"d")]


def read(layout: CopyLayout, data: bytes, cuts=(), kinds=KINDS, names=NAMES):
    decoder, at, batches = CopyDecoder(kinds, names, layout), 0, []
    for cut in [*sorted(cuts), len(data)]:
        batches += decoder.feed(data[at:cut])
        at = max(at, cut)
    batches += decoder.finish()
    return [tuple(row.values()) for batch in batches for row in batch.to_pylist()]


@pytest.mark.parametrize(("options", "expected"), POSTGRES, ids=[str(o) for o, _ in POSTGRES])
def test_out_is_what_postgresql_sends(rows_of, options: dict, expected: list[bytes]) -> None:
    batch = batch_of(ROWS)
    assert written(rows_of, CopyLayout.of(options), [batch]) == expected
    assert written(rows_of, CopyLayout.of(options), [batch.slice(0, 2), batch.slice(2, 0), batch.slice(2)]) == expected


@pytest.mark.parametrize(("options", "stream"), POSTGRES, ids=[str(o) for o, _ in POSTGRES])
@pytest.mark.parametrize("piece", [1, 7, 10_000])
def test_in_reads_what_postgresql_sends(monkeypatch, options: dict, stream: list[bytes], piece: int) -> None:
    for module in ("records", "tuples"):
        monkeypatch.setattr(__import__(f"mfgsql.wire.types.copying.{module}", fromlist=["x"]), "_CHUNK", 16)
    data, layout = b"".join(stream), CopyLayout.of(options)
    expected = ROWS if layout.form == "binary" else [(a, b if b is None else str(b), c, d) for a, b, c, d in ROWS]
    assert read(layout, data, range(0, len(data), piece)) == expected


def test_a_table_of_one_column(rows_of) -> None:
    batch = pa.record_batch({"a": ["\\.", "", None]})
    assert written(rows_of, CopyLayout("csv"), [batch], ["VARCHAR"], ["a"]) == [b'"\\."\n', b'""\n', b"\n"]
    assert written(rows_of, CopyLayout(), [batch], ["VARCHAR"], ["a"]) == [b"\\\\.\n", b"\n", b"\\N\n"]
    for layout in (CopyLayout("csv"), CopyLayout()):
        data = b"".join(written(rows_of, layout, [batch], ["VARCHAR"], ["a"]))
        assert read(layout, data, (), ["VARCHAR"], ["a"]) == [("\\.",), ("",), (None,)]


def test_binary_without_rows(rows_of) -> None:
    assert written(rows_of, CopyLayout("binary"), [batch_of([])]) == [BINARY_HEAD + b"\xff\xff"]
    assert read(CopyLayout("binary"), BINARY_HEAD + b"\xff\xff") == []


def test_the_end_marker_ends() -> None:
    assert read(CopyLayout(), b"x\t1\n\\.\nrubbish\n", (), KINDS[:2], NAMES[:2]) == [("x", "1")]
    assert read(CopyLayout(), b"\\.\n", (), KINDS[:2], NAMES[:2]) == []
    assert read(CopyLayout("csv"), b'x,1\n"\n\\.\n",2\n\\.\nrubbish', (), KINDS[:2], NAMES[:2]) == [("x", "1"), ("\n\\.\n", "2")]


def test_the_last_end_of_line_may_be_missing_and_may_be_crlf() -> None:
    for layout, data in ((CopyLayout(), b"x\t1\r\ny\t2"), (CopyLayout("csv"), b"x,1\r\ny,2")):
        assert read(layout, data, (), KINDS[:2], NAMES[:2]) == [("x", "1"), ("y", "2")]


def test_escapes_of_text() -> None:
    data = b"\\x41\\102\\q\\\tx\t\\\n\t\n"
    assert read(CopyLayout(), data, (), ["VARCHAR"] * 3, ["a", "b", "c"]) == [("ABq\tx", "\n", "")]
    assert read(CopyLayout(), b"C:\\\\\t\\\\N\n", (), ["VARCHAR"] * 2, ["a", "b"]) == [("C:\\", "\\N")]
    assert read(CopyLayout(), b"\\303\\251\n", (), ["VARCHAR"], ["a"]) == [("é",)]


@pytest.mark.parametrize(
    ("options", "data", "expected"),
    [
        ({}, b"'b'\"a\",a\"a\"\"\"\n", ("'b'a", 'aa"')),
        ({}, b'\\t"",\n', ("\\t", None)),
        ({}, b'a"x,y"b,"c"\n', ("ax,yb", "c")),
        ({}, b'"",""""\n', ("", '"')),
        ({"quote": "'", "escape": "\\"}, b",\\t'b''b'\"a\"\\t\\N'b'\"\"\n", (None, '\\tbb"a"\\t\\Nb""')),
        ({"quote": "'", "escape": "\\"}, b"'it\\'s','\\\\ \\n'\n", ("it's", "\\ \\n")),
    ],
)
def test_quotes_may_stand_anywhere(options: dict, data: bytes, expected) -> None:
    """As PostgreSQL 15 read them."""
    assert read(CopyLayout.of({"format": "csv", **options}), data, (), ["VARCHAR"] * 2, ["a", "b"]) == [expected]


def test_null_may_be_forced_or_forbidden() -> None:
    data, kinds, names = b'x,,""\n', ["VARCHAR"] * 3, ["a", "b", "c"]
    assert read(CopyLayout("csv"), data, (), kinds, names) == [("x", None, "")]
    assert read(CopyLayout("csv", force_not_null=("b",), force_null=("c",)), data, (), kinds, names) == [("x", "", None)]


def test_postgresql_s_ways_of_writing_reach_duckdb(con) -> None:
    """Where DuckDB casts a text otherwise, or not at all."""
    kinds = ["BOOLEAN", "DATE", "TIMESTAMP", "INTERVAL", "BLOB", "INTEGER[]", "DOUBLE", "TIMESTAMP WITH TIME ZONE"]
    names = list("abcdefgh")
    line = b"on\t0044-03-15 BC\t0044-03-15 10:00:00 BC\t-1 years +2 mons\t\\\\x6162\t{1,NULL}\tInfinity\t2026-01-02 03:04:05+05:30\n"
    decoder = CopyDecoder(kinds, names, CopyLayout())
    decoder.feed(line.replace(b" +2 mons", b""))
    [copied] = decoder.finish()
    con.register("copied", copied)
    casts = ", ".join(f"{n}::{k}" for n, k in zip(names, kinds, strict=True))
    found = con.execute(f"SELECT CAST(COLUMNS(*) AS VARCHAR) FROM (SELECT {casts} FROM copied)").fetchone()
    con.unregister("copied")
    assert found == (
        "true", "0044-03-15 (BC)", "0044-03-15 (BC) 10:00:00", "-1 year", "ab", "[1, NULL]", "inf", "2026-01-01 21:34:05+00",
    )  # fmt: skip


def test_binary_has_the_types_of_the_table(con, rows_of) -> None:
    sql = """SELECT 1::SMALLINT a, 2.5::DECIMAL(9,2) b, DATE 'infinity' c, TIMESTAMP '-infinity' d, TRUE e, 1.5::FLOAT f,
        INTERVAL '1 month 2 days 3 hours' g, uuid() h, TIME '01:02:03' i, '101'::BIT j, [1::BIGINT, NULL] k, ['x'] l,
        TIMESTAMPTZ '2026-01-02 03:04:05+00' m, 2::HUGEINT n, DATE '0044-03-15 (BC)' o
        UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL"""
    con.execute(f"CREATE OR REPLACE TEMP TABLE source AS {sql}")
    cursor = con.execute("FROM source")
    kinds, names = [str(d[1]) for d in cursor.description], [d[0] for d in cursor.description]
    data = b"".join(written(rows_of, CopyLayout("binary"), list(cursor.to_arrow_reader(10)), kinds, names))
    decoder = CopyDecoder(kinds, names, CopyLayout("binary"))
    batches = decoder.feed(data) + decoder.finish()
    con.execute("CREATE OR REPLACE TEMP TABLE target AS FROM source LIMIT 0")
    for copied in batches:
        con.register("copied", copied)
        con.execute("INSERT INTO target FROM copied")
        con.unregister("copied")
    assert con.execute("FROM source EXCEPT ALL FROM target").fetchall() == []
    assert con.execute("SELECT count(*) FROM target").fetchone() == (2,)


BAD = [
    ({}, b"x\t1\ny\n", "22P04", "line 2: column 'b' is missing"),
    ({}, b"x\t1\n\ny\t2\n", "22P04", "line 2"),
    ({}, b"x\t1\ty\n", "22P04", "line 1: there are values behind the last column"),
    ({}, b"x\0\t1\n", "22021", "NUL"),
    ({}, b"x\xff\t1\n", "22021", "UTF-8"),
    ({}, b"\xff\n", "22021", "UTF-8"),
    ({}, b"x\\xff\t1\n", "22021", "column 'a'"),
    ({"format": "csv"}, b"x,1\ny\xff,2\n", "22021", "line 2, column 'a'"),
    ({"format": "csv"}, b'x,"1\n', "22P04", "quote"),
    ({"format": "csv", "header": True}, b"a,b\nx,1\ny\n", "22P04", "column 'b' is missing"),
    ({"format": "binary"}, b"PGCOPZ\n", "22P04", "binary"),
    ({"format": "binary"}, BINARY_HEAD + b"\0\3\0", "22P04", "row 1: 3 fields where 2"),
    ({"format": "binary"}, BINARY_HEAD + b"\0\2\0\0", "22P04", "middle of row 1"),
    ({"format": "binary"}, BINARY_HEAD + struct.pack(">hi1si2s", 2, 1, b"x", 2, b"ab") + b"\xff\xff", "22P03", "row 1, column 'b'"),
    ({"format": "binary"}, BINARY_HEAD + struct.pack(">hi1si", 2, 1, b"\xff", -1) + b"\xff\xff", "22021", "row 1, column 'a'"),
]


@pytest.mark.parametrize(("options", "data", "sqlstate", "words"), BAD)
def test_a_broken_stream_is_told_with_its_place(options: dict, data: bytes, sqlstate: str, words: str) -> None:
    with pytest.raises(WireError, match=words) as told:
        read(CopyLayout.of(options), data, (), KINDS[:2], NAMES[:2])
    assert told.value.sqlstate == sqlstate


def test_a_value_that_is_none_is_told_with_its_place() -> None:
    with pytest.raises(WireError, match="row 2, column 'b'") as told:
        read(CopyLayout(), b"x\t\\\\x61\ny\t\\\\x6\n", (), ["VARCHAR", "BLOB"], NAMES[:2])
    assert told.value.sqlstate == "22P02"


def test_a_record_without_end_is_refused(monkeypatch) -> None:
    from mfgsql.wire.types.copying import records

    monkeypatch.setattr(records, "_LONGEST", 1000)
    monkeypatch.setattr(records, "_CHUNK", 100)
    decoder = CopyDecoder(["VARCHAR"], ["a"], CopyLayout("csv"))
    with pytest.raises(WireError, match="no end") as told:
        for _ in range(50):
            decoder.feed(b'"' + b"x" * 99 if _ == 0 else b"x\n" * 50)
    assert told.value.sqlstate == "22P04"


@pytest.mark.parametrize(
    "options",
    [{"delimiter": "ab"}, {"delimiter": "n"}, {"delimiter": "é"}, {"format": "csv", "delimiter": '"'}, {"null": "a\tb"},
     {"format": "csv", "quote": "''"}, {"format": "binary", "header": True}],
)  # fmt: skip
def test_layouts_that_can_t_be(options: dict) -> None:
    with pytest.raises(WireError):
        CopyLayout.of(options)


TEXTS = st.none() | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8) | st.text("\\\t\n\r,\"'|N.x1 ", max_size=6)
LAYOUTS = [
    CopyLayout(), CopyLayout(delimiter="|", null=""), CopyLayout(header=True, null="NULL"), CopyLayout("csv"),
    CopyLayout("csv", delimiter=";", null="NULL", header=True), CopyLayout("csv", quote="'", escape="\\"),
    CopyLayout("csv", force_quote="*"), CopyLayout("binary"),
]  # fmt: skip


@given(rows=st.lists(st.tuples(TEXTS, TEXTS), max_size=12), layout=st.sampled_from(LAYOUTS), seed=st.integers(0, 99))
def test_anything_comes_back(rows_of, rows, layout: CopyLayout, seed: int) -> None:
    names, kinds = ["a\tb", 'c"d,\n'], ["VARCHAR", "VARCHAR"]
    if layout.marker in ("", "NULL") and layout.form == "text":  # PostgreSQL takes these for NULL as well
        rows = [tuple(v if v != layout.marker else None for v in row) for row in rows]
    batch = batch_of(rows, [pa.string()] * 2, names)
    data = b"".join(written(rows_of, layout, [batch], kinds, names))
    picked = random.Random(seed)
    cuts = [picked.randint(0, len(data)) for _ in range(4)]
    assert read(layout, data, cuts, kinds, names) == rows
