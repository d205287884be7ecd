"""Sums that designs have to keep, ``cement + water = 500``: drafts are moved onto them, as little as can be."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import duckdb
import numpy as np
import numpy.typing as npt
from sqlglot import exp

from mfgsql.engine.conditions import Condition, Judge
from mfgsql.engine.designing.space import DesignSpace, Values
from mfgsql.engine.equations import difference, linear
from mfgsql.features.binned import BinnedEncoder
from mfgsql.optimization.equalities import Equalities

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


class Sums:
    """Linear equations among the numbers of a design.

    Attributes:
        names: of the columns that are in one and may be moved.

    Args:
        conditions: over columns of the design. types: of these. fixed: columns that stay.
    """

    def __init__(
        self, con: duckdb.DuckDBPyConnection, space: DesignSpace, conditions: Sequence[Condition],
        types: dict[str, str], fixed: Collection[str],
    ) -> None:  # fmt: skip
        found: list[BinnedEncoder] = [e for e in space.encoders if isinstance(e, BinnedEncoder) and not e.timed]
        self._encoders = {e.column.name: e for e in found}
        listed = {name for name, wanted in space.wanted.items() if wanted.among is not None}
        low, high = np.array([space.reach(name) for name in self._encoders]).reshape(-1, 2).T
        moved = np.array([name not in fixed and name not in listed for name in self._encoders], bool) & (low < high)
        told = self._read(con, conditions, types, low, np.where(low < high, high, low + 1))
        told = [(factors, total) for factors, total in told if ((factors != 0) & moved).sum() > 1]
        factors = np.stack([f for f, _ in told])[None] if told else np.zeros((1, 0, len(found)))
        self._equalities = Equalities(factors, np.array([[total for _, total in told]]))
        self._low, self._high, self._moved = low, high, moved & (factors != 0).any(axis=(0, 1))
        self.names = [name for name, there in zip(self._encoders, self._moved, strict=True) if there]

    def _read(
        self, con: duckdb.DuckDBPyConnection, conditions: Sequence[Condition], types: dict[str, str], low: Floats,
        high: Floats,
    ) -> list[tuple[Floats, float]]:  # fmt: skip
        """Factors of the columns, and totals."""
        found = []
        for tree in filter(None, (difference(part) for condition in conditions for part in condition.parts())):
            if not {column.name for column in tree.find_all(exp.Column)} <= self._encoders.keys():
                continue
            judge = Judge(con, [], types, [tree])

            def told(point: Floats, judge: Judge = judge) -> Floats:
                return judge.numbers({name: point[i : i + 1] for i, name in enumerate(self._encoders)})[:, 0]

            if (known := linear(told, low, high)) is not None:
                found.append((known[0][0], float(known[1][0])))
        return found

    def kept(self, values: Values, draw: np.random.Generator) -> Values:
        """Values of drafts that keep the sums, on their grid and within what was learnt, where that can be.

        A part that isn't there, a 0, stays out.
        """
        if not self.names:
            return values
        numbers = np.stack([values[name] for name in self._encoders], axis=1)
        moved = self._moved & ~np.isnan(numbers) & (numbers != 0)
        near = self._equalities.projected(numbers[None], self._low, self._high, moved[None])[0]
        near = np.where(moved, self._on_grid(near), numbers)
        new = self._equalities.solved(near[None], np.where(moved, self._priority(near, draw), -1.0)[None])[0]
        whole = np.where(moved, self._on_grid(new), new)
        apart = np.abs(whole - new) > 1e-9 * np.maximum(np.abs(new), 1.0)
        kept = ~((apart | (whole < self._low) | (whole > self._high)) & moved).any(axis=1)
        return values | {name: np.where(kept, whole[:, i], numbers[:, i]) for i, name in enumerate(self._encoders)}

    def _priority(self, numbers: Floats, draw: np.random.Generator) -> Floats:
        """By how finely a column is told, then how far it is from its ends: what is left of a sum fits it best."""
        steps = np.array([encoder.step for encoder in self._encoders.values()])
        finer = (steps[:, None] > steps).sum(axis=0)  # than so many others
        room = np.minimum(numbers - self._low, self._high - numbers) / np.maximum(self._high - self._low, 1e-12)
        found: Floats = 2.0 * finer + np.clip(room, 0, 0.5) + draw.random(numbers.shape)
        return found

    def _on_grid(self, numbers: Floats) -> Floats:
        return np.stack([e.snapped(numbers[:, i]) for i, e in enumerate(self._encoders.values())], axis=1)
