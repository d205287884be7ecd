"""What candidates are worth: predicted by the models, with caution, and judged by SQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from mfgsql.engine.conditions import Judge
from mfgsql.engine.equations import difference, linear
from mfgsql.engine.proofs import Ranges
from mfgsql.engine.recommending.adjustable import Adjustable, Floats, space_of
from mfgsql.engine.recommending.asked import Asked
from mfgsql.engine.recommending.caution import PROBABILITY, UPPER, End
from mfgsql.engine.recommending.present import Present
from mfgsql.errors import DataError
from mfgsql.features.profile import is_numeric_type
from mfgsql.optimization.equalities import Equalities
from mfgsql.optimization.search import HOLDS, Judged
from mfgsql.scoring.familiarity import drawn, widened
from mfgsql.scoring.variants import Told, Variants

Integers = npt.NDArray[np.int64]
_NOTICED = 1e-3  # of a probability, or of a target's deviation


@dataclass(frozen=True)
class Outlook:
    """What a model says of candidates.

    Attributes:
        told: as it says it. lower, upper: of a number the ends of its interval, wider where the row is strange, [n];
            of classes of each, [n, classes], drawn towards how frequent it is.
    """

    told: Told
    lower: Floats
    upper: Floats


class Candidates:
    """Candidates for rows, by the numbers that a search gives the adjusted columns.

    Args:
        adjust: with steps. check: raises where the work shall stop.
    """

    def __init__(
        self, con: duckdb.DuckDBPyConnection, asked: Asked, adjust: list[Adjustable], present: Present,
        variants: list[Variants], check: Callable[[], None],
    ) -> None:  # fmt: skip
        self.asked, self.adjust, self.present, self.variants, self.check = asked, adjust, present, variants, check
        self.space = space_of(adjust)
        self.start = np.stack([a.numbers(present.table[a.name].combine_chunks()) for a in adjust], axis=1)
        self._named = {a.name for a in adjust}
        goals = asked.goals
        trees = [o.tree for o in goals.objectives if o.tree is not None]
        self._end_types = {end.column: "DOUBLE" for end in goals.ends}
        self._judge = Judge(con, goals.conditions, {**asked.types, **self._end_types}, trees)
        self._derived = Judge(con, [], asked.types, list(goals.derived.values()))
        self._computed = Judge(con, [], asked.types, [goals.derived[name] for name in asked.computed.values()])
        self._con = con
        self._prices = np.array([asked.costs.get(a.name, 0.0) for a in adjust])

    def judge(self, values: Floats, rows: Integers) -> Judged:
        """Candidates [n, d] for those rows [n]."""
        outlooks = self.outlooks(values, rows)
        columns = self._columns(self._judge, values, rows) | self.ends(outlooks)
        numbers = iter(self._judge.numbers(columns).T)
        objectives = []
        for objective in self.asked.goals.objectives:
            end = self.end(objective.end, outlooks) if objective.end else next(numbers)
            objectives.append(np.nan_to_num(-end if objective.maximize else end, nan=1e300))
        if not objectives:
            objectives = [self.effort(values, rows)]
        return Judged(self._judge.excess(columns), np.stack(objectives, axis=1), self._predicted(outlooks, len(values)))

    def _predicted(self, outlooks: list[Outlook], rows: int) -> Floats:
        """What is predicted itself where that is the only objective, the lower the better, [n, 1]; else [n, 0]."""
        if not self.of_prediction:
            return np.zeros((rows, 0))
        objective = self.asked.goals.objectives[0]
        assert objective.end is not None
        told = said(objective.end, outlooks[objective.end.model])
        return np.asarray((-told if objective.maximize else told)[:, None])

    @property
    def of_prediction(self) -> bool:
        """Whether a prediction is all that is to be high or low: of several objectives one may well get worse."""
        objectives = self.asked.goals.objectives
        return len(objectives) == 1 and objectives[0].end is not None

    def least(self) -> Floats:
        """What each objective has to gain, or it is no better than it is: of predictions what one would notice, [m]."""
        targets = self.asked.targets
        ends = [objective.end for objective in self.asked.goals.objectives] or [None]
        of = [None if end is None else targets[end.model] for end in ends]
        scales = [0.0 if target is None else 1.0 if target.classes else target.deviation for target in of]
        return np.maximum(_NOTICED * np.array(scales), 1e-9)

    def effort(self, values: Floats, rows: Integers) -> Floats:
        """What changing costs, or without costs how far all columns are moved, [n]."""
        if self.asked.costs:
            return self.change_cost(values, rows)
        moved = self.space.distance(values, self.start[rows])
        return np.asarray((moved + 0.1 * (moved > 0)).sum(axis=1))  # a small change is one, too

    def change_cost(self, values: Floats, rows: Integers) -> Floats:
        """By the costs that were told, [n]."""
        start = self.start[rows]
        by_one = np.where(self.space.choice | np.isnan(values - start), 1.0, np.abs(values - start))
        return np.asarray(np.where(self.space.differs(values, start), by_one, 0.0) @ self._prices)

    def outlooks(self, values: Floats, rows: Integers) -> list[Outlook]:
        """What each model says of candidates."""
        computed = self.computed(values, rows)
        changed = self.changed(values, rows) | computed
        return [
            self._outlook(v, number, v.told(rows, changed, self.check, computed))
            for number, v in enumerate(self.variants)
        ]

    def computed(self, values: Floats, rows: Integers) -> dict[str, pa.Array]:
        """Columns of the source that models read and that follow from others."""
        if not self.asked.computed:
            return {}
        numbers = self._computed.numbers(self._columns(self._computed, values, rows)).T
        numbers = np.where(np.isfinite(numbers), numbers, np.nan)
        return {n: pa.array(v, from_pandas=True) for n, v in zip(self.asked.computed, numbers, strict=True)}

    def changed(self, values: Floats, rows: Integers) -> dict[str, pa.Array]:
        """Values of adjusted columns; NULL where one is as it was."""
        differs = self.space.differs(values, self.start[rows])
        return {a.name: a.values(np.where(differs[:, i], values[:, i], np.nan)) for i, a in enumerate(self.adjust)}

    def _outlook(self, variants: Variants, number: int, told: Told) -> Outlook:
        manifest, target = self.asked.manifests[number], self.asked.targets[number]
        task, said = variants.scorer.model.task, told.prediction
        if said.scores is not None:
            return Outlook(told, *drawn(said.scores, np.array(target.counts), told.strangeness))
        lower, upper = task.interval(said.values, manifest.calibration, self.asked.level)
        if not (np.isfinite(lower).all() and np.isfinite(upper).all()):
            raise DataError(f"{self.asked.versions[number].name} was judged on too few rows to tell an interval of "
                            f"level {self.asked.level:g}.", remedy="Ask for less: level := 0.5.")  # fmt: skip
        return Outlook(told, *widened(said.values, lower, upper, told.strangeness))

    def end(self, end: End, outlooks: list[Outlook]) -> Floats:
        """The number that an end stands for, [n]."""
        outlook = outlooks[end.model]
        if end.kind == PROBABILITY:
            return np.asarray((outlook.lower if end.high else outlook.upper)[:, end.of])
        return outlook.upper if end.kind == UPPER else outlook.lower

    def ends(self, outlooks: list[Outlook]) -> dict[str, Floats]:
        """What conditions name of predictions."""
        return {end.column: self.end(end, outlooks) for end in self.asked.goals.ends}

    def _columns(self, judge: Judge, values: Floats, rows: Integers) -> dict[str, Any]:
        """What a judge's conditions and expressions name of the row itself."""
        own = self.filled(values, rows)
        found: dict[str, Any] = {"": values[:, 0]}  # tells how many rows there are
        for name in judge.columns:
            if name in self.asked.types:
                found[name] = own[name] if name in own else self._now(name, rows)
        return found

    def filled(self, values: Floats, rows: Integers) -> dict[str, pa.Array]:
        """Values of adjusted columns, also those that stay as they were."""
        found = {}
        for name, new in self.changed(values, rows).items():
            now = self._now(name, rows)
            found[name] = pc.coalesce(new, now if now.type == new.type else now.cast(new.type, safe=False))
        return found

    def _now(self, name: str, rows: Integers) -> pa.Array:
        return self.present.table[name].combine_chunks().take(pa.array(rows))

    def derived(self, values: Floats, rows: Integers) -> dict[str, Floats]:
        """Columns that follow from others, [n] each."""
        numbers = self._derived.numbers(self._columns(self._derived, values, rows)).T
        return dict(zip(self.asked.goals.derived, numbers, strict=True))

    def holds(self, values: Floats, rows: Integers) -> npt.NDArray[np.bool_]:
        """Whether each condition holds of the rows as they would be shown, [n, conditions]."""
        columns = self._columns(self._judge, values, rows) | self.ends(self.outlooks(values, rows))
        return np.asarray(self._judge.excess(columns) <= HOLDS)

    def number(self, tree: exp.Expression, values: Floats, row: int) -> float:
        """Of an expression of columns and of ends of predictions, for a candidate [d]; NaN where it is NULL."""
        one, rows = values[None], np.array([row])
        judge = Judge(self._con, [], {**self.asked.types, **self._end_types}, [tree])
        ends = self.ends(self.outlooks(one, rows)) if set(judge.columns) & self._end_types.keys() else {}
        return float(judge.numbers(self._columns(judge, one, rows) | ends)[0, 0])

    def ranges(self, row: int) -> Ranges:
        """Of what may be set in a row: it may stay what it is, too."""
        numbers = [i for i, a in enumerate(self.adjust) if not a.choices and np.isfinite([a.low, a.high]).all()]
        start = self.start[row]
        ends = np.stack([self.space.low, self.space.high, start])[:, numbers]
        fixed = {name for name, kind in self.asked.types.items() if is_numeric_type(kind)} - self._named

        def value(tree: exp.Expression, point: Floats) -> float:
            values = np.where(np.isnan(start), self.space.low, start)
            values[numbers] = point
            return self.number(tree, values, row)

        names = [self.adjust[i].name for i in numbers]
        return Ranges(names, np.nanmin(ends, axis=0), np.nanmax(ends, axis=0), frozenset(fixed), value)

    # -- equalities ---------------------------------------------------------------------------------------------------

    def equalities(self, rows: Integers) -> Equalities | None:
        """Those among the conditions that are linear in adjusted numbers, of some rows."""
        trees = filter(None, (difference(part) for c in self.asked.goals.conditions for part in c.parts()))
        found = [told for tree in trees if (told := self._equality(tree)) is not None]
        if not found:
            return None
        return Equalities(*(np.stack(parts, axis=1)[rows] for parts in zip(*found, strict=True)))

    def _equality(self, tree: exp.Expression) -> tuple[Floats, Floats] | None:
        """Factors [rows, d] and totals [rows] of what has to be 0."""
        names = {column.name for column in tree.find_all(exp.Column)}
        places = [i for i, a in enumerate(self.adjust) if a.name in names and not a.choices]
        if not places or not names <= self.asked.types.keys():
            return None
        judge = Judge(self._con, [], self.asked.types, [tree])

        def told(point: Floats) -> Floats:
            values = np.where(self.space.choice, self.start, self.space.low)
            values[:, places] = point
            return judge.numbers(self._at(judge, values))[:, 0]

        known = linear(told, self.space.low[places], self.space.high[places])
        if known is None:
            return None
        factors = np.zeros((len(self.start), self.space.width))
        factors[:, places] = known[0]
        return factors, known[1]

    def _at(self, judge: Judge, values: Floats) -> Mapping[str, Any]:
        own = {a.name: a.values(values[:, i]) for i, a in enumerate(self.adjust)}
        found = {n: own[n] if n in own else self.present.table[n].combine_chunks() for n in judge.columns}
        return found | {"": values[:, 0]}


def said(end: End, outlook: Outlook) -> Floats:
    """What is predicted of the number that an end is of, [n]."""
    told = outlook.told.prediction
    if end.kind != PROBABILITY:
        return np.asarray(told.values, np.float64)
    assert told.scores is not None
    return np.asarray(told.scores[:, end.of], np.float64)
