"""The trainer: a pure program from a snapshot and a spec to a model. It knows no database."""

from mfgsql.training.learn import Learned, learn
from mfgsql.training.monitor import Monitor
from mfgsql.training.recipe import Recipe
from mfgsql.training.snapshot import Snapshot
from mfgsql.training.spec import TrainSpec

__all__ = ["Learned", "Monitor", "Recipe", "Snapshot", "TrainSpec", "learn"]
