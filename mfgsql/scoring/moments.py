"""When in a window a column moved a prediction: the patch whose own values change it most."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mfgsql.features import Batch
from mfgsql.scoring.explaining import typical_row
from mfgsql.scoring.scorer import Scorer
from mfgsql.tasks import Prediction
from mfgsql.tasks.task import Array


def moments(scorer: Scorer, batch: Batch, chosen: Array, signs: Array, check: Callable[[], None]) -> Array:
    """For each window and chosen column the last step of the patch that matters most, int64 [n, k], from 0.

    A patch of a column is set to the typical row's values (occlusion, Zeiler & Fergus, "Visualizing and Understanding
    Convolutional Networks", ECCV 2014); what counts is how far the prediction goes back in the sense of the column's
    whole contribution.

    Args:
        batch: windows, [n, length, ...]. chosen: numbers of columns, [n, k]. signs: of their contributions, [n, k].
        check: called before each pass of the network; raises where the work shall stop.
    """
    manifest = scorer.model.manifest
    history, features = manifest.history, manifest.features
    assert history is not None
    none, length = typical_row(features), history.length
    whole = scorer.predict(batch.continuous, batch.codes)
    told = None if whole.scores is None else _told(whole)
    before = _worth(whole, told)
    sizes = [c.size if c.continuous else 1 for c in features.columns]
    starts, channels = np.concatenate([[0], np.cumsum(sizes)]), none.continuous.shape[1]
    steps = np.arange(history.patch - 1, length, history.patch)
    effects = np.zeros((*chosen.shape, len(steps)))
    for place in range(chosen.shape[1]):
        for number, last in enumerate(steps):
            check()
            continuous, codes = batch.continuous.copy(), batch.codes.copy()
            here = slice(last + 1 - history.patch, last + 1)
            for column in np.unique(chosen[:, place]):
                rows, own = chosen[:, place] == column, slice(starts[column], starts[column + 1])
                if own.start < channels:
                    part = continuous[rows, here, own]
                    typical = np.broadcast_to(none.continuous[0, own], part.shape)
                    there = continuous[rows, here, channels : channels + 1] > 0
                    continuous[rows, here, own] = np.where(there, typical, part)
                else:
                    code = own.start - channels
                    codes[rows, here, code] = none.codes[0, code]
            after = _worth(scorer.predict(continuous, codes), told)
            effects[:, place, number] = (before - after) * signs[:, place]
    # Of equal ones the latest.
    return np.asarray(steps[len(steps) - 1 - effects[..., ::-1].argmax(axis=-1)])


def _told(prediction: Prediction) -> Array:
    assert prediction.scores is not None
    two = prediction.scores.shape[1] == 2
    return np.ones(len(prediction), np.int64) if two else prediction.scores.argmax(axis=1)


def _worth(prediction: Prediction, told: Array | None) -> Array:
    if told is None or prediction.scores is None:
        return prediction.values
    worth: Array = np.take_along_axis(prediction.scores, told[:, None], axis=1)[:, 0]
    return worth
