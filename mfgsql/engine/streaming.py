"""Errors that DuckDB raises while rows are taken as Arrow: they come as text, and are what they were again."""

from __future__ import annotations

import re

import duckdb

_CLASS = re.compile(r"^(\w[\w ]*?) Error: ")


def raised_in_stream(error: OSError) -> duckdb.Error:
    """DuckDB's error of an Arrow stream's text, such as ``Invalid Input Error: boom``."""
    text = str(error)
    match = _CLASS.match(text)
    wanted = f"{match[1].replace(' ', '')}Exception".lower() if match else ""
    known = {name.lower(): kind for name, kind in vars(duckdb).items() if isinstance(kind, type)}
    kind = known.get(wanted, duckdb.InvalidInputException)
    return kind(text) if issubclass(kind, duckdb.Error) else duckdb.InvalidInputException(text)
