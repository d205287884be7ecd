"""How to train: the ``options`` of the learning verbs, with defaults and ranges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from mfgsql.errors import OptionError, did_you_mean, one_of


def _number(default: Any, low: float, high: float, what: str) -> Any:
    return field(default=default, metadata={"low": low, "high": high, "what": what})


def _choice(default: str, *choices: str, what: str) -> Any:
    return field(default=default, metadata={"choices": choices, "what": what})


@dataclass(frozen=True)
class Recipe:
    """Options of training; 0 lets the trainer choose by the number of rows."""

    epochs: int = _number(0, 0, 100_000, "passes over the rows; 0: by their number")
    batch_size: int = _number(0, 0, 1_000_000, "rows of a step; 0: by their number")
    learning_rate: float = _number(1e-3, 1e-8, 10.0, "step size at its peak")
    weight_decay: float = _number(1e-2, 0.0, 10.0, "decoupled decay of the weights")
    optimizer: str = _choice("adamw", "adamw", "adam", "sgd", what="how weights follow the gradient")
    schedule: str = _choice("cosine", "cosine", "linear", "constant", what="how the step size decays")
    warmup: float = _number(0.05, 0.0, 1.0, "share of the steps until the peak")
    dropout: float = _number(0.1, 0.0, 0.9, "share of activations dropped")
    width: int = _number(48, 8, 4096, "size of a token")
    layers: int = _number(3, 1, 48, "transformer blocks")
    heads: int = _number(4, 1, 64, "attention heads; divides width")
    patience: int = _number(12, 1, 100_000, "judgements without progress before it stops")
    validation: float = _number(0.2, 0.0, 0.9, "share of rows held out to judge by")
    seed: int = _number(0, 0, 2**31 - 1, "of all random numbers")
    loss: str = _choice("auto", "auto", "cross_entropy", "mse", "huber", what="what is minimised")
    class_weight: str = _choice("none", "none", "balanced", what="weights of the classes")
    precision: str = _choice("auto", "auto", "fp32", "bf16", "fp16", what="of the arithmetic on a GPU")
    mask_ratio: float = _number(0.3, 0.01, 0.99, "share of columns hidden (objective masked)")
    clip: float = _number(1.0, 0.0, 1e6, "largest norm of the gradient; 0: none")
    probe: float = _number(0.5, 0.0, 1.0, "share of the epochs, at most, in which what a base gave stays as it is")
    base_rate: float = _number(0.0, 0.0, 1.0, "step size after the probe, over learning_rate; 0: by the number of rows")

    @classmethod
    def parse(cls, options: Mapping[str, Any]) -> Recipe:
        """A recipe from options as SQL or Python gives them.

        Raises:
            OptionError: an option is unknown, or its value out of range.
        """
        known = {f.name: f for f in fields(cls)}
        values = {}
        for name, value in options.items():
            if name not in known:
                raise OptionError(
                    f"Unknown option '{name}'; allowed are {', '.join(known)}.{did_you_mean(name, known)}"
                )
            if value is not None:
                values[name] = _checked(name, value, type(known[name].default), known[name].metadata)
        recipe = cls(**values)
        if recipe.width % recipe.heads:
            raise OptionError(f"width = {recipe.width} can't be divided by heads = {recipe.heads}.")
        return recipe

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)


def _checked(name: str, value: Any, kind: type, rule: Mapping[str, Any]) -> Any:
    if "choices" in rule:
        if str(value).lower() not in rule["choices"]:
            raise OptionError(f"{name} is {one_of(rule['choices'])}, not {value!r}.")
        return str(value).lower()
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if isinstance(value, bool) or not rule["low"] <= number <= rule["high"] or (kind is int and number % 1):
        sort = "a whole number" if kind is int else "a number"
        raise OptionError(f"{name} ({rule['what']}) is {sort} from {rule['low']:g} to {rule['high']:g}, not {value!r}.")
    return kind(number)
