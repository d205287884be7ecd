"""What is learnt: a task joins a backbone and a head with a loss, metrics and the columns it gives back."""

from mfgsql.tasks import classification, regression, rul  # noqa: F401  (they register themselves)
from mfgsql.tasks.anomaly import ANOMALY
from mfgsql.tasks.histories import SeriesObjective, series_objectives
from mfgsql.tasks.objectives import Objective, objectives
from mfgsql.tasks.task import OutputColumn, Prediction, Target, Task, tasks

__all__ = [
    "ANOMALY",
    "Objective",
    "OutputColumn",
    "Prediction",
    "SeriesObjective",
    "Target",
    "Task",
    "choose_task",
    "objectives",
    "series_objectives",
    "tasks",
]


def choose_task(target_type: str, distinct: int, integers: bool) -> str:
    """Classification for truth values, words and up to 20 whole numbers, regression for all other numbers."""
    from mfgsql.features import is_numeric_type

    if not is_numeric_type(target_type):
        return "classification"
    return "classification" if distinct <= (20 if integers else 2) else "regression"
