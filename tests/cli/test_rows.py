"""Formats of rows: table, json, csv."""

from __future__ import annotations

import csv
import io
import json

import pytest
from rich.console import Console

from mfgsql.cli.rows import plain
from mfgsql.cli.table import _fitting, clean, shown_as

ODD = (
    "SELECT 1 AS n, NULL AS nothing, 'a,\"b\"' AS text, [1, 2] AS list, MAP {'k': 1.5} AS map, true AS yes, "
    "'NaN'::DOUBLE AS nan, DATE '2026-01-02' AS day, 1.50::DECIMAL(4, 2) AS price, 'x'::BLOB AS raw"
)


def test_json_is_one_array_of_what_json_knows(mfgsql):
    (row,) = json.loads(mfgsql("sql", ODD, "--format", "json").stdout)
    assert row == {
        "n": 1, "nothing": None, "text": 'a,"b"', "list": [1, 2], "map": {"k": 1.5}, "yes": True, "nan": None,
        "day": "2026-01-02", "price": 1.5, "raw": "78",
    }  # fmt: skip


def test_csv_is_what_a_reader_reads_back(mfgsql):
    names, row = csv.reader(io.StringIO(mfgsql("sql", ODD, "--format", "csv").stdout))
    assert dict(zip(names, row, strict=True))["text"] == 'a,"b"'
    assert row[1] == "" and row[3] == "[1, 2]" and row[5] == "true" and row[9] == "78"


def test_a_picture_is_no_page_of_bytes(mfgsql):
    picture = "SELECT repeat('x', 5000)::BLOB AS image, 'ab'::BLOB AS few"
    shown = mfgsql("sql", picture).stdout
    assert "5,000 bytes" in shown and "6162" in shown and "7878" not in shown
    assert mfgsql("sql", picture, "--format", "csv").stdout == f"image,few\n{'78' * 5000},6162\n"


@pytest.mark.parametrize(("form", "lines"), [("json", 1 + 3000 + 1), ("csv", 1 + 3000)])
def test_json_and_csv_have_all_rows(mfgsql, form, lines):
    assert len(mfgsql("sql", "FROM range(3000)", "--format", form).stdout.splitlines()) == lines


def test_no_rows(mfgsql):
    assert json.loads(mfgsql("sql", "FROM parts WHERE false", "--format", "json").stdout) == []
    assert mfgsql("sql", "FROM parts WHERE false", "--format", "csv").stdout == "id,torque,shift,failed\n"
    assert "no rows" in mfgsql("sql", "FROM parts WHERE false").stdout


def test_a_table_has_fifty_rows_and_says_how_many_more(mfgsql):
    assert "350 more rows (--all)" in mfgsql("sql", "FROM parts").stdout
    assert "more rows" not in mfgsql("sql", "FROM parts", "--all").stdout


def test_null_is_told_from_an_empty_text(mfgsql):
    assert "NULL" in mfgsql("sql", "SELECT NULL AS a, '' AS b").stdout


def test_numbers_that_json_lacks_become_null_inside_lists_too():
    assert plain([float("inf"), {"a": float("nan")}]) == [None, {"a": None}]


def test_data_can_not_rule_the_terminal():
    assert "\x1b" not in clean("\x1b[31mred\r\x07")


def test_nested_and_empty_columns_give_way_to_predictions():
    columns = [("id", "BIGINT"), ("map", "MAP(VARCHAR, DOUBLE)"), ("predicted", "VARCHAR"), ("reason", "VARCHAR")]
    cells = [[shown_as(v) for v in (1, {"a" * 30: 0.5}, "x", None)]]
    assert _fitting(columns, cells, 80) == [0, 1, 2, 3]
    assert _fitting(columns, cells, 30) == [0, 2, 3]
    assert _fitting(columns, cells, 20) == [0, 2]


@pytest.fixture()
def narrow(monkeypatch):
    """A screen of so many columns."""
    return lambda width: monkeypatch.setattr("mfgsql.cli.table.console", lambda: Console(width=width, highlight=False))


@pytest.mark.parametrize("width", [80, 100, 120])
def test_a_few_rows_of_prose_are_whole_on_a_narrow_screen(mfgsql, narrow, width):
    narrow(width)
    shown = mfgsql("sql", "FROM ml.functions WHERE kind = 'word' OR name LIKE 'ml_d%'").stdout
    words = " ".join(shown.split())
    assert "arguments model: 'm' or 'm@3'" in words and "Deletes a model with all versions" in words
    assert "example FROM ml_drop('press_failure@2')" in words
    assert "word name alias summary A name that points at a version" in words
    assert max(map(len, shown.splitlines())) <= width


def test_columns_that_have_no_room_are_named(mfgsql, narrow):
    narrow(40)
    query = "SELECT 12345678901 AS a, 12345678901 AS b, 12345678901 AS c, 12345678901 AS d FROM range(3)"
    shown = mfgsql("sql", query).stdout
    assert "2 more columns: b, c (--format json)" in " ".join(shown.split())
