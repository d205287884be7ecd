"""What a small model learns of a large one's answers (Hinton et al., "Distilling the Knowledge in a Neural Network",
2015): of classes all probabilities, softened by a temperature, so that also what is improbable teaches; of numbers
the value. The truth counts beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mfgsql.options import number
from mfgsql.training.rows import Rows


@dataclass(frozen=True)
class Lesson:
    """How a teacher's answers count."""

    temperature: float = number(1.0, 0.1, 100, "by which probabilities are softened; 1: as they are")
    distill: float = number(1.0, 0, 1_000, "what the answers weigh beside the truth")

    def losses(self, batch: Rows, output: Tensor) -> Tensor:
        """What each row's output costs for being another than the teacher's, [rows]; each member learns for itself.

        Args:
            batch: with what it says: of classes probabilities [rows, classes], of numbers standardised values
            [rows, 1]. output: [rows, members, outputs].
        """
        assert batch.taught is not None, "a lesson is of a snapshot that a teacher has answered"
        said = batch.taught.to(output.device).unsqueeze(1)
        if output.shape[2] == 1:
            return self.distill * (output - said).square().mean(dim=(1, 2))
        wanted = torch.log_softmax(said.clamp_min(1e-9).log() / self.temperature, dim=-1)
        told = torch.log_softmax(output / self.temperature, dim=-1)
        apart = (wanted.exp() * (wanted - told)).sum(dim=-1).mean(dim=1)
        return self.distill * self.temperature**2 * apart  # by which gradients keep their size
