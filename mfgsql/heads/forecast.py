"""From a window's hidden states and what is known of the steps to come to a distribution for each of these."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_WORD = 4  # numbers that a category becomes
_SHARE = 8  # numbers of the window that each step to come is told
_NARROW = -1.5  # before softplus: how far quantiles lie apart at first


class ForecastHead(nn.Module):
    """Mean and quantiles of each step to come, in the window's deviations.

    A linear map of the window (Zeng et al., "Are Transformers Effective for Time Series Forecasting?", AAAI 2023) tells
    what repeats itself; the states tell what else there is, and how sure it is; what is known of a step to come is read
    beside them (Das et al., "Long-term Forecasting with TiDE", TMLR 2023). Quantiles are the middle one and steps away
    from it that are never negative, so that they can't cross (Park et al., "Learning Quantile Functions without
    Quantile Crossing", AISTATS 2022).

    Args:
        width, patches: of the states. window, horizon: steps of each. levels: how many quantiles; the middle one is
            the median. channels: that are told of a step, the target first; the extra ones behind them are not
            counted. codes: values of each categorical column.
    """

    offsets: Tensor

    def __init__(
        self,
        width: int,
        patches: int,
        *,
        window: int,
        horizon: int,
        levels: int,
        channels: int = 1,
        codes: Sequence[int] = (),
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.window, self.horizon, self.channels, self.categorical = window, horizon, channels, bool(codes)
        outputs = 1 + levels
        self.linear = nn.Linear(window, horizon)
        self.drop = nn.Dropout(dropout)
        self.hidden = nn.Linear(patches * width + 1, 2 * width)
        self.out = nn.Linear(2 * width, horizon * outputs)
        self.words = nn.Parameter(0.5 * torch.randn(sum(codes), _WORD))
        starts = torch.tensor([0, *codes]).cumsum(0)[:-1]
        self.register_buffer("offsets", starts, persistent=False)
        told = 2 * (channels - 1) + _WORD * len(codes)
        self.share = nn.Linear(2 * width, horizon * _SHARE) if told else None
        last = nn.Linear(width, outputs)
        self.beside = nn.Sequential(nn.Linear(told + _SHARE, width), nn.GELU(), last) if told else None
        for layer in (self.linear, self.out, last):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        with torch.no_grad():
            self.out.bias.view(horizon, outputs)[:, 2:] = _NARROW

    @torch.no_grad()
    def begin(self, season: int | None) -> None:
        """Say at first what was so many steps ago; None: the window's mean."""
        self.linear.weight.zero_()
        if season is not None:
            steps = torch.arange(self.horizon)
            self.linear.weight[steps, self.window - season + steps % season] = 1.0

    def forward(self, states: Tensor, continuous: Tensor, codes: Tensor) -> Tensor:
        """Mean and quantiles, ``[n, horizon * (1 + levels)]``.

        Args:
            states: [n, patches, width]. continuous: [n, window + horizon, channels + extra]. codes: of the same steps.
        """
        window = self.window
        level = continuous[:, window - 1, -1:]
        context = F.gelu(self.hidden(torch.cat([self.drop(states.flatten(1)), level], dim=1)))
        said: Tensor = self.out(context).view(len(states), self.horizon, -1)
        if self.share is not None and self.beside is not None:
            share = self.share(context).view(len(states), self.horizon, _SHARE)
            said = said + self.beside(torch.cat([share, self._told(continuous[:, window:], codes[:, window:])], dim=-1))
        middle = self.linear(continuous[:, :window, 0].nan_to_num(0.0))
        return _in_order(said, middle).flatten(1)

    def _told(self, continuous: Tensor, codes: Tensor) -> Tensor:
        """What is known of the steps to come: values, whether they are known, and words."""
        values = continuous[..., 1 : self.channels]
        parts = [values.nan_to_num(0.0), values.isnan().to(values.dtype)]
        if self.categorical:
            parts.append(F.embedding(codes + self.offsets, self.words).flatten(2))
        return torch.cat(parts, dim=-1)


def _in_order(said: Tensor, middle: Tensor) -> Tensor:
    """Mean, then quantiles that rise, ``[n, horizon, 1 + levels]``."""
    mean, median = middle + said[..., 0], middle + said[..., 1]
    apart = F.softplus(said[..., 2:])
    half = apart.shape[-1] // 2
    below = apart[..., :half].flip(-1).cumsum(-1).flip(-1)
    above = apart[..., half:].cumsum(-1)
    quantiles = [median[..., None] - below, median[..., None], median[..., None] + above]
    return torch.cat([mean[..., None], *quantiles], dim=-1)
