"""Since when is a stream of numbers another one? Detectors of river, which first see what was usual.

``adwin`` (Bifet and Gavaldà, "Learning from Time-Changing Data with Adaptive Windowing", SDM 2007) keeps the longest
window whose halves do not differ; ``page_hinkley`` (Page, Biometrika 1954) sums what is beyond the mean so far. river's
KSWIN is left out: it looks anew at every row, and alarms once in 800 rows where nothing changes. Where the change that
was noticed began is the most likely place for one change of the mean.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mfgsql.errors import MissingExtraError

Array = npt.NDArray[np.float64]
DETECTORS = ("adwin", "page_hinkley")
_USUAL = 1_000  # rows that are seen first
_TURN = 4_096


@dataclass(frozen=True)
class Change:
    """A change of a stream.

    Attributes:
        begin: number of the first row after it, most likely. noticed: of the row that told.
        mean: of the rows between these two, both among them.
    """

    begin: int
    noticed: int
    mean: float


def first_change(
    values: Array, usual: Array, detector: str, *, rises: bool = False, check: Callable[[], None]
) -> Change | None:
    """The first change of a stream of numbers between 0 and 1; None where there is none.

    Args:
        values: [rows] in order. usual: [any] numbers as they were before. rises: whether only a rise counts.

    Raises:
        MissingExtraError: river is missing.
    """
    judge, before = _new(detector), float(np.mean(usual))
    for value in usual[:_USUAL].tolist():
        judge.update(value)
        if judge.drift_detected:  # by chance: what was usual is one thing
            judge = _new(detector)
    for start in range(0, len(values), _TURN):
        check()
        for number, value in enumerate(values[start : start + _TURN].tolist(), start):
            judge.update(value)
            if not judge.drift_detected:
                continue
            begin = _begin(values[: number + 1], before)
            mean = float(np.mean(values[begin : number + 1]))
            if not rises or mean > before:
                return Change(begin, number, mean)
    return None


def _begin(values: Array, before: float) -> int:
    """From which row on the mean is most likely another one, all of one spread (Hinkley, Biometrika 1970)."""
    sums = np.cumsum(values[::-1] - before)
    return len(values) - 1 - int(np.argmax(sums**2 / np.arange(1, len(values) + 1)))


def _new(detector: str) -> Any:
    try:
        from river import drift
    except ImportError as error:
        raise MissingExtraError("Drift in a stream needs an extra.", remedy="pip install 'mfgsql[adapt]'") from error
    return drift.ADWIN() if detector == "adwin" else drift.PageHinkley()
