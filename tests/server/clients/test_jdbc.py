"""pgjdbc: a program of its own, compiled here, says what it got."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.server.clients.conftest import LIKELY, SLOW
from tests.server.conftest import Served, required

PROGRAM = Path(__file__).with_name("Jdbc.java")
JAR = Path("/usr/share/java/postgresql.jar")  # Debian's libpostgresql-jdbc-java


@pytest.fixture(scope="module")
def told(served: Served, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    required("pgjdbc (libpostgresql-jdbc-java)", JAR.is_file())
    required("javac (default-jdk-headless)", shutil.which("javac"))
    folder = tmp_path_factory.mktemp("jdbc")
    subprocess.run(["javac", "-encoding", "UTF-8", "-cp", str(JAR), "-d", str(folder), str(PROGRAM)], check=True, timeout=120)
    url = f"jdbc:postgresql://{served.host}:{served.port}/{served.database}?user=analyst&password={served.password.replace(' ', '%20')}&sslmode=require"
    command = ["java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-Dfile.encoding=UTF-8", "-Duser.timezone=UTC", "-cp", f"{folder}:{JAR}", "Jdbc", url, LIKELY, SLOW]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return dict(line.split("\t", 1) for line in done.stdout.replace("\r", "").splitlines() if "\t" in line)


EXPECTED = {
    "product": "PostgreSQL 15",
    "tables": "main|machines|TABLE|What stands in the hall; 设备",
    "views": "risk",
    "columns": "id|int4|10|NO name|text|2147483647|NO site|text|2147483647|YES rated|numeric|8|YES since|timestamp|29|YES double_rated|numeric|9|YES",
    "odd columns": 'Order Id Item 数量 select a"b',
    "primary key": "machine_id|1 moment|2",
    "imported keys": "machine_id|machines|id",
    "exported keys": "readings",
    "schemas": "Lab 2 information_schema lab main ml pg_catalog",
    "catalogs": "plant",
    "functions": "ml_predict ml_predict",
    "types": "true",
    "metadata": "done",
    "prepared": " ".join(["2|row 2|2026-01-01 00:00:02.0|0.5|false"] * 8),
    "parameter types": "timestamp int8",
    "result types": "int8 timestamp",
    "kinds": "UUID 123.456 ab [a, b] 2026-01-02 2026-01-02T03:04:05Z",
    "at most five": "0 1 2 3 4",
    "fetched": "30000 449985000",
    "batch": "12",
    "returned": "99",
    "failed": "42703",
    "saved": "1 2",
    "copied": '3 1|x 2|y,"z 3|\\N',
    "cancelled": "57014",
    "timed out": "57014",
    "cancel": "1",
    "read only": "25006",
    "schema": "lab 2",
    "writable again": "false true",
    "braces": '{"a":1,"b c":[1,2]}',  # its escapes are written in braces, too
    "trained in braces": "jdbc_braces|1",
    "struct_pack": "jdbc_packed|1",
    "simple mode": "0|row 0 1|row 1",
    "error": 'PSQLException 42703 ERROR: Referenced column "nope" not found in FROM clause!',
}


@pytest.mark.parametrize("name", EXPECTED)
def test_what_jdbc_got(told: dict[str, str], name: str) -> None:
    assert told.get(name) == EXPECTED[name]


def test_indexes(told: dict[str, str]) -> None:
    assert set(told["indexes"].split()) == {
        "readings_machine_id_moment_pkey|machine_id|f", "readings_machine_id_moment_pkey|moment|f", "readings_by_note|note|t",
    }  # fmt: skip


def test_what_it_kept(told: dict[str, str], truth: Callable) -> None:
    row = '{{"a,\\"b",NULL,设备}}|1.50|\\x00ff|2026-01-02|2026-01-02 01:04:05+00|a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11|f|{{"a": 1}}|{{1,NULL}}'.format()
    assert told["kept"] == f"1|{row} 11|{row} 99|null|null|null|null|null|null|null|null|null"
    assert truth("SELECT count(*), count(b), octet_length(any_value(b)) FROM jdbc_kept") == [(13, 12, 2)]


def test_text_and_binary_are_the_same(told: dict[str, str]) -> None:
    assert told["everything in text"] == told["everything in binary"]
    assert told["everything in text"].startswith(
        '1|t|1|2|3|4|5|7|8|9|10|123.456|1010|a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11|{"k": [1, "x"]}|good|2026-01-02|2026-01-02 03:04:05.678901|'
        "2026-01-02 03:04:05.678901|2026-01-02 03:04:05+00|1 year 2 mons 3 days 04:05:06.7|[[1],[2,3]]|"
        '{"a":1,"b c":"x"}|{"k":1.5}|{"n":1}|{"2026-01-02 03:04:05"}|{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11} 2|f|-128|'
    )


def test_predictions(told: dict[str, str], truth: Callable) -> None:
    rows = [row.split("|") for row in told["likely"].split()]
    assert [(int(i), label == "t", float(p)) for i, label, p in rows] == truth(LIKELY)
    assert int(told["view"]) == truth("SELECT count(*) FROM jdbc_view WHERE probability > 0.2")[0][0]
