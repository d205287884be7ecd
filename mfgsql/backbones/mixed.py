"""Rows that hold texts or pictures: a tower for each of the two, and a trunk over all columns.

The trunk is the transformer over a row's columns; a text or picture comes into it as two more tokens. Where a row has
none, or where it is hidden in training, a vector stands that says so: what is left then has to tell. A text or a
picture that is the only column needs no trunk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from mfgsql.backbones.adapters import take_weights
from mfgsql.backbones.checkpoints import Checkpoint, load_model
from mfgsql.backbones.columns import AdaptedConfig
from mfgsql.backbones.filters import FilterBank, FilterConfig
from mfgsql.backbones.image import ImageConfig, ImageTower
from mfgsql.backbones.states import States
from mfgsql.backbones.tabular import TabularBackbone, TabularConfig
from mfgsql.backbones.text import TextConfig, TextTower

_PICTURES = 64  # of a pass that learns nothing
_HIDDEN = 0.15  # share of texts and pictures that a trunk is not shown in training


@dataclass(frozen=True)
class MixedConfig(AdaptedConfig):
    """Shape of the network.

    Attributes:
        texts, images: names of those columns, in order. text, image: the towers; all texts share one, as all pictures.
        width, layers, heads, expansion, dropout: of the trunk, as of `TabularConfig`.
    """

    kind: ClassVar[str] = "mixed"
    groups: ClassVar[int] = 1
    texts: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    text: TextConfig | None = None
    image: ImageConfig | FilterConfig | None = None
    width: int = 96
    layers: int = 2
    heads: int = 4
    expansion: float = 2.0
    dropout: float = 0.1

    @property
    def fields(self) -> list[str]:
        """Names of texts and pictures, as a batch has them."""
        return [*self.texts, *self.images]

    @property
    def columns(self) -> list[str]:
        """Names of all columns."""
        return [*super().columns, *self.fields]

    @property
    def alone(self) -> bool:
        """Whether there is one column only, a text or a picture."""
        return self.columns == self.fields and len(self.fields) == 1

    @property
    def trunk(self) -> TabularConfig:
        """Shape of the trunk."""
        of = (self.width, self.layers, self.heads, self.expansion, self.dropout)
        return TabularConfig(self.continuous, self.categorical, *of)

    @property
    def row_floats(self) -> int:
        """Numbers that a row's pass of the trunk holds; towers make passes of their own."""
        return self.width * (1 + len(self.columns) + len(self.fields))

    @property
    def work(self) -> int:
        """Multiply-adds of one row's way through the trunk."""
        return self.trunk.work

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Self:
        """The config that ``dataclasses.asdict`` saved as JSON."""
        pairs = {k: tuple((n, s) for n, s in saved[k]) for k in ("continuous", "categorical")}
        names = {k: tuple(saved[k]) for k in ("texts", "images")}
        towers = {
            "text": TextConfig.from_dict(saved["text"]) if saved["text"] else None,
            "image": _image_config(saved["image"]),
        }
        return cls(**saved | pairs | names | towers)


