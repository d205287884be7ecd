"""Facts of each sort of model, made up: pages are made from facts alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from mfgsql.backbones import TabularConfig
from mfgsql.evaluation.importance import Importance
from mfgsql.features import FeatureSet
from mfgsql.features.text import TextEncoder
from mfgsql.manifest import Manifest
from mfgsql.reporting import Facts, Missing
from mfgsql.reporting.facts import (
    Example,
    ExampleGroup,
    Feature,
    Judged,
    Marked,
    Picture,
    Rival,
    Run,
    Score,
    Stretch,
    Tagged,
    TaggedText,
)
from mfgsql.tasks import Prediction, Target

NASTY = "<script>alert('1')</script>\"&'\"><img src=x onerror=alert(1)> 类别 $x$ {{ 7 * 7 }}"
MADE = datetime(2026, 11, 25, 4, 35, tzinfo=UTC)
LINEAGE = {
    "snapshot": "0f3c", "source": "SELECT * FROM parts WHERE torque < 9 AND name <> 'a'", "device": "cpu", "threads": 2,
    "cpu": "AVX2", "mfgsql": "0.1", "libraries": {"torch": "2.13.0"}, "recipe": {"seed": 0, "epochs": 20, "loss": "auto"},
}  # fmt: skip


SCORES = {"classification": ("accuracy", "pr_auc", "f1_macro", "roc_auc", "loss"), "regression": ("mae", "rmse", "r2")}


def manifest(target: Target | None, task: str | None) -> Manifest:
    objective = None if task else "masked"
    return Manifest(task, objective, target, FeatureSet(()), TabularConfig((), ()), {}, LINEAGE)


def run(status: str = "finished", error: str | None = None) -> Run:
    return Run("0123456789ab", "finetune", status, "SELECT * FROM parts", error, MADE, 200.0, "cpu", 90)


def probabilities(rng: np.random.Generator, truth: np.ndarray, classes: int, skill: float) -> np.ndarray:
    logits = rng.normal(size=(len(truth), classes))
    logits[np.arange(len(truth)), truth] += skill
    scores = np.exp(logits)
    return scores / scores.sum(axis=1, keepdims=True)


def examples(actual: str, predicted: str, score: float | None) -> tuple[ExampleGroup, ...]:
    values = (("torque", "61.2"), ("shift", "B"), (NASTY, NASTY))
    known = Example(actual, predicted, score, values, "torque = 612 (trained 3.8 to 76.6)", {"torque": 0.31, "shift": -0.02})
    return (ExampleGroup("The surest mistakes", "Wrong.", (known, replace(known, reason=None))), ExampleGroup("None", "Nothing.", ()))


def common(target: Target | None, task: str | None, metric: str) -> Facts:
    features = (
        Feature("torque", "numeric", None, "DOUBLE", 1000, 20, 900, 3.8, 76.6),
        Feature("ts", "temporal", None, "TIMESTAMP", 1000, 0, 1000, 1.76e9, 1.764e9),
        Feature("shift", "categorical", None, "VARCHAR", 1000, 0, 3, None, None, (("A", 400), (NASTY, 300))),
        Feature("id", None, "a value of its own in every row", "BIGINT", 1000, 0, 1000, 0, 999),
    )
    history = [(s, split, m, v) for s in range(0, 100, 10) for split, m, v in (
        ("train", "loss", 1 / (s + 5)), ("validation", "loss", 1 / (s + 6) + 0.01), ("validation", metric, s / 110))]  # fmt: skip
    important = tuple(
        Importance(n, v, 0.01, v - 0.02, v + 0.02, i, metric, 800)
        for i, (n, v) in enumerate((("torque", 0.3), (NASTY, 0.1), ("shift", -0.005)), 1)
    )
    return Facts(
        "press_failure", 2, ("champion",), MADE, manifest(target, task), "useful", metric, 0.8123, 0.1, 10_000, 420_000,
        warnings=("torque alone tells the target: a leak?",), run=run(), features=features, history=history, best_step=70,
        importance=important, scores=tuple(Score(m, 0.81, 0.1) for m in SCORES.get(task or "", ())),
    )  # fmt: skip


def two_classes() -> Facts:
    rng = np.random.default_rng(0)
    truth = (rng.random(1200) < 0.1).astype(np.int64)
    mine, theirs = (probabilities(rng, truth, 2, skill) for skill in (3.0, 2.0))
    said = Prediction(mine.argmax(axis=1), mine)
    facts = common(Target("failed", "BOOLEAN", ("false", "true"), (9000, 1000)), "classification", "pr_auc")
    return replace(
        facts, judged=Judged(truth, said), examples=examples("true", "false", 0.97),
        rival=Rival("press_failure@1", truth, said, Prediction(theirs.argmax(axis=1), theirs)),
    )  # fmt: skip


def classes(number: int) -> Facts:
    rng = np.random.default_rng(0)
    truth = np.minimum(rng.exponential(number / 4, 4000).astype(np.int64), number - 1)
    scores = probabilities(rng, truth, number, 6.0)
    names = tuple(f"类别 {i}" if i % 2 else f"{NASTY} {i}" for i in range(number))
    facts = common(Target("kind", "VARCHAR", names, tuple(range(1, number + 1))), "classification", "f1_macro")
    judged = Judged(truth, Prediction(scores.argmax(axis=1), scores))
    return replace(facts, judged=judged, examples=examples(names[0], names[1], 0.8))


def regression() -> Facts:
    rng = np.random.default_rng(0)
    truth = rng.gamma(4.0, 9.0, 1500)
    facts = common(Target("strength", "DOUBLE", mean=36.0, deviation=18.0), "regression", "rmse")
    predicted = truth * 0.9 + 3 + rng.normal(size=1500) * 3
    return replace(facts, judged=Judged(truth, Prediction(predicted)), examples=examples("36.1", "48.2", None))


def texts_and_pictures() -> Facts:
    note = Marked(NASTY, (Stretch(f"{NASTY} "), Stretch("leaking", 0.9, "+12.0 points"), Stretch(NASTY, -0.4, NASTY)), "+9.0 points")
    picture = Picture(NASTY, b"\x89PNG made up", "−1.0 points")
    known = Example("true", "false", 0.97, (("load", "0.5"),), None, {"load": 0.01}, (note,), (picture,))
    empty = replace(known, texts=(Marked(NASTY, ()),), pictures=(Picture(NASTY, None),))
    facts = two_classes()
    return replace(facts, examples=(ExampleGroup("Missed", "The surest first.", (known, empty)),))


def spans() -> Facts:
    facts = common(Target("spans", "STRUCT(...)[]", ("O", f"B-{NASTY}", f"I-{NASTY}"), (0, 70, 70)), "token_classification", "span_f1")
    names = ("span_f1", "span_precision", "span_recall", "token_accuracy")
    rows = [(level, name, 0.7, 0.8, 0.75, 70) for level, name in (("span", NASTY), ("token", f"B-{NASTY}"), ("token", "O"))]
    rows += [(level, f"{name} avg", 0.7, 0.8, 0.75, 70) for level in ("span", "token") for name in ("micro", "macro", "weighted")]
    keys = ("level", "class", "precision", "recall", "f1", "support")
    report = tuple(dict(zip(keys, row, strict=True)) for row in sorted(rows, key=lambda r: r[0]))
    text = Marked("note", (Stretch("the "), Stretch("pump", label=NASTY), Stretch(f" leaks {NASTY}")))
    tagged = Tagged(report, 40, (TaggedText(text, replace(text, stretches=(Stretch("the pump leaks"),))),), ())
    known = replace(facts.manifest, features=FeatureSet((TextEncoder("note", False),)))
    return replace(facts, manifest=known, tagged=tagged, scores=tuple(Score(n, 0.75, 0.0) for n in names))


def base() -> Facts:
    facts = common(None, None, "loss")
    return replace(facts, model="press", baseline=None, history=[h for h in facts.history if h[2] == "loss"])


def failed() -> Facts:
    error = "The target 'failed' is TRUE in every row: nothing to learn. Look at the source."
    return Facts("press_failure", failed=(run("failed", error), run("cancelled", "Cancelled.")))


def imported() -> Facts:
    facts, why = two_classes(), Missing("press_failure@2 was imported, and the rows it was judged on stayed behind.")
    return replace(
        facts, scores=(), verdict=None, metric=None, value=None, baseline=None, rows=None, features=(), history=[], best_step=None,
        judged=why, rival=why, importance=why, examples=why, run=replace(run(), verb="import", source="m.safetensors"),
    )  # fmt: skip


def with_costs() -> Facts:
    facts = two_classes()
    told = {"costs": {"missed": 2000.0, "false_alarm": 50.0}, "threshold": 0.11}
    verdict = "useful: alarms from probability 0.11 on cost 12.5 a row, an alarm for each row 45"
    return replace(facts, verdict=verdict, manifest=replace(facts.manifest, calibration=told))


def one_feature() -> Facts:
    facts = two_classes()
    assert isinstance(facts.importance, tuple)
    return replace(facts, features=facts.features[:1], importance=facts.importance[:1], history=facts.history[:3])


def one_class_judged() -> Facts:
    facts = two_classes()
    return replace(facts, judged=Judged(np.zeros(40, np.int64), Prediction(np.zeros(40, np.int64), np.tile([0.9, 0.1], (40, 1)))))


def nasty() -> Facts:
    facts = two_classes()
    target = Target(NASTY, NASTY, (NASTY, f"not {NASTY}"), (900, 100))
    told = replace(facts.manifest, target=target, lineage={k: NASTY for k in LINEAGE} | {"recipe": {NASTY: NASTY}, "libraries": {NASTY: NASTY}})
    bad = replace(run("failed", NASTY), source=NASTY, verb=NASTY, run_id=NASTY, device=NASTY)
    features = (Feature(NASTY, NASTY, None, NASTY, 9, 0, 3, None, None, ((NASTY, 3),)), Feature(NASTY, None, NASTY, NASTY, 9, 0, 3, None, None))
    rival = replace(facts.rival, name=NASTY)
    return replace(
        facts, model=NASTY, aliases=(NASTY,), manifest=told, verdict=NASTY, base=NASTY, base_licence=NASTY, warnings=(NASTY,),
        run=bad, failed=(bad,), features=features, rival=rival, examples=examples(NASTY, NASTY, 0.5),
    )  # fmt: skip


CASES: dict[str, Callable[[], Facts]] = {
    "two classes": two_classes, "three classes": lambda: classes(3), "twelve classes": lambda: classes(12),
    "500 classes": lambda: classes(500), "a number": regression, "a base": base, "a failed run": failed,
    "costs": with_costs, "imported": imported, "one feature": one_feature, "one class judged": one_class_judged, "nasty names": nasty,
    "texts and pictures": texts_and_pictures, "spans": spans,
}  # fmt: skip


@pytest.fixture(scope="session", params=list(CASES))
def case(request: pytest.FixtureRequest) -> tuple[str, Facts]:
    """Each sort of model: its name and facts."""
    return request.param, CASES[request.param]()


@pytest.fixture(scope="session")
def cases() -> dict[str, Callable[[], Facts]]:
    """Facts by sort of model."""
    return CASES


@pytest.fixture(scope="session")
def nasty_text() -> str:
    """A name that would do harm if it were anything but text."""
    return NASTY
