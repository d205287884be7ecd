"""The verbs: for each a planner, and an action where it acts. One file a family; each registers itself."""

from importlib import import_module

_FAMILIES = (
    "adapting", "allocating", "capability", "charting", "checking", "comparing", "curves", "detecting",
    "distilling", "drifting", "drivers", "flowing", "forecasting", "generating", "happening", "importance", "improving",
    "judging", "labelling", "learning", "maintaining", "managing", "ordering", "predicting", "promoting",
    "queueing", "recommending", "searching", "showing", "spanning", "supplying", "tuning",
)  # fmt: skip


def load() -> None:
    """Import all of them, and torch with them: seconds, which plain SQL need not wait for."""
    for family in _FAMILIES:
        import_module(f"{__name__}.{family}")
