"""A database file with a small table and a tiny model, made by the commands themselves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mfgsql.cli import main

TABLE = (
    "CREATE TABLE parts AS SELECT i AS id, (i % 40) / 10.0 AS torque, substr('ABC', 1 + i % 3, 1) AS shift, "
    "(i % 40) > 28 AS failed FROM range(400) r(i)"
)
TINY = ("--option", "epochs=1", "--option", "width=8", "--option", "layers=1", "--option", "heads=2")
Mfgsql = Callable[..., Result]


@pytest.fixture(scope="session")
def db(tmp_path_factory: pytest.TempPathFactory) -> str:
    """With ``parts`` and the model ``m``."""
    path = str(tmp_path_factory.mktemp("cli") / "plant.duckdb")
    for arguments in (
        ["init"],
        ["sql", TABLE],
        ["finetune", "m", "parts", "--target", "failed", "--exclude", "id, torque", *TINY],
    ):
        result = CliRunner().invoke(main, [*arguments, "--db", path])
        assert result.exit_code == 0, result.output
    return path


@pytest.fixture()
def mfgsql(db: str) -> Mfgsql:
    """Run a command on that database."""
    return lambda *arguments, **given: CliRunner(env={"MFGSQL_DB": db}).invoke(main, arguments, **given)


@pytest.fixture()
def new(tmp_path: Path) -> Mfgsql:
    """Run a command on a database of the test's own."""
    path = str(tmp_path / "new.duckdb")
    return lambda *arguments, **given: CliRunner(env={"MFGSQL_DB": path}).invoke(main, arguments, **given)
