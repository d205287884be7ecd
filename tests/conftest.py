"""One small plant with real models, trained once for all tests that only read it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings as of_hypothesis

import mfgsql
from mfgsql.engine import Session

of_hypothesis.register_profile("any_machine", deadline=None)  # time fails no test
of_hypothesis.load_profile("any_machine")

TINY = "options := {'epochs': 1, 'width': 8, 'layers': 1, 'heads': 2}"
PARTS = """
CREATE TABLE parts AS SELECT
  (i * 7919) % 600 AS id, (i % 40) / 10.0 AS torque, 20 + (hash(i) % 1000)::DOUBLE / 50 AS temp,
  substr('ABC', 1 + i % 3, 1) AS shift, i % 2 = 0 AS hot, TIMESTAMP '2026-01-01' + to_minutes(i) AS ts,
  'm' || (i % 10) AS unit, (i % 40) > 28 AS failed, substr('xyz', (1 + (i % 40) // 14)::BIGINT, 1) AS grade,
  ((i % 40) / 10.0 * 2 + 1)::DOUBLE AS wear
FROM range(600) r(i)
"""


def _finetune(model: str, source: str, target: str, more: str = "") -> str:
    quoted = source.replace("'", "''")
    return f"FROM ml_finetune('{model}', '{quoted}', target := '{target}', {more + ', ' if more else ''}{TINY})"


@pytest.fixture(scope="session")
def finetune() -> Callable[..., str]:
    """``(model, source, target, more='')``: a statement that trains a tiny model."""
    return _finetune


@pytest.fixture(scope="session")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """A database file with ``parts`` and the models ``fail`` (two classes), ``kind`` (three) and ``wear`` (a number)."""
    with mfgsql.connect(tmp_path_factory.mktemp("plant") / "plant.duckdb", threads=2, progress="off") as session:
        session.execute(PARTS)
        features = "SELECT torque, temp, shift, hot, {} FROM parts"
        for model, target in (("fail", "failed"), ("kind", "grade"), ("wear", "wear")):
            session.execute(_finetune(model, features.format(target), target)).fetchall()
        yield session


@pytest.fixture()
def lab(tmp_path: Path) -> Iterator[Session]:
    """An own database file with ``parts``, and no model."""
    with mfgsql.connect(tmp_path / "lab.duckdb", threads=2, progress="off") as session:
        session.execute(PARTS)
        yield session
