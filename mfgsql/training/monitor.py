"""Who watches a training: told how far it is."""

from __future__ import annotations

from typing import Protocol


class Monitor(Protocol):
    """Told of a training's progress; its errors end the training."""

    def on_step(self, step: int, steps: int) -> None:
        """A step was made, of at most so many."""

    def on_judged(self, step: int, values: dict[str, float]) -> None:
        """The model was judged; values by name (``train_loss``, ``loss``, metrics)."""


class Silent:
    """Nobody watches."""

    def on_step(self, step: int, steps: int) -> None:
        """Nothing."""

    def on_judged(self, step: int, values: dict[str, float]) -> None:
        """Nothing."""
