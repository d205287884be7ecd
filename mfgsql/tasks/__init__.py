"""What is learnt: a task joins a backbone and a head with a loss, metrics and the columns it gives back."""

from mfgsql.features import ColumnProfile, is_numeric_type
from mfgsql.features.profile import INTEGER_TYPES
from mfgsql.tasks import (  # noqa: F401  (they register themselves)
    classification,
    forecast,
    hierarchy,
    multilabel,
    process,
    regression,
    rul,
    tokens,
)
from mfgsql.tasks.anomaly import ANOMALY
from mfgsql.tasks.designs import DESIGN, chances_of
from mfgsql.tasks.forecast import FORECAST
from mfgsql.tasks.hierarchy import looks_like_paths
from mfgsql.tasks.histories import SeriesObjective, series_objectives
from mfgsql.tasks.objectives import Objective, objectives
from mfgsql.tasks.picturing import picture_head, picture_objectives
from mfgsql.tasks.process import AT_LEAST, END, NEXT, PROCESS, REMAINING, next_of
from mfgsql.tasks.reading import CONTRASTIVE, EMBEDDING, text_objectives
from mfgsql.tasks.task import OutputColumn, Prediction, Target, Task, tasks
from mfgsql.tasks.tokens import TOKENS

__all__ = [
    "ANOMALY",
    "AT_LEAST",
    "CONTRASTIVE",
    "DESIGN",
    "EMBEDDING",
    "END",
    "FORECAST",
    "NEXT",
    "PROCESS",
    "REMAINING",
    "TOKENS",
    "Objective",
    "OutputColumn",
    "Prediction",
    "SeriesObjective",
    "Target",
    "Task",
    "chances_of",
    "choose_task",
    "next_of",
    "objectives",
    "picture_head",
    "picture_objectives",
    "series_objectives",
    "tasks",
    "text_objectives",
]


def choose_task(profile: ColumnProfile, separator: str | None = None, *, windowed: bool = False) -> str:
    """Classification for truth values, words and up to 20 whole numbers, regression for all other numbers.

    Lists, and texts that a separator parts, are several labels a row; classes that are all paths of one length, as
    ``family > type``, are a hierarchy, but for histories, of whose windows a head sees too little to go down it.
    """
    if separator is not None or profile.type.endswith("]"):
        return "multilabel"
    if not windowed and looks_like_paths([value for value, _ in profile.top]):
        return "hierarchy"
    if not is_numeric_type(profile.type):
        return "classification"
    most = 20 if profile.base_type in INTEGER_TYPES else 2
    return "classification" if profile.distinct <= most else "regression"
