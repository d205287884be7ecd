"""The rows a version was judged on: only those, each with its truth, or a reason why there are none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mfgsql.catalog import resolve
from mfgsql.engine import Session
from mfgsql.engine.heldout import HeldOut, held_out
from mfgsql.errors import NotFoundError, SourceError
from mfgsql.training.snapshot import HASH, SPLIT, TRAIN


def of(session: Session, model: str, most: int = 20_000) -> HeldOut:
    with session.engine.cursor() as cursor:
        version = resolve(cursor, model)
    return held_out(session.engine, version, most=most)


@pytest.mark.parametrize("model", ["fail", "kind", "wear"])
def test_rows_that_were_not_trained_on(plant: Session, model: str) -> None:
    held = of(plant, model)
    path = plant.execute(f"SELECT path FROM ml.snapshots JOIN ml.runs USING (run_id) WHERE model = '{model}'")
    with pq.ParquetFile(path.fetchone()[0]) as file:
        rows = file.read([HASH, SPLIT])
    trained = rows.filter(pa.compute.equal(rows[SPLIT], TRAIN))[HASH]
    assert len(held.columns) == len(held.truth) == len(held.prediction) > 50
    assert not pa.compute.any(pa.compute.is_in(held.columns[HASH], value_set=trained.combine_chunks())).as_py()
    with plant.engine.scorer(held.version.name) as scorer:
        again = held.unseen.shuffled(scorer, held.part, "torque", np.arange(len(held.truth)))
    assert np.allclose(again.values, held.prediction.values, atol=1e-6)


def test_most_is_the_most(plant: Session) -> None:
    few, all_of_them = of(plant, "fail", 30), of(plant, "fail")
    assert len(few.truth) == 30
    assert few.columns == all_of_them.columns.slice(0, 30)


def test_why_there_are_none(lab: Session, finetune: Callable[..., str], tmp_path: Path) -> None:
    lab.execute(finetune("m", "parts", "failed")).fetchall()
    lab.execute(f"FROM ml_export('m', '{tmp_path / 'm.safetensors'}')").fetchall()
    lab.execute(f"FROM ml_import('other', '{tmp_path / 'm.safetensors'}')").fetchall()
    with pytest.raises(SourceError, match=r"imported.*FROM ml_evaluate\('other@1'"):
        of(lab, "other")
    for file in lab.engine.folder.glob("*.parquet"):
        file.unlink()
    with pytest.raises(SourceError, match="snapshot of m@1 is gone"):
        of(lab, "m")
    lab.execute(
        "FROM ml_pretrain('b', 'parts', options := {'epochs': 1, 'width': 8, 'layers': 1, 'heads': 2})"
    ).fetchall()
    with pytest.raises(NotFoundError, match="is a base"):
        of(lab, "b")
