"""The tower over a text: any encoder that transformers knows, read in overlapping windows.

A text of more pieces than a network reads at a time is read in windows that overlap; the text as a whole is the mean of
its windows, and each piece has the state of the window in which it stands farthest from an end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from mfgsql.backbones.adapters import adapt_model, external_keys, frozen_model
from mfgsql.backbones.checkpoints import Checkpoint, empty_model
from mfgsql.backbones.folders import hidden_width
from mfgsql.backbones.states import States
from mfgsql.backbones.windows import Pieces, Windows

_WINDOW = 256  # pieces at a time, at most: attention grows with the square
_PIECES_CPU, _PIECES_GPU = 1_024, 65_536  # of a pass
_HELD = 2**31  # bytes that a step back may need of all passes, about
_NUMBERS = 34  # float32 that it needs of a piece for each layer and each feature of a hidden state, as measured


@dataclass(frozen=True)
class TextConfig:
    """Shape of the tower.

    Attributes:
        model: transformers' config, as JSON has it.
        prefix, suffix, pad, mask: special pieces, see `mfgsql.features.tokens.Tokenizer`.
        window, overlap: pieces read at a time, special ones included, and those that two windows share.
        source, sha256, licence: of a checkpoint in a folder, where the weights came from it.
        frozen: whether the checkpoint's weights stay as they are; then they are not saved but read from there again.
        hide: share of the pieces that are not shown while a task is learnt.
        learnt: whether it has learnt from much more than this table, wherever its weights lie now.
        cases: ways to write a piece that it is told, beside the piece; see `mfgsql.features.tokens.CASES`.
        adapter: options of LoRA, where that is what learns in a frozen one.
    """

    model: dict[str, Any]
    prefix: tuple[int, ...]
    suffix: tuple[int, ...]
    pad: int
    mask: int | None
    window: int = _WINDOW
    overlap: int = 32
    source: str | None = None
    sha256: str | None = None
    licence: str | None = None
    frozen: bool = False
    hide: float = 0.0
    learnt: bool = False
    cases: int = 0
    adapter: dict[str, Any] | None = None

    @property
    def causal(self) -> bool:
        """Whether a piece sees only those before it."""
        return self.mask is None

    @property
    def inner(self) -> int:
        """Pieces of a text that a window holds."""
        return self.window - len(self.prefix) - len(self.suffix)

    @classmethod
    def scratch(cls, pieces: int, prefix: tuple[int, ...], suffix: tuple[int, ...], pad: int, mask: int | None) -> Self:
        """A small network for a tokenizer of so many pieces: BERT's layers, or Llama's where there is no mask."""
        shared = {
            "vocab_size": pieces, "hidden_size": 128, "num_hidden_layers": 4, "num_attention_heads": 4,
            "intermediate_size": 512, "max_position_embeddings": _WINDOW, "pad_token_id": pad,
        }  # fmt: skip
        special = {"bos_token_id": prefix[0], "eos_token_id": suffix[0], "num_key_value_heads": 4}
        model = {"model_type": "bert", **shared} if mask is not None else {"model_type": "llama", **shared, **special}
        return cls(model, prefix, suffix, pad, mask, hide=0.3)

    @classmethod
    def of(cls, checkpoint: Checkpoint, *, frozen: bool, adapter: dict[str, Any] | None) -> Self:
        """The tower that a checkpoint's weights fit in."""
        assert checkpoint.vocabulary is not None, "a checkpoint of texts has one"
        of = checkpoint.vocabulary
        special = (of.prefix, of.suffix, of.pad, of.mask)
        origin = (str(checkpoint.path), checkpoint.sha256, checkpoint.licence)
        window = min(_WINDOW, checkpoint.longest or _WINDOW)
        size = (window, min(32, window // 4))
        return cls(checkpoint.config, *special, *size, *origin, frozen=frozen, adapter=adapter)

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Self:
        """The config that ``dataclasses.asdict`` saved as JSON."""
        return cls(**saved | {"prefix": tuple(saved["prefix"]), "suffix": tuple(saved["suffix"])})


class TextTower(nn.Module):
    """Texts to hidden states."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.config = config
        external = config.frozen and config.source
        self.model: Any = frozen_model(external, config.sha256) if external else empty_model(config.model)
        adapt_model(self.model, frozen=config.frozen, adapter=config.adapter)
        if config.cases:  # nothing at first: a base goes on from what it knows
            self.cases = nn.Embedding(config.cases, self.embeddings.shape[1])
            nn.init.zeros_(self.cases.weight)

    @property
    def width(self) -> int:
        """Of a hidden state."""
        return hidden_width(self.config.model)

    @property
    def embeddings(self) -> Tensor:
        """Vectors of the pieces, [pieces, width of an embedding]."""
        weight: Tensor = self.model.get_input_embeddings().weight
        return weight

    @property
    def pieces(self) -> int:
        """Of a pass of the network, at most, and special ones included."""
        most = _PIECES_CPU if self.embeddings.device.type == "cpu" else _PIECES_GPU
        return min(most, self._fitting) if torch.is_grad_enabled() else most

    @property
    def _fitting(self) -> int:
        """Pieces of which all can be held that a step back needs."""
        layers = int(getattr(self.model.config, "num_hidden_layers", 12))
        return max(1, _HELD // (4 * _NUMBERS * layers * self.width))

    def heavy(self, windows: Windows) -> bool:
        """Whether what a step back needs of all windows would fill the memory."""
        return torch.is_grad_enabled() and int(windows.size.sum()) > self._fitting

    def external(self) -> set[str]:
        """Names of the weights that stay in the checkpoint's folder."""
        return external_keys(self) if self.config.frozen and self.config.source else set()

    def forward(self, texts: Pieces, *, parts: bool = False) -> States:
        """Hidden states of texts; those without a piece have the state of an empty text.

        Args:
            parts: whether the states of the pieces are wanted, ``[n, pieces of the longest, width]``.
        """
        windows = Windows(texts, self.config)
        heavy = self.heavy(windows)
        order, whole, places, pieces = [], [], [], []
        for chosen, ids, mask in windows.passes(self.pieces):
            inside = windows.inside(chosen, ids.shape[1])
            cases = windows.cases(chosen, ids.shape[1]) if self.config.cases else None
            states = self.encode(self._shown(ids, inside), mask, cases, again=heavy).float()
            order.append(chosen)
            whole.append(self._whole(states, inside))
            if parts:
                own, at = windows.own(chosen, ids.shape[1])
                places.append(at)
                pieces.append(states[own.to(states.device)])
        none = self.embeddings.new_zeros(0, self.width, dtype=torch.float32)
        pooled = windows.mean(_put_back(torch.cat([none[:, None].expand(0, 2, -1), *whole]), order))
        told = _put_back(torch.cat([none, *pieces]), places) if parts else None
        return States(pooled, *windows.rows(told, pooled))

    def _shown(self, ids: Tensor, inside: Tensor) -> Tensor:
        """The pieces, in training without some: a network that knows no language learns texts by heart."""
        mask = self.config.mask
        if not self.training or not self.config.hide or mask is None:
            return ids
        return torch.where(inside & (torch.rand(ids.shape) < self.config.hide), mask, ids)

    def _whole(self, states: Tensor, inside: Tensor) -> Tensor:
        """Of windows the state at their beginning and the mean of their pieces', ``[windows, 2, width]``.

        A window of no piece has no mean; what stands for it is its beginning. A piece that sees only those before it
        can't speak for all at the beginning; there the mean stands for that.
        """
        inside = inside.to(states.device)
        mean = torch.einsum("nlw,nl->nw", states, inside.to(states.dtype)) / inside.sum(1, keepdim=True).clamp(min=1)
        mean = torch.where(inside.any(1, keepdim=True), mean, states[:, 0])
        return torch.stack([mean if self.config.causal else states[:, 0], mean], dim=1)

    def encode(self, ids: Tensor, mask: Tensor, cases: Tensor | None = None, *, again: bool = False) -> Tensor:
        """States of whole windows, ``[windows, pieces, width]``.

        Args:
            ids, mask, cases: on the CPU. again: whether the pass is made once more for a step back, so that nothing is
                held of it (Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016).
        """
        device = self.embeddings.device
        told = (ids.to(device), mask.to(device), None if cases is None else cases.to(device))
        states: Tensor = checkpoint(self._pass, *told, use_reentrant=False) if again else self._pass(*told)
        return states

    def _pass(self, ids: Tensor, mask: Tensor, cases: Tensor | None) -> Tensor:
        shown: dict[str, Tensor] = {"input_ids": ids}
        if cases is not None:
            shown = {"inputs_embeds": self.model.get_input_embeddings()(ids) + self.cases(cases)}
        states: Tensor = self.model(**shown, attention_mask=mask).last_hidden_state
        return states


def _put_back(values: Tensor, places: list[Tensor]) -> Tensor:
    """Rows in the order of the places that they came from."""
    back = torch.argsort(torch.cat([torch.empty(0, dtype=torch.long), *places]))
    return values[back.to(values.device)]
