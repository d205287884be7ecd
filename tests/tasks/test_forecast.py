"""Quantiles that never cross, calibration that holds what it says, and metrics against values by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import mean_pinball_loss

from mfgsql.errors import DataError
from mfgsql.features import ColumnProfile
from mfgsql.heads import ForecastHead
from mfgsql.metrics import FORECAST, LEVELS, join_truth, measure, split_truth
from mfgsql.tasks import Prediction, Target, tasks
from mfgsql.tasks.forecast import at_scores, normal_scores, quantile_at, quantiles_of

TASK = tasks["forecast"]
LEVEL = np.array(LEVELS)
MIDDLE = LEVELS.index(0.5)
SEEDS = st.integers(0, 2**32 - 1)


def target(horizon: int) -> Target:
    return Target("qty", "DOUBLE", horizon=horizon)


def head(
    seed: int, *, window: int = 8, horizon: int = 5, channels: int = 1, codes: tuple[int, ...] = (), wild: float = 0.0
) -> ForecastHead:
    torch.manual_seed(seed)
    made = ForecastHead(4, 2, window=window, horizon=horizon, levels=len(LEVELS), channels=channels, codes=codes).eval()
    with torch.no_grad():
        for weights in made.parameters() if wild else ():
            weights.copy_(wild * torch.randn_like(weights))
    return made


def steps(seed: int, rows: int, of: ForecastHead, extra: int = 2) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    dice = torch.Generator().manual_seed(seed)
    length = of.window + of.horizon
    values = torch.randn(rows, length, of.channels + extra, generator=dice)
    values[torch.rand(values.shape, generator=dice) < 0.2] = float("nan")
    values[..., -extra:] = 1.0
    values[:, of.window :, 0] = float("nan")
    return torch.randn(rows, 2, 4, generator=dice), values, torch.randint(0, 3, (rows, length, 1), generator=dice)


@settings(max_examples=40)
@given(SEEDS, st.sampled_from([0.1, 1.0, 5.0]), st.booleans())
def test_quantiles_never_cross(seed: int, wild: float, told: bool) -> None:
    made = head(seed, channels=3 if told else 1, codes=(3,) if told else (), wild=wild)
    states, values, codes = steps(seed, 7, made)
    with torch.no_grad():
        said = made(states, values, codes).view(7, 5, 1 + len(LEVELS))
    assert torch.isfinite(said).all()
    assert (said[..., 1:].diff(dim=-1) >= 0).all()


@pytest.mark.parametrize("season", [1, 3, 8])
def test_a_head_begins_with_what_was_a_season_ago(season: int) -> None:
    made = head(0)
    made.begin(season)
    states, values, codes = steps(1, 6, made)
    past = values[:, : made.window, 0].nan_to_num(0.0)
    wanted = torch.stack([past[:, made.window - season + k % season] for k in range(made.horizon)], dim=1)
    said = made(states, values, codes).view(6, 5, -1)
    assert torch.allclose(said[..., 1 + MIDDLE], wanted, atol=1e-6)
    assert torch.allclose(said[..., 0], wanted, atol=1e-6)


def test_a_head_may_begin_with_the_mean() -> None:
    made = head(0)
    made.begin(None)
    said = made(*steps(1, 6, made)).view(6, 5, -1)
    assert not said[..., [0, 1 + MIDDLE]].any()


def test_what_is_known_of_a_step_changes_that_step_alone() -> None:
    made = head(3, channels=3, codes=(3,), wild=0.5)
    states, values, codes = steps(3, 4, made)
    values = values.nan_to_num(0.1)
    with torch.no_grad():
        before = made(states, values, codes).view(4, 5, -1)
        values[:, made.window + 2, 2] += 3
        after = made(states, values, codes).view(4, 5, -1)
    changed = (before != after).any(dim=-1).any(dim=0)
    assert changed.tolist() == [False, False, True, False, False]


def test_the_truth_is_joined_and_split() -> None:
    values, naive = np.arange(10.0).reshape(2, 5), np.arange(10.0, 20).reshape(2, 5)
    one, two, at = np.array([1.0, 2]), np.array([3.0, 4]), np.array([5.0, 6])
    told = split_truth(join_truth(values, naive, one, two, at, 2))
    for found, wanted in (
        (told.values, values),
        (told.naive, naive),
        (told.ruler, one),
        (told.spread, two),
        (told.at, at),
    ):
        assert np.array_equal(found, wanted)
    assert told.seasons.tolist() == [1, 1, 2, 2, 3]
    assert split_truth(np.empty((0, 14))).seasons.tolist() == [1, 2, 3, 4, 5]


def truth_of(
    values: np.ndarray,
    naive: np.ndarray | None = None,
    ruler: float = 1.0,
    spread: float = 1.0,
    at: np.ndarray | None = None,
    season: int = 1,
) -> np.ndarray:
    rows = len(values)
    naive = np.zeros_like(values) if naive is None else naive
    return join_truth(
        values, naive, np.full(rows, ruler), np.full(rows, spread), np.arange(rows) if at is None else at, season
    )


def normal_said(mean: np.ndarray, deviation: float) -> Prediction:
    quantiles = mean[..., None] + deviation * norm.ppf(LEVEL)
    return Prediction(mean, quantiles.reshape(len(mean), -1))


def metrics(truth: np.ndarray, said: Prediction) -> dict[str, float | None]:
    return {m.name: measure(m, truth, said.values, said.scores) for m in FORECAST}


def test_metrics_by_hand() -> None:
    # Of 2, 4, 2, 4, 5, 3 with a season of 2 the differences are 0, 0, 3, -1: sizes 1 on the mean, root mean square sqrt(2.5).
    values, naive = np.array([[5.0, 6.0, np.nan]]), np.array([[5.0, 3.0, 5.0]])
    truth = truth_of(values, naive, ruler=1.0, spread=np.sqrt(2.5), season=2)
    found = metrics(truth, TASK.naive(truth, target(3)))
    assert found["mase"] == pytest.approx((0 + 3) / 2 / 1.0)
    assert found["rmsse"] == pytest.approx(np.sqrt((0 + 9) / 2 / 2.5))


def test_rows_count_by_their_own_rulers() -> None:
    truth = join_truth(
        np.array([[1.0], [10.0]]), np.zeros((2, 1)), np.array([1.0, 5.0]), np.array([2.0, 4.0]), np.zeros(2), 1
    )
    found = metrics(truth, normal_said(np.zeros((2, 1)), 1.0))
    assert found["mase"] == pytest.approx((1 / 1 + 10 / 5) / 2)
    assert found["rmsse"] == pytest.approx((1 / 2 + 10 / 4) / 2)


@settings(max_examples=30)
@given(SEEDS, st.floats(0.1, 10))
def test_pinball_is_that_of_scikit_learn(seed: int, ruler: float) -> None:
    dice = np.random.default_rng(seed)
    values = dice.normal(size=(6, 4))
    quantiles = np.sort(dice.normal(size=(6, 4, len(LEVELS))), axis=-1)
    truth = truth_of(values, ruler=ruler)
    found = metrics(truth, Prediction(values * 0, quantiles.reshape(6, -1)))
    wanted = np.mean(
        [2 * mean_pinball_loss(values.ravel(), quantiles[..., i].ravel(), alpha=a) for i, a in enumerate(LEVELS)]
    )
    assert found["pinball"] == pytest.approx(wanted / ruler)


def test_what_is_unknown_does_not_count() -> None:
    dice = np.random.default_rng(0)
    values = dice.normal(size=(5, 4))
    less = np.concatenate([values, np.full((5, 2), np.nan)], axis=1)
    found = metrics(truth_of(less), normal_said(np.zeros_like(less), 1.0))
    assert found == pytest.approx(metrics(truth_of(values), normal_said(np.zeros_like(values), 1.0)))
    assert metrics(np.empty((0, 8)), Prediction(np.empty((0, 2)), np.empty((0, 30)))) == dict.fromkeys(found)


def test_a_loss_looks_at_known_steps_alone() -> None:
    truth = torch.from_numpy(truth_of(np.array([[1.0, np.nan], [np.nan, np.nan]])))
    output = torch.zeros(2, 2 * (1 + len(LEVELS)), dtype=torch.float64, requires_grad=True)
    loss = TASK.loss(output, truth, target(2), {})
    pinball = np.mean([2 * a for a in LEVELS])
    assert loss.tolist() == pytest.approx([pinball + 0.5 * 0.5, 0.0])
    loss.sum().backward()
    grad = output.grad.view(2, 2, -1)
    assert torch.isfinite(grad).all()
    assert grad[0, 0].abs().sum() > 0
    assert not grad[0, 1].any()
    assert not grad[1].any()


def test_seasonal_quantiles_widen_by_each_season() -> None:
    truth = truth_of(np.zeros((1, 4)), np.array([[1.0, 2.0, 1.0, 2.0]]), spread=2.0, season=2)
    quantiles = quantiles_of(TASK.naive(truth, target(4)))[0]
    assert quantiles[:, MIDDLE] == pytest.approx([1, 2, 1, 2])
    wide = quantiles[:, LEVELS.index(0.9)] - quantiles[:, MIDDLE]
    assert wide == pytest.approx(norm.ppf(0.9) * 2 * np.sqrt([1, 1, 2, 2]))


def test_a_prediction_is_the_mean_over_members() -> None:
    output = torch.tensor(np.random.default_rng(0).normal(size=(3, 2, 5 * 16)))
    found = TASK.predict(output, target(5))
    wanted = output.mean(dim=1).view(3, 5, 16).numpy()
    assert found.values == pytest.approx(wanted[..., 0])
    assert quantiles_of(found) == pytest.approx(wanted[..., 1:])
    assert TASK.outputs(target(5)) == 80


@settings(max_examples=10)
@given(SEEDS, st.sampled_from([0.3, 1.0, 3.0]), st.floats(-1, 1))
def test_calibration_holds_what_it_says(seed: int, deviation: float, bias: float) -> None:
    dice = np.random.default_rng(seed)
    middle, fresh = dice.normal(size=(2, 1_500, 4))
    learnt = TASK.calibrate(
        truth_of(middle + dice.normal(size=middle.shape)), normal_said(middle + bias, deviation), {}
    )
    held = quantiles_of(TASK.adjust(normal_said(fresh + bias, deviation), learnt))
    came = fresh + dice.normal(size=fresh.shape)
    for number, level in enumerate(LEVELS):
        assert (came <= held[..., number]).mean() == pytest.approx(level, abs=0.05)


def test_each_stretch_of_the_horizon_is_set_right_by_itself() -> None:
    dice = np.random.default_rng(1)
    size = np.repeat([1.0, 5.0], 4)
    middle = np.zeros((1_000, 8))
    learnt = TASK.calibrate(truth_of(dice.normal(size=middle.shape) * size), normal_said(middle, 1.0), {})
    assert sorted(set(learnt["stretches"])) == list(range(8))
    held = quantiles_of(TASK.adjust(normal_said(middle[:1], 1.0), learnt))[0]
    wide = held[:, LEVELS.index(0.9)] - held[:, LEVELS.index(0.1)]
    assert wide == pytest.approx(2 * norm.ppf(0.9) * size, rel=0.2)


def test_few_errors_are_set_right_together() -> None:
    values = np.random.default_rng(0).normal(size=(10, 8))
    learnt = TASK.calibrate(truth_of(values), normal_said(values * 0, 1.0), {})
    assert set(learnt["stretches"]) == {0}
    assert TASK.calibrate(np.empty((0, 20)), Prediction(np.empty((0, 8)), np.empty((0, 120))), {}) == {}
    said = normal_said(values, 1.0)
    assert TASK.adjust(said, {}) is said


@settings(max_examples=40)
@given(SEEDS, st.integers(1, 30), st.integers(1, 6), st.floats(0, 0.9))
def test_adjusted_quantiles_are_in_order(seed: int, rows: int, horizon: int, absent: float) -> None:
    dice = np.random.default_rng(seed)
    values = dice.standard_cauchy((rows, horizon))
    values[dice.random(values.shape) < absent] = np.nan
    quantiles = np.sort(dice.standard_cauchy((rows, horizon, len(LEVELS))), axis=-1)
    said = Prediction(values * 0, quantiles.reshape(rows, -1))
    learnt = TASK.calibrate(truth_of(values), said, {})
    for held in (TASK.adjust(said, learnt), TASK.judged(truth_of(values), said, learnt)):
        assert np.isfinite(held.scores).all()
        assert (np.diff(quantiles_of(held), axis=-1) >= 0).all()
        assert np.array_equal(held.values, said.values, equal_nan=True)


def test_no_row_is_judged_by_its_own_error() -> None:
    dice = np.random.default_rng(0)
    values = dice.normal(size=(20, 2))
    said = normal_said(values * 0, 1.0)
    truth = truth_of(values)
    learnt = TASK.calibrate(truth, said, {})
    wild = values.copy()
    wild[:4] += 1e4
    held = TASK.judged(truth_of(wild), said, TASK.calibrate(truth_of(wild), said, {}))
    assert np.array_equal(held.scores[:4], TASK.judged(truth, said, learnt).scores[:4])
    assert not np.array_equal(held.scores[4:], TASK.judged(truth, said, learnt).scores[4:])


def test_errors_that_go_together_are_known() -> None:
    dice = np.random.default_rng(0)
    walk = dice.normal(size=(3_000, 6)).cumsum(axis=1) / np.sqrt(np.arange(1, 7))
    said = normal_said(np.zeros((3_000, 6)), 1.0)
    together = TASK.calibrate(truth_of(walk), said, {})["together"]
    alone = TASK.calibrate(truth_of(dice.normal(size=(3_000, 6))), said, {})["together"]
    assert together[0] == alone[0] == 1.0
    assert np.all(np.diff(together) < 0.05)
    assert together[1] > 0.7
    assert np.abs(alone[1:]).max() < 0.1


def test_series_that_err_together_are_known() -> None:
    dice = np.random.default_rng(0)
    at = np.repeat(np.arange(100), 10)
    common = np.repeat(dice.normal(size=(100, 3)), 10, axis=0)
    values = np.sqrt(0.6) * common + np.sqrt(0.4) * dice.normal(size=(1_000, 3))
    said = normal_said(np.zeros((1_000, 3)), 1.0)
    assert TASK.calibrate(truth_of(values, at=at), said, {})["shared"] == pytest.approx(0.6, abs=0.1)
    assert TASK.calibrate(truth_of(values, at=np.arange(1_000)), said, {})["shared"] == 0
    alone = dice.normal(size=(1_000, 3))
    assert TASK.calibrate(truth_of(alone, at=at), said, {})["shared"] < 0.05


APART = st.lists(st.floats(0.01, 20), min_size=len(LEVELS), max_size=len(LEVELS)).map(lambda x: np.cumsum(x) - 50)
QUANTILES = st.lists(st.floats(-100, 100), min_size=len(LEVELS), max_size=len(LEVELS)).map(
    lambda x: np.sort(np.array(x))
)


@given(QUANTILES, st.lists(st.floats(0.001, 0.999), min_size=2, max_size=9).map(sorted))
def test_quantiles_at_any_share_rise(quantiles: np.ndarray, shares: list[float]) -> None:
    found = quantile_at(quantiles, np.array(shares))
    assert (np.diff(found) >= -1e-9).all()


@given(QUANTILES)
def test_quantiles_at_the_levels_are_those(quantiles: np.ndarray) -> None:
    assert quantile_at(quantiles[None, None], LEVEL)[0, 0] == pytest.approx(quantiles, abs=1e-9)


@given(st.floats(-50, 50), st.floats(0.1, 10), st.floats(0.001, 0.999))
def test_quantiles_of_a_normal_distribution_are_exact_between_and_beyond(
    mean: float, deviation: float, share: float
) -> None:
    quantiles = mean + deviation * norm.ppf(LEVEL)
    assert quantile_at(quantiles, np.array([share]))[0] == pytest.approx(mean + deviation * norm.ppf(share), abs=1e-6)


@given(APART, st.floats(float(norm.ppf(0.01)), float(norm.ppf(0.99))))
def test_scores_and_values_are_each_others_inverse(quantiles: np.ndarray, score: float) -> None:
    value = at_scores(quantiles[None, None], np.array([score]))[0, 0]
    assert quantiles[0] - 1e-9 <= value[0] <= quantiles[-1] + 1e-9
    found = normal_scores(value[None], quantiles[None, None])
    assert found[0, 0] == pytest.approx(score, abs=1e-5)
    assert norm.cdf(found)[0, 0] == pytest.approx(norm.cdf(score), abs=1e-5)


def test_scores_of_what_lies_outside_end_at_the_outmost_levels() -> None:
    quantiles = np.arange(15.0)[None, None].repeat(3, axis=1)
    found = normal_scores(np.array([[-99.0, 99.0, np.nan]]), quantiles)
    assert found[0, :2] == pytest.approx(norm.ppf([0.01, 0.99]))
    assert np.isnan(found[0, 2])


def test_there_is_nothing_to_learn_of_what_never_changes() -> None:
    flat = ColumnProfile("qty", "DOUBLE", 20, 0, 1, 20, 5.0, 5.0, mean=5.0)
    with pytest.raises(DataError, match="'qty' is 5 in every row"):
        TASK.fit_target(flat, {})
