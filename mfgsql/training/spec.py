"""What to train: everything but the rows, as JSON can hold it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from mfgsql.backbones import AdaptedConfig, EnsembleConfig, MixedConfig, RowsConfig, SeriesConfig, TabularConfig
from mfgsql.backbones.filters import FilterConfig
from mfgsql.backbones.image import ImageConfig
from mfgsql.backbones.text import TextConfig
from mfgsql.features import Cases, FeatureSet, Grid, History
from mfgsql.features.categorical import FIRST
from mfgsql.features.featureset import FIELDS
from mfgsql.features.histories import EXTRA
from mfgsql.features.panel import EXTRA as EXTRA_OF_STEPS
from mfgsql.manifest import Config, Manifest
from mfgsql.tasks import Target
from mfgsql.training.recipe import Recipe


@dataclass(frozen=True)
class TrainSpec:
    """A supervised task or a self-supervised objective, over given features.

    Attributes:
        features: encoders of the columns, fixed.
        recipe: how to train.
        task, target: what to predict; or
        objective: what a base is trained by.
        weight: column of row weights, or None.
        history: how histories are read; None: rows are.
        grid: how series that are forecast are read.
        level: share of normal rows that a detector may take for anomalies; None: the usual one. span: rows over which
            it smooths.
        text, image: the towers over texts and pictures, where there are such columns.
        cases: of a process, how its events are read.
        pair: column of the texts that belong to those of the only feature, where pairs are learnt from.
        costs: of mistakes, as `mfgsql.decision.Costs` has them, or None.
    """

    features: FeatureSet
    recipe: Recipe
    task: str | None = None
    target: Target | None = None
    objective: str | None = None
    weight: str | None = None
    costs: dict[str, float] | None = None
    history: History | None = None
    level: float | None = None
    span: int = 0
    text: TextConfig | None = None
    image: ImageConfig | FilterConfig | None = None
    pair: str | None = None
    grid: Grid | None = None
    cases: Cases | None = None

    def manifest(self, base: Manifest | None, lineage: dict[str, Any]) -> Manifest:
        """The manifest of a model of this spec; a base gives its shape."""
        columns, recipe = self.features.columns, self.recipe
        continuous = tuple((c.name, c.size) for c in columns if c.continuous)
        categorical = tuple((c.name, c.size) for c in columns if c.categorical and not c.chooses)
        shape: Config
        if self.text is not None or self.image is not None:
            texts, images = (tuple(self.features.fields(kind)) for kind in FIELDS)
            of = (recipe.width, recipe.layers, recipe.heads)
            if base is not None and isinstance(base.backbone, MixedConfig | TabularConfig):
                of = (base.backbone.width, base.backbone.layers, base.backbone.heads)
            towers = (texts, images, self.text, self.image)
            shape = MixedConfig(continuous, categorical, *towers, *of, dropout=recipe.dropout)
        elif base is not None:
            told = self._channels() if self.grid else continuous
            shape = replace(base.backbone, continuous=told, categorical=categorical, dropout=recipe.dropout)
            if isinstance(shape, SeriesConfig):
                shape = replace(shape, groups=recipe.members if self.grid else recipe.folds)
        elif self.grid is not None:
            size = (self.grid.window, self.grid.patch, 0, EXTRA_OF_STEPS, recipe.members)
            of = (recipe.width, recipe.layers, recipe.heads)
            shape = SeriesConfig(self._channels(), categorical, *size, *of, dropout=recipe.dropout)
        elif self.history is not None:
            size = (self.history.window, self.history.patch, self.history.memory, EXTRA, recipe.folds)
            of = (recipe.width, recipe.layers, recipe.heads)
            shape = SeriesConfig(continuous, categorical, *size, *of, dropout=recipe.dropout)
        elif recipe.backbone == EnsembleConfig.kind:
            members = (recipe.folds, recipe.members, recipe.width, recipe.layers)
            shape = EnsembleConfig(continuous, categorical, *members, dropout=recipe.dropout)
        elif recipe.backbone == RowsConfig.kind:
            ordinal = tuple(e.column.name for e in self.features.encoders if e.kind == "binned")
            of = (recipe.width, recipe.layers, recipe.heads)
            single = self.features.single
            shape = RowsConfig(continuous, categorical, ordinal, FIRST, single, *of, dropout=recipe.dropout)
        else:
            shape = TabularConfig(
                continuous, categorical, recipe.width, recipe.layers, recipe.heads, dropout=recipe.dropout
            )
        if isinstance(shape, AdaptedConfig):
            shape = self._adapted(shape)
        return Manifest(
            self.task, self.objective, self.target, self.features, shape, lineage=lineage, history=self.history,
            grid=self.grid, cases=self.cases,
        )  # fmt: skip

    def _adapted(self, shape: TabularConfig | SeriesConfig | MixedConfig) -> Config:
        """The shape with the adapters that are asked for: towers have theirs, and groups one more than there are."""
        group, recipe = self.features.group, self.recipe
        lora = recipe.rank if recipe.adapter == "lora" and not isinstance(shape, MixedConfig) else 0
        own = (1 + len(group.own), recipe.rank) if group else (0, 0)
        return replace(shape, lora=lora, own=own[0], own_rank=own[1])

    def _channels(self) -> tuple[tuple[str, int], ...]:
        """What is told of each step: the target, the features, the calendar."""
        assert self.grid is not None
        features = tuple((c.name, c.size) for c in self.features.columns if c.continuous)
        calendar = (("calendar", self.grid.channels),) if self.grid.channels else ()
        return (("target", 1), *features, *calendar)
