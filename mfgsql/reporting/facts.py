"""All that a report shows. What can't be told is a `Missing`, with the reason in a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mfgsql.evaluation.importance import Importance
from mfgsql.manifest import Manifest
from mfgsql.tasks import Prediction, tasks
from mfgsql.tasks.task import Array


@dataclass(frozen=True)
class Missing:
    """Why something can't be shown: one sentence, or two with the remedy."""

    reason: str


@dataclass(frozen=True)
class Run:
    """A learning statement that ran. ``seconds`` from its start to its end, None where it has none."""

    run_id: str
    verb: str
    status: str
    source: str | None
    error: str | None
    started: datetime
    seconds: float | None
    device: str | None
    steps: int | None


@dataclass(frozen=True)
class Feature:
    """A column of the rows that were learnt from; ``kind`` is None where it was left out, ``left_out`` says why.

    Ranges of times are in seconds since 1970; ``top`` holds frequent values with their counts.
    """

    name: str
    kind: str | None
    left_out: str | None
    type: str | None
    rows: int | None
    nulls: int | None
    distinct: int | None
    minimum: float | None
    maximum: float | None
    top: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Score:
    """A metric on all rows held out, as recorded when the version was judged, and the naive guess's."""

    metric: str
    value: float | None
    baseline: float | None


@dataclass(frozen=True)
class Judged:
    """Held-out rows, or a sample of very many: truth as the task encodes it [rows], and what the version says.

    history: number of each row's history, where it has one.
    """

    truth: Array
    prediction: Prediction
    history: Array | None = None


@dataclass(frozen=True)
class Rival:
    """Another version on rows that neither was trained on."""

    name: str
    truth: Array
    mine: Prediction
    theirs: Prediction


@dataclass(frozen=True)
class Stretch:
    """A part of a text.

    Attributes:
        weight: from -1 to 1, how strongly it speaks for what is told of or against it; 0 is left unmarked.
        note: what it adds, in words. label: of a span, which has no weight.
    """

    text: str
    weight: float = 0.0
    note: str = ""
    label: str = ""


@dataclass(frozen=True)
class Marked:
    """A row's text in a column, part by part; ``adds`` is what all of it adds to the prediction, in words."""

    name: str
    stretches: tuple[Stretch, ...]
    adds: str = ""


@dataclass(frozen=True)
class Picture:
    """A row's picture in a column, as a PNG; None where there is none. ``adds`` as of `Marked`."""

    name: str
    png: bytes | None
    adds: str = ""


@dataclass(frozen=True)
class Example:
    """A held-out row.

    Attributes:
        actual, predicted: as people write them. score: probability of the prediction, or None.
        values: features worth a look, with their values. reason: doubts about the row, as ``ml_reason`` tells them.
        contributions: what each of these features adds to the prediction, as far as that is known.
        texts, pictures: of those columns, with the words and places that count.
    """

    actual: str
    predicted: str
    score: float | None
    values: tuple[tuple[str, str], ...]
    reason: str | None = None
    contributions: Mapping[str, float] = field(default_factory=dict)
    texts: tuple[Marked, ...] = ()
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True)
class TaggedText:
    """A text with its spans, as annotated and as found."""

    actual: Marked
    found: Marked


@dataclass(frozen=True)
class Tagged:
    """What a model of spans finds in texts held out.

    Attributes:
        report: rows of level (span or token), class, precision, recall, f1, support. texts: how many.
        wrong, right: some of them, those with the most wrong spans first, and those with the most spans, all right.
    """

    report: tuple[Mapping[str, Any], ...]
    texts: int
    wrong: tuple[TaggedText, ...]
    right: tuple[TaggedText, ...]


@dataclass(frozen=True)
class ExampleGroup:
    """Examples of one sort, the clearest first; ``hint`` says what the sort is."""

    title: str
    hint: str
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class Timeline:
    """One history along its time.

    Attributes:
        moments: seconds since 1970, or what it is ordered by, [rows]. values: predicted, or scores.
        truth, lower, upper: of predictions. threshold: of scores.
    """

    moments: Array
    values: Array
    truth: Array | None = None
    lower: Array | None = None
    upper: Array | None = None
    threshold: float | None = None


@dataclass(frozen=True)
class Fan:
    """A series and its steps to come.

    Attributes:
        moments, values: of the past. ahead: moments of the steps to come. mean: of each. quantiles: [steps, levels].
        total: what they come to up to each step, in 50, 90, 95 and 99 % of paths at most, [steps, 4].
    """

    moments: Array
    values: Array
    ahead: Array
    mean: Array
    quantiles: Array
    total: Array


@dataclass(frozen=True)
class Facts:
    """A version, or a model that has none yet because its runs failed.

    Attributes:
        version: None where no run has finished; then `failed` says why.
        metric, value, baseline: the deciding one, the naive guess's included, as recorded when it was judged.
        run: that made the version. failed: later runs of the model that did not finish, the latest first.
        scores: every metric of the task.
        history: (step, split, metric, value) of each judgement while it was trained.
        best_step: whose weights are kept.
        base_licence: what is known of the licence of the base.
        times: of a model of processes, whose ``judged`` is of the next activity, the remaining times.
        tagged: of a model of spans.
        timelines: of a model of histories and numbers, some histories held out. scored: of a detector one with scores.
        fans: of a model of forecasts some series.
    """

    model: str
    version: int | None = None
    aliases: tuple[str, ...] = ()
    created: datetime | None = None
    manifest: Manifest | None = None
    verdict: str | None = None
    metric: str | None = None
    value: float | None = None
    baseline: float | None = None
    rows: int | None = None
    bytes: int | None = None
    base: str | None = None
    base_licence: str | None = None
    warnings: tuple[str, ...] = ()
    run: Run | None = None
    failed: tuple[Run, ...] = ()
    features: tuple[Feature, ...] = ()
    history: Sequence[tuple[int, str, str, float]] = ()
    best_step: int | None = None
    scores: tuple[Score, ...] = ()
    judged: Judged | Missing = Missing("It was not judged.")
    times: Judged | None = None
    rival: Rival | Missing = Missing("There is no other version.")
    importance: tuple[Importance, ...] | Missing = Missing("It was not measured.")
    examples: tuple[ExampleGroup, ...] | Missing = Missing("There are none.")
    tagged: Tagged | Missing | None = None
    timelines: tuple[Timeline, ...] = ()
    scored: Timeline | Missing | None = None
    fans: tuple[Fan, ...] | Missing | None = None

    @property
    def name(self) -> str:
        """``model@3``, or the model's bare name."""
        return self.model if self.version is None else f"{self.model}@{self.version}"

    @property
    def task(self) -> str | None:
        """Name of the supervised task; None of a base, and where there is no version."""
        return self.manifest.task if self.manifest and self.manifest.target else None

    @property
    def shape(self) -> str | None:
        """What a row gets of a task with a target: a class, labels, a value or spans."""
        return tasks[self.task].shape if self.task else None

    @property
    def judges_rows(self) -> bool:
        """Whether there is one truth for each row."""
        return self.version is not None and self.shape not in (None, "spans", "forecast")

    @property
    def classes(self) -> tuple[str, ...]:
        """Of the target, where a row is of one; else empty."""
        of_classes = self.shape in ("class", "process")
        return self.manifest.target.classes if self.manifest and self.manifest.target and of_classes else ()

    @property
    def labels(self) -> tuple[str, ...]:
        """Of the target, where a row may have several; else empty."""
        return self.manifest.target.classes if self.manifest and self.manifest.target and self.shape == "labels" else ()
