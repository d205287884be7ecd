"""What can be asked of a version."""

from __future__ import annotations

import duckdb

from mfgsql.backbones.checkpoints import names_checkpoint
from mfgsql.catalog import Version, resolve
from mfgsql.catalog.models import CHAMPION, alias_of
from mfgsql.engine.quoting import quote_literal
from mfgsql.errors import NotFoundError, OptionError
from mfgsql.manifest import Manifest
from mfgsql.tasks import ANOMALY, DESIGN, EMBEDDING, FORECAST, Target, Task, tasks


def task_of(version: Version, manifest: Manifest) -> Task:
    """The version's task.

    Raises:
        NotFoundError: it is a base, which predicts nothing.
    """
    if manifest.objective == DESIGN:
        raise NotFoundError(
            f"'{version.model}' says new designs and predicts nothing.",
            remedy=f"FROM ml_generate('{version.model}', n := 100);",
        )
    if manifest.task is None:
        raise NotFoundError(
            f"'{version.model}' is a base: it was pre-trained and predicts nothing yet.",
            remedy=f"FROM ml_finetune('my_model', 'labelled', target := 'column', base := '{version.model}');",
        )
    if manifest.task == FORECAST:
        raise NotFoundError(
            f"'{version.model}' forecasts series; this is for models of rows.",
            remedy=f"FROM ml_forecast('{version.model}', 'my_table'); FROM ml_backtest('{version.model}', 'my_table');",
        )
    if manifest.task == ANOMALY:
        raise NotFoundError(
            f"'{version.model}' detects anomalies and predicts no target.",
            remedy="Count beside what is known: SELECT good, is_anomaly, count(*) "
            f"FROM ml_detect_anomalies('{version.model}', 'my_table') GROUP BY ALL;",
        )
    if manifest.task == EMBEDDING:
        raise NotFoundError(
            f"'{version.model}' turns texts into vectors and predicts no target.",
            remedy=f"FROM ml_embed('{version.model}', 'my_table'); or ml_search, or ml_similar.",
        )
    return tasks[manifest.task]


def is_checkpoint(base: str) -> bool:
    """Whether a base is a folder or a hub's id: a bare name is a model of the catalog."""
    return names_checkpoint(base) or "/" in base


def check_same_target(con: duckdb.DuckDBPyConnection, model: str, task: str | None, target: Target | None) -> None:
    """A model's versions predict the same, or views and statements that name it would break.

    Raises:
        OptionError: its champion predicts something else.
    """
    if alias_of(con, model, CHAMPION) is None:
        return
    champion = Manifest.from_json(resolve(con, model).manifest)
    if (champion.task, _lower(champion.target)) == (task, _lower(target)):
        return
    drop = f"Take another name, or drop the old model first: FROM ml_drop({quote_literal(model)});"
    same = target is not None and _lower(champion.target) == _lower(target)
    what = f"predicts {champion.target.name!r} ({champion.task})" if champion.target else "is a base"
    raise OptionError(
        f"'{model}' {what}; a version of it can't predict {f'{target.name!r} ({task})' if target else 'nothing'}.",
        remedy=f"Say task := '{champion.task}'. {drop}" if same else drop,
    )


def _lower(target: Target | None) -> str | None:
    return target.name.lower() if target else None
