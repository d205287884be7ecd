"""Pictures in a column: each gets its score, its places in its own pixels, and a status whatever it is."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from PIL import Image

from mfgsql.backbones import TabularConfig
from mfgsql.cancellation import Cancellation
from mfgsql.engine.picture_anomalies import structs_of
from mfgsql.errors import CancelledError
from mfgsql.features import FeatureSet
from mfgsql.features.image import ImageEncoder
from mfgsql.manifest import Manifest
from mfgsql.scoring.pictures import Odd, detect_pictures
from mfgsql.tasks import ANOMALY
from mfgsql.training.good_only import fit_memory
from tests.tasks.plates import SIZE, features, plates, spotted


def png(pixels: torch.Tensor, size: tuple[int, int]) -> bytes:
    written = io.BytesIO()
    Image.fromarray(pixels[0].numpy()).resize(size).save(written, "PNG")
    return written.getvalue()


@pytest.fixture(scope="module")
def scorer() -> Any:
    """What a scorer has of a network and of its manifest."""
    seen = torch.stack([torch.from_numpy(np.array(Image.open(io.BytesIO(png(p, (192, 96)))).resize((SIZE, SIZE)))) for p in plates(40, 1)])
    fitted = fit_memory([features(seen[:, None])])
    encoder = ImageEncoder("image", True, (SIZE, SIZE), 1)
    manifest = Manifest(ANOMALY, None, None, FeatureSet((encoder,)), TabularConfig((), ()), fitted.calibration)
    with torch.inference_mode():
        yield SimpleNamespace(model=SimpleNamespace(manifest=manifest), look=lambda pixels: fitted.memory(features(pixels)))


def detect(scorer: Any, cells: list[Any], **more: Any) -> Odd:
    return detect_pictures(scorer, {"image": pa.array(cells, pa.binary())}, len(cells), lambda: None, **more)


def test_where_and_how_much(scorer: Any) -> None:
    new = plates(10, 2)
    cells = [png(p, (192, 96)) for p in (*new, *spotted(new, 30, 60))]
    found = detect(scorer, cells)
    assert (found.score[10:] > found.threshold).all()
    assert (found.score[:10] > found.threshold).sum() <= 2
    assert found.heat_maps == [None] * 20
    for score, boxes in zip(found.score, found.regions, strict=True):
        assert bool(boxes) == (score > found.threshold)
    for first, *_ in found.regions[10:]:  # the spot lies at 60..84, 60..72 of the picture that was given
        assert first["x"] <= 66 and first["x"] + first["width"] >= 78
        assert first["y"] <= 63 and first["y"] + first["height"] >= 69
        assert first["width"] < 90 and first["height"] < 45
        assert first["score"] > 1


def test_cells_that_are_no_pictures_end_nothing(scorer: Any) -> None:
    good = png(plates(1, 3)[0], (192, 96))
    found = detect(scorer, [None, good, b"no picture", b"", good[:100], good], heat_map=True)
    assert found.rows.status.to_pylist() == ["missing", "ok", "unreadable", "unreadable", "unreadable", "ok"]
    told = structs_of(found).to_pylist()
    for row in (0, 2, 3, 4):
        assert all(told[row][name] is None for name in ("score", "threshold", "regions", "heat_map"))
        assert told[row]["ml_reason"].startswith("image ")
    assert told[1] == told[5]
    assert told[1]["threshold"] == 1.0
    assert told[1]["regions"] == []
    assert Image.open(io.BytesIO(told[1]["heat_map"])).size == (192, 96)


def test_turns_keep_the_order(scorer: Any) -> None:
    new = plates(100, 4)
    cells = [png(p, (96, 96)) for p in new]
    cells[70] = png(spotted(new[70:71], 30, 60)[0], (96, 96))
    found = detect(scorer, cells)
    assert found.score.argmax() == 70
    assert len(structs_of(found)) == 100
    assert found.score[5] == pytest.approx(detect(scorer, cells[5:6]).score[0], abs=1e-4)


def test_another_texture_is_odd_somewhere_or_everywhere(scorer: Any) -> None:
    found = detect(scorer, [png(p, (192, 96)) for p in plates(5, 5, grain=3.0)])
    assert (found.score > found.threshold).all()
    assert all(found.regions)
    assert structs_of(found).type.field("regions").type.value_type.field("x").type == pa.int32()


def test_a_stop_is_heard(scorer: Any) -> None:
    stop = Cancellation()
    stop.set()
    with pytest.raises(CancelledError):
        detect_pictures(scorer, {"image": pa.array([b""], pa.binary())}, 1, stop.check)
