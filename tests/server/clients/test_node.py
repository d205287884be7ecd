"""node-postgres: a program of its own says what it got."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.server.clients.conftest import LIKELY
from tests.server.conftest import Served, required

PROGRAM = Path(__file__).with_name("node_pg.js")
PLACES = (Path(".venv/clients/node_modules/pg"), Path(os.environ.get("NODE_PATH", "."), "pg"))


@pytest.fixture(scope="module")
def told(served: Served) -> dict[str, Any]:
    node, pg = shutil.which("node"), next((p.resolve() for p in PLACES if (p / "package.json").is_file()), None)
    required("node", node)
    required("node-postgres (npm install --prefix .venv/clients pg)", pg)
    environment = served.environment() | {"NODE_PG": str(pg), "LIKELY": LIKELY}
    done = subprocess.run([str(node), str(PROGRAM)], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_parameters(told: dict[str, Any]) -> None:
    assert told["parameters"] == [{"id": "7", "label": "row 7", "moment": "2026-01-01 00:00:07"}]
    assert told["arrays"] == [{"numbers": [1, None], "texts": ['a"b', "c,d", None], "document": {"k": [1]}}]


def test_all_rows(told: dict[str, Any], truth: Callable) -> None:
    assert [(int(row["id"]), row["x"], row["label"]) for row in told["many"]] == truth("SELECT id, x, label FROM many ORDER BY id")


def test_types(told: dict[str, Any], everything: Callable) -> None:
    plain = ("c_boolean", "c_smallint", "c_integer", "c_varchar", "c_enum", "c_list", "c_texts", "c_struct", "c_json", "c_deep", "c_union", "c_array")
    as_text = ("c_bigint", "c_hugeint", "c_decimal", "c_uuid")
    for got, expected in zip(told["types"], everything(False), strict=True):
        assert {name: got[name] for name in plain} == {name: expected[name] for name in plain}
        assert {name: got[name] for name in as_text} == {n: None if expected[n] is None else str(expected[n]) for n in as_text}


def test_named_statements(told: dict[str, Any]) -> None:
    assert [told[f"named{n}"] for n in (1, 2, 3)] == [[{"id": str(i)} for i in range(n)] for n in (1, 2, 3)]


def test_rows_that_were_changed(told: dict[str, Any]) -> None:
    assert told["returned"] == [{"i": 1, "t": "it's 设备", "b": [0, 255], "d": "2026-01-02T03:04:05.000Z", "j": {"a": None}}]
    assert told["count"] == [{"n": 1}]


def test_several_statements_in_one_text(told: dict[str, Any]) -> None:
    assert told["several"] == [[{"a": 1}], [{"a": 2}]]


def test_structs(told: dict[str, Any]) -> None:
    assert told["literal"] == [{"s": {"a": 1, "b": [1, 2]}, "v": "x"}]


def test_errors(told: dict[str, Any]) -> None:
    assert (told["missing"]["code"], told["missing"]["position"]) == ("42703", "8")
    assert told["taken"]["code"] == "23505"


def test_predictions(told: dict[str, Any], truth: Callable) -> None:
    assert [(int(row["id"]), row["predicted_failed"], row["probability"]) for row in told["risk"]] == truth(LIKELY)


def test_a_pool(told: dict[str, Any]) -> None:
    assert told["pool"] == list(range(12))
