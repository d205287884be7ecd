"""A bar for what takes longer than two seconds, where a person looks: a terminal or a notebook."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any, Self

_PATIENCE = 2.0


class Progress:
    """Watches a training: shows a bar, and keeps the history of judgements.

    Args:
        mode: ``auto``, ``on`` or ``off``. title: in front of the bar.
    """

    def __init__(self, mode: str, title: str) -> None:
        self.title = title
        self.shown = mode == "on" or (mode == "auto" and _somebody_looks())
        self.history: list[tuple[Any, ...]] = []
        self._bar: Any = None
        self._task: Any = None
        self._started = time.monotonic()
        self._last = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()

    def on_step(self, step: int, steps: int) -> None:
        """See `Monitor`."""
        if not self.shown or (self._bar is None and time.monotonic() - self._started < _PATIENCE):
            return
        if self._bar is None:
            self._open(steps)
        self._bar.update(self._task, completed=step, total=steps, last=self._last)

    def on_judged(self, step: int, values: dict[str, float]) -> None:
        """See `Monitor`."""
        for name, value in values.items():
            split, metric = ("train", "loss") if name == "train_loss" else ("validation", name)
            self.history.append((step, split, metric, value, None, False))
        shown = [f"{k} {v:.3f}" for k, v in values.items() if k != "train_loss"][:2]
        self._last = ", ".join(shown)

    def note(self, line: str) -> None:
        """Show a line that stays."""
        if self.shown:
            print(line, file=sys.stderr, flush=True)

    def _open(self, steps: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bar

        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("step {task.completed} of at most {task.total}"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[last]}"),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bar.add_task(self.title, total=steps, last="")
        self._bar.start()


def _somebody_looks() -> bool:
    return sys.stderr.isatty() or "ipykernel" in sys.modules
