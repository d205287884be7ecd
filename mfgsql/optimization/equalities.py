"""Sums that have to stay, ``cement + water + sand = 2000``: some columns follow from what the others are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mfgsql.optimization.spaces import rounded

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
_NONE = 1e-12  # a factor of less is none
_ROUNDS = 30


@dataclass(frozen=True)
class Equalities:
    """Linear equalities of each row.

    Attributes:
        factors: of each column in each equality, [rows, e, d]. totals: what they add up to, [rows, e].
    """

    factors: Floats
    totals: Floats

    def projected(self, values: Floats, low: Floats, high: Floats, moved: Mask) -> Floats:
        """Candidates moved onto the equalities within ranges, as little as can be in ranges; near them where not.

        Alternating projections onto both (von Neumann, "Functional Operators", vol. II, 1950), in which a column that
        is at an end, and would leave it, stays.

        Args:
            values: [rows, n, d]. low, high: [d]. moved: which columns may be, [rows, n, d].
        """
        found, span = np.clip(values, low, high), (high - low) ** 2
        found = np.where(moved, found, values)
        for _ in range(_ROUNDS):
            left = self._left(np.nan_to_num(found))
            if np.abs(left).max(initial=0.0) <= _NONE * max(1.0, float(np.abs(self.totals).max(initial=0.0))):
                break
            step = self._step(left, span * moved)
            out = ((found <= low) & (step < 0)) | ((found >= high) & (step > 0))
            step = np.where(out.any(axis=2, keepdims=True), self._step(left, span * (moved & ~out)), step)
            found = np.where(moved, np.clip(found + step, low, high), found)
        return found

    def _left(self, values: Floats) -> Floats:
        """What is missing of the totals, [rows, n, e]."""
        return np.asarray(self.totals[:, None] - np.einsum("red,rnd->rne", self.factors, values))

    def _step(self, left: Floats, weights: Floats) -> Floats:
        """The least step that brings what is left, by weights of columns, [rows, n, d]."""
        gram = np.einsum("red,rnd,rfd->rnef", self.factors, weights, self.factors)
        push = np.einsum("rnef,rnf->rne", np.linalg.pinv(gram, hermitian=True), left)
        return np.asarray(np.einsum("red,rne->rnd", self.factors, push) * weights)

    def solved(self, values: Floats, priority: Floats) -> Floats:
        """Candidates in which as many columns as there are equalities are solved for.

        Args:
            values: [rows, n, d]. priority: of each column, [rows, n, d]: the highest that has a factor is solved for.
        """
        count = self.factors.shape[1]
        factors = np.broadcast_to(self.factors[:, None], (*values.shape[:2], count, values.shape[2]))
        usable, chosen = priority.copy(), []
        for number in range(count):
            there = np.abs(factors[:, :, number]) > _NONE
            column = np.where(there & ~np.isnan(values), usable, -1.0).argmax(axis=2)
            np.put_along_axis(usable, column[..., None], -1.0, axis=2)
            chosen.append(column)
        slack = np.stack(chosen, axis=2)
        others = np.nan_to_num(values.copy())
        np.put_along_axis(others, slack, 0.0, axis=2)
        left = self._left(others)
        square = np.take_along_axis(factors, np.broadcast_to(slack[:, :, None, :], (*slack.shape[:2], count, count)), 3)
        sound = np.abs(np.linalg.det(square)) > _NONE
        square = np.where(sound[..., None, None], square, np.eye(count))
        solution = rounded(np.asarray(np.linalg.solve(square, left[..., None])[..., 0], np.float64))
        result = values.copy()
        np.put_along_axis(result, slack, solution, axis=2)
        return np.where(sound[..., None], result, values)
