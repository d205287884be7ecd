"""Networks that turn encoded columns into hidden states. Each is one file, registered under its name."""

from mfgsql.backbones.tabular import TabularBackbone, TabularConfig

__all__ = ["TabularBackbone", "TabularConfig"]
