"""How a champion is to go on learning: policy and options of ``ml_adapt``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from mfgsql.engine.kept import check_options
from mfgsql.errors import OptionError, did_you_mean, one_of
from mfgsql.model import Model
from mfgsql.training import Recipe
from mfgsql.training.continuing import Champion

AUTO = "auto"  # the policy that promotes by itself
POLICIES = ("manual", "shadow", AUTO)
_WITHOUT_REPLAY = 0.1  # what the champion's answers weigh then
_KEPT_OF_HISTORIES = 10  # times as many rows: each is a step of a window


@dataclass(frozen=True)
class Adaptation:
    """Options of ``ml_adapt``; each field's metadata says its range.

    Attributes:
        epochs: passes over the new rows and those replayed, at most. patience: passes without progress on the rows held
            out, after which it ends; one fewer where none was better than the champion. learning_rate: over the
            champion's; the step size at its peak. batch_size: rows of a step; 0: the champion's.
        replay: rows of the past that are kept; of histories ten times as many, of which so many are learnt from.
        fresh: share of the loss that is of new rows. distill: what the champion's answers weigh, on replayed rows, or
            on the new ones where none are; -1: 0, or 0.1 where none are.
        margin: how much worse than the champion a version may be on replayed rows, of a metric up to 1 as it is, of an
            error as a share. trust: take labels as they are, also where they contradict all that was learnt.
        structure: keep, or auto: a larger or a smaller network is tried where the training asks for it.
        seed: of all random numbers.
    """

    epochs: int = 7
    patience: int = 2
    learning_rate: float = 1.0
    batch_size: int = 0
    replay: int = 4_000
    fresh: float = 0.35
    distill: float = -1.0
    margin: float = 0.02
    trust: bool = False
    structure: str = "keep"
    seed: int = 0

    @classmethod
    def parse(cls, options: Mapping[str, Any]) -> Adaptation:
        """From options as SQL gives them.

        Raises:
            OptionError: one is unknown, or out of its range.
        """
        check_options(options, [f.name for f in fields(cls)])
        told = {name: _checked(name, value) for name, value in options.items() if value is not None}
        return cls(**told)

    def recipe(self, champions: Recipe) -> Recipe:
        """The champion's, with short and small steps."""
        return replace(
            champions,
            epochs=self.epochs,
            learning_rate=champions.learning_rate * self.learning_rate,
            batch_size=self.batch_size or champions.batch_size,
            patience=self.patience,
            probe=0.0,
            seed=self.seed,
        )

    def champion(self, model: Model, *, replays: bool) -> Champion:
        """What is gone on from. Measured, rows of the past alone keep what was learnt as well as with the champion's
        answers on them, which cost a third more; without such rows these answers are all there is.
        """
        distill = self.distill if self.distill >= 0 else 0.0 if replays else _WITHOUT_REPLAY
        return Champion(model, distill, everywhere=not replays)

    def room(self, *, histories: bool) -> int:
        """Rows of the past that are kept."""
        return self.replay * (_KEPT_OF_HISTORIES if histories else 1)

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)


_RANGES = {
    "epochs": (1, 10_000), "patience": (1, 10_000), "learning_rate": (1e-6, 100), "batch_size": (0, 1_000_000),
    "replay": (0, 10_000_000), "fresh": (0.01, 0.99), "distill": (-1, 1_000), "margin": (0, 1), "seed": (0, 2**31 - 1),
}  # fmt: skip
_STRUCTURES = ("keep", "auto")
_WHOLE = ("epochs", "patience", "batch_size", "replay", "seed")


def _checked(name: str, value: Any) -> Any:
    if name == "trust":
        if not isinstance(value, bool):
            raise OptionError(f"trust is true or false, not {value!r}.")
        return value
    if name == "structure":
        if value not in _STRUCTURES:
            hint = did_you_mean(str(value), _STRUCTURES)
            raise OptionError(f"structure is {one_of(_STRUCTURES)}, not {value!r}.{hint}")
        return value
    low, high = _RANGES[name]
    number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    if not low <= number <= high or (name in _WHOLE and number % 1):
        sort = "a whole number" if name in _WHOLE else "a number"
        raise OptionError(f"{name} is {sort} from {low:g} to {high:,}, not {value!r}.")
    return int(number) if name in _WHOLE else number


def check_policy(policy: Any) -> str:
    """What shall become of the candidate.

    Raises:
        OptionError: no such policy.
    """
    told = str(policy).lower() if policy is not None else "manual"
    if told not in POLICIES:
        raise OptionError(f"policy is {one_of(POLICIES)}, not {policy!r}.{did_you_mean(told, POLICIES)}")
    return told
