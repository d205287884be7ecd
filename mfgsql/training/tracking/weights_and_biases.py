"""Weights & Biases, offline: a run that waits on disk until somebody runs ``wandb sync`` on it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mfgsql.errors import MissingExtraError
from mfgsql.training.monitor import RunFacts
from mfgsql.training.tracking.tracking import trackers

if TYPE_CHECKING:
    from wandb import Run

_OFFLINE: dict[str, Any] = {
    "mode": "offline",
    "silent": True,
    "console": "off",
    "disable_git": True,
    "save_code": False,
    "x_disable_stats": True,
    "x_disable_meta": True,
    "x_save_requirements": False,
}


@trackers.register("wandb")
class WeightsAndBiases:
    """Writes ``<folder>/wandb/offline-run-<time>-<run>/``, whatever ``WANDB_MODE`` says: nothing goes to the network.

    The project is ``WANDB_PROJECT``, else ``mfgsql``. Values of the final model are the run's summary.
    """

    def __init__(self, folder: Path) -> None:
        try:
            import wandb  # noqa: F401
        except ImportError:
            raise MissingExtraError("Tracking by wandb needs an extra.", remedy="pip install 'mfgsql[track]'") from None
        self._folder = folder
        self._run: Run | None = None

    def on_start(self, facts: RunFacts) -> None:
        """See `Tracker`."""
        import wandb

        self._folder.mkdir(parents=True, exist_ok=True)  # else wandb takes another one
        self._run = wandb.init(
            dir=str(self._folder),
            project=os.environ.get("WANDB_PROJECT", "mfgsql"),
            id=facts.run_id,
            name=f"{facts.model}-{facts.run_id}",
            job_type=facts.verb,
            config={"model": facts.model, "verb": facts.verb, "rows": facts.rows, **facts.recipe},
            reinit="create_new",  # beside a run that the process has already
            settings=wandb.Settings(**_OFFLINE),
        )

    def on_step(self, step: int, steps: int) -> None:
        """Nothing: the judgements tell the loss of the steps between them."""

    def on_judged(self, step: int, values: dict[str, float]) -> None:
        """See `Monitor`."""
        assert self._run is not None
        self._run.log(values, step=step)

    def on_end(self, status: str, values: dict[str, float]) -> None:
        """See `Tracker`."""
        assert self._run is not None
        self._run.summary.update({"status": status, **{f"final/{name}": value for name, value in values.items()}})
        self._run.finish(exit_code=0 if status == "finished" else 1)
