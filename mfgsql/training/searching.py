"""What to try next, and which trial is not worth its end.

Options are proposed by a tree-structured Parzen estimator (Bergstra et al., "Algorithms for Hyper-Parameter
Optimization", NeurIPS 2011; all options together: Falkner et al., "BOHB", ICML 2018), and a trial that is worse than
the median of the others at the same step is pruned (Golovin et al., "Google Vizier", KDD 2017). A proposal depends on
the trials before it, the seed and its number alone: a search that was stopped goes on as if it had not been.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from mfgsql.errors import MissingExtraError
from mfgsql.training.spaces import Choice, Range, Space

_RANDOM = 8  # trials before the estimator has enough to tell good from bad
_COMPLETE = 4  # trials that end before one is pruned
_TRIES = 20  # for options that were not tried yet


@dataclass(frozen=True)
class Known:
    """A trial that was made.

    Attributes:
        options: by name. criterion: its least, or of a pruned one None. curve: criteria by step.
    """

    options: dict[str, Any]
    criterion: float | None
    curve: dict[int, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """A trial to be made. Attributes: options: by name."""

    options: dict[str, Any]
    trial: Any

    def prunes(self, step: int, criterion: float) -> bool:
        """Tell what was met at a step; whether the trial is not worth its end."""
        self.trial.report(criterion, step)
        return bool(self.trial.should_prune())


def propose(space: Space, known: Sequence[Known], number: int, *, seed: int, warmup: int) -> Asked | None:
    """The next trial; None where nothing that was not tried is found any more.

    Args:
        warmup: steps before a trial is pruned.

    Raises:
        MissingExtraError: optuna is missing.
    """
    optuna = load_optuna()
    tried = {_told(trial.options) for trial in known}
    distributions = {name: _distribution(optuna, one) for name, one in space.items()}
    for again in range(_TRIES):
        with _quiet(optuna):
            study = optuna.create_study(
                sampler=optuna.samplers.TPESampler(
                    seed=(seed * 1_000_003 + number * 101 + again) % 2**32, multivariate=True, n_startup_trials=_RANDOM,
                    constant_liar=False,
                ),
                pruner=optuna.pruners.MedianPruner(_COMPLETE, warmup),
            )  # fmt: skip
            study.add_trials([t for t in (_frozen(optuna, distributions, k) for k in known) if t is not None])
            asked = study.ask(fixed_distributions=distributions)
        if _told(asked.params) not in tried:
            return Asked(dict(asked.params), asked)
    return None


def load_optuna() -> Any:
    """The library.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import optuna
    except ImportError as error:
        raise MissingExtraError("Tuning needs an extra.", remedy="pip install 'mfgsql[adapt]'") from error
    return optuna


@contextmanager
def _quiet(optuna: Any) -> Iterator[None]:
    """Without its log of each study, and without its warning that an estimator of 2022 may change."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(max(before, optuna.logging.WARNING))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(before)


def _distribution(optuna: Any, one: Range | Choice) -> Any:
    if isinstance(one, Choice):
        return optuna.distributions.CategoricalDistribution(one.values)
    if one.whole:
        step = 1 if one.step is None else int(one.step)
        return optuna.distributions.IntDistribution(int(one.low), int(one.high), log=one.log, step=step)
    return optuna.distributions.FloatDistribution(one.low, one.high, log=one.log, step=one.step)


def _frozen(optuna: Any, distributions: dict[str, Any], known: Known) -> Any:
    """A trial as the estimator takes it; None of one outside the space, as defaults may be."""
    states = optuna.trial.TrialState
    curve = {step: value for step, value in known.curve.items() if math.isfinite(value)}
    if known.criterion is None and not curve:
        return None
    try:
        return optuna.trial.create_trial(
            state=states.COMPLETE if known.criterion is not None else states.PRUNED,
            value=known.criterion, params=known.options, distributions=distributions, intermediate_values=curve,
        )  # fmt: skip
    except ValueError:
        return None


def _told(options: dict[str, Any]) -> str:
    return json.dumps(options, sort_keys=True)
