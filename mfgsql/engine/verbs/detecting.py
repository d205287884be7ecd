"""``ml_detect_anomalies``: the rows of histories with what is unusual about them."""

from __future__ import annotations

from mfgsql.catalog import resolve
from mfgsql.engine.engine import Engine
from mfgsql.engine.planning import Args, planners
from mfgsql.engine.quoting import quote_literal
from mfgsql.engine.verbs.predicting import plan_predict
from mfgsql.errors import OptionError
from mfgsql.manifest import Manifest
from mfgsql.tasks import ANOMALY


@planners.register("detect_anomalies")
def plan_detect_anomalies(engine: Engine, args: Args) -> str:
    """As ``ml_predict``, of detectors only."""
    with engine.cursor() as cursor:
        version = resolve(cursor, args.get("model"))
    if Manifest.from_json(version.manifest).task != ANOMALY:
        raise OptionError(
            f"'{version.model}' is no detector of anomalies.",
            remedy=f"Train one on normal rows: FROM ml_finetune({quote_literal(version.model + '_normal')}, 'normal', "
            "task := 'anomaly', order_by := 'ts');",
        )
    return plan_predict(engine, args)
