"""``ml_tune``, executed: one snapshot, many trainings on it, and the best of them committed as a version.

Each trial is committed as it ends, by the key of what is searched in what rows; an equal statement goes on with those
that are there, whatever ended the one before, and one of more trials begins with them.
"""

from __future__ import annotations

import bisect
import copy
import hashlib
import json
import math
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import duckdb

from mfgsql.catalog.trials import FAILED, FINISHED, PRUNED, Trial, add_trial, trials_of
from mfgsql.engine.engine import Engine
from mfgsql.engine.fields import Base
from mfgsql.engine.learning import Learning
from mfgsql.engine.planning import Args, Rows
from mfgsql.engine.progress import Progress
from mfgsql.engine.quoting import quote_literal
from mfgsql.engine.runs import recorded, update
from mfgsql.engine.snapshots import Frozen
from mfgsql.engine.specs import Prepared, prepare_spec
from mfgsql.engine.tuning.watching import StoppedError, Watch
from mfgsql.engine.verdict import verdict_of
from mfgsql.errors import CancelledError, DataError, InputError, MfgsqlError, OptionError
from mfgsql.model import Model
from mfgsql.tasks import ANOMALY
from mfgsql.training import Learned, Snapshot
from mfgsql.training.monitor import Silent
from mfgsql.training.searching import Asked, Known, load_optuna, propose
from mfgsql.training.spaces import Space, read_space, settled, usual_space

_WARM = 0.25  # of the steps that the defaults took, in which no trial is pruned


def run_tune(engine: Engine, args: Args) -> Rows:
    """Run it, or return the finished run of the same content."""
    load_optuna()
    return recorded(engine, args, Tuning)


@dataclass
class _Kept:
    """The best trial so far, with its model and how its training went."""

    trial: Trial
    learned: Learned
    progress: Progress


