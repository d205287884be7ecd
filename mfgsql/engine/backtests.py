"""A back-test, executed: forecasts from moments of the past, each by a model that has seen nothing after it.

The version itself forecasts from where its training rows end on. For earlier moments it is trained anew, by its own
recipe, on the rows up to then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from mfgsql.cancellation import Cancellation
from mfgsql.catalog import resolve
from mfgsql.engine.engine import Engine
from mfgsql.engine.exporting import export
from mfgsql.engine.planning import Args, Rows, stoppable
from mfgsql.engine.progress import Progress
from mfgsql.engine.quoting import quote_identifier
from mfgsql.engine.runs import load_libraries, training_turn
from mfgsql.engine.snapshots import LATEST, ROWS, freeze
from mfgsql.engine.specs import prepare_spec
from mfgsql.errors import DataError, SourceError
from mfgsql.features.histories import firsts
from mfgsql.manifest import Manifest
from mfgsql.metrics import split_truth
from mfgsql.scoring import Scorer
from mfgsql.scoring.backtesting import Tried, try_from
from mfgsql.scoring.forecasting import Series, interval, known_panel
from mfgsql.tasks.forecast import quantiles_of
from mfgsql.training import Recipe, learn
from mfgsql.training.windows import HISTORY, MOMENT


@dataclass(frozen=True)
class _Fold:
    number: int
    origin: float
    tried: Tried


def run_backtest(engine: Engine, args: Args) -> Rows:
    """Rows of metrics, or of forecasts where ``details`` are asked for."""
    with stoppable(engine, args) as (cursor, cancellation):
        test = _Backtest(engine, args, cursor, cancellation)
        return test.details() if args.get("details") else test.metrics()


class _Backtest:
    """One back-test, from its source to its rows."""

    def __init__(
        self, engine: Engine, args: Args, cursor: duckdb.DuckDBPyConnection, cancellation: Cancellation
    ) -> None:
        load_libraries()
        self.engine, self.args, self.cancellation = engine, args, cancellation
        version = resolve(cursor, args["model"])
        self.name, self.manifest = version.name, Manifest.from_json(version.manifest)
        assert self.manifest.grid is not None
        assert self.manifest.target is not None
        self.grid, self.target = self.manifest.grid, self.manifest.target
        self.frozen = freeze(cursor, self._freezing(), cancellation)
        there = {n.lower() for n in self.frozen.types}
        lacking = [n for n in self.manifest.features.names if n.lower() not in there]
        if lacking:
            raise SourceError(f"The source has no column {lacking[0]!r}, which {self.name} reads.")
        self.names, self.keys = self._series()
        self.folds = [self._fold(number, origin) for number, origin in enumerate(self._origins(), start=1)]

    def _freezing(self) -> Args:
        """Arguments as of a training of the same model."""
        grid = self.grid
        return {
            "verb": "finetune", "model": self.name, "source": self.args["source"],
            "task": "forecast",
            "target": self.target.name, "entity": grid.entity, "order_by": grid.order_by, "split": "time",
            "histories": True, "place": self.args.get("place"), "session": self.args.get("session"),
        }  # fmt: skip

    def _series(self) -> tuple[list[Any], npt.NDArray[np.uint64]]:
        """Names and keys of the series, in the order of their numbers."""
        name = quote_identifier(self.grid.entity) if self.grid.entity else "0"
        table = self.frozen.con.execute(
            f"SELECT any_value({name}) AS name, hash(any_value({name})::VARCHAR) AS key FROM {ROWS} "
            f"GROUP BY {HISTORY} ORDER BY {HISTORY}"
        ).to_arrow_table()
        return table["name"].to_pylist(), table["key"].to_numpy()

    def _origins(self) -> list[float]:
        """Moments that forecasts start from, the latest first."""
        known = f"max({MOMENT}) FILTER (WHERE isfinite({quote_identifier(self.target.name)}::DOUBLE))"
        row = self.frozen.con.execute(f"SELECT {known}, min({MOMENT}) FROM {ROWS}").fetchone()
        if row is None or row[0] is None:
            raise DataError(f"The target {self.target.name!r} is known in no row: there is nothing to compare with.")
        last, first = np.array([row[0]]), float(row[1])
        moments = self.frozen.con.execute(f"SELECT {MOMENT} AS m FROM {ROWS}").to_arrow_table()["m"].to_numpy()
        within = self.grid.within_month(moments, np.zeros(len(moments), np.int64), last)
        steps = [-(fold + 1) * self.args["horizon"] for fold in range(self.args["folds"])]
        origins = [float(self.grid.moments(last, np.array([step]), within)[0]) for step in steps]
        if origins[-1] <= first:
            raise DataError(
                f"{self.args['folds']} folds of {self.args['horizon']} steps reach back before the first row.",
                remedy="Say fewer folds, or a shorter horizon.",
            )
        return origins

    def _fold(self, number: int, origin: float) -> _Fold:
        seen = self.grid.until is not None and origin + self._slack >= self.grid.until
        scorer = None if seen else self._trained(origin)
        if scorer is not None:
            return _Fold(number, origin, self._tried(scorer, origin))
        with self.engine.scorer(self.name) as own:
            return _Fold(number, origin, self._tried(own, origin))

    @property
    def _slack(self) -> float:
        """By how much a moment may be off by rounding."""
        return 1e-6 * self.grid.step

    def _trained(self, origin: float) -> Scorer:
        """The model, trained on the rows up to the origin."""
        recipe = Recipe.parse(self.manifest.lineage["recipe"])
        read = {n.lower() for n in (*self.manifest.features.names, self.target.name)}
        args = self._freezing() | {
            "options": recipe.to_dict(), "known": list(self.grid.known) or None, "holidays": self.grid.holidays,
            "exclude": [n for n in self.frozen.profiles if n.lower() not in read],
            "resample": self.grid.step or f"{self.grid.months} months", LATEST: origin + self._slack,
        }  # fmt: skip
        args["options"] |= {name: getattr(self.grid, name) for name in ("window", "patch", "horizon", "season")}
        cancellation = self.cancellation
        with (
            training_turn(self.engine, cancellation),
            self.engine.cursor() as cursor,
            cancellation.calls(cursor.interrupt),
            TemporaryDirectory() as folder,
        ):
            frozen = freeze(cursor, args, cancellation)
            prepared = prepare_spec(frozen, args, None)
            path = Path(folder) / "rows.parquet"
            snapshot = export(
                frozen, args | {"validation": recipe.validation}, path, task="forecast",
                features=prepared.spec.features, seed=recipe.seed,
            )  # fmt: skip
            title = f"backtest {self.name} up to {self._moment(origin)}"
            with Progress(self.engine.settings.progress, title) as progress:
                learned = learn(
                    snapshot, prepared.spec, device=self.engine.device, threads=self.engine.settings.threads,
                    memory=self.engine.settings.trainer_memory, monitor=progress, cancellation=cancellation,
                )  # fmt: skip
        return Scorer(learned.model, self.engine.device, self.engine.settings.threads)

    def _rows(self, features: Sequence[str]) -> Series:
        """All series of the source, with columns as a model spells them."""
        columns = "".join(f"{quote_identifier(n)} AS {quote_identifier(n)}, " for n in features)
        target = f"{quote_identifier(self.target.name)}::DOUBLE"
        table = self.frozen.con.execute(
            f"SELECT {columns}CASE WHEN isfinite({target}) THEN {target} END AS __ml_value, {HISTORY}, {MOMENT} "
            f"FROM {ROWS} ORDER BY {HISTORY}, {MOMENT}"
        ).to_arrow_table()
        read = {n: table[n].combine_chunks() for n in table.column_names}
        starts = np.unique(firsts(read[HISTORY].to_numpy()))
        values = read["__ml_value"].to_numpy(zero_copy_only=False)
        return Series(read, values, read[MOMENT], starts, self.keys)

    def _tried(self, scorer: Scorer, origin: float) -> Tried:
        series = self._rows(scorer.model.manifest.features.names)
        panel, _ = known_panel(scorer, series, self.args["horizon"])
        there = np.isfinite(panel.since)
        number = np.zeros(len(panel), np.int64)
        number[there] = panel.grid.number(np.full(int(there.sum()), origin), panel.since[there])
        # A series that ends before the origin is forecast from nowhere: there is nothing to compare with.
        ends = np.where(there & (number < 0) & ~panel.repeated, panel.end + number, panel.begin - 1)
        known = np.append(0, np.cumsum(np.isfinite(panel.values)))
        enough = known[np.maximum(ends, 0) + 1] - known[panel.begin] >= panel.grid.shortest
        ends = np.where(enough, ends, panel.begin - 1)
        return try_from(scorer, panel, ends, self.args["horizon"], self.keys, self.cancellation.check)

    def metrics(self) -> Rows:
        """A row for each fold and metric, and those of all folds."""
        rows: Rows = []
        for fold in self.folds:
            rows += self._measured(fold.number, self._moment(fold.origin), fold.tried)
        return rows + self._measured(None, None, Tried.concat([f.tried for f in self.folds]))

    def _measured(self, fold: int | None, origin: str | float | None, tried: Tried) -> Rows:
        steps = int(np.isfinite(split_truth(tried.truth).values).sum()) if len(tried.which) else 0
        if not steps:
            return []
        return [
            {"fold": fold, "origin": origin, "metric": metric, "value": value, "baseline": baseline,
             "series": len(tried.which), "rows": steps}
            for metric, value, baseline in tried.measures(self.args["level"], self.grid)
        ]  # fmt: skip

    def details(self) -> Rows:
        """A row for each fold, series and step."""
        rows: Rows = []
        for fold in self.folds:
            tried = fold.tried
            came = split_truth(tried.truth)
            lower, upper = interval(quantiles_of(tried.said), self.args["level"], self.grid)
            for i, series in enumerate(tried.which):
                named = {self.grid.entity: self.names[series]} if self.grid.entity else {}
                rows += [
                    {"fold": fold.number, **named, self.grid.order_by: self._moment(tried.moments[i, k]), "step": k + 1,
                     self.target.name: float(came.values[i, k]), f"predicted_{self.target.column}":
                     float(tried.said.values[i, k]), "lower": float(lower[i, k]), "upper": float(upper[i, k]),
                     "seasonal": float(came.naive[i, k])}
                    for k in np.flatnonzero(np.isfinite(came.values[i]))
                ]  # fmt: skip
        return rows

    def _moment(self, moment: float) -> str | float:
        if not self.grid.timed:
            return int(moment) if float(moment).is_integer() else float(moment)
        return str(np.datetime64(round(moment * 1e6), "us")).replace("T", " ")
