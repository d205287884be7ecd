"""The scorer: a pure program from a batch of named columns and a model to the task's output columns."""

from mfgsql.scoring.cache import ModelCache
from mfgsql.scoring.device import choose_device, describe_devices
from mfgsql.scoring.scorer import RowStatus, Scored, Scorer

__all__ = ["ModelCache", "RowStatus", "Scored", "Scorer", "choose_device", "describe_devices"]
