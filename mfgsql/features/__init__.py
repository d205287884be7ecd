"""From table columns to numbers: one encoder per kind of column, fixed when a model is fitted.

An encoder reads a column's profile and either accepts it or rejects it with a reason. It then turns Arrow
arrays into channels (float32) or codes (int64) and says which rows it distrusts. Nothing here knows a
database or a network.
"""

from mfgsql.features.cases import Cases
from mfgsql.features.encoders import Column, Encoder, Flag, Rejection
from mfgsql.features.featureset import Batch, FeatureSet
from mfgsql.features.grid import Grid
from mfgsql.features.histories import History, Track
from mfgsql.features.leaks import Leak, find_leaks
from mfgsql.features.profile import ColumnProfile, is_numeric_type

__all__ = [
    "Batch",
    "Cases",
    "Column",
    "ColumnProfile",
    "Encoder",
    "FeatureSet",
    "Flag",
    "Grid",
    "History",
    "Leak",
    "Rejection",
    "Track",
    "find_leaks",
    "is_numeric_type",
]
