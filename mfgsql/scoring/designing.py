"""New designs from a language of rows: decoded column by column, each value one that its column may have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mfgsql.backbones import RowLanguage
from mfgsql.heads import LanguageHead
from mfgsql.scoring.scorer import Scorer
from mfgsql.tasks import chances_of
from mfgsql.tasks.task import Array

_BATCH = 512  # rows of a pass
_ORDERS = 4  # in which a row is said, to tell how likely it is
Codes = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class Designer:
    """Says rows, or the rest of rows. Equal calls in the same order give equal rows.

    Args:
        allowed: values that may be said, bool [tokens]; of each column one at least.
        first: columns that are said before others where all are open, bool [columns].
        temperature: below 1 the likely becomes likelier. top_p: share of the likeliest values that is drawn from.
        check: called at each step; raises where the work shall stop.
    """

    def __init__(
        self,
        scorer: Scorer,
        allowed: Mask,
        first: Mask,
        *,
        temperature: float = 1.0,
        top_p: float = 1.0,
        seed: int = 0,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        network = scorer.model.network
        assert isinstance(network.backbone, RowLanguage), "rows are said by their language"
        assert isinstance(network.head, LanguageHead)
        self.scorer, self.backbone, self.head, self.check = scorer, network.backbone, network.head, check
        self.allowed = torch.from_numpy(allowed).to(scorer.device)
        self.first = torch.from_numpy(first)
        self.temperature, self.top_p = temperature, top_p
        self.draw = torch.Generator().manual_seed(seed)

    def complete(self, codes: Codes, known: Mask) -> Codes:
        """Rows with the columns said that are not known, given those that are.

        Args:
            codes: [rows, columns], looked at where known. known: as many in each row.
        """
        parts = [codes[:0]]
        for at in range(0, len(codes), _BATCH):
            here = slice(at, at + _BATCH)
            with self.scorer.passing():
                parts.append(self._complete(torch.from_numpy(codes[here]), torch.from_numpy(known[here])))
        return np.concatenate(parts)

    def _complete(self, codes: Tensor, known: Tensor) -> Codes:
        given = int(known[0].sum())
        open_later = 1.0 * ~known + 1.0 * (~known & ~self.first)
        order = (torch.rand(codes.shape, generator=self.draw) + 2 * open_later).argsort(dim=1).to(self.scorer.device)
        told = codes.to(self.scorer.device).gather(1, order)
        cache = _cache()
        state = self.backbone(told[:, : given + 1], order[:, : given + 1], cache)[:, -1:]
        for step in range(given, told.shape[1]):
            self.check()
            asked = order[:, step : step + 1]
            told[:, step] = self._said(state, asked) - self.backbone.offsets[asked[:, 0]]
            if step + 1 < told.shape[1]:
                before = told[:, step] + self.backbone.offsets[asked[:, 0]]
                state = self.backbone(told[:, step : step + 1], order[:, step + 1 : step + 2], cache, before)
        back: Codes = torch.empty_like(told).scatter(1, order, told).cpu().numpy()
        return back

    def _said(self, state: Tensor, asked: Tensor) -> Tensor:
        """A token for each row, drawn."""
        scores = chances_of(self.backbone, self.head, state, asked)[:, 0] / self.temperature
        chances = scores.masked_fill(~self.allowed, -torch.inf).softmax(dim=1).cpu()
        if self.top_p < 1:
            ranked, places = chances.sort(dim=1, descending=True)
            ranked[ranked.cumsum(dim=1) - ranked >= self.top_p] = 0.0
            chances = torch.zeros_like(chances).scatter(1, places, ranked)
        return torch.multinomial(chances, 1, generator=self.draw)[:, 0].to(state.device)

    def likelihood(self, codes: Codes) -> Array:
        """Mean log-likelihood of a column, in nats, over a few orders, [rows]."""
        found = np.zeros(len(codes))
        orders = torch.Generator().manual_seed(0)
        for at in range(0, len(codes), _BATCH):
            told = torch.from_numpy(codes[at : at + _BATCH]).to(self.scorer.device)
            for _ in range(_ORDERS):
                self.check()
                order = torch.rand(told.shape, generator=orders).argsort(dim=1).to(self.scorer.device)
                with self.scorer.passing():
                    said = told.gather(1, order)
                    chances = chances_of(self.backbone, self.head, self.backbone(said, order), order)
                    own = chances.gather(2, (said + self.backbone.offsets[order]).unsqueeze(2))
                found[at : at + _BATCH] += own.mean(dim=(1, 2)).double().cpu().numpy() / _ORDERS
        return found


def _cache() -> Any:
    """Keys and values of the steps so far."""
    from transformers import DynamicCache

    made: Any = DynamicCache  # it has no types
    return made()
