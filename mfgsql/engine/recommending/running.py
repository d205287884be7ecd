"""Recommendations, made: for each row a search, a shortlist, and what is shown judged once more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from mfgsql.cancellation import Cancellation
from mfgsql.engine.engine import Engine
from mfgsql.engine.familiar import learnt_from, unknown
from mfgsql.engine.planning import Args, Rows, stoppable
from mfgsql.engine.recommending.adjustable import Adjustable, Floats, stepped
from mfgsql.engine.recommending.advice import Advice
from mfgsql.engine.recommending.asked import Asked, read_asked
from mfgsql.engine.recommending.candidates import Candidates, Integers
from mfgsql.engine.recommending.present import read_present
from mfgsql.optimization.search import HOLDS, Found, search
from mfgsql.optimization.shortlist import shortlist
from mfgsql.scoring.variants import Variants

_TOGETHER = 100_000  # candidates of a search, for as many rows as they are enough for


def run_recommend(engine: Engine, args: Args) -> Rows:
    """The rows."""
    with stoppable(engine, args) as (cursor, cancellation):
        asked = read_asked(cursor, args, args["level"])
        with ExitStack() as stack:
            return list(_rows(engine, cursor, asked, cancellation, stack))


def _rows(
    engine: Engine, con: duckdb.DuckDBPyConnection, asked: Asked, cancellation: Cancellation, stack: ExitStack
) -> Iterator[dict[str, Any]]:
    scorers = [stack.enter_context(engine.scorer(v.name)) for v in asked.versions]
    present = read_present(con, asked, scorers)
    if not len(present):
        return
    variants, learnt = [], []
    for number, scorer in enumerate(scorers):
        familiarity, rows = learnt_from(engine, asked.versions[number], scorer)
        missing = unknown(asked.manifests[number], present.table)
        variants.append(Variants(scorer, present.batches[number], familiarity, missing))
        learnt += [] if rows is None else [rows]
    known = np.concatenate([_numbers(asked.adjust, rows) for rows in (learnt or [present.table])])
    adjust = [stepped(a, known[:, i]) for i, a in enumerate(asked.adjust)]
    candidates = Candidates(con, asked, adjust, present, variants, cancellation.check)
    advice = Advice(candidates)
    void = np.logical_or.reduce([np.zeros(len(present), bool) if s.void is None else s.void for s in present.status])
    here, size = np.flatnonzero(~void), max(1, _TOGETHER // asked.effort.trials)
    told: dict[int, Rows] = {int(row): [advice.nothing(int(row), None)] for row in np.flatnonzero(void)}
    if asked.conflict is not None:
        told |= {int(row): [advice.impossible(int(row), asked.conflict)] for row in here}
        here = here[:0]
    for at in range(0, len(here), size):
        some = here[at : at + size]
        told |= _recommended(candidates, advice, known, some)
    for row in sorted(told):
        yield from told[row]


def _numbers(adjust: list[Adjustable], rows: pa.Table) -> Floats:
    """Values of adjusted columns that there were together, [rows, d]; NaN of a column that isn't there."""
    by_lower = {n.lower(): rows[n].combine_chunks() for n in rows.column_names}
    none = np.full(len(rows), np.nan)
    named = [(a, by_lower.get(a.name.lower())) for a in adjust]
    return np.stack([none if values is None else a.numbers(values) for a, values in named], axis=1)


def _recommended(candidates: Candidates, advice: Advice, known: Floats, rows: Integers) -> dict[int, Rows]:
    """Suggestions for some rows, by their numbers."""
    effort, equalities = candidates.asked.effort, candidates.equalities(rows)
    found = search(
        candidates.space, candidates.start[rows], lambda values, which: candidates.judge(values, rows[which]),
        known=known, equalities=equalities, most=effort.most, trials=effort.trials, seed=effort.seed,
        check=candidates.check,
    )  # fmt: skip
    told = {}
    for number, row in enumerate(rows.tolist()):
        values, rank = _chosen(candidates, found, number, row)
        told[row] = advice.suggestions(row, values, rank) if len(values) else [advice.nothing(row, (found, number))]
    return told


def _chosen(candidates: Candidates, found: Found, number: int, row: int) -> tuple[Floats, Integers]:
    """Values of a row's suggestions [k, d], each judged once more as it would be shown, and their Pareto ranks."""
    values, objectives = found.values[number], found.objectives[number]
    holds = (found.excess[number] <= HOLDS).all(axis=1)
    changed = candidates.space.differs(values, candidates.start[row]).any(axis=1)
    better = holds & changed
    if holds[0]:
        gains = objectives[0] - objectives
        better &= (gains > candidates.least()).any(axis=1)
        predicted = found.beside[number]
        better &= (predicted[0] - predicted > candidates.least()[: predicted.shape[1]]).all(axis=1)  # not only surer
    which = np.flatnonzero(better)
    which = which[np.unique(values[which], axis=0, return_index=True)[1]]
    which.sort()
    while len(which):
        best, rank = shortlist(
            candidates.space, candidates.start[row], values[which], objectives[which], candidates.asked.effort.k
        )
        shown = values[which[best]]
        sound = candidates.holds(shown, np.full(len(shown), row)).all(axis=1)
        if sound.all():
            return shown, rank
        which = np.delete(which, best[~sound])
    return values[:0], np.zeros(0, np.int64)
