"""What a base learns from texts without labels, and what one learns from pairs of texts."""

from __future__ import annotations

from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mfgsql.backbones import MixedBackbone
from mfgsql.backbones.text import TextTower
from mfgsql.backbones.windows import Windows
from mfgsql.heads import LanguageHead
from mfgsql.registry import Registry

EMBEDDING, CONTRASTIVE = "embedding", "contrastive"  # a task without a target of rows, and its objective
_TEMPERATURE = 0.05
_SHOWN, _OTHER = 0.1, 0.1  # shares of the pieces asked for that are shown as they are, or replaced by others


class FieldObjective(Protocol):
    """An objective over one column of texts or of pictures."""

    def __call__(self, backbone: MixedBackbone, head: nn.Module, field: Any, truth: Any, mask_ratio: float) -> Tensor:
        """Mean loss of a batch of at least one row.

        Args:
            field: texts or pictures, none of them missing. truth: what the second column of pairs holds.
        """


text_objectives: Registry[FieldObjective] = Registry("objective")


@text_objectives.register("masked")
def masked(backbone: MixedBackbone, head: nn.Module, field: Any, truth: Any, mask_ratio: float) -> Tensor:
    """Hide pieces of a text, and tell them from the others (Devlin et al., "BERT", NAACL 2019)."""
    tower = _tower(backbone)
    windows = Windows(field, tower.config)
    heavy = tower.heavy(windows)
    hidden, wanted = [], []
    for chosen, ids, attended in windows.passes(tower.pieces):
        asked = windows.inside(chosen, ids.shape[1]) & (torch.rand(ids.shape) < mask_ratio)
        states = tower.encode(_disguised(ids, asked, tower), attended, again=heavy)
        hidden.append(states[asked.to(states.device)])
        wanted.append(ids[asked])
    return _loss(tower, head, hidden, wanted)


def _disguised(ids: Tensor, asked: Tensor, tower: TextTower) -> Tensor:
    """Pieces as they are shown: most of those asked for are hidden."""
    mask = tower.config.mask
    assert mask is not None, "an encoder's tokenizer has a mask"
    how, other = torch.rand(ids.shape), torch.randint(0, len(tower.embeddings), ids.shape)
    shown = torch.where(asked & (how >= _SHOWN + _OTHER), mask, ids)
    return torch.where(asked & (how < _OTHER), other, shown)


@text_objectives.register("autoregressive")
def autoregressive(backbone: MixedBackbone, head: nn.Module, field: Any, truth: Any, mask_ratio: float) -> Tensor:
    """Tell each piece from those before it, and the end of the text (GPT's objective)."""
    tower = _tower(backbone)
    windows = Windows(field, tower.config)
    heavy = tower.heavy(windows)
    hidden, wanted = [], []
    for _, ids, attended in windows.passes(tower.pieces):
        states = tower.encode(ids, attended, again=heavy)
        told = attended[:, 1:].bool()
        hidden.append(states[:, :-1][told.to(states.device)])
        wanted.append(ids[:, 1:][told])
    return _loss(tower, head, hidden, wanted)


@text_objectives.register(CONTRASTIVE)
def contrastive(backbone: MixedBackbone, head: nn.Module, field: Any, truth: Any, mask_ratio: float) -> Tensor:
    """Of the texts of a batch tell the one that belongs to a text (Henderson et al., "Efficient Natural Language
    Response Suggestion for Smart Reply", 2017; Reimers & Gurevych, "Sentence-BERT", EMNLP 2019).

    Equal texts in a batch are no wrong answers of one another.
    """
    tower = _tower(backbone)
    ours, theirs = embed(tower, field), embed(tower, truth)
    own = torch.arange(len(ours))
    same = _numbers(truth)
    wrong = (same[:, None] == same) & (own[:, None] != own)
    scores = (ours @ theirs.T / _TEMPERATURE).float().masked_fill(wrong.to(ours.device), -torch.inf)
    return F.cross_entropy(scores, own.to(scores.device))


def embed(tower: TextTower, texts: Any) -> Tensor:
    """Texts as vectors of length one, the means of their pieces' states, [n, width]."""
    return F.normalize(tower(texts).pooled[:, 1], dim=-1)


def _numbers(texts: Any) -> Tensor:
    """A number for each text, of equal texts the same, [n]."""
    known: dict[tuple[int, ...], int] = {}
    each = zip(texts.starts.tolist(), texts.lengths.tolist(), strict=True)
    pieces = (tuple(texts.flat[start : start + length].tolist()) for start, length in each)
    return torch.tensor([known.setdefault(one, len(known)) for one in pieces])


def _tower(backbone: MixedBackbone) -> TextTower:
    assert backbone.text is not None, "the objective is of texts"
    return backbone.text


def _loss(tower: TextTower, head: nn.Module, hidden: list[Tensor], wanted: list[Tensor]) -> Tensor:
    assert isinstance(head, LanguageHead), "the head of such objectives"
    states, pieces = torch.cat(hidden), torch.cat(wanted).to(tower.embeddings.device)
    loss: Tensor = head.loss(states.float(), tower.embeddings, pieces)
    return loss
