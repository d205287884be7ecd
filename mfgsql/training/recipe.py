"""How to train: the ``options`` of the learning verbs, with defaults and ranges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from mfgsql.errors import OptionError
from mfgsql.options import checked_options, choice, number

_FEW, _MANY = 2_000, 20_000  # rows
_WIDE = 300  # columns
_STEPS, _FEWER_STEPS, _STEPS_OF_BASE = 3_000, 1_500, 1_000  # of forecasts, by the number of windows
_MEMBERS = 3  # of a forecast, which is their mean
_WINDOWS = 100_000  # more teach enough without those held out
EPOCH = 65_536  # windows of an epoch, at most: neighbours differ by one row, and teach little beside each other
_USUAL: dict[str, dict[str, Any]] = {
    "transformer": {"width": 48, "layers": 3, "learning_rate": 1e-3, "patience": 12},
    "ensemble": {"width": 96, "layers": 2, "learning_rate": 2e-2, "patience": 40},
    "series": {"width": 64, "layers": 3, "learning_rate": 2e-3, "patience": 0},
    "mixed": {"width": 96, "layers": 2, "learning_rate": 1e-3},
    "rows": {"width": 128, "layers": 4, "learning_rate": 1e-3, "patience": 8},
}


_NO_PICTURE = 2  # channels
_TRANSFORMERS = ("transformer", "series", "mixed", "rows")


@dataclass(frozen=True)
class Recipe:
    """Options of training; 0 leaves a choice open, which `settled` and `for_rows` make."""

    epochs: int = number(0, 0, 100_000, "passes over the rows; 0: by their number")
    batch_size: int = number(0, 0, 1_000_000, "rows of a step; 0: by their number")
    learning_rate: float = number(0.0, 0.0, 10.0, "step size at its peak; 0: by the backbone")
    weight_decay: float = number(1e-2, 0.0, 10.0, "decoupled decay of the weights")
    optimizer: str = choice("adamw", "adamw", "adam", "sgd", what="how weights follow the gradient")
    schedule: str = choice("cosine", "cosine", "linear", "constant", what="how the step size decays")
    warmup: float = number(0.05, 0.0, 1.0, "share of the steps until the peak")
    dropout: float = number(-1.0, -1.0, 0.9, "share of activations dropped; -1: by backbone and rows")
    backbone: str = choice(
        "auto",
        "auto",
        "ensemble",
        "transformer",
        "series",
        "mixed",
        what="the network; auto: of histories series, of rows with texts or pictures mixed, of others a transformer "
        "where there is a base, else an ensemble",
    )
    width: int = number(0, 0, 4096, "size of a token, or of a member's layer; 0: by the backbone")
    layers: int = number(0, 0, 48, "transformer blocks, or layers of a member; 0: by the backbone")
    members: int = number(
        0, 0, 256, "members of a group of the ensemble, by the number of folds, or of a forecast, 3; 0: so many"
    )
    folds: int = number(
        0,
        0,
        20,
        "parts that judge in turn, by networks trained on the others; 0: 20 below 2,000 rows and up to 300 columns, "
        "5 below 20,000",
    )
    heads: int = number(4, 1, 64, "attention heads; divides width")
    patience: int = number(0, 0, 100_000, "judgements without progress before it stops; 0: by the backbone")
    validation: float = number(0.2, 0.0, 0.9, "share of rows held out to judge by; with folds all judge")
    seed: int = number(0, 0, 2**31 - 1, "of all random numbers")
    loss: str = choice("auto", "auto", "cross_entropy", "mse", "huber", "asymmetric", what="what is minimised")
    class_weight: str = choice("none", "none", "balanced", what="weights of the classes")
    precision: str = choice("auto", "auto", "fp32", "bf16", "fp16", what="of the arithmetic on a GPU")
    mask_ratio: float = number(
        0.0, 0.0, 0.99, "share of what is hidden in pre-training; 0: .3 of columns and of words, .75 of pictures"
    )
    clip: float = number(1.0, 0.0, 1e6, "largest norm of the gradient; 0: none, as with folds")
    probe: float = number(
        -1.0, -1.0, 1.0, "share of the epochs, at most, in which what a base gave stays as it is; -1: half, or none"
    )
    base_rate: float = number(
        0.0,
        0.0,
        1.0,
        "step size after the probe, and of what reads texts and pictures, over learning_rate; 0: by the number of rows",
    )
    tokens: int = number(512, 8, 100_000, "pieces of words that are read of a text; of longer ones the rest is cut")
    size: int = number(0, 0, 2048, "pixels of a picture's sides as the network gets it; 0: by the base, or 96")
    channels: int = number(0, 0, 3, "1 for grey pictures, 3 for colour; 0: by the base, or 3")
    adapter: str = choice("none", "none", "lora", what="what of a base learns; lora: small matrices beside its layers")
    rank: int = number(8, 1, 256, "of the small matrices of an adapter")
    freeze: str = choice("no", "no", "yes", what="whether a base stays as it is, and only what stands on it learns")
    augment: str = choice("auto", "auto", "light", "none", what="how pictures are changed in training")
    flips: str = choice(
        "both", "both", "horizontal", "vertical", "none", what="how pictures may be mirrored in training"
    )
    window: int = number(
        0, 0, 4096, "rows of a history read at once; 0: rows are read one by one, unless the task is rul"
    )
    patch: int = number(0, 0, 1024, "rows of a window that make a token; divides window; 0: about an eighth of it")
    memory: int = number(0, 0, 64, "windows before the window that are read for what they leave in memory")
    fill: int = number(0, 0, 4096, "rows over which a missing value is taken from the row before")
    shortest: int = number(0, 0, 4096, "rows of a window that are needed; 0: one patch, of a detector all")
    span: int = number(0, 0, 4096, "rows over which a detector of anomalies smooths; 0: a third of the window")
    horizon: int = number(0, 0, 4096, "steps that are forecast at once (task forecast); 0: by the steps")
    season: int = number(0, 0, 100_000, "steps after which series repeat themselves; 0: by the calendar or the rows")
    refit: str = choice(
        "yes", "yes", "no", what="whether a forecast, once judged, learns from the rows that judged it, too"
    )
    gaps: str = choice("missing", "missing", "zero", what="what a step without a row means")
    cap: float = number(0.0, 0.0, 1e12, "remaining life beyond which all count as equal (task rul); 0: none")

    @classmethod
    def parse(cls, options: Mapping[str, Any]) -> Recipe:
        """A recipe from options as SQL or Python gives them.

        Raises:
            OptionError: an option is unknown, or its value out of range.
        """
        recipe = cls(**checked_options(cls, options))
        if recipe.channels == _NO_PICTURE:
            raise OptionError("channels is 1 for grey pictures, 3 for colour, or 0 for as they are, not 2.")
        if recipe.backbone in _TRANSFORMERS and recipe.width:
            recipe._check_heads()
        return recipe

    def _check_heads(self) -> None:
        if self.width % self.heads:
            raise OptionError(f"width = {self.width} can't be divided by heads = {self.heads}.")

    @staticmethod
    def usual_folds(rows: int, backbone: str, columns: int = 0) -> int:
        """Parts that judge so many rows in turn: the fewer rows, the more they miss what is held out. Of very many
        columns few networks of more members learn more in less time (590 columns of 1,567 rows: RMSE .44 in 180 s,
        .47 in 432 s; 150 columns: .18 in 71 s, .16 in 119 s).
        """
        if backbone == "series":
            return 5 if rows < _WINDOWS else 1
        return 20 if rows < _FEW and columns <= _WIDE else 5 if rows < _MANY else 1

    def settled(self, backbone: str, folds: int, *, mask_ratio: float = 0.3, forecasts: bool = False) -> Recipe:
        """The recipe for this backbone, trained in so many folds, with what it leaves open chosen."""
        usual = _USUAL[backbone] | {"members": 16 if folds == 1 else 3 if folds <= 10 else 1, "mask_ratio": mask_ratio}
        chosen = {name: getattr(self, name) or value for name, value in usual.items()}
        if self.probe < 0:
            chosen["probe"] = 0.0 if backbone in ("series", "mixed", "rows") else 0.5
        if self.dropout < 0 and backbone in _TRANSFORMERS:
            chosen["dropout"] = 0.1
        if forecasts:
            chosen |= {"members": self.members or _MEMBERS, "layers": self.layers or 1}
            chosen["dropout"] = max(self.dropout, 0.0)
        recipe = replace(self, backbone=backbone, folds=folds, **chosen)
        if backbone in _TRANSFORMERS:
            recipe._check_heads()
        return recipe

    def for_series(self, windows: int, *, base: bool) -> Recipe:
        """The settled recipe of a forecast, for so many windows."""
        batch = self.batch_size or (32 if windows < 2_000 else 128)
        steps = max(1, -(-min(windows, EPOCH) // batch))
        wanted = _STEPS_OF_BASE if base else _STEPS if windows > _WINDOWS else _FEWER_STEPS
        epochs = self.epochs or min(200, max(3, round(wanted / steps)))
        patience = self.patience or max(6, round(wanted / 2 / min(steps, 500)))
        return replace(self, batch_size=batch, epochs=epochs, patience=patience, base_rate=self.base_rate or 0.3)

    def for_rows(self, rows: int, *, labelled: bool = True, base: bool = False) -> Recipe:
        """The settled recipe with batch size, epochs and the like for so many rows that a network learns from.

        Args:
            labelled: whether it learns a target; to tell sensors from sensors there is more to learn. base: whether it
            starts from one.
        """
        if self.backbone == "mixed":
            batch = self.batch_size or (16 if labelled and rows < 1_000 else 32)
            steps = max(1, -(-rows // batch))
            wanted, most = (1_600, 20) if labelled and base else (2_000, 40) if labelled else (5_000, 150)
            epochs = self.epochs or min(most, max(3, round(wanted / steps)))
            patience = self.patience or (6 if base else 20)
            return replace(self, batch_size=batch, epochs=epochs, patience=patience)
        if self.backbone == "rows":
            batch = self.batch_size or (64 if rows < 5_000 else 256)
            epochs = self.epochs or min(150, max(3, round(3_000 / max(1, -(-rows // batch)))))
            return replace(self, batch_size=batch, epochs=epochs)
        if self.backbone == "ensemble":
            dropout = self.dropout if self.dropout >= 0 else 0.0 if rows < _FEW else 0.05
            batch = self.batch_size or (64 if rows < _FEW else 256 if rows < 50_000 else 1024)
            steps = max(1, -(-rows // batch))
            wanted = 4_500 if rows < _FEW else 300 if rows < _MANY else 1_200
            epochs = self.epochs or min(300, max(3, round(wanted / steps)))
            return replace(self, batch_size=batch, epochs=epochs, dropout=dropout)
        if self.backbone == "series":
            batch = self.batch_size or (32 if rows < 1_000 else 64 if rows < 5_000 else 256)
            steps = max(1, -(-min(rows, EPOCH) // batch))
            wanted, most = (400, 60) if labelled else (1_200, 200)
            epochs = self.epochs or min(most, max(3, round(wanted / steps)))
            rate = self.base_rate or min(1.0, max(0.1, rows / 5_000))
            return replace(self, batch_size=batch, epochs=epochs, base_rate=rate, patience=self.patience or 6)
        batch = self.batch_size or (32 if rows < 1_000 else 128 if rows < 5_000 else 256 if rows < 50_000 else 1024)
        epochs = self.epochs or min(60, max(3, round(4_000 / max(1, -(-rows // batch)))))
        # Few rows ask for small steps, or they spoil what the base knows; many teach more than it knew.
        base_rate = self.base_rate or (0.1 if rows < 2_000 else min(1.0, rows / 5_000))
        return replace(self, batch_size=batch, epochs=epochs, base_rate=base_rate)

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)
