"""A constraint over flows as arrays, and the sums that it limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from mfgsql.allocation import Limits
from mfgsql.engine.constraints import Constraint
from mfgsql.errors import DataError

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Said:
    """A constraint as arrays over flows: factor, constant, bound, number of the sum, and whether it counts."""

    of: Constraint
    factors: Floats
    constants: Floats
    bounds: Floats
    sums: Integers
    there: Mask
    total: bool

    @cached_property
    def size(self) -> int:
        """Sums; over all rows there is one, even of none."""
        return int(self.sums.max()) + 1 if len(self.sums) else int(self.total and not self.of.groups)

    @cached_property
    def first(self) -> Integers:
        """Of each sum a flow: one that counts, where there is one."""
        first = np.zeros(self.size, np.int64)
        for some in (np.arange(len(self.sums)), np.flatnonzero(self.there)):
            first[self.sums[some][::-1]] = some[::-1]
        return first

    def limits(self, label: Callable[[int], str]) -> Limits:
        """The sums; a bound that is NULL is none."""
        of, there, size = self.of, self.there, self.size
        if not (np.isfinite(self.factors[there]).all() and np.isfinite(self.constants[there]).all()):
            raise DataError(f"The constraint '{of.text}' adds up a NULL, or what is no number.",
                            remedy="Say what it is worth: coalesce(kg, 0).")  # fmt: skip
        bound = self.bounds[self.first] if len(self.bounds) else np.zeros(size)
        if self.total and not np.array_equal(self.bounds[there], bound[self.sums[there]], equal_nan=True):
            raise DataError(
                f"The constraint '{of.text}' compares one sum with a column that differs among its rows.",
                remedy="Group by all that the column depends on, as OVER (PARTITION BY plant, depot).",
            )
        counted = np.bincount(self.sums[there], minlength=size)
        if self.total and of.op != "<=" and (none := np.flatnonzero((counted == 0) & (bound > 0))).size:
            where = label(int(none[0]))
            raise DataError(f"The constraint '{of.text}' asks for something of no lane{where and f': {where}'}.")
        known = np.bincount(self.sums[there], self.constants[there], minlength=size)
        bound = bound - known
        lower = np.where(np.isnan(bound), -np.inf, bound) if of.op in (">=", "=") else np.full(size, -np.inf)
        upper = np.where(np.isnan(bound), np.inf, bound) if of.op in ("<=", "=") else np.full(size, np.inf)
        sums, flows, factors = self.sums[there], np.flatnonzero(there), self.factors[there]
        return Limits(f"'{of.text}'", label, size, sums, flows, factors, lower, upper)
