"""When in a window a column moved a prediction: the patch whose own values change it most."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mfgsql.features import Batch
from mfgsql.scoring.explaining import class_told, typical_row, worth
from mfgsql.scoring.scorer import Scorer
from mfgsql.tasks.task import Array


def moments(scorer: Scorer, batch: Batch, chosen: Array, signs: Array, check: Callable[[], None]) -> Array:
    """For each window and chosen column the last step of the patch that matters most, int64 [n, k], from 0.

    A patch of a column is set to the typical row's values (occlusion, Zeiler & Fergus, "Visualizing and Understanding
    Convolutional Networks", ECCV 2014); what counts is how far the prediction goes back in the sense of the column's
    whole contribution. Of patches that matter equally the latest is taken.

    Args:
        batch: windows, [n, length, ...]. chosen: numbers of columns, [n, k]. signs: of their contributions, [n, k].
        check: called before each pass of the network; raises where the work shall stop.
    """
    history = scorer.model.manifest.history
    assert history is not None
    whole = scorer.predict(batch.continuous, batch.codes)
    told = class_told(whole)
    before = worth(whole, told)
    steps = np.arange(history.patch - 1, history.length, history.patch)
    effects = np.zeros((*chosen.shape, len(steps)))
    hide = _Occlusion(scorer, batch)
    for place in range(chosen.shape[1]):
        for number, last in enumerate(steps):
            check()
            hidden = hide(chosen[:, place], slice(last + 1 - history.patch, last + 1))
            after = worth(scorer.predict(hidden.continuous, hidden.codes), told)
            effects[:, place, number] = (before - after) * signs[:, place]
    return np.asarray(steps[len(steps) - 1 - effects[..., ::-1].argmax(axis=-1)])


class _Occlusion:
    """Windows in which a column of each is typical for a while."""

    def __init__(self, scorer: Scorer, batch: Batch) -> None:
        features = scorer.model.manifest.features
        self._batch, self._none, self._places = batch, typical_row(features), list(features.places.values())

    def __call__(self, columns: Array, steps: slice) -> Batch:
        """The windows; of each one column, by its number, is hidden in these steps."""
        continuous, codes = self._batch.continuous.copy(), self._batch.codes.copy()
        width = self._none.continuous.shape[1]
        for column in np.unique(columns):
            rows, place = columns == column, self._places[column]
            if place.code is not None:
                codes[rows, steps, place.code] = self._none.codes[0, place.code]
                continue
            part = continuous[rows, steps, place.channels]
            there = continuous[rows, steps, width : width + 1] > 0
            continuous[rows, steps, place.channels] = np.where(there, self._none.continuous[0, place.channels], part)
        return Batch(continuous, codes)
