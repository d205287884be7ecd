"""The schema's steps, and weights in the database."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from mfgsql.catalog import drop_artifact, migrate, pending, read_artifact, write_artifact
from mfgsql.catalog.artifacts import CHUNK, check_size
from mfgsql.errors import CatalogError, ResourceError


@pytest.fixture()
def con() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


@pytest.fixture()
def steps(tmp_path: Path) -> Path:
    (tmp_path / "0001_one.sql").write_text("CREATE TABLE ml_catalog.one (a INTEGER);")
    return tmp_path


def test_steps_go_forward_once(con: duckdb.DuckDBPyConnection, steps: Path) -> None:
    assert migrate(con, steps) == ["0001_one"]
    assert migrate(con, steps) == []
    (steps / "0002_two.sql").write_text("ALTER TABLE ml_catalog.one ADD COLUMN b INTEGER;")
    assert migrate(con, steps) == ["0002_two"]
    assert con.execute("SELECT number FROM ml_catalog.migrations ORDER BY 1").fetchall() == [(1,), (2,)]


def test_a_failing_step_leaves_nothing(con: duckdb.DuckDBPyConnection, steps: Path) -> None:
    migrate(con, steps)
    (steps / "0002_two.sql").write_text("CREATE TABLE ml_catalog.two (a INTEGER); SELECT * FROM nowhere;")
    with pytest.raises(duckdb.Error):
        migrate(con, steps)
    assert [m.name for m in pending(con, steps)] == ["0002_two"]
    assert con.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'two'").fetchone() == (0,)


def test_a_changed_step_is_refused(con: duckdb.DuckDBPyConnection, steps: Path) -> None:
    migrate(con, steps)
    (steps / "0001_one.sql").write_text("CREATE TABLE ml_catalog.one (a BIGINT);")
    with pytest.raises(CatalogError, match="0001_one"):
        pending(con, steps)


def test_a_newer_database_names_its_release(con: duckdb.DuckDBPyConnection, steps: Path) -> None:
    migrate(con, steps)
    con.execute("INSERT INTO ml_catalog.migrations VALUES (999, '0999_later', 'x', '7.8.9', now())")
    with pytest.raises(CatalogError, match=r"7\.8\.9") as caught:
        migrate(con, steps)
    assert "pip install" in str(caught.value)


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_weights_come_back(con: duckdb.DuckDBPyConnection, size: int) -> None:
    migrate(con)
    data = bytes(range(256)) * (size // 256 + 1)
    write_artifact(con, "artifact_x", data[:size])
    assert read_artifact(con, "artifact_x", size) == data[:size]
    with pytest.raises(CatalogError, match="damaged"):
        read_artifact(con, "artifact_x", size + CHUNK)
    drop_artifact(con, "artifact_x")
    assert con.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'artifact_x'").fetchone() == (0,)


def test_too_large_weights_are_refused(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("SET memory_limit = '100MiB'")
    check_size(con, 40 * 2**20)
    with pytest.raises(ResourceError, match="MFGSQL_MEMORY"):
        check_size(con, 50 * 2**20)