class MixedBackbone(nn.Module):
    """Rows to hidden states ``[rows, tokens, width]``."""

    def __init__(self, config: MixedConfig) -> None:
        super().__init__()
        self.config = config
        self.text = TextTower(config.text) if config.text else None
        self.image = _image_tower(config.image)
        widths = self.widths
        self.missing = nn.ParameterList(0.02 * torch.randn(2, self.width_of(width)) for width in widths)
        if config.alone:
            return
        self.trunk = TabularBackbone(config.trunk)
        self.lifts = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(width), nn.Linear(width, config.width)) for width in widths
        )
        self.names = nn.Parameter(0.02 * torch.randn(len(widths), 2, config.width))

    def _tower(self, name: str) -> TextTower | ImageTower | FilterBank:
        tower = self.text if name in self.config.texts else self.image
        assert tower is not None, "a column has the tower of its kind"
        return tower

    def width_of(self, tower: int) -> int:
        """Width of what a text or picture comes in as, of a tower of that width."""
        return tower if self.config.alone else self.config.width

    @property
    def widths(self) -> list[int]:
        """Of the states of each text or picture by itself."""
        return [self._tower(name).width for name in self.config.fields]

    @property
    def width(self) -> int:
        """Of a hidden state."""
        return self.width_of(self._tower(self.config.fields[0]).width)

    def forward(self, continuous: Tensor, codes: Tensor, fields: Sequence[Any], *, parts: bool = False) -> States:
        """Hidden states; ``pooled`` is all tokens of the trunk, the first of them [CLS].

        Args:
            continuous, codes: as `TabularBackbone` takes them. fields: texts and pictures, in the order of the config.
            parts: whether the pieces of the only text, or the patches of the only picture, are wanted: ``parts`` is
                then the state of the whole, and theirs.
        """
        if self.config.alone:
            return self._alone(fields[0], parts)
        more, alone = [], []
        for number, (name, field) in enumerate(zip(self.config.fields, fields, strict=True)):
            shown = self._shown(field)
            alone.append(self.states(name, shown).pooled)
            more.append(self.tokens(number, alone[-1], shown.there))
        hidden = self.trunk(continuous, codes, more=torch.cat(more, dim=1))
        return States(hidden, hidden, hidden.new_ones(hidden.shape[:2], dtype=torch.bool), alone=tuple(alone))

    def tokens(self, number: int, pooled: Tensor, there: Tensor) -> Tensor:
        """What a text or picture, the column of that number among them, comes into the trunk as, [n, 2, width].

        Args:
            pooled: what its tower says, [n, 2, width of the tower]. there: which rows have one, bool [n].
        """
        lifted = self.lifts[number](pooled)
        there = there.to(lifted.device)[:, None, None]
        return torch.where(there, lifted, self.missing[number]) + self.names[number]

    def _alone(self, field: Any, parts: bool) -> States:
        """Of the only column."""
        seen = self.states(self.config.fields[0], field, parts=parts)
        there = field.there.to(seen.pooled.device)[:, None, None]
        pooled = torch.where(there, seen.pooled, self.missing[0])
        if not parts:
            return States(pooled, pooled, pooled.new_ones(pooled.shape[:2], dtype=torch.bool))
        mask = torch.cat([seen.mask.new_ones(len(field), 1), seen.mask], dim=1)
        return States(pooled, torch.cat([pooled[:, :1], seen.parts], dim=1), mask, seen.grid)

    def states(self, name: str, field: Any, *, parts: bool = False) -> States:
        """What the tower says of one column of texts or pictures; zeros of rows that have none.

        Args:
            parts: whether the states of pieces or patches are wanted.
        """
        there = field.there
        if bool(there.all()):
            return self._seen(name, field, parts)
        seen = self._seen(name, field[there], parts)
        rows = there.nonzero().squeeze(1).to(seen.pooled.device)
        each = (seen.pooled, seen.parts, seen.mask)
        pooled, told, mask = (t.new_zeros(len(field), *t.shape[1:]).index_copy(0, rows, t) for t in each)
        return States(pooled, told, mask, seen.grid)

    def _seen(self, name: str, field: Any, parts: bool) -> States:
        if name in self.config.texts:
            assert self.text is not None, "a column has the tower of its kind"
            read: States = self.text(field, parts=parts)
            return read
        assert self.image is not None, "a column has the tower of its kind"
        size = len(field) if torch.is_grad_enabled() else _PICTURES
        passes = [self.image(field.pixels[i : i + size]) for i in range(0, max(len(field), 1), max(size, 1))]
        pooled = torch.cat([seen.pooled for seen in passes])
        if not parts:
            return States(pooled, pooled[:, :0], pooled.new_zeros(len(pooled), 0, dtype=torch.bool))
        told, mask = (torch.cat([getattr(seen, name) for seen in passes]) for name in ("parts", "mask"))
        return States(pooled, told, mask, passes[0].grid)

    def _shown(self, field: Any) -> Any:
        if not self.training:
            return field
        return field.without(torch.rand(len(field)) < _HIDDEN)

    def maps(self, pixels: Tensor) -> Tensor:
        """Features of places of pictures uint8 [n, channels, height, width], ``[n, d, grid rows, grid columns]``."""
        assert self.image is not None, "the column is of pictures"
        seen: Tensor = self.image.maps(pixels)
        return seen

    def external(self) -> set[str]:
        """Names of the weights that stay in a checkpoint's folder."""
        towers = {"text": self.text, "image": None if isinstance(self.image, FilterBank) else self.image}
        return {f"{name}.{key}" for name, tower in towers.items() if tower is not None for key in tower.external()}

    @torch.no_grad()
    def adopt(self, base: MixedBackbone | TabularBackbone) -> list[str]:
        """Copy what ``base`` has learnt: towers of the same shape, and the trunk's columns.

        Returns:
            Names of the columns that ``base`` knew.
        """
        if isinstance(base, TabularBackbone):
            return [] if self.config.alone else self.trunk.adopt(base)
        shared: list[str] = []
        for mine, theirs, names in (
            (self.text, base.text, self.config.texts),
            (self.image, base.image, self.config.images),
        ):
            if _take(mine, theirs):
                shared += names
        if not self.config.alone and not base.config.alone and self.config.trunk.width == base.config.trunk.width:
            shared += self.trunk.adopt(base.trunk)
            self._adopt_lifts(base)
        return shared

    @torch.no_grad()
    def load(self, checkpoint: Checkpoint) -> list[str]:
        """Copy the weights of a checkpoint into the tower of its kind; names of the columns that it reads."""
        of_text = checkpoint.modality == "text"
        tower, names = (self.text, self.config.texts) if of_text else (self.image, self.config.images)
        assert isinstance(tower, TextTower | ImageTower), "a checkpoint is a base of columns of its kind"
        if not tower.external():
            take_weights(tower.model, load_model(checkpoint))
        return list(names)

    def _adopt_lifts(self, base: MixedBackbone) -> None:
        known = [name.lower() for name in base.config.fields]
        for number, name in enumerate(self.config.fields):
            if name.lower() in known:
                old = known.index(name.lower())
                self.lifts[number].load_state_dict(base.lifts[old].state_dict())
                self.missing[number].copy_(base.missing[old])
                self.names[number].copy_(base.names[old])


def _take(mine: nn.Module | None, theirs: nn.Module | None) -> bool:
    """Copy the weights of a tower, where it has the same network; whether that is so."""
    if not isinstance(mine, TextTower | ImageTower) or not isinstance(theirs, TextTower | ImageTower):
        return False
    if mine.config.model != theirs.config.model:
        return False
    take_weights(mine.model, theirs.model)
    if isinstance(mine, TextTower) and isinstance(theirs, TextTower) and mine.config.cases and theirs.config.cases:
        mine.cases.load_state_dict(theirs.cases.state_dict())
    return True


def _image_config(saved: dict[str, Any] | None) -> ImageConfig | FilterConfig | None:
    """As JSON has it."""
    if saved is None:
        return None
    return FilterConfig.from_dict(saved) if "levels" in saved else ImageConfig.from_dict(saved)


def _image_tower(config: ImageConfig | FilterConfig | None) -> ImageTower | FilterBank | None:
    if config is None:
        return None
    return FilterBank(config) if isinstance(config, FilterConfig) else ImageTower(config)
