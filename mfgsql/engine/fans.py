"""Some series of a version's training rows with the steps that it forecasts behind them, for the report."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq

from mfgsql.catalog import Version
from mfgsql.engine.engine import Engine
from mfgsql.engine.heldout import snapshot_path
from mfgsql.errors import MfgsqlError
from mfgsql.features.histories import firsts
from mfgsql.manifest import Manifest
from mfgsql.reporting.facts import Fan, Missing
from mfgsql.scoring.forecasting import Series, forecast
from mfgsql.training.windows import HISTORY, MOMENT

_SHOWN, _PATHS = 3, 500  # series, and paths of each
_LASTS = (0.5, 0.9, 0.95, 0.99)  # shares of paths for which so much is enough


def fans_of(engine: Engine, version: Version) -> tuple[Fan, ...] | Missing:
    """Series with most in them, the middle one, and one with little."""
    manifest = Manifest.from_json(version.manifest)
    assert manifest.target is not None
    assert manifest.grid is not None
    try:
        path = snapshot_path(engine, version)
    except MfgsqlError as error:
        return Missing(str(error))
    table = pq.read_table(path, columns=[*manifest.features.names, manifest.target.name, HISTORY, MOMENT])
    which = table[HISTORY].to_numpy()
    starts = np.unique(firsts(which))
    values = table[manifest.target.name].cast("double").to_numpy()
    sizes = np.add.reduceat(np.nan_to_num(np.abs(values)), starts)
    ranked = np.argsort(-sizes, kind="stable")
    chosen = np.unique(ranked[np.linspace(0, len(ranked) - 1, min(_SHOWN, len(ranked))).astype(int)])
    stops = np.append(starts[1:], len(table))
    fans = []
    with engine.scorer(version.name) as scorer:
        for number in sorted(chosen, key=lambda n: -sizes[n]):
            part = table.slice(int(starts[number]), int(stops[number] - starts[number]))
            own = values[starts[number] : stops[number]]
            columns = {n: part[n].combine_chunks() for n in manifest.features.names}
            series = Series(columns, own, part[MOMENT].combine_chunks(), np.zeros(1, np.int64), np.ones(1, np.uint64))
            found = forecast(scorer, series, manifest.grid.horizon, lambda: None)
            if found.status.void is not None and found.status.void[0]:
                continue
            total = np.quantile(found.path(_PATHS)[0].cumsum(axis=1), _LASTS, axis=0).T
            back = manifest.grid.window
            moments = part[MOMENT].to_numpy()
            fans.append(Fan(moments[-back:], own[-back:], found.moments[0], found.mean[0], found.quantiles[0], total))
    return tuple(fans)
