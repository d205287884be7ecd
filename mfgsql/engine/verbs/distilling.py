"""``ml_distill``: small models learn what a large one answers."""

from __future__ import annotations

from mfgsql.backbones import EnsembleConfig, SeriesConfig, TabularConfig
from mfgsql.catalog import Version, resolve
from mfgsql.catalog.models import model_name
from mfgsql.engine.distilling.asked import Distillation, read_loss
from mfgsql.engine.distilling.running import run_distill
from mfgsql.engine.engine import Engine, caller_id
from mfgsql.engine.planning import Action, Args, acting_plan, actions, at_place, planners, read_options
from mfgsql.engine.quoting import quote_literal
from mfgsql.engine.runs import check_writable, load_libraries
from mfgsql.engine.sources import read_source
from mfgsql.engine.versions import task_of
from mfgsql.errors import OptionError, one_of
from mfgsql.manifest import Manifest

_COLUMNS = {
    "student": "VARCHAR", "parameters": "BIGINT", "bytes": "BIGINT", "metric": "VARCHAR", "value": "DOUBLE",
    "agreement": "DOUBLE", "rows_per_second": "DOUBLE", "chosen": "BOOLEAN", "model": "VARCHAR", "version": "INTEGER",
    "champion": "BOOLEAN", "run_id": "VARCHAR", "status": "VARCHAR", "rows": "BIGINT", "seconds": "DOUBLE",
    "warnings": "VARCHAR[]",
}  # fmt: skip
_TASKS = ("classification", "regression")
_TEACHERS = (EnsembleConfig.kind, TabularConfig.kind, SeriesConfig.kind)
actions.register("distill")(Action(_COLUMNS, run_distill))


@planners.register("distill")
def plan_distill(engine: Engine, args: Args) -> str:
    """Students of some sizes, of which the smallest that is good enough becomes a version."""
    load_libraries()
    check_writable(engine)
    args["loss"] = read_loss(args.get("loss"))
    options = Distillation.parse(read_options(args, "{'sizes': ['tiny', 'small']}")).to_dict()
    args["model"] = model_name(args.get("model"))
    teacher = args.pop("teacher", None)
    with engine.cursor() as cursor:
        version = resolve(cursor, args["model"] if teacher is None else teacher)
        manifest = Manifest.from_json(version.manifest)
        task_of(version, manifest)
        _check_teacher(version, manifest)
        read_source(at_place(cursor, args), args.get("source"))
    args |= {"verb": "distill", "base": version.name, "options": options, "session": caller_id()}
    return acting_plan("distill", args)


def _check_teacher(version: Version, manifest: Manifest) -> None:
    """Refuse what has no small counterpart.

    Raises:
        OptionError: it reads texts or pictures, or tells no class and no number, or has adapters of groups.
    """
    anew = f"Train a smaller one instead: FROM ml_finetune({quote_literal(version.model)}, ..., "
    smaller = f"{anew}options := {{'width': 32, 'layers': 1}});"
    if manifest.backbone.kind not in _TEACHERS or manifest.features.fields():
        raise OptionError(
            f"{version.name} reads texts or pictures, and students read rows or histories.",
            remedy=f"{anew}base := './models/a_smaller_one');",
        )
    if manifest.task not in _TASKS or manifest.cases is not None:
        raise OptionError(
            f"{version.name} is of task {manifest.task}; students learn {one_of(_TASKS)}.",
            remedy=smaller,
        )
    if manifest.features.group is not None:
        raise OptionError(
            f"{version.name} has an adapter for each group, which no student has.",
            remedy=smaller,
        )
