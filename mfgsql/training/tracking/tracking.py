"""The trackers of one training, told as one monitor that never costs the training."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Self

from mfgsql.errors import CancelledError
from mfgsql.registry import Registry
from mfgsql.training.monitor import RunFacts, Tracker


def _load() -> None:
    for name in ("tensorboard", "weights_and_biases"):
        import_module(f"{__package__}.{name}")


trackers: Registry[Callable[[Path], Tracker]] = Registry("tracker", _load)


class Tracking:
    """Trackers by name. One that fails is dropped and leaves a warning: a record is worth less than a training.

    Args:
        names: of the registry `trackers`. folder: for their records.

    Raises:
        OptionError: there is no such tracker.
        MissingExtraError: its package is not installed.
    """

    def __init__(self, names: Sequence[str], folder: Path) -> None:
        self._trackers = {name: trackers[name](folder) for name in names}
        self.warnings: list[str] = []
        self.final: dict[str, float] = {}

    @contextmanager
    def record(self, facts: RunFacts) -> Iterator[Self]:
        """Record what the block trains; it sets ``final``, the values of what came of it."""
        self._tell("on_start", facts)
        try:
            yield self
        except BaseException as error:
            cancelled = isinstance(error, CancelledError | KeyboardInterrupt)
            self._tell("on_end", "cancelled" if cancelled else "failed", {})
            raise
        self._tell("on_end", "finished", self.final)

    def on_step(self, step: int, steps: int) -> None:
        """See `Monitor`."""
        self._tell("on_step", step, steps)

    def on_judged(self, step: int, values: dict[str, float]) -> None:
        """See `Monitor`."""
        self._tell("on_judged", step, values)

    def _tell(self, event: str, *what: Any) -> None:
        for name, tracker in list(self._trackers.items()):
            try:
                getattr(tracker, event)(*what)
            except Exception as error:  # noqa: BLE001  (whatever a tracker does wrong)
                del self._trackers[name]
                text = (str(error).strip() or "no reason given").splitlines()[0].rstrip(".")
                self.warnings.append(f"Not tracked to its end: {name} failed ({type(error).__name__}: {text}).")
