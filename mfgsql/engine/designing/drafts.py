"""Drafts of designs, with what is known of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from mfgsql.engine.designing.space import Codes, Values
from mfgsql.optimization.fronts import fronts

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
_NUMBERS = ("codes", "excess", "odd", "rare", "objectives")


@dataclass(frozen=True)
class Drafts:
    """Designs with what is known of them.

    Attributes:
        codes: [n, columns]. values: by column. columns: the same for SQL, and what models tell.
        excess: how far each condition is from holding, [n, conditions]. odd: how far each is beyond what past designs
            keep, [n, balances]. rare: how much less likely each is than designs usually are, [n]. objectives: what is
            to be low, [n, objectives].
    """

    codes: Codes
    values: Values
    columns: dict[str, pa.Array]
    excess: Floats
    odd: Floats
    rare: Floats
    objectives: Floats

    def __len__(self) -> int:
        return len(self.codes)

    @cached_property
    def total(self) -> Floats:
        """How far each is from holding in all."""
        total: Floats = self.excess.sum(axis=1) + self.odd.sum(axis=1) + self.rare
        return total

    @property
    def holds(self) -> Mask:
        """Whether all conditions do."""
        held: Mask = np.all(self.excess <= 0, axis=1)
        return held

    @cached_property
    def order(self) -> Integers:
        """Their numbers, the best first: those that hold by their Pareto rank, then those that are nearest to it."""
        rank, held = np.zeros(len(self), np.int64), np.flatnonzero(self.total <= 0)
        if self.objectives.shape[1]:
            rank[held] = fronts(self.objectives[held])
        return np.lexsort((rank, self.total))

    def take(self, rows: Integers) -> Drafts:
        """Some of them."""
        columns = {name: column.take(pa.array(rows)) for name, column in self.columns.items()}
        values = {name: column[rows] for name, column in self.values.items()}
        told = (part[rows] for part in (self.excess, self.odd, self.rare, self.objectives))
        return Drafts(self.codes[rows], values, columns, *told)

    @staticmethod
    def concat(parts: Sequence[Drafts]) -> Drafts:
        """One after the other."""
        first = parts[0]
        columns = {name: pa.concat_arrays([p.columns[name] for p in parts]) for name in first.columns}
        values = {name: np.concatenate([p.values[name] for p in parts]) for name in first.values}
        codes, *told = (np.concatenate([getattr(p, name) for p in parts]) for name in _NUMBERS)
        return Drafts(codes, values, columns, *told)


def keys_of(values: Values, names: Sequence[str]) -> list[tuple[object, ...]]:
    """Designs as values that can be looked up, by some of their columns."""
    told = [values[name] for name in names]
    columns = [column if column.dtype == object else np.nan_to_num(column, nan=-np.inf) for column in told]
    return list(zip(*(column.tolist() for column in columns), strict=True))  # NaN is no key
