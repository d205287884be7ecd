"""What clients of every kind are held to."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from typing import Any

import pytest

from tests.server.conftest import Served

# Clients count an interval in days: a year as 365, a month as 30.
_PARTS = {"year": 365, "month": 30, "day": 1}, {"hour": 3600 * 10**6, "minute": 60 * 10**6, "microsecond": 1}
_DAYS, _MICROSECONDS = (" + ".join(f"{part}(c_interval) * {by}" for part, by in parts.items()) for parts in _PARTS)
_COUNTED = f"to_days(({_DAYS})::INTEGER) + to_microseconds({_MICROSECONDS})"
_DOCUMENTS = ("c_json", "c_union")

# 300,000 rows to score: a minute, long enough to be stopped in the middle.
SLOW = "SELECT avg(probability) FROM ml_predict('fail', 'SELECT p.* FROM parts p, range(500)')"
LIKELY = "SELECT id, predicted_failed, probability FROM ml_predict('fail', 'parts') WHERE probability > 0.2 ORDER BY id"


@pytest.fixture(scope="session")
def everything(served: Served) -> Callable[..., list[dict[str, Any]]]:
    """``(binary, without=())``: the rows of the table of that name by DuckDB itself, as Python clients have them.

    Text has the shortest digits of a FLOAT, which are another double than the FLOAT itself.
    """

    def rows(binary: bool, without: Collection[str] = ()) -> list[dict[str, Any]]:
        single = "" if binary else ", c_float::VARCHAR::DOUBLE AS c_float, c_array::VARCHAR[3]::DOUBLE[3] AS c_array"
        names = [name for (name,) in served.truth("SELECT column_name FROM (DESCRIBE everything)")]
        found = served.truth(
            f"SELECT * REPLACE ({_COUNTED} AS c_interval, to_json(c_union)::VARCHAR AS c_union{single}) FROM everything ORDER BY id"
        )
        named = [zip(names, row, strict=True) for row in found]
        return [{name: _read(name, value) for name, value in row if name not in without} for row in named]

    return rows


def _read(name: str, value: Any) -> Any:
    if isinstance(value, tuple):  # of an ARRAY
        return list(value)
    return json.loads(value) if name in _DOCUMENTS and value is not None else value
