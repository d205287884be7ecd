"""Records of trainings in the tools that a team looks at already: one file a tracker."""

from mfgsql.training.tracking.tracking import Tracking, trackers

__all__ = ["Tracking", "trackers"]
