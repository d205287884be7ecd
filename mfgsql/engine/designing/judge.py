"""Judges drafts of designs: by what models tell of them at their cautious ends, what is computed, and conditions.

A condition on a scored target has to hold at both ends of its interval, whichever way it points: so the cautious end is
the one that counts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import product
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sqlglot import exp

from mfgsql.engine.conditions import Condition, Judge, renamed, replaced
from mfgsql.engine.designing.brief import Brief, Scored
from mfgsql.engine.designing.space import DesignSpace
from mfgsql.engine.designing.sums import Sums
from mfgsql.engine.engine import Engine
from mfgsql.engine.familiar import encode, learnt_from, unknown
from mfgsql.engine.proofs import comes_to
from mfgsql.engine.scoring import class_columns, interval_columns, masked
from mfgsql.scoring import Scorer
from mfgsql.scoring.familiarity import Familiarity
from mfgsql.scoring.scorer import row_status
from mfgsql.scoring.variants import Variants

_ENDS = ("lower", "upper")
_BOTH = 4  # targets in a condition, up to which all ends are joined with all
Floats = npt.NDArray[np.float64]


class DesignJudge:
    """Judges drafts.

    Attributes:
        reads: of each condition the columns of the design that it depends on.

    Args:
        conditions: those of the brief, and of its guide. check: raises where the work shall stop.
    """

    def __init__(
        self,
        engine: Engine,
        con: duckdb.DuckDBPyConnection,
        brief: Brief,
        conditions: Sequence[Condition],
        level: float,
        check: Callable[[], None],
    ) -> None:
        self.engine, self.brief, self.level = engine, brief, level
        self.con, self.conditions, self.check = con, list(conditions), check
        self._familiar: dict[str, Familiarity | None] = {}
        types = dict(brief.types)
        for number, scored in enumerate(brief.scores):
            kind = scored.target.type if scored.target.classes else "DOUBLE"
            types |= {_column(number, what): kind for what in ("value", *_ENDS)}
        self._types, self._ends = types, [self._variants(condition) for condition in conditions]
        self._starts = np.cumsum([0, *map(len, self._ends)])[:-1]
        said = {s.target.name: exp.column(_column(i, "value"), quoted=True) for i, s in enumerate(brief.scores)}
        derived = [renamed(tree, said) for tree in brief.derived.values()]
        self.reads = [self._read_by(condition) for condition in conditions]
        computed = [brief.derived[name] for name in brief.computed.values()]
        self._computed = Judge(con, [], brief.types, computed)
        self._judge = Judge(con, [v for some in self._ends for v in some], types, derived)

    def _variants(self, condition: Condition) -> list[Condition]:
        """The condition, what is computed written out, at each end of the targets in it."""
        whole = replaced(condition, self.brief.derived)
        there = [i for i, s in enumerate(self.brief.scores) if s.target.name in whole.columns]
        ends = product(_ENDS, repeat=len(there)) if len(there) <= _BOTH else zip(*[_ENDS] * len(there), strict=True)
        return [
            replaced(whole, {
                self.brief.scores[i].target.name: exp.column(_column(i, end), quoted=True)
                for i, end in zip(there, some, strict=True)
            })
            for some in ends
        ]  # fmt: skip

    def _read_by(self, condition: Condition) -> set[str]:
        """Columns of the design that a condition depends on, through what is computed or scored, too."""
        found = set(replaced(condition, self.brief.derived).columns)
        known = {name.lower(): name for name in self.brief.types}
        for scored in self.brief.scores:
            if scored.target.name in found:
                found |= {known[name.lower()] for name in scored.features}
        made = [self.brief.derived[derived] for name, derived in self.brief.computed.items() if name in found]
        return found | {column.name for tree in made for column in tree.find_all(exp.Column)}

    @property
    def wholes(self) -> list[Condition]:
        """The conditions, with what is computed written out."""
        return [replaced(condition, self.brief.derived) for condition in self.conditions]

    def sums(self, space: DesignSpace, fixed: Collection[str]) -> Sums:
        """Those that conditions ask for."""
        return Sums(self.con, space, self.wholes, self.brief.types, fixed)

    def number(self, tree: exp.Expression, columns: Mapping[str, Any]) -> float:
        """Of an expression of columns, and of what models tell, in one design; NaN where it is NULL."""
        return float(Judge(self.con, [], self._types, [tree]).numbers({"": [0]} | dict(columns))[0, 0])

    def comes_to(self, number: int, columns: Mapping[str, pa.Array]) -> float | None:
        """In one design the number that a condition is about, of a target the end that counts; None: there is none."""
        told = [comes_to(variant, lambda tree: self.number(tree, columns)) for variant in self._ends[number]]
        return max(filter(None, told), default=(0.0, None))[1]

    def computed(self, columns: Mapping[str, pa.Array]) -> dict[str, Floats]:
        """Columns of the design that follow from others, [n] each; NaN where there is no number."""
        numbers = self._computed.numbers(columns).T
        return dict(zip(self.brief.computed, np.where(np.isfinite(numbers), numbers, np.nan), strict=True))

    def scores(self, columns: Mapping[str, pa.Array]) -> dict[str, pa.Array]:
        """What models tell: of each its value, the ends, the probability of a class, status and reason."""
        found: dict[str, pa.Array] = {}
        for number, scored in enumerate(self.brief.scores):
            told = self._told(scored, columns)
            found |= {_column(number, what): column for what, column in told.items()}
        return found

    def _told(self, scored: Scored, columns: Mapping[str, pa.Array]) -> dict[str, pa.Array]:
        table = pa.table({name: columns[name] for name in self.brief.types})
        with self.engine.scorer(scored.version.name) as scorer:
            batch = encode(scorer.model.manifest, table)
            familiarity = self._familiarity(scored, scorer)
            variants = Variants(scorer, batch, familiarity, unknown(scorer.model.manifest, table))
            told = variants.told(np.arange(len(table)), {}, self.check)
            if scored.target.classes:
                said = class_columns(scorer, told.prediction)
                label = said["label"]
                found = {"value": label, "lower": label, "upper": label, "probability": said["probability"]}
            else:
                found = interval_columns(scorer, told.prediction, self.level, told.strangeness)
        status = row_status(batch.flags, len(table))
        masked(found, status)
        return found | {"status": status.status.dictionary_decode(), "reason": status.reason}

    def _familiarity(self, scored: Scored, scorer: Scorer) -> Familiarity | None:
        if scored.version.name not in self._familiar:
            self._familiar[scored.version.name] = learnt_from(self.engine, scored.version, scorer)[0]
        return self._familiar[scored.version.name]

    def excess(self, columns: Mapping[str, pa.Array]) -> Floats:
        """How far drafts are from holding, [rows, conditions]; 0 where they hold.

        Args:
            columns: of the design, and what `scores` tells.
        """
        if not self.conditions:
            return np.zeros((len(next(iter(columns.values()))), 0))
        found: Floats = np.maximum.reduceat(self._judge.excess(columns), self._starts, axis=1)
        return found

    def derived(self, columns: Mapping[str, pa.Array]) -> dict[str, Floats]:
        """What is computed, NaN where it can't be."""
        numbers = self._judge.numbers(columns)
        return {name: numbers[:, i] for i, name in enumerate(self.brief.derived)}

    def objectives(self, columns: Mapping[str, pa.Array]) -> Floats:
        """What is to be low, [rows, objectives]; of targets the cautious end. What isn't known is worst."""
        derived = self.derived(columns) if self.brief.objectives else {}
        parts = []
        targets = {s.target.name: i for i, s in enumerate(self.brief.scores)}
        for name, high in self.brief.objectives:
            if name in derived:
                values = derived[name]
            else:
                end = _column(targets[name], "lower" if high else "upper") if name in targets else name
                values = columns[end].cast(pa.float64()).to_numpy(zero_copy_only=False)
            parts.append(np.nan_to_num(-values if high else values, nan=np.inf, posinf=np.inf, neginf=-np.inf))
        return np.stack(parts, axis=1) if parts else np.zeros((len(next(iter(columns.values()))), 0))

    def told(self, columns: Mapping[str, pa.Array]) -> list[dict[str, Any]]:
        """Columns of the result that models tell, and their status and reason."""
        rows = len(next(iter(columns.values())))
        found: list[dict[str, Any]] = [{} for _ in range(rows)]
        for number, scored in enumerate(self.brief.scores):
            whats = ("value", "probability") if scored.target.classes else ("value", *_ENDS)
            told = [columns[_column(number, what)].to_pylist() for what in whats]
            for row, values in zip(found, zip(*told, strict=True), strict=True):
                row |= dict(zip(scored.outputs(len(self.brief.scores) == 1), values, strict=True))
            doubts = (columns[_column(number, what)].to_pylist() for what in ("status", "reason"))
            for row, status, reason in zip(found, *doubts, strict=True):
                if status != "ok" and "ml_status" not in row:
                    row |= {"ml_status": status, "ml_reason": reason}
        return found


def _column(number: int, what: str) -> str:
    """Of a scored target among a draft's columns."""
    return f"__ml_{what}_{number}"

