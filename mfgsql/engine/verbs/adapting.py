"""``ml_adapt``: a champion goes on learning from a batch of new rows."""

from __future__ import annotations

from mfgsql.catalog import ModelRef, resolve
from mfgsql.engine.adapting.asked import Adaptation, check_policy
from mfgsql.engine.adapting.running import run_adapt
from mfgsql.engine.adapting.structuring import check_structure
from mfgsql.engine.engine import Engine, caller_id
from mfgsql.engine.planning import Action, Args, acting_plan, actions, at_place, planners, read_options
from mfgsql.engine.quoting import quote_literal
from mfgsql.engine.runs import check_writable, load_libraries
from mfgsql.engine.sources import read_source
from mfgsql.engine.verbs.learning import COLUMNS
from mfgsql.engine.versions import task_of
from mfgsql.errors import OptionError
from mfgsql.manifest import Manifest
from mfgsql.tasks import PROCESS, TOKENS

_COLUMNS = COLUMNS | {
    "policy": "VARCHAR", "promoted": "BOOLEAN", "reverted": "BOOLEAN", "new_rows": "BIGINT", "new": "DOUBLE",
    "new_champion": "DOUBLE", "forgetting": "DOUBLE", "reason": "VARCHAR",
}  # fmt: skip
actions.register("adapt")(Action(_COLUMNS, run_adapt))


@planners.register("adapt")
def plan_adapt(engine: Engine, args: Args) -> str:
    """A candidate that goes on from the champion."""
    load_libraries()
    check_writable(engine)
    ref = ModelRef.parse(args.get("model"))
    if "@" in args["model"]:
        raise OptionError(
            f"It is the champion that goes on learning: name '{ref.model}' alone, not {args['model']!r}.",
            remedy=f"Another version is made champion first: FROM ml_promote({quote_literal(args['model'])});",
        )
    args["model"], args["policy"] = ref.model, check_policy(args.get("policy"))
    options = Adaptation.parse(read_options(args, "{'epochs': 4}"))
    with engine.cursor() as cursor:
        version = resolve(cursor, ref.model)
        manifest = Manifest.from_json(version.manifest)
        task_of(version, manifest)
        _check_task(ref.model, manifest)
        if options.structure == "auto":
            check_structure(ref.model, manifest)
        read_source(at_place(cursor, args), args.get("source"))
    return acting_plan("adapt", {"verb": "adapt", **args, "options": options.to_dict(), "session": caller_id()})


def _check_task(model: str, manifest: Manifest) -> None:
    """Refuse what learns otherwise.

    Raises:
        OptionError: spans or events are learnt anew.
    """
    if manifest.task in (TOKENS, PROCESS):
        what = "finds spans" if manifest.task == TOKENS else "reads orders under way"
        raise OptionError(
            f"'{model}' {what}: such a model does not go on learning, it is trained anew.",
            remedy=f"FROM ml_finetune({quote_literal(model)}, 'all_rows', task := '{manifest.task}', ...);",
        )
