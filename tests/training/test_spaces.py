"""What is searched: ranges and choices as SQL gives them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfgsql.errors import OptionError
from mfgsql.training.recipe import Recipe
from mfgsql.training.searching import Known, propose
from mfgsql.training.spaces import Choice, Range, Space, parted, read_space

SPACE: Space = {
    "learning_rate": Range(1e-4, 1e-2, log=True),
    "layers": Choice((2, 4, 6)),
    "width": Range(32, 128, step=16, whole=True),
}


def test_options_are_parted() -> None:
    told = {"lr": {"low": 1e-4, "high": 1e-2}, "layers": [2, 4], "epochs": 20, "exclude": ["id"], "dropout": None}
    fixed, searched = parted(told, ("exclude",))
    assert fixed == {"epochs": 20, "exclude": ["id"], "dropout": None}
    assert searched == {"learning_rate": {"low": 1e-4, "high": 1e-2}, "layers": [2, 4]}
    with pytest.raises(OptionError, match="lr and learning_rate|learning_rate and learning_rate"):
        parted({"learning_rate": 1e-3, "lr": [1e-3, 1e-2]}, ())


def test_a_space_is_read() -> None:
    told = {
        "learning_rate": {"low": 1e-4, "high": 1e-2, "log": True},
        "layers": [2, 4, 6, 4],
        "width": {"low": 32, "high": 128, "step": 16},
        "optimizer": ["ADAMW", "sgd"],
    }
    assert read_space(told) == SPACE | {
        "learning_rate": Range(1e-4, 1e-2, log=True, whole=False),
        "width": Range(32, 128, step=16, whole=True),
        "optimizer": Choice(("adamw", "sgd")),
    }


@pytest.mark.parametrize(
    ("name", "told", "said"),
    [
        ("depth", [1, 2], "Unknown option 'depth'"),
        ("layer", [1, 2], "Did you mean 'layers'"),
        ("seed", [1, 2], "seed can't be searched"),
        ("loss", ["mse", "huber"], "the same measure"),
        ("layers", [2], "two values or more"),
        ("layers", [2, 2], "two values or more"),
        ("layers", [], "two values or more"),
        ("layers", [2, 99], "from 0 to 48"),
        ("layers", [2, None], "which is none"),
        ("layers", [2, [3]], "which is none"),
        ("layers", {"low": 1.5, "high": 3}, "a whole number"),
        ("layers", {"low": 1, "high": 3, "step": 0.5}, "step of layers is a whole number"),
        ("learning_rate", {"low": 1e-3}, "lacks 'high'"),
        ("learning_rate", {"low": 1e-3, "high": 1e-2, "max": 3}, "unknown 'max'"),
        ("learning_rate", {"low": 1e-2, "high": 1e-3}, "low is to be below high"),
        ("learning_rate", {"low": 0.0, "high": 1e-3, "log": True}, "begin above 0"),
        ("learning_rate", {"low": 1e-3, "high": 1e-2, "log": "yes"}, "true or false"),
        ("learning_rate", {"low": 1e-3, "high": 1e-2, "log": True, "step": 1e-3}, "of no logarithmic one"),
        ("learning_rate", {"low": 1e-3, "high": 99}, "from 0 to 10"),
        ("learning_rate", {"low": "low", "high": 1}, "a number"),
        ("optimizer", {"low": 1, "high": 2}, "has no range"),
        ("optimizer", ["adamw", "adagrad"], "adamw, adam or sgd"),
    ],
)
def test_what_is_no_space_is_refused(name: str, told: Any, said: str) -> None:
    with pytest.raises(OptionError, match=said):
        read_space({name: told})


def known(number: int) -> Known:
    """A trial that is better the closer its learning rate is to .001; every third was pruned."""
    rate = 10 ** (-4 + 2 * (number * 0.37 % 1))
    met = abs(rate - 1e-3)
    options = {"learning_rate": rate, "layers": (2, 4, 6)[number % 3], "width": 32 + 16 * (number % 7)}
    return Known(options, None if number % 3 == 2 else met, {10: met + 0.1, 20: met})


@given(st.integers(0, 30), st.integers(0, 2**31 - 1))
def test_a_proposal_depends_on_what_is_known_alone(count: int, seed: int) -> None:
    trials = [known(n) for n in range(count)]
    first, again = (propose(SPACE, trials, count, seed=seed, warmup=5) for _ in range(2))
    assert first is not None and again is not None
    assert first.options == again.options
    assert first.options not in [t.options for t in trials]
    for name, value in first.options.items():
        one = SPACE[name]
        assert value in one.values if isinstance(one, Choice) else one.low <= value <= one.high
    assert first.options["width"] % 16 == 0
    Recipe.parse(first.options)


def test_the_estimator_finds_the_better_half() -> None:
    trials: list[Known] = []
    for number in range(40):
        asked = propose({"learning_rate": Range(1e-4, 1e-1, log=True)}, trials, number, seed=3, warmup=0)
        assert asked is not None
        trials.append(Known(asked.options, abs(asked.options["learning_rate"] - 0.004), {}))
    late = sorted(t.criterion or 0.0 for t in trials[20:])[10]
    assert late < sorted(t.criterion or 0.0 for t in trials[:10])[5]


def test_a_small_space_comes_to_its_end() -> None:
    space: Space = {"layers": Choice((1, 2)), "members": Choice((1, 2))}
    trials: list[Known] = []
    while (asked := propose(space, trials, len(trials), seed=0, warmup=0)) is not None:
        trials.append(Known(asked.options, 1.0, {}))
        assert len(trials) <= 4
    assert len({tuple(t.options.items()) for t in trials}) == len(trials) >= 3


def test_a_trial_worse_than_the_median_is_pruned_after_the_warmup() -> None:
    trials = [known(n) for n in range(12)]
    asked = propose(SPACE, trials, 12, seed=1, warmup=15)
    assert asked is not None
    assert not asked.prunes(10, 50.0)
    assert asked.prunes(20, 50.0)
    better = propose(SPACE, trials, 12, seed=1, warmup=15)
    assert better is not None
    assert not better.prunes(20, 0.0)


def test_defaults_outside_the_space_teach_nothing() -> None:
    outside = Known({"learning_rate": 0.5, "layers": 3, "width": 48}, 0.1, {})
    with_it, without = (propose(SPACE, known_, 1, seed=2, warmup=0) for known_ in ([outside], []))
    assert with_it is not None and without is not None
    assert with_it.options == without.options