class Tuning(Learning):
    """One run of many trainings, from its source to its row of result."""

    def _prepare(self, frozen: Frozen, base: Base) -> Prepared:
        self._frozen, self._known_base, self._told = frozen, base, copy.deepcopy(self.args)
        self._defaults = super()._prepare(frozen, base)
        if self._defaults.spec.task == ANOMALY and self._defaults.spec.history is None:
            raise OptionError("A detector of pictures remembers good ones, and has nothing to tune: use ml_finetune.")
        self._space = self._space_of(self._defaults)
        self._study = self._key(frozen, self._defaults, "trials", "budget")
        return self._defaults

    def _space_of(self, prepared: Prepared) -> Space:
        usual = usual_space(prepared.spec, based=isinstance(self._known_base, Model))
        space = {n: one for n, one in usual.items() if n not in self.args["fixed"]} | read_space(self.args["space"])
        if not space:
            raise OptionError("Every option that would be searched is fixed: nothing is left to tune.")
        return space

    def _learn(self, snapshot: Snapshot, prepared: Prepared, base: Base, key: str) -> Learned:
        """All trials that there is time for; the best one's model, trained again where it was of an earlier process."""
        self.trials = self._made(stopped=bool(self.args.get("force")))
        self._why = "the budget ended"
        self._kept: _Kept | None = None
        budget = math.inf if self.args["budget"] is None else self.args["budget"]
        self._until = self.started + budget - sum(trial.seconds for trial in self.trials)
        self._make_trials(snapshot)
        best = self._best()
        if best is None:
            raise MfgsqlError(f"All {len(self.trials)} trials failed, the first so: {self.trials[0].error}")
        chosen = self._spec_of(best)
        update(self.engine, self.run_id, spec=chosen.describe())
        if self._kept is not None and self._kept.trial is best:
            self.progress = self._kept.progress
            return self._kept.learned
        self.title, self.tracked = f"tune {self.args['model']}, the best trial", self.run_id
        return super()._learn(snapshot, chosen, base, key)

    def _make_trials(self, snapshot: Snapshot) -> None:
        if not self._free():
            self._make(snapshot, None)
        warmup = int(_WARM * max(self.trials[0].curve, default=0))
        while len(self.trials) < self.args["trials"] and time.monotonic() < self._until:
            known = [Known(t.options, t.criterion, t.curve) for t in self.trials if t.state != FAILED]
            seed = self._defaults.spec.recipe.seed
            asked = propose(self._space, known, self._free(), seed=seed, warmup=warmup)
            if asked is None:
                self._why = "there was no more to try"
                return
            self._make(snapshot, asked)

    def _make(self, snapshot: Snapshot, asked: Asked | None) -> None:
        """Make a trial (None: of the defaults) and record it, whatever comes of it but a stop of the whole."""
        self.cancellation.check()
        number, started, watch = self._free(), datetime.now(UTC), Watch(asked, self._until)
        self.title = f"tune {self.args['model']}, trial {number + 1} of {self.args['trials']}"
        self.tracked, self.watching = f"{self.run_id}-{number}", watch
        options = asked.options if asked else settled(self._space, self._defaults.spec)
        learned, told = self._outcome(snapshot, options, defaults=asked is None)
        if asked is None and learned is not None:
            options = settled(self._space, self._defaults.spec, learned.model.manifest.lineage["recipe"])
        trial = Trial(number, options=options, started_at=started, finished_at=datetime.now(UTC), curve=watch.curve,
                      steps=watch.steps, **told)  # fmt: skip
        with self.engine.transaction() as con:
            add_trial(con, self._study, self.run_id, self.args["model"], trial)
        bisect.insort(self.trials, trial, key=lambda t: t.number)
        best = self._best()
        if learned is not None and best is trial:
            self._kept = _Kept(trial, learned, self.progress)
        self.progress.note(_line(trial, best, self.title))

    def _free(self) -> int:
        """The least number that no trial has; 0 is that of the defaults."""
        return next(n for n, t in enumerate([*self.trials, None]) if t is None or t.number != n)

    def _outcome(
        self, snapshot: Snapshot, options: dict[str, Any], *, defaults: bool
    ) -> tuple[Learned | None, dict[str, Any]]:
        """What came of a trial's training, and what is told of it."""
        key = hashlib.sha256(f"{self._study}{json.dumps(options)}".encode()).hexdigest()[:32]
        try:
            prepared = self._defaults if defaults else self._with(options)
            self._check_size(prepared, self._known_base)
            learned = super()._learn(snapshot, prepared, self._known_base, key)
            outcome: tuple[Learned | None, dict[str, Any]] = learned, _record(learned)
        except StoppedError as stopped:
            outcome = None, {"state": PRUNED, "error": str(stopped)}
        except (CancelledError, duckdb.InterruptException):
            raise  # its state stays, and an equal statement goes on from there
        except Exception as error:  # options may ask for too much: the other trials go on
            self.cancellation.check()
            if defaults and isinstance(error, InputError):
                raise
            outcome = None, {"state": FAILED, "error": str(error).strip() or type(error).__name__}
        finally:
            self.watching = Silent()
        self._state(key).unlink(missing_ok=True)
        return outcome

    def _with(self, options: dict[str, Any]) -> Prepared:
        """The spec of these options, of the same rows."""
        told = copy.deepcopy(self._told)
        told["options"] |= options
        return prepare_spec(self._frozen, told, self._known_base)

    def _spec_of(self, trial: Trial) -> Prepared:
        return self._with(trial.options) if trial.number else self._defaults

    def _best(self) -> Trial | None:
        finished = [t for t in self.trials if t.criterion is not None]
        return min(finished, key=lambda t: (t.criterion, t.number), default=None)

    def _made(self, *, stopped: bool = False) -> list[Trial]:
        made = trials_of(self.cursor, self._study, stopped=stopped)
        return [trial for trial in made if trial.number < self.args["trials"]]

    def _reuse(self, result: dict[str, Any], frozen: Frozen, prepared: Prepared) -> dict[str, Any]:
        row = super()._reuse(result, frozen, prepared)
        self.trials = self._made()
        best, free = self._best(), self.args["budget"] is None
        self._why = "there was no more to try" if free else "there was no more time, or no more to try"
        return row | {"warnings": [*row["warnings"], *(self._told_of(best, row) if best else [])]}

    def _result(self, number: int, prepared: Prepared, learned: Learned, warnings: list[str]) -> dict[str, Any]:
        best, states = self._best(), Counter(trial.state for trial in self.trials)
        assert best is not None
        row = super()._result(number, prepared, learned, warnings)
        row |= {"trials": states[FINISHED], "pruned": states[PRUNED], "best_trial": best.number}
        warnings += self._told_of(best, row)
        return row

    def _told_of(self, best: Trial, row: dict[str, Any]) -> list[str]:
        """How the best was chosen, in words."""
        told, first, made = [], self.trials[0], len(self.trials)
        failed = [trial for trial in self.trials if trial.state == FAILED]
        if best.number:
            beside = "the defaults failed" if first.criterion is None else f"the defaults {first.criterion:.4g}"
            told.append(
                f"Chosen among {made} trials by rows that then judge it, so that its figures flatter "
                f"(criterion {best.criterion:.4g}, {beside}). Judge on others: "
                f"FROM ml_evaluate({quote_literal('{model}@{version}'.format(**row))}, 'later_rows');"
            )
        elif made > 1:
            told.append(f"None of {made} trials was better than the defaults.")
        if made < self.args["trials"]:
            told.append(f"{made} of {self.args['trials']} trials were made: {self._why}.")
        if failed:
            told.append(f"{len(failed)} of {made} trials failed; the first: {failed[0].error}")
        return told


def _record(learned: Learned) -> dict[str, Any]:
    """What is recorded of a trial that came to its end.

    Raises:
        DataError: no row judges it.
    """
    if learned.judgement is None:
        raise DataError("No row is held out to judge by, and trials are compared by such rows: use ml_finetune.")
    criterion = learned.judgement.criterion
    if not math.isfinite(criterion):
        return {"state": FAILED, "error": "It diverged: the loss is no number."}
    metric, value, _, _ = verdict_of(learned)
    return {"state": FINISHED, "metric": metric, "value": value, "criterion": criterion}


def _line(trial: Trial, best: Trial | None, title: str) -> str:
    """A trial in a line."""
    beside = f"; best {best.criterion:.4g} of trial {best.number + 1}" if best else ""
    met = "" if trial.criterion is None else f" {trial.criterion:.4g}"
    value = "" if trial.value is None else f" ({trial.metric} {trial.value:.4g})"
    return f"{title}: {trial.state}{met}{value}, {trial.seconds:.1f} s{beside}"
