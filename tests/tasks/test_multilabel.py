"""Several labels a row: what is read and said, metrics as scikit-learn has them, and cuts that are told by rows."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from mfgsql.errors import DataError, OptionError
from mfgsql.features import ColumnProfile
from mfgsql.metrics import MULTILABEL, measure
from mfgsql.tasks import Prediction, Target, choose_task, tasks
from mfgsql.tasks.cutting import cuts_of
from mfgsql.tasks.task import known

TASK = tasks["multilabel"]
TARGET = Target("parts", "VARCHAR[]", ("bearing", "pump", "seal"), (6, 5, 2), rows=10, usual=(0,))


def profile(type_name: str = "VARCHAR[]", top: tuple[tuple[str, int], ...] = (("pump", 5), ("seal", 2), ("odd", 1))) -> ColumnProfile:
    return ColumnProfile("parts", type_name, 12, 2, top=top)


def random_rows(seed: int, rows: int = 200, labels: int = 5) -> tuple[np.ndarray, np.ndarray]:
    dice = np.random.default_rng(seed)
    scores = np.round(dice.random((rows, labels)), 1)  # with ties
    return (dice.random((rows, labels)) < 0.2 + 0.5 * scores).astype(np.float32), scores


# -- the target -----------------------------------------------------------------------------------------------------


def test_rare_labels_are_left_out() -> None:
    target = TASK.fit_target(profile(), {})
    assert (target.classes, target.counts, target.rows) == (("pump", "seal"), (5, 2), 10)


def test_numbers_are_ordered_by_value() -> None:
    of = profile("INTEGER[]", (("10", 3), ("9", 4), ("-2", 2)))
    assert TASK.fit_target(of, {}).classes == ("-2", "9", "10")


@pytest.mark.parametrize(
    ("of", "options", "error", "words"),
    [
        (profile(top=()), {}, DataError, "No row"),
        (profile(top=(("pump", 10),)), {}, DataError, "same labels in every row"),
        (profile(top=(("a", 1), ("b", 1))), {}, DataError, "each in one row only"),
        (profile("STRUCT(a INTEGER)[]"), {}, DataError, "a list of texts or numbers"),
        (profile("DOUBLE"), {}, DataError, "DOUBLE"),
        (profile("VARCHAR"), {}, OptionError, "what parts its labels"),
        (profile("VARCHAR"), {"separator": ""}, OptionError, "separator is a text"),
        (profile("VARCHAR[]"), {"separator": ","}, OptionError, "is a list"),
    ],
)
def test_what_can_not_be_learnt_is_refused(of: ColumnProfile, options: dict[str, str], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        TASK.fit_target(of, options)


@pytest.mark.parametrize(
    ("type_name", "separator", "distinct", "task"),
    [
        ("VARCHAR[]", None, 0, "multilabel"),
        ("INTEGER[3]", None, 0, "multilabel"),
        ("VARCHAR", "_", 9, "multilabel"),
        ("VARCHAR", None, 9, "classification"),
        ("INTEGER", None, 20, "classification"),
        ("INTEGER", None, 21, "regression"),
        ("DOUBLE", None, 2, "classification"),
        ("DOUBLE", None, 3, "regression"),
    ],
)
def test_the_task_follows_the_target(type_name: str, separator: str | None, distinct: int, task: str) -> None:
    assert choose_task(ColumnProfile("y", type_name, 99, 0, distinct=distinct), separator) == task


# -- truth ----------------------------------------------------------------------------------------------------------


def test_truth_is_a_row_of_zeros_and_ones() -> None:
    rows = pa.array([["pump"], None, [], ["seal", "bearing", "seal"], ["odd"], ["odd", "pump"]], pa.list_(pa.string()))
    truth = TASK.encode(rows, TARGET)
    assert known(truth).tolist() == [True, False, True, True, False, True]
    assert truth[known(truth)].tolist() == [[0, 1, 0], [0, 0, 0], [1, 0, 1], [0, 1, 0]]
    assert TASK.encode(rows.slice(2), TARGET)[known(truth)[2:]].tolist() == [[0, 0, 0], [1, 0, 1], [0, 1, 0]]


@given(st.lists(st.none() | st.lists(st.sampled_from([*TARGET.classes, "odd"]), max_size=4), max_size=8))
def test_every_known_label_is_read(rows: list[list[str] | None]) -> None:
    truth = TASK.encode(pa.array(rows, pa.list_(pa.string())), TARGET)
    for row, has in zip(rows, truth, strict=True):
        if np.isfinite(has).all():
            assert {TARGET.classes[i] for i in np.flatnonzero(has)} == set(row or []) - {"odd"}
        else:
            assert row is None or set(row) == {"odd"}


# -- loss and prediction --------------------------------------------------------------------------------------------


def test_rare_labels_weigh_more_where_asked() -> None:
    output, truth = torch.zeros(1, 3), torch.tensor([[0.0, 0.0, 1.0]])
    plain = TASK.loss(output, truth, TARGET, {})
    weighted = TASK.loss(output, truth, TARGET, {"class_weight": "balanced"})
    assert float(weighted / plain) == pytest.approx((1 + 1 + 8 / 2) / 3)


def test_members_are_asked_together() -> None:
    output = torch.logit(torch.tensor([[[0.9, 0.2, 0.5], [0.7, 0.4, 0.1]]]))
    said = TASK.predict(output, TARGET)
    assert said.scores == pytest.approx(np.array([[0.8, 0.3, 0.3]]), abs=1e-6)
    assert said.values.tolist() == [[True, False, False]]


def test_the_baseline_says_what_stands_together_most_often() -> None:
    said = TASK.baseline(TARGET, 2)
    assert said.values.tolist() == [[True, False, False]] * 2
    assert said.scores.tolist() == [[0.6, 0.5, 0.2]] * 2


@given(st.integers(0, 2**16))
def test_metrics_are_those_of_scikit_learn(seed: int) -> None:
    truth, scores = random_rows(seed)
    said = scores > 0.55
    found = {m.name: measure(m, truth, said, scores) for m in MULTILABEL}
    wanted = {
        "f1_micro": sk.f1_score(truth, said, average="micro"),
        "f1_macro": sk.f1_score(truth, said, average="macro"),
        "subset_accuracy": sk.accuracy_score(truth, said),
        "hamming_loss": sk.hamming_loss(truth, said),
        "lrap": sk.label_ranking_average_precision_score(truth, scores),
    }
    assert found == pytest.approx(wanted, abs=1e-6)


def test_a_label_that_nobody_has_or_is_given_does_not_count() -> None:
    truth, said = np.array([[1, 0], [1, 0]], np.float32), np.array([[True, False], [True, False]])
    assert measure(MULTILABEL[1], truth, said, said.astype(float)) == 1.0
    assert measure(MULTILABEL[0], truth * 0, said & False, said.astype(float)) is None


# -- cuts -----------------------------------------------------------------------------------------------------------


def test_a_cut_lies_where_f1_is_best_with_many_rows() -> None:
    dice = np.random.default_rng(0)
    chance = dice.random(20_000) * 0.4  # well calibrated, and never above .4
    has = dice.random(20_000) < chance
    cut = float(cuts_of(has[:, None], chance[:, None])[0])
    f1 = {at: sk.f1_score(has, chance >= at) for at in np.linspace(0.05, 0.5, 46)}
    assert sk.f1_score(has, chance >= cut) > max(f1.values()) - 0.005
    assert f1[0.5] == 0


def test_few_rows_tell_no_cut_and_some_a_little() -> None:
    scores = np.linspace(0, 0.2, 40)[:, None]
    few, some = scores[:, 0] > 0.19, scores[:, 0] > 0.1
    cuts = [float(cuts_of(has[:, None], scores)[0]) for has in (few, some)]
    assert cuts[0] == 0.5
    assert 0.1 < cuts[1] < 0.5


@given(st.integers(0, 2**16))
def test_cuts_do_not_depend_on_the_order_of_rows(seed: int) -> None:
    truth, scores = random_rows(seed)
    order = np.random.default_rng(seed).permutation(len(truth))
    assert cuts_of(truth[order] > 0, scores[order]).tolist() == cuts_of(truth > 0, scores).tolist()


def test_each_row_gets_a_label_where_none_was_without() -> None:
    truth, scores = random_rows(1)
    said = Prediction(scores >= 0.5, scores)
    assert not TASK.calibrate(truth, said, {})["filled"]
    truth[:, 0] = 1
    assert TASK.calibrate(truth, said, {})["filled"]
    bare, filled = (TASK.adjust(said, {"cuts": [0.95] * 5, "filled": f}).values for f in (False, True))
    assert not bare.any(axis=1).all()
    assert filled.any(axis=1).all()
    more = filled & ~bare
    assert (more.sum(axis=1) == ~bare.any(axis=1)).all()
    assert (scores[more] == scores.max(axis=1)[more.any(axis=1)]).all()


def test_figures_are_not_of_cuts_that_the_rows_chose_themselves() -> None:
    dice = np.random.default_rng(0)
    truth, scores = (dice.random((60, 40)) < 0.2).astype(np.float32), dice.random((60, 40))  # nothing to be learnt
    said = Prediction(scores >= 0.5, scores)
    calibration = TASK.calibrate(truth, said, {})
    f1 = MULTILABEL[1]
    own, fair = TASK.adjust(said, calibration), TASK.judged(truth, said, calibration)
    assert measure(f1, truth, fair.values, scores) < measure(f1, truth, own.values, scores)
    assert TASK.judged(truth, said, {}) is said
