"""``ml_generate``, executed: the brief, the rules, the search, and the rows with all that is told of each design."""

from __future__ import annotations

from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from mfgsql.cancellation import Cancellation
from mfgsql.designs import SAME, Points, choose, diversity, nearest, ranked, spaced, twins
from mfgsql.engine.conditions import Condition, Range, parse_conditions, ranges
from mfgsql.engine.designing.brief import MEASURES, Brief, read_brief
from mfgsql.engine.designing.drafting import Search
from mfgsql.engine.designing.drafts import Drafts
from mfgsql.engine.designing.judge import DesignJudge
from mfgsql.engine.designing.reasons import Reasons
from mfgsql.engine.designing.space import Codes, DesignSpace, Values
from mfgsql.engine.engine import Engine
from mfgsql.engine.heldout import snapshot_path
from mfgsql.engine.planning import Args, Rows, at_place, finite, stoppable
from mfgsql.errors import SourceError
from mfgsql.optimization.balances import Balances
from mfgsql.optimization.fronts import fronts
from mfgsql.scoring.designing import Designer

_PAST = 50_000  # past designs that others are compared with
_ODD = "its columns don't add up as those of past designs do"
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


def run_generate(engine: Engine, args: Args) -> Rows:
    """The rows."""
    with stoppable(engine, args) as (cursor, cancellation):
        brief = read_brief(cursor, args)
        return _Generation(engine, cursor, brief, args, cancellation).rows()


