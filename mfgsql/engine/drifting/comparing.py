"""What a version says of rows, beside what it said of those it was judged on."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from mfgsql.catalog import Version
from mfgsql.catalog.references import Reference
from mfgsql.drift.distributions import Quantiles, compare_counts
from mfgsql.drift.streams import first_change
from mfgsql.drift.vectors import compare_vectors
from mfgsql.engine.drifting.asked import Asked
from mfgsql.engine.drifting.judging import Finding
from mfgsql.engine.drifting.reading import Read
from mfgsql.engine.drifting.references import errors_of, scores_of, vectors_in
from mfgsql.evaluation.judge import resampled
from mfgsql.metrics import measure
from mfgsql.scoring import Scorer
from mfgsql.tasks import Prediction
from mfgsql.tasks.task import Array

_TAIL = 0.99  # of errors as they were; larger ones count as one
_DRAWS = 200  # resamples of a metric
_FEWEST = 20  # of these that have a value
_UNREAD = "no row can be told: the source lacks columns that the version reads, or they can't be read"
_USUAL = 1_000  # rows as they were that a detector of streams sees first


class Comparing:
    """Findings of one statement, of what the version was.

    Args:
        references: that are compared with. check: raises where the work shall stop.
    """

    def __init__(
        self, version: Version, scorer: Scorer, asked: Asked, references: Sequence[Reference], check: Callable[[], None]
    ) -> None:
        self.version, self.model, self.asked = version, scorer.model, asked
        self.references, self.check = references, check

    def scores(self, read: Read, total: int) -> Iterator[Finding]:
        """What the version says, beside what it said."""
        known = {r.feature: r for r in self.references if r.kind == "score"}
        if read.prediction is None or not len(read.prediction) or not known:
            yield Finding("score", "", total, reason=_UNREAD if known else self._unknown())
            return
        for name, values in scores_of(self.model.task, self.model.target, read.prediction).items():
            was = known.get(name)
            if was is not None and was.quantiles:
                before = Quantiles(was.quantiles, was.rows)
                words = f"median {np.median(values):.4g}, was {before.median:.4g}"
                yield Finding.of("score", name, len(values), before.compare(before.counts(values)), words)
                yield from self._of_stream(name, read, before.ranks(values), before.ranks, before)
            elif was is not None:
                ours = np.bincount(values, minlength=len(was.counts)).astype(np.float64)
                theirs = np.array([*was.counts.values()], np.float64)
                yield Finding.of("score", name, len(values), compare_counts(ours, theirs))

    def _unknown(self) -> str:
        return (
            f"{self.version.name} has no reference of its scores, errors and vectors (made before such were kept, "
            "imported, or with no rows held out): name rows, reference := 'SELECT ..', or train again"
        )

    def vectors(self, read: Read) -> Iterator[Finding]:
        """Texts, pictures, windows and rows as the network sees them."""
        rng = np.random.default_rng(self.asked.seed)
        for was in self.references:
            ours = read.vectors.get(was.feature) if was.kind == "embedding" else None
            if ours is None or len(ours) < 2:
                continue
            theirs = vectors_in(was)
            if len(theirs) > self.asked.k:
                theirs = theirs[np.sort(rng.choice(len(theirs), self.asked.k, replace=False))]
            told = compare_vectors(ours, theirs, self.asked.seed, self.check)
            yield Finding("embedding", was.feature, len(ours), "mmd", told.value, told.usual, told.p_value, large=True,
                          reason="95 in 100 mixed samples stay below the reference")  # fmt: skip

    def truth(self, read: Read) -> Iterator[Finding]:
        """How good the version is on these rows, beside how good it was; where labels came."""
        if read.prediction is None or read.truth is None:
            return
        truth, there = read.known(self.model.task, self.model.target)
        truth, said = truth[there], read.prediction.take(there)
        for was in self.references:
            if was.kind == "performance" and len(there):
                yield self._of_metric(was, truth, said)
        before = next((r for r in self.references if r.kind == "error"), None)
        errors = errors_of(self.model.task, truth, said)
        if before is None or errors is None or read.at is None or not len(there):
            return
        quantiles = Quantiles(before.quantiles, before.rows)
        most = max(quantiles.value_at(_TAIL), 1e-12)
        shares = replace(read, at=read.at.take(pa.array(there)))
        scaled = np.minimum(errors / most, 1.0)
        yield from self._of_stream("error", shares, scaled, lambda e: np.minimum(e / most, 1.0), quantiles, rises=True)

    def _of_metric(self, was: Reference, truth: Array, said: Prediction) -> Finding:
        metrics = {m.name: m for m in self.model.task.metrics(self.model.target)}
        name, metric = was.feature, metrics[was.feature]
        value = measure(metric, truth, said.values, said.scores)
        draws = np.asarray([] if value is None else resampled(metric, truth, [said], self.asked.seed, _DRAWS)[0])
        if value is None or was.value is None or was.deviation is None or len(draws) < _FEWEST:
            few = "too few rows, or of one class only"
            return Finding("performance", name, len(truth), name, value, was.value, reason=few)
        lower, upper = (float(v) for v in np.quantile(draws, [0.025, 0.975]))
        worse = (was.value - value) if metric.higher else (value - was.value)
        spread = math.hypot(float(draws.std()), was.deviation)
        p_value = 0.5 * math.erfc(worse / spread / math.sqrt(2)) if spread > 0 else float(worse <= 0)
        outside = upper < was.value if metric.higher else lower > was.value
        return Finding("performance", name, len(truth), name, value, was.value, p_value, lower=lower, upper=upper,
                       large=outside, reason=f"{was.value:.4g} on the {was.rows:,} rows that judged it")  # fmt: skip

    def _of_stream(
        self, name: str, read: Read, values: Array, scale: Callable[[Array], Array], before: Quantiles, *,
        rises: bool = False,
    ) -> Iterator[Finding]:  # fmt: skip
        """Since when a score, or the error, is another one; ``values`` and what ``scale`` makes lie between 0 and 1."""
        if read.at is None:
            return
        order, detector = read.ordered(), self.asked.detector
        stream = values[order]
        usual = scale(before.draws(_USUAL, np.random.default_rng(self.asked.seed)))
        change = first_change(stream, usual, detector, rises=rises, check=self.check)
        found = Finding("stream", name, len(order), detector, reference=float(usual.mean()), drifted=change is not None)
        if change is None:
            yield replace(found, value=float(stream.mean()) if len(stream) else None)
            return
        begin, noticed = (_place(read.at, order[number]) for number in (change.begin, change.noticed))
        later = f"noticed at {noticed}, {change.noticed - change.begin:,} rows later"
        yield replace(found, value=change.mean, since=begin, reason=later)


def _place(at: pa.Array, row: Any) -> Any:
    """A place in the order as JSON has it."""
    value = at[int(row)].as_py()
    return str(value) if hasattr(value, "isoformat") else value
