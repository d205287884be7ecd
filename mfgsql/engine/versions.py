"""What can be asked of a version."""

from __future__ import annotations

from mfgsql.catalog import Version
from mfgsql.errors import NotFoundError
from mfgsql.model import Manifest
from mfgsql.tasks import Task, tasks


def task_of(version: Version, manifest: Manifest) -> Task:
    """The version's task.

    Raises:
        NotFoundError: it is a base, which predicts nothing.
    """
    if manifest.task is None:
        raise NotFoundError(
            f"'{version.model}' is a base: it was pre-trained and predicts nothing yet.",
            remedy=f"FROM ml_finetune('my_model', 'labelled', target := 'column', base := '{version.model}');",
        )
    return tasks[manifest.task]
