"""Where the trackers of an engine keep their records."""

from __future__ import annotations

from pathlib import Path

from mfgsql.engine.engine import Engine
from mfgsql.errors import OptionError
from mfgsql.training.tracking import Tracking


def tracking_of(engine: Engine) -> Tracking:
    """The trackers that the settings name, for one training.

    Raises:
        OptionError: an unknown one, or no folder that would outlive the session.
        MissingExtraError: a package is not installed.
    """
    settings = engine.settings
    if not settings.track:
        return Tracking((), Path())
    if settings.track_dir:
        return Tracking(settings.track, Path(settings.track_dir).expanduser().resolve())
    if engine.path is None:
        raise OptionError(
            "A database in memory leaves no folder behind, so what is tracked would be lost.",
            remedy="Name one: connect(track_dir='runs'), or MFGSQL_TRACK_DIR=runs.",
        )
    return Tracking(settings.track, engine.folder / "tracking")