class _Generation:
    """One statement."""

    def __init__(
        self, engine: Engine, con: duckdb.DuckDBPyConnection, brief: Brief, args: Args, cancellation: Cancellation
    ) -> None:
        self.engine, self.con, self.brief, self.cancellation = engine, con, brief, cancellation
        self.level = float(args["level"])
        self.reasons: dict[str, str] = {}
        self.conditions = [*brief.conditions, *self._rules(args)]
        self.space = DesignSpace(brief.manifest.features, self._wanted())
        self.judge = DesignJudge(engine, con, brief, self.conditions, self.level, cancellation.check)

    def _rules(self, args: Args) -> list[Condition]:
        """Of the guide; NULL says nothing."""
        if self.brief.guide is None:
            return []
        asked = f"SELECT CAST(expression AS VARCHAR), CAST(reason AS VARCHAR) FROM {self.brief.guide.sql}"
        try:
            rows = at_place(self.con, args).execute(asked).fetchall()
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            told = f"The guide {self.brief.guide.text!r} can't be read: {str(error).splitlines()[0]}"
            raise SourceError(told, remedy="It is a committed table or SELECT of expression and reason.") from None
        rules = [(text, reason) for text, reason in rows if text is not None and text.strip()]
        self.reasons = {text: reason for text, reason in rules if reason}
        return parse_conditions([text for text, _ in rules], self.brief.names, "guide", self.brief.truths)

    def _wanted(self) -> dict[str, Range]:
        """What is left of columns; of a computed one nothing is said: it is what others make of it."""
        own = self.brief.types.keys() - self.brief.computed
        found = {name: left for name, left in ranges(self.conditions).items() if name in own}
        for name, value in self.brief.given.items():
            told = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
            found[name] = found.get(name, Range()) & Range(among=(told,))
        return found

    def rows(self) -> Rows:
        """Designs, or one row that says why there is none."""
        words = Reasons(self.judge, self.space, self.reasons)
        if (proven := words.impossible()) is not None:
            return [_none("infeasible", proven)]
        past_codes, past = self._past()
        with self.engine.scorer(self.brief.version.name) as scorer:
            designer = Designer(
                scorer, self.space.allowed, self.space.first, temperature=self.brief.temperature,
                top_p=self.brief.top_p, seed=self.brief.seed, check=self.cancellation.check,
            )  # fmt: skip
            numbers = self.space.points(past_codes, past).numbers
            numbers[:, [self.space.names[c] in self.brief.computed for c in self.space.numeric]] = np.nan
            balances = Balances.fit(numbers)  # not of what follows from others, whatever it was before
            search = Search(
                self.space, designer, self.judge, balances, (past_codes, past), self.brief.given, self.brief.outcomes,
                self._usual(), self.brief.seed, self.brief.copies, self.cancellation,
            )  # fmt: skip
            found = search.run(self.brief.n, self.brief.tries)
            if found is None:
                return [_none("not_found", words.not_found(search))]
            likelihood = designer.likelihood(found.codes)
        return self._told(found, likelihood, (past_codes, past), search, words)

    def _usual(self) -> float:
        """How likely a design is, of one that isn't learnt from: on the whole that of the rows held out."""
        loss = self.brief.version.value
        return -np.inf if loss is None else -loss

    def _past(self) -> tuple[Codes, Values]:
        """Past designs: the version's frozen rows, or those kept with it, where these are gone."""
        names = self.brief.manifest.features.names
        try:
            with pq.ParquetFile(snapshot_path(self.engine, self.brief.version)) as file:
                parts, rows = [], 0
                for group in range(file.metadata.num_row_groups):
                    parts.append(self.space.read(file.read_row_group(group, columns=names)))
                    rows += len(parts[-1][0])
                    if rows >= _PAST:
                        break
        except SourceError:
            codes = np.array(self.brief.manifest.calibration.get("past") or [], np.int64).reshape(-1, len(names))
            whole = DesignSpace(self.brief.manifest.features, {})
            return codes, whole.values(codes, np.full(codes.shape, 0.5))
        values = {name: np.concatenate([v[name] for _, v in parts])[:_PAST] for name in names}
        return np.concatenate([codes for codes, _ in parts])[:_PAST], values

    def _told(
        self, found: Drafts, likelihood: Any, past: tuple[Codes, Values], search: Search, words: Reasons
    ) -> Rows:
        """The rows of those that are chosen."""
        before, mine = (self.space.points(*some, self.brief.outcomes) for some in (past, (found.codes, found.values)))
        scale = before.scale() if len(before) else mine.scale()
        which, novelty = nearest(mine, before, scale, self.cancellation.check)
        derived = self.judge.derived(found.columns)
        quality, objectives = ranked(likelihood), found.objectives
        chosen = self._chosen(mine, quality, objectives, scale)
        ranks = fronts(objectives[chosen]) if objectives.shape[1] else None
        order = np.lexsort((-quality[chosen], np.zeros(len(chosen)) if ranks is None else ranks))
        chosen, ranks = chosen[order], None if ranks is None else ranks[order]
        shown = found.take(chosen)
        rows = self._designs(shown, {name: values[chosen] for name, values in derived.items()})
        near, apart = self._nearest(past, which[chosen]), diversity(mine[chosen], scale)
        same, note = (novelty[chosen] < SAME) | twins(mine[chosen], scale), words.note(search, shown)
        odd = np.any(search.balances.excess(self.space.points(shown.codes, shown.values).numbers) > 0, axis=1)
        for i, row in enumerate(rows):
            if odd[i] and "ml_status" not in row:
                row |= {"ml_status": "out_of_range", "ml_reason": _ODD}
            row |= {
                "design": i + 1, "likelihood": float(likelihood[chosen[i]]), "novelty": finite(novelty[chosen[i]]),
                "nearest": near[i], "diversity": finite(apart[i]),
                "pareto_rank": None if ranks is None else int(ranks[i]), "is_duplicate": bool(same[i]),
                "ml_status": row.get("ml_status", "ok"),
                "ml_reason": "; ".join(filter(None, (row.get("ml_reason"), note))) or None,
            }  # fmt: skip
        return rows

    def _chosen(self, mine: Points, quality: Floats, objectives: Floats, scale: Floats) -> Integers:
        """Numbers of designs that are unlike one another: of several objectives those spread over what can be had."""
        n, count = self.brief.n, objectives.shape[1]
        if not count:
            return choose(mine, quality, scale, n)
        if count == 1:
            order = np.lexsort((-quality, objectives[:, 0]))
            return np.asarray(order[spaced(mine[order], scale, n)], np.int64)
        rank = fronts(objectives, n)
        last = int(rank.max())
        before, front = np.flatnonzero((rank > 0) & (rank < last)), np.flatnonzero(rank == last)
        low, span = objectives[front].min(axis=0), np.ptp(objectives[front], axis=0)
        scaled = (objectives[front] - low) / np.maximum(span, 1e-12)
        spread = choose(Points(scaled, mine.codes[front, :0]), 1 - ranked(scaled.max(axis=1)), np.ones(count), n)
        return np.concatenate([before, front[spread[: n - len(before)]]])

    def _designs(self, chosen: Drafts, derived: dict[str, Any]) -> Rows:
        """Columns of the designs, what models tell of them, and what is computed."""
        rows = [
            {name: value for name, value in row.items() if name not in self.brief.computed} | told
            for row, told in zip(self.space.rows(chosen.values), self.judge.told(chosen.columns), strict=True)
        ]
        for name, values in derived.items():
            for row, value in zip(rows, values, strict=True):
                row[name] = finite(value)
        return rows

    def _nearest(self, past: tuple[Codes, Values], which: Any) -> list[dict[str, Any] | None]:
        """The nearest past design of each."""
        if not len(past[0]):
            return [None] * len(which)
        rows: list[dict[str, Any] | None] = list(self.space.rows({name: v[which] for name, v in past[1].items()}))
        return rows


def _none(status: str, reason: str) -> dict[str, Any]:
    return dict.fromkeys(MEASURES) | {"ml_status": status, "ml_reason": reason}
