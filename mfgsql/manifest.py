"""All that a model is besides its weights: what it reads and predicts, its shape, and how it came about."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from mfgsql.backbones import EnsembleConfig, MixedConfig, RowsConfig, SeriesConfig, TabularConfig
from mfgsql.errors import CatalogError
from mfgsql.features import Cases, FeatureSet, Grid, History
from mfgsql.tasks import Target

# 1 knew the transformer only, 2 no histories, 3 no texts, no pictures, 4 no forecasts, 5 no designs and no processes,
# 6 no adapters of groups
FORMAT_VERSION = 7
Config = TabularConfig | EnsembleConfig | SeriesConfig | MixedConfig | RowsConfig
_KNOWN: tuple[type[Config], ...] = (TabularConfig, EnsembleConfig, SeriesConfig, MixedConfig, RowsConfig)
_CONFIGS = {c.kind: c for c in _KNOWN}


@dataclass(frozen=True)
class Manifest:
    """All that a model is besides its weights.

    Attributes:
        task: name of a supervised task, or None for a base.
        objective: what a base was trained by, or None.
        target: what is predicted, or None.
        features: encoders of the columns.
        backbone: shape of the network.
        calibration: what rows not trained on taught about errors.
        lineage: snapshot hash, SQL, seed, recipe, library versions, threads, device; interactions of columns found.
        history: how it reads histories; None: it reads rows. grid: how it reads series that it forecasts.
        cases: how it reads events of a process, of which it makes histories.
    """

    task: str | None
    objective: str | None
    target: Target | None
    features: FeatureSet
    backbone: Config
    calibration: dict[str, Any] = field(default_factory=dict)
    lineage: dict[str, Any] = field(default_factory=dict)
    history: History | None = None
    grid: Grid | None = None
    cases: Cases | None = None

    def to_json(self) -> str:
        """Canonical JSON."""
        saved = {
            "format_version": FORMAT_VERSION,
            "task": self.task,
            "objective": self.objective,
            "target": self.target.to_dict() if self.target else None,
            "features": self.features.to_list(),
            "backbone": {"kind": self.backbone.kind, **asdict(self.backbone)},
            "calibration": self.calibration,
            "lineage": self.lineage,
            "history": self.history.to_dict() if self.history else None,
            "grid": self.grid.to_dict() if self.grid else None,
            "cases": self.cases.to_dict() if self.cases else None,
        }
        return json.dumps(saved, sort_keys=True, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """What `to_json` wrote.

        Raises:
            CatalogError: written by a newer release, or damaged.
        """
        try:
            saved = json.loads(text)
            version = saved["format_version"]
        except (ValueError, KeyError, TypeError) as error:
            raise CatalogError("The model's manifest is damaged.") from error
        if version > FORMAT_VERSION:
            raise CatalogError(
                f"The model has format {version}; this release reads up to {FORMAT_VERSION}.",
                remedy="pip install --upgrade mfgsql",
            )
        shape = dict(saved["backbone"])
        kind = shape.pop("kind", TabularConfig.kind)
        if kind not in _CONFIGS:
            raise CatalogError(f"The model's manifest is damaged: there is no backbone {kind!r}.")
        config = _CONFIGS[kind]
        return cls(
            saved["task"],
            saved["objective"],
            Target.from_dict(saved["target"]) if saved["target"] else None,
            FeatureSet.from_list(saved["features"]),
            config.from_dict(shape),
            saved["calibration"],
            saved["lineage"],
            History.from_dict(saved["history"]) if saved.get("history") else None,
            Grid.from_dict(saved["grid"]) if saved.get("grid") else None,
            Cases.from_dict(saved["cases"]) if saved.get("cases") else None,
        )
