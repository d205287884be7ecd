"""TensorBoard: an event file of scalars and hyper-parameters for each run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from mfgsql.errors import MissingExtraError
from mfgsql.training.monitor import RunFacts
from mfgsql.training.tracking.tracking import trackers

if TYPE_CHECKING:
    from tensorboardX import SummaryWriter


@trackers.register("tensorboard")
class TensorBoard:
    """Writes ``<folder>/tensorboard/<model>-<run>/``; look at it by ``tensorboard --logdir <folder>/tensorboard``.

    Scalars by step are ``train_loss``, ``loss`` and the metrics, those of the final model ``final/<name>``.
    """

    def __init__(self, folder: Path) -> None:
        try:
            import tensorboardX  # noqa: F401
        except ImportError:
            raise MissingExtraError(
                "Tracking by tensorboard needs an extra.", remedy="pip install 'mfgsql[track]'"
            ) from None
        self._folder = folder / "tensorboard"
        self._writer: SummaryWriter | None = None

    def on_start(self, facts: RunFacts) -> None:
        """See `Tracker`."""
        from tensorboardX import SummaryWriter

        self._facts = facts
        model = re.sub(r"[^\w.-]", "_", facts.model)
        self._writer = SummaryWriter(str(self._folder / f"{model}-{facts.run_id}"))

    def on_step(self, step: int, steps: int) -> None:
        """Nothing: the judgements tell the loss of the steps between them."""

    def on_judged(self, step: int, values: dict[str, float]) -> None:
        """See `Monitor`."""
        assert self._writer is not None
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()  # a person looks while it trains

    def on_end(self, status: str, values: dict[str, float]) -> None:
        """Close the file; a finished run becomes a session of the plugin for hyper-parameters."""
        from tensorboardX.summary import hparams

        assert self._writer is not None
        final = {f"final/{name}": value for name, value in values.items()}
        for name, value in final.items():
            self._writer.add_scalar(name, value, 0)
        told = {"verb": self._facts.verb, "rows": self._facts.rows, **self._facts.recipe}
        plain = {k: v if isinstance(v, bool | int | float | str) else str(v) for k, v in told.items()}
        experiment, begin, end = hparams(plain, final)
        for summary in (experiment, begin, *([end] if status == "finished" else [])):
            self._writer.file_writer.add_summary(summary)
        self._writer.close()
