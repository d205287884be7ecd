"""Databases of earlier releases open and predict what they predicted. `releases/__main__.py` makes the one of today."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

import mfgsql
from mfgsql.catalog import pending
from mfgsql.engine import Session
from mfgsql.version import __version__

FILES = sorted(Path(__file__).with_name("releases").glob("*.duckdb.gz"))


def copy(file: Path, folder: Path) -> Path:
    path = folder / "plant.duckdb"
    path.write_bytes(gzip.decompress(file.read_bytes()))
    return path


@pytest.fixture(params=FILES, ids=lambda f: f.name.removesuffix(".duckdb.gz"))
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Session]:
    with mfgsql.connect(copy(request.param, tmp_path), threads=1, progress="off") as session:
        yield session


def test_this_release_has_its_database() -> None:
    assert f"{__version__}.duckdb.gz" in {f.name for f in FILES}
    assert all(f.stat().st_size < 600_000 for f in FILES)


def test_its_schema_is_brought_up_to_date(old: Session) -> None:
    with old.engine.cursor() as cursor:
        assert pending(cursor) == []
    assert old.execute("SELECT model, version, aliases FROM ml.versions ORDER BY ALL").fetchall() == [
        ("base", 1, "champion"), ("fail", 1, "champion"), ("fail", 2, "candidate"), ("wear", 1, "champion"),
    ]  # fmt: skip
    assert old.execute("SELECT DISTINCT status FROM ml.runs").fetchall() == [("finished",)]


FORMS = {
    "probability": "SELECT id, probability FROM ml_predict('fail', 'parts')",
    "by_candidate": "SELECT id, probability FROM ml_predict('fail@2', 'parts')",
    "predicted_wear": "SELECT id, predicted_wear FROM ml_predict('wear', 'parts')",
    "lower": "SELECT id, \"lower\" FROM ml_predict('wear', 'parts', level := 0.8)",
    "upper": "SELECT id, \"upper\" FROM ml_predict('wear', 'parts', level := 0.8)",
}


@pytest.mark.parametrize("column", FORMS)
def test_it_predicts_what_it_predicted(old: Session, column: str) -> None:
    wanted = old.execute(f'SELECT id, "{column}" FROM predicted ORDER BY id').fetchall()
    found = old.execute(f"{FORMS[column]} ORDER BY id").fetchall()
    assert len({value for _, value in wanted}) > 10
    assert [i for i, _ in found] == [i for i, _ in wanted]
    assert [v for _, v in found] == pytest.approx([v for _, v in wanted], abs=1e-5)


def test_its_labels_and_its_view_still_hold(old: Session) -> None:
    wanted = "SELECT id, predicted_failed FROM predicted ORDER BY id"
    found = "SELECT id, predicted_failed FROM ml_predict('fail', 'parts') ORDER BY id"
    assert old.execute(found).fetchall() == old.execute(wanted).fetchall()
    view = old.execute(
        "SELECT sum(abs(r.probability - p.probability)) FROM risk r JOIN predicted p USING (id)"
    ).fetchone()
    assert view[0] < 1e-3


def test_it_goes_on_learning(old: Session) -> None:
    assert old.execute("FROM ml_promote('fail@candidate', reason := 'it is better')").fetchall() == [("fail", 2, 1)]
    told = "SELECT event, version, previous, reason FROM ml.events"  # that table is younger than the file
    assert old.execute(told).fetchall() == [("promoted", 2, 1, "it is better")]
    row = old.execute(
        "FROM ml_finetune('fail', 'SELECT * EXCLUDE (id, wear) FROM parts', target := 'failed', base := 'base', "
        "options := {'epochs': 2, 'width': 8, 'layers': 1, 'heads': 2})"
    ).pl()
    assert row.select("version", "status", "champion").rows() == [(3, "finished", False)]


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.name.removesuffix(".duckdb.gz"))
def test_this_release_reads_its_own_without_writing(file: Path, tmp_path: Path) -> None:
    path = copy(file, tmp_path)
    mfgsql.connect(path, progress="off").close()  # prepared by this release
    before = path.read_bytes()
    with mfgsql.connect(path, read_only=True, threads=1) as reader:
        assert reader.execute("SELECT count(probability) FROM ml_predict('fail', 'parts')").fetchone() == (200,)
    assert path.read_bytes() == before
