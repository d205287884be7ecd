"""From distances to verdicts: how far from a memory good pictures are that it has not seen."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from torch import Tensor

from mfgsql.tasks.patches import Found
from mfgsql.tasks.task import Array

LEVEL = 0.01  # share of good pictures above the threshold, where nothing else is asked
_MARGIN = 4.0  # a fit to n pictures reaches so many n-ths further than one to endless many


@dataclass(frozen=True)
class Usual:
    """Where a measure lies for good pictures: its median, and how far above it the limit is."""

    middle: float
    reach: float

    def of(self, values: Tensor) -> Tensor:
        """In these units: 0 is a usual good picture, 1 the limit."""
        return (values - self.middle) / self.reach

    @classmethod
    def fit(cls, values: Array, level: float) -> Self:
        """From values of good pictures [n], of which a share of ``level`` is to lie above the limit."""
        middle = float(np.median(values))
        return cls(middle, max(limit(values, level) - middle, 1e-3 * abs(middle), 1e-6))


@dataclass(frozen=True)
class Limits:
    """What makes distances comparable.

    Attributes:
        local, whole: of the two views of pictures. place: of the most unusual places in their maps.
        level: share of good pictures that are called unusual. pictures: good ones that told all this.
    """

    local: Usual
    whole: Usual
    place: Usual
    level: float
    pictures: int

    threshold = 1.0  # of scores, and of places, in these units

    @classmethod
    def fit(cls, local: Array, whole: Array, places: Array, level: float) -> Limits:
        """From pictures that the memory had not seen.

        Args:
            local, whole: as `Found` has them, [n]. places: the largest value of each map, [n].
        """
        near, far = Usual.fit(local, level), Usual.fit(whole, level)
        larger = np.maximum((local - near.middle) / near.reach, (whole - far.middle) / far.reach)
        more = max(limit(larger, level), 0.5)  # the larger of two exceeds a limit more often than each does
        near, far = Usual(near.middle, near.reach * more), Usual(far.middle, far.reach * more)
        return cls(near, far, Usual.fit(places, level), level, len(local))

    def scores(self, found: Found) -> Tensor:
        """How unusual pictures are, [n]: 0 as good ones usually are, above 1 as few of them are."""
        return self.local.of(found.local).maximum(self.whole.of(found.whole))

    def places(self, found: Found) -> Tensor:
        """How unusual their places are, [n, h, w]: above 1 as few good pictures have one."""
        return self.place.of(found.maps)

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self) | {"threshold": self.threshold}

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Self:
        """What `to_dict` saved."""
        local, whole, place = (Usual(**saved[name]) for name in ("local", "whole", "place"))
        return cls(local, whole, place, saved["level"], saved["pictures"])


def limit(values: Array, level: float) -> float:
    """The value that such a share of good pictures exceeds.

    The largest of many distances is nearly distributed as Gumbel says ("Statistics of Extremes", 1958); his
    distribution is fitted to the median and the ninth decile, which a few bad pictures among the good don't move.
    """
    middle, high = np.quantile(values, [0.5, 0.9])
    of_middle, of_high, asked = (-math.log(-math.log(1 - share)) for share in (0.5, 0.1, level))
    spread = (high - middle) / (of_high - of_middle)
    return float(middle + spread * max(asked - of_middle, 0.0) * (1 + _MARGIN / len(values)))
