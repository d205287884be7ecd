"""Between SQL's predicted lives and plans of maintenance."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from mfgsql.engine.engine import Engine


def maintenance(engine: Engine, value: pa.Array, told: pa.Array) -> pa.Array:
    """Structs of wait, risk, cost, to_failure; NULL where no life is predicted."""
    from mfgsql.maintenance import SHARES, UpkeepCosts, cost_rate, plan
    from mfgsql.tasks.rul import Rul

    asked = json.loads(told[0].as_py())
    known = np.asarray(pc.is_valid(value))
    lives = np.asarray(pc.fill_null(value, 0.0))
    with engine.scorer(asked["model"]) as scorer:
        task, calibration = scorer.model.task, scorer.model.manifest.calibration
    assert isinstance(task, Rul)
    # Beyond what was seen there is nothing to tell: the last known life stands for it.
    atoms = np.sort(task.quantiles(lives, calibration, SHARES), axis=1)
    atoms = np.where(np.isfinite(atoms), atoms, np.maximum(lives[:, None], 0.0))
    costs = UpkeepCosts(asked["failure"], asked["replacement"])
    found = plan(atoms, costs, cost_rate(np.sort(asked["lives"]), costs), asked["lead"])
    columns = {"wait": found.wait, "risk": found.risk, "cost": found.cost, "to_failure": found.to_failure}
    return pa.StructArray.from_arrays([pa.array(c, mask=~known) for c in columns.values()], list(columns))
