"""Data in: what ``mfgsql load`` calls. Files of any common kind become one table, all rows or none."""

from mfgsql.engine.loading.load import load
from mfgsql.engine.loading.options import Loaded, LoadOptions, Pivot

__all__ = ["LoadOptions", "Loaded", "Pivot", "load"]
