"""Networks that turn encoded columns into hidden states. Each is one file, its config beside it."""

from mfgsql.backbones.columns import AdaptedConfig
from mfgsql.backbones.ensemble import EnsembleBackbone, EnsembleConfig
from mfgsql.backbones.grouping import Blocks
from mfgsql.backbones.mixed import MixedBackbone, MixedConfig
from mfgsql.backbones.rows import RowLanguage, RowsConfig
from mfgsql.backbones.series import SeriesBackbone, SeriesConfig
from mfgsql.backbones.tabular import TabularBackbone, TabularConfig

__all__ = [
    "AdaptedConfig",
    "Blocks",
    "EnsembleBackbone",
    "EnsembleConfig",
    "MixedBackbone",
    "MixedConfig",
    "RowLanguage",
    "RowsConfig",
    "SeriesBackbone",
    "SeriesConfig",
    "TabularBackbone",
    "TabularConfig",
]
