"""How a champion is to go on learning: policy and options of ``ml_adapt``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import duckdb
import pyarrow as pa

from mfgsql.catalog.artifacts import check_size
from mfgsql.errors import OptionError, did_you_mean, one_of
from mfgsql.model import Model
from mfgsql.options import checked_options, choice, flag, number
from mfgsql.training import Recipe
from mfgsql.training.continuing import Champion

AUTO = "auto"  # the policy that promotes by itself
POLICIES = ("manual", "shadow", AUTO)
_WITHOUT_REPLAY = 0.1  # what the champion's answers weigh then
_USUAL, _OF_NEW_CLASSES = (7, 2), (20, 6)  # passes at most, and passes in vain
_KEPT_OF_HISTORIES = 10  # times as many rows: each is a step of a window


@dataclass(frozen=True)
class Adaptation:
    """Options of ``ml_adapt``."""

    epochs: int = number(0, 0, 10_000, "passes over the new rows and those replayed, at most; 0: 7, of new classes 20")
    patience: int = number(
        0, 0, 10_000,
        "passes without progress on the rows held out, after which it ends; one fewer where none was better than the "
        "champion; 0: 2, of new classes 6",
    )  # fmt: skip
    learning_rate: float = number(1.0, 1e-6, 100, "over the champion's; the step size at its peak")
    batch_size: int = number(0, 0, 1_000_000, "rows of a step; 0: the champion's")
    replay: int = number(
        4_000, 0, 10_000_000,
        "rows of the past that are kept; of histories ten times as many, of which so many are learnt from",
    )  # fmt: skip
    fresh: float = number(0.35, 0.01, 0.99, "share of the loss that is of new rows")
    distill: float = number(
        -1.0, -1, 1_000,
        "what the champion's answers weigh, on replayed rows, or on the new ones where none are; -1: 0, or 0.1 there",
    )  # fmt: skip
    margin: float = number(
        0.02, 0, 1,
        "how much worse than the champion a version may be on replayed rows, of a metric up to 1 as it is, of an error "
        "as a share",
    )  # fmt: skip
    trust: bool = flag(False, what="labels are taken as they are, also where they contradict all that was learnt")
    structure: str = choice(
        "keep", "keep", "auto", what="auto: a larger or a smaller network is tried where the training asks for it"
    )
    seed: int = number(0, 0, 2**31 - 1, "of all random numbers")

    @classmethod
    def parse(cls, options: Mapping[str, Any]) -> Adaptation:
        """From options as SQL gives them.

        Raises:
            OptionError: one is unknown, or out of its range.
        """
        return cls(**checked_options(cls, options))

    def recipe(self, champions: Recipe, *, new_classes: bool) -> Recipe:
        """The champion's, with short and small steps; classes that are new take more of them."""
        epochs, patience = _OF_NEW_CLASSES if new_classes else _USUAL
        return replace(
            champions,
            epochs=self.epochs or epochs,
            learning_rate=champions.learning_rate * self.learning_rate,
            batch_size=self.batch_size or champions.batch_size,
            patience=self.patience or patience,
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

    def check_room(self, con: duckdb.DuckDBPyConnection, rows: pa.Table, *, histories: bool) -> None:
        """Refuse to keep rows that one transaction could not write, before anything is learnt.

        Raises:
            ResourceError: pictures of so many rows are too large for the memory, say.
        """
        share = min(1.0, self.room(histories=histories) / max(len(rows), 1))
        remedy = "Keep fewer, options := {'replay': 500}, or raise the memory setting (MFGSQL_MEMORY)."
        check_size(con, int(rows.nbytes * share), "What is kept of the past", remedy)

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)


def check_policy(policy: Any) -> str:
    """What shall become of the candidate.

    Raises:
        OptionError: no such policy.
    """
    told = str(policy).lower() if policy is not None else "manual"
    if told not in POLICIES:
        raise OptionError(f"policy is {one_of(POLICIES)}, not {policy!r}.{did_you_mean(told, POLICIES)}")
    return told
