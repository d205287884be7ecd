"""What a distillation is asked for: which students, and how they learn."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from mfgsql.backbones import EnsembleConfig, SeriesConfig
from mfgsql.errors import OptionError, one_of
from mfgsql.options import checked_options
from mfgsql.training import Recipe
from mfgsql.training.distilling import Lesson

# Students by the backbone, the smallest first: a network each, or an ensemble of few small ones.
_SHAPES = {
    EnsembleConfig.kind: {
        "tiny": {"members": 1, "width": 24, "layers": 1},
        "small": {"members": 2, "width": 48, "layers": 2},
        "medium": {"members": 4, "width": 96, "layers": 2},
    },
    SeriesConfig.kind: {
        "tiny": {"width": 16, "layers": 1, "heads": 2},
        "small": {"width": 32, "layers": 1, "heads": 4},
        "medium": {"width": 48, "layers": 2, "heads": 4},
    },
}
SIZES = tuple(_SHAPES[EnsembleConfig.kind])
_TRAINING = ("epochs", "batch_size", "learning_rate", "weight_decay", "dropout", "patience", "seed")
_EPOCHS, _MANY = 60, 20_000  # of so many rows at most, which teach more in several looks than a truth does
LOSS = 0.01  # of the teacher's metric that a student may lack


@dataclass(frozen=True)
class Distillation:
    """The options of ``ml_distill``.

    Attributes:
        sizes: of the students, the smallest first. lesson: how the teacher's answers count. training: options of the
            recipe, as they were given.
    """

    sizes: tuple[str, ...]
    lesson: Lesson
    training: Mapping[str, Any]

    @classmethod
    def parse(cls, options: Mapping[str, Any]) -> Distillation:
        """From options as SQL or Python gives them.

        Raises:
            OptionError: an option is unknown, or its value out of range.
        """
        lesson = Lesson(**checked_options(Lesson, options, also=["sizes", *_TRAINING]))
        sizes = options.get("sizes")
        sizes = list(SIZES) if sizes is None else sizes if isinstance(sizes, list) else [sizes]
        if not sizes or any(size not in SIZES for size in sizes):
            raise OptionError(f"sizes is a list of {one_of(SIZES)}, as ['tiny', 'small'], not {options['sizes']!r}.")
        training = {name: options[name] for name in _TRAINING if options.get(name) is not None}
        Recipe.parse(training)
        return cls(tuple(size for size in SIZES if size in sizes), lesson, training)

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it, and `parse` reads."""
        return {"sizes": list(self.sizes), **asdict(self.lesson), **self.training}

    def recipe(self, size: str, backbone: str, rows: int) -> Recipe:
        """How a student of that size is trained: in one piece, since folds would make it larger."""
        longer = {"epochs": _EPOCHS} if backbone == EnsembleConfig.kind and rows < _MANY else {}
        return Recipe.parse({**longer, **self.training, **_SHAPES[backbone][size]}).settled(backbone, 1)


def read_loss(loss: Any) -> float:
    """What a student's metric may lack of the teacher's.

    Raises:
        OptionError: it is no number from 0 on.
    """
    if loss is None:
        return LOSS
    if isinstance(loss, bool) or not isinstance(loss, int | float) or not math.isfinite(loss) or loss < 0:
        raise OptionError(f"loss is how much of the teacher's metric a student may lack, such as 0.01, not {loss!r}.")
    return float(loss)
