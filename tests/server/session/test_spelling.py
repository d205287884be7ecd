"""Bytes in the text of a statement, as PostgreSQL's clients write them."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfgsql.server.session.spelling import spelled


@given(st.binary(max_size=30), st.sampled_from(["'\\x{}'::bytea", "'\\x{}'::pg_catalog.bytea", "CAST('\\x{}' AS bytea)"]))
def test_bytes_stay_what_they_are(value: bytes, form: str) -> None:
    made = spelled(f"SELECT {form.format(value.hex())}").replace("pg_catalog.", "")
    assert duckdb.execute(made).fetchone() == (value,)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT '\\x00'", "SELECT '\\x00'::text, 'bytea'", "SELECT '\\x0'::bytea", "SELECT '\\xzz'::bytea", "SELECT 'a''\\x00'::bytea",
        "SELECT $$'\\x00'::bytea$$", "SELECT 1 -- '\\x00'::bytea",
    ],
)  # fmt: skip
def test_all_else_stays_as_it_is(sql: str) -> None:
    assert spelled(sql) == sql
