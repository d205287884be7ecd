"""Who watches a training: told how far it is. A tracker is told its beginning and end, too, and keeps a record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


class Monitor(Protocol):
    """Told of a training's progress; its errors end the training."""

    def on_step(self, step: int, steps: int) -> None:
        """A step was made, of at most so many."""

    def on_judged(self, step: int, values: dict[str, float]) -> None:
        """The model was judged; values by name (``train_loss``, ``loss``, metrics)."""


@dataclass(frozen=True)
class RunFacts:
    """What is known of a training before its first step.

    Attributes:
        run_id: as in ``ml.runs``. model, verb: as the statement names them.
        rows: to learn from and to judge by.
        recipe: how it is trained: options by name.
    """

    run_id: str
    model: str
    verb: str
    rows: int
    recipe: Mapping[str, Any]


class Tracker(Monitor, Protocol):
    """A monitor that keeps a record of its own, such as event files.

    Packages add one by an entry point of the group ``mfgsql.tracker``: a callable that takes the folder for records
    (a `Path`, maybe not there yet) and returns a tracker for one training. It writes nothing before `on_start`.
    """

    def on_start(self, facts: RunFacts) -> None:
        """The training begins."""

    def on_end(self, status: str, values: dict[str, float]) -> None:
        """It is ``finished``, ``failed`` or ``cancelled``; values of the model that came of it, if one did."""


class Silent:
    """Nobody watches."""

    def on_step(self, step: int, steps: int) -> None:
        """Nothing."""

    def on_judged(self, step: int, values: dict[str, float]) -> None:
        """Nothing."""


class Together:
    """Several monitors as one."""

    def __init__(self, *monitors: Monitor) -> None:
        self._monitors = monitors

    def on_step(self, step: int, steps: int) -> None:
        """See `Monitor`."""
        for monitor in self._monitors:
            monitor.on_step(step, steps)

    def on_judged(self, step: int, values: dict[str, float]) -> None:
        """See `Monitor`."""
        for monitor in self._monitors:
            monitor.on_judged(step, values)
