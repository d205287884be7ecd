"""Who watches a trial, and ends it where its end is not worth the time."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

from mfgsql.training.judging import criterion_of
from mfgsql.training.searching import Asked


class StoppedError(Exception):
    """A trial has ended early; what it says is why."""


@dataclass
class Watch:
    """A monitor of one trial.

    Attributes:
        asked: the trial; None of the defaults, which always come to their end.
        until: moment (of `time.monotonic`) at which the budget ends.
        curve: criteria met, by step. steps: made.
    """

    asked: Asked | None
    until: float
    curve: dict[int, float] = field(default_factory=dict)
    steps: int = 0

    def on_step(self, step: int, steps: int) -> None:
        """See `Monitor`."""
        self.steps = step

    def on_judged(self, step: int, values: dict[str, float]) -> None:
        """See `Monitor`.

        Raises:
            StoppedError: the trial is worse than others, or time is up.
        """
        met = criterion_of(values["loss"], values) if "loss" in values else math.nan
        if math.isfinite(met):
            self.curve[step] = met
            if self.asked is not None and self.asked.prunes(step, met):
                raise StoppedError("Worse than the median of the others at this step.")
        if self.asked is not None and time.monotonic() > self.until:
            raise StoppedError("The budget ended.")
