"""The tools that stand around the database, each in a venv of its own below .venv; `make e2e` makes them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import mfgsql
from tests.server.conftest import required
from tests.soak.served import PASSWORD, Served, make_plant

ROOT = Path(__file__).parents[2]
RISK = "CREATE VIEW risk AS SELECT * FROM ml_predict('fail', 'parts')"
Truth = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture(scope="session")
def python() -> Callable[[str], Path]:
    """``(tool)``: the interpreter of its venv; where there is none the test is skipped."""

    def found(tool: str) -> Path:
        place = ROOT / ".venv" / tool / "bin" / "python"
        required(f"{tool} (make e2e)", place.exists())
        return place

    return found


@pytest.fixture(scope="session")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with ``parts``, the model ``fail`` and the view ``risk``; it is read only, or copied."""
    database = make_plant(tmp_path_factory.mktemp("plant"))
    with mfgsql.connect(database, progress="off") as session:
        session.execute(RISK)
    return database


@pytest.fixture(scope="session")
def served(plant: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A copy of it, served by ``mfgsql serve``."""
    folder = tmp_path_factory.mktemp("served")
    copied = shutil.copytree(plant.parent, folder / "plant") / plant.name
    served = Served(copied)
    try:
        yield served
    finally:
        served.stop()
    assert not served.faults()


@pytest.fixture(scope="session")
def truth(plant: Path) -> Iterator[Truth]:
    """``(sql)``: what DuckDB itself answers, in this process."""
    with mfgsql.connect(plant, progress="off") as session:
        yield lambda sql: session.execute(sql).fetchall()


@pytest.fixture(scope="session")
def url(served: Served) -> Callable[..., str]:
    """``(scheme="postgresql", user="analyst")``: where SQLAlchemy and its like find the plant."""
    password = PASSWORD.replace(" ", "%20")
    return lambda scheme="postgresql", user="analyst": f"{scheme}://{user}:{password}@127.0.0.1:{served.port}/plant"
