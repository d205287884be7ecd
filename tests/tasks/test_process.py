"""Processes: what is learnt of the next activity and of the remaining time, known or not."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mfgsql.errors import DataError
from mfgsql.features import ColumnProfile
from mfgsql.tasks import AT_LEAST, END, NEXT, PROCESS, REMAINING, Prediction, Target, tasks
from mfgsql.tasks.process import Process

TASK = tasks[PROCESS]
NAN = float("nan")


def target(*activities: str, usual: float = 2.0) -> Target:
    counts = tuple((name, 5) for name in activities or (END, "mill", "wash"))
    return TASK.fit_target(ColumnProfile("next_step", "VARCHAR", 15, 0, top=counts, quantiles=(1.0, usual)), {})


def of(next_: str | None, remaining: float | None, *, least: bool = False) -> dict[str, object]:
    return {NEXT: next_, REMAINING: remaining, AT_LEAST: least}


def test_the_truth_has_a_class_a_time_and_whether_it_is_a_lower_bound() -> None:
    told = target()
    rows = [of("wash", 3.5), of(None, 2.0, least=True), of("never seen", None), of(END, 0.0)]
    truth = TASK.encode(pa.array(rows), told)
    number = {name: i for i, name in enumerate(told.classes)}
    wanted = [[number["wash"], 3.5, 0], [NAN, 2.0, 1], [NAN, NAN, 0], [number[END], 0.0, 0]]
    np.testing.assert_array_equal(truth, np.array(wanted))


def test_one_event_a_case_teaches_nothing() -> None:
    with pytest.raises(DataError, match="No case has two events"):
        target(END)


@given(
    said=st.floats(-3, 6), left=st.floats(0, 500), known=st.booleans(), timed=st.booleans(), is_open=st.booleans()
)
def test_what_is_not_known_costs_nothing(said: float, left: float, known: bool, timed: bool, is_open: bool) -> None:
    told = target()
    output = torch.tensor([[0.3, -0.2, 1.0, said]], requires_grad=True)
    truth = torch.tensor([[0.0 if known else NAN, left if timed else NAN, float(is_open)]])
    loss = TASK.loss(output, truth, told, {})
    (slope,) = torch.autograd.grad(loss.sum(), output)
    assert torch.isfinite(loss).all()
    assert torch.isfinite(slope).all()
    assert bool(slope[0, :3].any()) == known
    long_enough = said >= np.float32(np.log1p(left / 2.0))
    if not timed or (is_open and long_enough):
        assert slope[0, 3] == 0
    elif said < np.log1p(left / 2.0) - 1e-3:
        assert slope[0, 3] < 0


def test_a_time_is_told_on_its_own_scale() -> None:
    told = target(usual=4.0)
    output = torch.tensor([[[0.0, 2.0, 0.0, np.log1p(10 / 4.0)]], [[0.0, 0.0, 2.0, -5.0]], [[0.0, 0.0, 0.0, 1e9]]])
    found = TASK.predict(output, told)
    assert found.values[:2, 0].tolist() == [1, 2]
    assert found.values[:2, 1] == pytest.approx([10.0, 0.0], rel=1e-5)
    assert found.values[2, 1] < 4.0 * 3e4  # an end must still be a date
    assert found.scores is not None
    assert found.scores.sum(axis=1) == pytest.approx(1.0)


@given(seed=st.integers(0, 1000), level=st.sampled_from([0.5, 0.8, 0.9]))
def test_intervals_hold_their_level_and_lie_around_the_time(seed: int, level: float) -> None:
    random = np.random.default_rng(seed)
    assert isinstance(TASK, Process)

    def drawn(n: int) -> tuple[np.ndarray, Prediction]:
        said = random.gamma(2.0, 3.0, n)
        left = said * random.lognormal(0, 0.4, n)
        scores = random.dirichlet(np.ones(3), n)
        number = (scores.cumsum(axis=1) < random.random((n, 1))).sum(axis=1)
        return np.stack([number, left, np.zeros(n)], axis=1), Prediction(np.stack([number, said], axis=1), scores)

    truth, prediction = drawn(4_000)  # so many that a share is off by .06 in none of a billion draws
    truth[::7, 0], truth[::11, 1] = NAN, NAN
    learnt = TASK.calibrate(truth, prediction, {})
    fresh, said = drawn(8_000)
    low, high = TASK.interval(said.values, learnt, level)
    assert np.mean((low <= fresh[:, 1]) & (fresh[:, 1] <= high)) == pytest.approx(level, abs=0.06)
    quantiles = TASK.quantiles(said.values, learnt)
    known = np.nan_to_num(quantiles, nan=np.inf)
    assert (np.diff(known, axis=1)[np.isfinite(known[:, 1:])] >= 0).all()
    assert (known >= 0).all()


def test_open_cases_set_no_intervals() -> None:
    prediction = Prediction(np.stack([np.zeros(300), np.full(300, 5.0)], axis=1), np.full((300, 3), 1 / 3))
    truth = np.stack([np.full(300, NAN), np.full(300, 1.0), np.ones(300)], axis=1)
    truth[:200] = [0.0, 6.0, 0.0]
    learnt = TASK.calibrate(truth, prediction, {})
    assert isinstance(TASK, Process)
    low, high = TASK.interval(prediction.values[:1], learnt, 0.9)
    assert (low[0], high[0]) == (6.0, 6.0)


def test_metrics_leave_out_what_is_not_known() -> None:
    told = target()
    truth = np.array([[0, 2.0, 0], [NAN, 9.0, 1], [2, 4.0, 0], [NAN, NAN, 0]])
    said = Prediction(np.array([[0, 3.0], [1, 1.0], [1, 4.0], [1, 7.0]]), np.full((4, 3), 1 / 3))
    found = {m.name: m.compute(truth, said.values, said.scores) for m in TASK.metrics(told)}
    assert found == pytest.approx({"accuracy": 0.5, "log_loss": np.log(3), "remaining_mae": 0.5})
