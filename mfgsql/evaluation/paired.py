"""Two predictions of the same rows, metric by metric, with intervals of the difference."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mfgsql.entities import FIGURES
from mfgsql.metrics import Metric, measure
from mfgsql.tasks import Prediction
from mfgsql.tasks.task import Array

DRAWS = 2_000
_FEWEST, _FEWEST_GROUPS = 20, 5  # draws in which a metric is defined, and groups that are drawn: below, all is luck
_WORK = 20_000_000  # rows over all draws: ten seconds or so


@dataclass(frozen=True)
class Difference:
    """One metric of two versions.

    Attributes:
        a, b: values; None where undefined. lower, upper: of ``a - b`` over the draws; None where there are too few.
        share: of the draws in which a is better, ties half. rows: judged.
    """

    metric: str
    better: str
    a: float | None
    b: float | None
    difference: float | None
    lower: float | None
    upper: float | None
    share: float | None
    rows: int

    @property
    def ahead(self) -> str | None:
        """Which is better beyond chance; None: neither."""
        if self.lower is None or self.upper is None or self.lower <= 0 <= self.upper:
            return None
        return "a" if (self.lower > 0) == (self.better == "higher") else "b"


@dataclass(frozen=True)
class Draws:
    """Resamples of groups of rows, the same for both: the paired bootstrap (Efron and Tibshirani, 1993); with groups of
    several rows that of clusters (Davison and Hinkley, "Bootstrap Methods and their Application", 1997, 3.8).

    Args:
        groups: number of each row's group, from 0, int64 [rows].
    """

    groups: Array
    draws: int = DRAWS
    seed: int = 0
    level: float = 0.95
    check: Callable[[], None] = lambda: None

    def resamples(self) -> Iterator[Array]:
        """Numbers of the rows of each draw; none where there are too few groups."""
        rng, count = np.random.default_rng(self.seed), int(self.groups.max(initial=-1)) + 1
        if count < _FEWEST_GROUPS:
            return
        order = np.argsort(self.groups, kind="stable")
        sizes = np.bincount(self.groups, minlength=count)
        starts = np.append(0, sizes.cumsum())[:-1]
        for _ in range(min(self.draws, max(_WORK // max(len(self.groups), 1), 10 * _FEWEST))):
            self.check()
            drawn = rng.integers(0, count, count)
            yield order[_ranges(starts[drawn], sizes[drawn])]

    def told(self, name: str, higher: bool, both: Sequence[float | None], drawn: Array, rows: int) -> Difference:
        """The difference.

        Args:
            both: the two values. drawn: of each draw the two values, float64 [draws, 2], NaN where undefined.
        """
        a, b = both
        better = "higher" if higher else "lower"
        apart = (drawn[:, 0] - drawn[:, 1])[np.isfinite(drawn).all(axis=1)]
        if a is None or b is None:
            return Difference(name, better, a, b, None, None, None, None, rows)
        if len(apart) < _FEWEST:
            return Difference(name, better, a, b, a - b, None, None, None, rows)
        rest = (1 - self.level) / 2
        lower, upper = np.quantile(apart, [rest, 1 - rest]).tolist()
        ahead = apart > 0 if higher else apart < 0
        return Difference(name, better, a, b, a - b, lower, upper, float((ahead + (apart == 0) / 2).mean()), rows)


def _ranges(starts: Array, sizes: Array) -> Array:
    """``starts[i] .. starts[i] + sizes[i]`` of all, one after another."""
    ends = sizes.cumsum()
    return np.asarray(np.arange(ends[-1]) + np.repeat(starts - (ends - sizes), sizes))


def differences(
    metrics: Sequence[Metric], truth: Array, both: tuple[Prediction, Prediction], draws: Draws
) -> list[Difference]:
    """Of each metric, over rows with a known truth."""
    values = [[measure(m, truth, p.values, p.scores) for p in both] for m in metrics]
    drawn: list[list[list[float]]] = [[] for _ in metrics]
    for rows in draws.resamples():
        some, said = truth[rows], [p.take(rows) for p in both]
        for number, metric in enumerate(metrics):
            found = [measure(metric, some, p.values, p.scores) for p in said]
            drawn[number].append([float("nan") if value is None else value for value in found])
    each = zip(metrics, values, drawn, strict=True)
    return [draws.told(m.name, m.higher, v, np.asarray(d).reshape(-1, 2), len(truth)) for m, v, d in each]


def differences_of_spans(one: Array, other: Array, draws: Draws) -> list[Difference]:
    """The same of models that find spans.

    Args:
        one, other: of each row what `mfgsql.entities.row_sums` names, int64 [rows, 6].
    """
    drawn = np.array([[s[rows].sum(axis=0) for s in (one, other)] for rows in draws.resamples()]).reshape(-1, 2, 6)
    whole = [one.sum(axis=0), other.sum(axis=0)]
    return [
        draws.told(name, True, [float(figure(s)) for s in whole], np.asarray(figure(drawn), np.float64), len(one))
        for name, figure in FIGURES.items()
    ]
