"""What stands on top of the page: the model, what it is for, whether it is of use, and its figures at a glance."""

from __future__ import annotations

from dataclasses import dataclass

from mfgsql.manifest import Manifest
from mfgsql.reporting.facts import Facts
from mfgsql.reporting.formats import count, day, plural, score, seconds
from mfgsql.reporting.words import metric_meaning, metric_name
from mfgsql.tasks import ANOMALY, DESIGN, EMBEDDING

_VERDICTS = {
    "useful": ("good", "Better than a naive guess beyond chance, on rows it was not trained on."),
    "no better than the baseline": (
        "bad",
        "It does not beat a naive guess beyond chance. Do not act on it; look at its data, or at more of it.",
    ),
    "too little data": (
        "warn",
        "Too few rows, or too few of the rarer class, were held out to tell.",
    ),
}
_BASE = {
    "useful": ("good", "Its loss on rows not trained on fell below that of the weights it started from."),
    "no better than the baseline": (
        "bad",
        "Its loss on rows not trained on did not fall: models gain nothing.",
    ),
}


@dataclass(frozen=True)
class Headline:
    """The top of the page.

    Attributes:
        tone: ``good``, ``warn``, ``bad`` or empty. tiles: (label, value, note).
    """

    title: str
    subtitle: str
    purpose: str
    verdict: str
    tone: str
    meaning: str
    tiles: tuple[tuple[str, str, str], ...]


def headline(facts: Facts) -> Headline:
    """Of a version, or of a model that has none."""
    if facts.version is None:
        words = "No run of this model has finished, so there is nothing to judge yet."
        return Headline(facts.model, "no version yet", words, "no model", "bad", "See below why, and what to do.", ())
    subtitle = " · ".join([f"version {facts.version}", *facts.aliases])
    verdict, tone, meaning = _verdict(facts)
    return Headline(facts.model, subtitle, _purpose(facts), verdict, tone, meaning, _tiles(facts))


def _without_target(manifest: Manifest | None) -> str:
    features = plural(len(manifest.features.names), "column") if manifest else "its columns"
    fields = manifest.features.fields() if manifest else []
    if manifest is not None and manifest.task == ANOMALY:
        if fields:
            return f"Detects anomalies: it has learnt what good pictures in “{fields[0]}” look like."
        return f"Detects anomalies: it has learnt how {features} behave along histories while all is normal."
    if manifest is not None and manifest.task == EMBEDDING:
        return f"Turns “{fields[0]}” into vectors: what belongs together lies close together."
    if manifest is not None and manifest.objective == DESIGN:
        return f"Says new designs: it has learnt how {features} of past ones go together."
    if fields:
        return f"A base: it has learnt what “{fields[0]}” is like, without labels, for models to start from."
    return f"A base: it has learnt how {features} of a row go together, without labels, for models to start from."


def _purpose(facts: Facts) -> str:
    manifest = facts.manifest
    if manifest is None or manifest.target is None:
        return _without_target(manifest)
    features = plural(len(manifest.features.names), "column")
    if facts.shape == "spans":
        found = plural((len(manifest.target.classes) - 1) // 2, "label")
        return f"Finds what stands in “{manifest.features.names[0]}”: spans of {found}."
    if facts.labels:
        return f"Tells which of {len(facts.labels):,} labels “{manifest.target.name}” of a row has, from {features}."
    if manifest.grid is not None:
        beside = f", beside {features}" if manifest.features.names else ""
        steps = plural(manifest.grid.horizon, "step")
        return f"Forecasts “{manifest.target.name}” {steps} ahead from the {manifest.grid.window} before{beside}."
    if manifest.cases is not None:
        return f"Tells what follows each event of a case, and how long the case still takes, from {features}."
    if not facts.classes:
        of = "a row" if manifest.history is None else "a history's newest row"
        return f"Predicts the number “{manifest.target.name}” of {of} from {features}."
    if len(facts.classes) == 2:
        return f"Tells whether “{manifest.target.name}” of a row is {facts.classes[1]}, from {features}."
    return f"Tells which of {len(facts.classes):,} classes “{manifest.target.name}” of a row is, from {features}."


def _verdict(facts: Facts) -> tuple[str, str, str]:
    if facts.verdict is None:
        words = "It was not judged in this database. Evaluate it on rows of your own before you use it."
        return "not judged here", "warn", words
    known = _BASE if facts.task is None else _VERDICTS
    tone, meaning = known.get(facts.verdict.partition(":")[0], ("", ""))
    return facts.verdict, tone, meaning


def _tiles(facts: Facts) -> tuple[tuple[str, str, str], ...]:
    tiles = []
    if facts.metric and facts.value is not None:
        tiles.append((metric_name(facts.metric), score(facts.value), metric_meaning(facts.metric)))
    if facts.baseline is not None:
        forecasts = facts.shape == "forecast"
        guess = "A season before" if forecasts else "Naive guess"
        told = "of what was a season before" if forecasts else "without looking at a row"
        tiles.append((guess, score(facts.baseline), f"{metric_name(facts.metric)} {told}"))
    if facts.rows is not None:
        tiles.append(("Rows", count(facts.rows), "learnt from and judged by"))
    took = f"in {seconds(facts.run.seconds)}" if facts.run and facts.run.seconds is not None else ""
    tiles.append(("Made", day(facts.created), took))
    return tuple(tiles)
