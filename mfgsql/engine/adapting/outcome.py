"""How a candidate did, on what is new and on what was learnt before, and what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mfgsql.catalog.replays import ClassStep, Shadow
from mfgsql.engine.adapting.asked import AUTO, Adaptation
from mfgsql.engine.adapting.batch import Batch
from mfgsql.engine.adapting.deciding import Decision, decide, doubt_of_labels, doubt_of_one_value
from mfgsql.engine.adapting.held import Held
from mfgsql.engine.adapting.judging import Compared, Judge, Said, recalls
from mfgsql.engine.adapting.past import Past
from mfgsql.engine.adapting.rows import Together
from mfgsql.engine.engine import Engine
from mfgsql.scoring import Scorer
from mfgsql.tasks import Target
from mfgsql.tasks.task import Array
from mfgsql.training import Learned

REVERTED = "reverted"
BETTER, SUSPICIOUS, UNMOVED = "better on new rows", "suspicious labels", "nothing learnt"  # verdicts


@dataclass(frozen=True)
class Pair:
    """Some rows, and what the champion and the candidate say of them."""

    judge: Judge
    champion: Said
    candidate: Said

    def of_classes(self, target: Target | None) -> Pair:
        """Of the rows whose class is one of a smaller target's."""
        many = len(target.classes) if target else 0
        if not many or self.champion.truth.ndim > 1 or many == len(self.judge.target.classes):
            return self
        rows = np.flatnonzero(self.champion.truth < many)
        return Pair(self.judge, self.champion.take(rows), self.candidate.take(rows))

    @property
    def compared(self) -> Compared:
        """The candidate beside the champion."""
        return self.judge.compare(self.champion, self.candidate)

    @property
    def glance(self) -> Compared:
        """The same without an interval, which takes most of the time."""
        return self.judge.glance(self.champion, self.candidate)


@dataclass(frozen=True)
class Outcome:
    """How it did.

    Attributes:
        fresh, replayed: the candidate beside the champion on rows that this has not learnt, and on rows that it has,
            with an interval where that decides; None where there are none.
        classes: of each, by name: rows held out, the candidate's recall, the champion's.
        new, old: what both say of these rows.
    """

    fresh: Compared | None
    replayed: Compared | None
    decision: Decision
    classes: dict[str, tuple[int, float | None, float | None]]
    new: Pair | None
    old: Pair | None

    @classmethod
    def of(
        cls, engine: Engine, held: Held, learned: Learned, together: Together, batch: Batch, asked: Adaptation,
        policy: str,
    ) -> Outcome:  # fmt: skip
        """Ask both."""
        learnt = together.learnt(held.version.version)
        scorer = Scorer(learned.model, engine.device, engine.settings.threads)
        with engine.scorer(held.version.name) as champion:

            def pair(which: Array) -> Pair | None:
                rows = together.judged(which)
                if not len(rows.rows):
                    return None
                judge = Judge(rows, learned.model, batch.target)
                said = judge.ask(champion)
                return Pair(judge, said, judge.ask(scorer)) if len(said.truth) else None

            new, old = pair(~learnt), pair(learnt)
            own = new if bool((~learnt == together.of_batch).all()) else pair(together.of_batch)
        learned.model.network.to("cpu")
        fresh = None if new is None else new.compared
        decides = policy == AUTO and fresh is not None and fresh.better
        replayed = None if old is None else old.compared if decides else old.glance
        own = own and own.of_classes(held.manifest.target)
        doubt = None if asked.trust or own is None else _doubt(own, old, asked.margin)
        moved = learned.best_step > 0 or bool(batch.new)
        decision = decide(policy, asked.margin, fresh, replayed, doubt, together.batches(~learnt), moved=moved)
        return cls(fresh, replayed, decision, _classes(batch.new, new, old), new, old)

    @property
    def forgetting(self) -> float | None:
        """How much worse the candidate is on what the champion has learnt."""
        if self.replayed is None or self.replayed.difference is None:
            return None
        return 0.0 - self.replayed.difference

    def columns(self, *, promoted: bool, policy: str, shadows: list[Shadow]) -> dict[str, Any]:
        """Those of the result that learning verbs don't have."""
        fresh, decision = self.fresh, self.decision
        back = next((s for s in shadows if s.decision == REVERTED), None)
        told = "" if back is None else (
            f"@{back.champion} gave its place back to @{back.rival}, which is better on the batch "
            f"({back.metric} {back.champion_value:.3g} -> {back.rival_value:.3g}). "
        )  # fmt: skip
        return {
            "verdict": SUSPICIOUS if decision.suspicious else _verdict(fresh) if decision.waits else UNMOVED,
            "forgetting": self.forgetting,
            "new": fresh and fresh.rival, "new_champion": fresh and fresh.champion,
            "new_rows": fresh.rows if fresh else 0, "policy": policy, "promoted": promoted,
            "reverted": back is not None, "reason": told + decision.reason,
        }  # fmt: skip

    def warnings(self, past: Past) -> list[str]:
        """What one would want to know."""
        if past.rows is not None and len(past.rows):
            return []
        return ["No row that the champion has learnt is kept: nothing is replayed, and it may forget."]

    def steps(
        self, run_id: str, model: str, number: int, since: Mapping[str, int], before: int
    ) -> list[ClassStep]:
        """How each class is known now."""
        return [
            ClassStep(run_id, model, number, name, since.get(name, number if known is None else before), *figures)
            for name, figures in self.classes.items()
            for known in [figures[2]]
        ]


def _doubt(own: Pair, old: Pair | None, margin: float) -> str | None:
    """Why the batch's labels are not to be trusted, by rows of it whose classes the champion knows."""
    if not len(own.champion.truth):
        return None
    past = None if old is None else (old.judge, old.champion, old.candidate)
    return doubt_of_one_value(own.judge, own.champion, old.champion if old else None) or doubt_of_labels(
        own.judge, own.champion, own.candidate, past, margin
    )


def _verdict(fresh: Compared | None) -> str:
    if fresh is None or fresh.lower is None or fresh.upper is None:
        return "too little data"
    if fresh.better:
        return BETTER
    return "worse on new rows" if fresh.upper < 0 else "no better than the champion on new rows"


def _classes(fresh: list[str], *pairs: Pair | None) -> dict[str, tuple[int, float | None, float | None]]:
    """Recalls over all rows held out, of more than two classes; the champion has none of those that are new to it."""
    there = [pair for pair in pairs if pair is not None]
    if not there or len(there[0].judge.target.classes) < 3:
        return {}
    target, both = there[0].judge.target, []
    for name in ("candidate", "champion"):
        said = [getattr(pair, name) for pair in there]
        truth = np.concatenate([s.truth for s in said])
        both.append(recalls(Said(truth, type(said[0].prediction).concat([s.prediction for s in said])), target))
    before = {name: None if name in fresh else recall for name, (_, recall) in both[1].items()}
    return {name: (rows, recall, before[name]) for name, (rows, recall) in both[0].items()}
