"""The verbs: for each a planner, and an action where it acts. One file a family."""

from mfgsql.engine.verbs import checking, judging, learning, managing, predicting, showing  # noqa: F401
