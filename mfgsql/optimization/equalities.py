"""Sums that have to stay, ``cement + water + sand = 2000``: some columns follow from what the others are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mfgsql.optimization.spaces import rounded

Floats = npt.NDArray[np.float64]
_NONE = 1e-12  # a factor of less is none


@dataclass(frozen=True)
class Equalities:
    """Linear equalities of each row.

    Attributes:
        factors: of each column in each equality, [rows, e, d]. totals: what they add up to, [rows, e].
    """

    factors: Floats
    totals: Floats

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
        left = self.totals[:, None] - np.einsum("rned,rnd->rne", factors, others)
        square = np.take_along_axis(factors, np.broadcast_to(slack[:, :, None, :], (*slack.shape[:2], count, count)), 3)
        sound = np.abs(np.linalg.det(square)) > _NONE
        square = np.where(sound[..., None, None], square, np.eye(count))
        solution = rounded(np.linalg.solve(square, left[..., None])[..., 0])
        result = values.copy()
        np.put_along_axis(result, slack, solution, axis=2)
        return np.where(sound[..., None], result, values)
