"""Statements that clients really send, and what they are answered.

``queries/<client>/*.sql`` were taken from the log of a PostgreSQL 15 with the same plant (those of DBeaver, DataGrip,
pgAdmin, Npgsql, Power BI, Grafana and Metabase were written after what these are known to ask), ``expected/<client>.json``
holds the answers. Where PostgreSQL's and DuckDB's words for the same thing differ (a default's ``::text``, a view's text),
the answer has DuckDB's. ``WRITE_ANSWERS=1 pytest`` writes the answers anew; read what changed.
"""

from __future__ import annotations

import datetime
import json
import os
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from mfgsql.server.catalog import rewrite

HERE = Path(__file__).parent
QUERIES = sorted((HERE / "queries").glob("*/*.sql"))
FIRST = 16_384  # oids from here on differ from one database to the next
MOST = 40  # rows that are kept; of more, only how many


def plain(value: Any) -> Any:
    """A value as JSON has it, without what differs from run to run."""
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, int) and not isinstance(value, bool) and FIRST <= value < 2**32:
        return "oid"
    if isinstance(value, Decimal | datetime.datetime):
        return str(value)
    return re.sub(r"_\d{9,10}$", "_oid", value) if isinstance(value, str) else value


def read(path: Path, with_oids: Callable[[str], str]) -> tuple[str, list[Any] | None]:
    """A statement and the values of its parameters, which a first line ``-- values: [...]`` has."""
    text = path.read_text(encoding="utf-8")
    head, _, rest = text.partition("\n")
    if not head.startswith("-- values: "):
        return with_oids(text), None
    return with_oids(rest), json.loads(with_oids(re.sub(r'"(:oid\([^)]+\))"', r"\1", head.removeprefix("-- values: "))))


@pytest.mark.parametrize("path", QUERIES, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_answer(path: Path, con: duckdb.DuckDBPyConnection, with_oids: Callable[[str], str]) -> None:
    sql, values = read(path, with_oids)
    rewritten = rewrite(sql, "hans")
    assert rewritten is not None
    cursor = con.execute(rewritten, values)
    columns = [name for name, *_ in cursor.description or []]
    rows = sorted((plain(row) for row in cursor.fetchall()), key=str)
    answer = {"columns": columns, "rows": rows if len(rows) <= MOST else len(rows)}
    file = HERE / "expected" / f"{path.parent.name}.json"
    expected = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    if os.environ.get("WRITE_ANSWERS"):
        texts = {k: json.dumps(v, ensure_ascii=False) for k, v in sorted((expected | {path.stem: answer}).items())}
        lines = (f"{json.dumps(k, ensure_ascii=False)}: {v}" for k, v in texts.items())
        file.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    else:
        assert answer == expected[path.stem]
