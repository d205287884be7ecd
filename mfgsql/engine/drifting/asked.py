"""What a drift statement asks for, read from its arguments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mfgsql.drift.streams import DETECTORS
from mfgsql.engine.drifting.references import VECTORS
from mfgsql.engine.planning import Args, read_names, read_options
from mfgsql.errors import OptionError, did_you_mean, one_of
from mfgsql.options import check_options, read_whole

_OPTIONS = ("alpha", "psi", "features", "k", "detector", "seed")
_EXAMPLE = "{'alpha': 0.01, 'psi': 0.1}"


@dataclass(frozen=True)
class Asked:
    """How drift is looked for.

    Attributes:
        alpha: share of false discoveries among a statement's tests. psi: index from which a change is large.
        features: columns to compare; empty: all. k: vectors at most. detector: of streams. seed: of what is drawn.
        order_by: column of the order, or None.
    """

    alpha: float = 0.01
    psi: float = 0.1
    features: tuple[str, ...] = ()
    k: int = VECTORS
    detector: str = DETECTORS[0]
    seed: int = 0
    order_by: str | None = None

    @classmethod
    def of(cls, args: Args) -> Asked:
        """As the arguments say.

        Raises:
            OptionError: an option that there isn't, or a value out of its range.
        """
        options = read_options(args, _EXAMPLE)
        check_options(options, _OPTIONS)
        detector = options.get("detector", DETECTORS[0])
        if detector not in DETECTORS:
            hint = did_you_mean(str(detector), DETECTORS)
            raise OptionError(f"detector is {one_of(DETECTORS)}, not {detector!r}.{hint}")
        features = read_names(options.get("features"), "features is a list of columns, as {'features': ['torque']}")
        order_by = args.get("order_by")
        if order_by is not None and (not isinstance(order_by, str) or not order_by):
            raise OptionError(f"order_by is the name of a column, not {order_by!r}.")
        return cls(
            _share("alpha", options.get("alpha", cls.alpha), 1.0), _share("psi", options.get("psi", cls.psi), 100.0),
            tuple(features), read_whole("k", options.get("k"), 20, 5_000) or cls.k, detector,
            read_whole("seed", options.get("seed"), 0, 2**31) or 0, order_by,
        )  # fmt: skip


def _share(name: str, told: Any, most: float) -> float:
    if isinstance(told, bool) or not isinstance(told, int | float) or not 0 < told < most:
        raise OptionError(f"{name} is a number between 0 and {most:g}, such as {getattr(Asked, name)}, not {told!r}.")
    return float(told)
