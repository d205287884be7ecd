"""Two versions on the same rows, none of which the part that speaks has learnt: how far apart they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mfgsql.engine.unseen import Unseen
from mfgsql.evaluation import apart
from mfgsql.evaluation.judge import resampled
from mfgsql.metrics import Metric, measure
from mfgsql.model import Model
from mfgsql.scoring import Scorer
from mfgsql.tasks import Prediction, Target
from mfgsql.tasks.task import Array, known
from mfgsql.training.snapshot import SPLIT

_DRAWS = 200
_FEWEST_DRAWS = 20
_LEAST = 1e-3  # probability that counts as none: one row must not decide


@dataclass(frozen=True)
class Said:
    """Rows with a known truth, and what a version says of them, over the classes of a target that may be larger."""

    truth: Array
    prediction: Prediction

    def take(self, rows: Array) -> Said:
        """Those rows."""
        return Said(self.truth[rows], self.prediction.take(rows))


@dataclass(frozen=True)
class Compared:
    """A rival beside the champion, by the deciding metric; None where it can't be told.

    Attributes:
        rows: that both were asked. difference: how much better the rival is. lower, upper: its 95 % interval.
        surer: of probabilities, whether the truth is more probable to the rival, beyond chance.
    """

    metric: str
    rows: int
    champion: float | None
    rival: float | None
    difference: float | None = None
    lower: float | None = None
    upper: float | None = None
    surer: bool = False

    @property
    def better(self) -> bool:
        """Whether the rival is, beyond chance: by the metric itself, or by its probabilities where the metric, which
        counts few rows of a rare class, says no different.
        """
        told = self.lower is not None and self.lower > 0
        return told or (self.surer and self.lower is not None and (self.difference or 0.0) > 0)


@dataclass(frozen=True)
class Judge:
    """Rows of a snapshot by which versions are told apart.

    Attributes:
        unseen: the judged ones, none of which the part of its number has learnt. target: with all classes.
    """

    unseen: Unseen
    model: Model
    target: Target

    def ask(self, scorer: Scorer, part: Array | None = None) -> Said:
        """What a version says of the rows; a class that it does not know is impossible to it.

        Args:
            part: the number of the part that speaks for each row; None: the one that has not learnt it.
        """
        part = self.unseen.judged[SPLIT].to_numpy() if part is None else part
        said = self.unseen.predict(scorer, part)
        truth = np.asarray(self.model.task.encode(self.unseen.judged[self.target.name].combine_chunks(), self.target))
        there = np.flatnonzero(known(truth))
        return Said(truth, _over(said, scorer.model.target.classes, self.target.classes)).take(there)

    @property
    def metric(self) -> Metric:
        """The one that decides."""
        return self.model.task.metrics(self.target)[0]

    @property
    def telling(self) -> Metric:
        """One that is fair to who knows nothing: of rare classes PR-AUC over resampled rows flatters a guess."""
        metrics = self.model.task.metrics(self.target)
        return next((m for m in metrics if m.name == "roc_auc"), metrics[0])

    def tells(self, said: Said) -> bool:
        """Whether a version knows more of the rows than a naive guess, beyond chance."""
        return self.compare(self.naive(said), said, self.telling).better

    def glance(self, champion: Said, rival: Said, by: Metric | None = None) -> Compared:
        """How much better the rival is, without an interval."""
        metric = by or self.metric
        before, now = (value_of(metric, said) for said in (champion, rival))
        if before is None or now is None:
            return Compared(metric.name, len(champion.truth), before, now)
        return Compared(metric.name, len(champion.truth), before, now, (now - before) * (1 if metric.higher else -1))

    def compare(self, champion: Said, rival: Said, by: Metric | None = None) -> Compared:
        """How much better the rival is, by the same resamples of the rows."""
        history, metric = self.model.manifest.history, by or self.metric
        glance = self.glance(champion, rival, metric)
        if glance.difference is None:
            return glance
        rows = apart(len(champion.truth), history.length if history else 1)
        one, other, truth = rival.prediction, champion.prediction, champion.truth
        sign = 1 if metric.higher else -1
        a, b = resampled(metric, truth[rows], [one.take(rows), other.take(rows)], 0, draws=_DRAWS)
        if len(a) < _FEWEST_DRAWS:
            return glance
        lower, upper = np.quantile(sign * (np.asarray(a) - np.asarray(b)), [0.025, 0.975])
        surer = by is None and _surer(truth[rows], one.take(rows), other.take(rows))
        return replace(glance, lower=float(lower), upper=float(upper), surer=surer)

    def naive(self, said: Said) -> Said:
        """What one would say without looking at the rows."""
        return Said(said.truth, self.model.task.naive(said.truth, self.target))


def _surer(truth: Array, one: Prediction, other: Prediction) -> bool:
    """Whether the truth is more probable to one than to the other, beyond chance: by its mean logarithm (Good 1952)."""
    if one.scores is None or other.scores is None or truth.ndim > 1:
        return False
    rows = np.arange(len(truth))
    each = np.log(np.clip(one.scores[rows, truth], _LEAST, 1)) - np.log(np.clip(other.scores[rows, truth], _LEAST, 1))
    return bool(each.mean() > 1.96 * each.std() / np.sqrt(max(len(each), 1)))


def value_of(metric: Metric, said: Said) -> float | None:
    """The metric; None where it is undefined."""
    if not len(said.truth):
        return None
    return measure(metric, said.truth, said.prediction.values, said.prediction.scores)


def recalls(said: Said, target: Target) -> dict[str, tuple[int, float | None]]:
    """Of each class how many rows there are, and the share of them that is told."""
    if not target.classes or said.truth.ndim > 1:
        return {}
    found = {}
    for number, name in enumerate(target.classes):
        own = said.truth == number
        right = float((said.prediction.values[own] == number).mean()) if own.any() else None
        found[name] = int(own.sum()), right
    return found


def _over(said: Prediction, classes: Sequence[str], all_classes: Sequence[str]) -> Prediction:
    """A prediction over more classes, or in another order; numbers stay as they are."""
    if tuple(classes) == tuple(all_classes) or said.scores is None or said.values.ndim > 1:
        return said
    place = np.array([all_classes.index(c) if c in all_classes else -1 for c in classes])
    scores = np.zeros((len(said), len(all_classes)))
    scores[:, place[place >= 0]] = said.scores[:, place >= 0]
    return Prediction(place[said.values], scores)
