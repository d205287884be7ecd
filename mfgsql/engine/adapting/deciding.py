"""Who is champion after a batch: what speaks against a candidate, and against the labels themselves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mfgsql.engine.adapting.asked import AUTO
from mfgsql.engine.adapting.judging import Compared, Judge, Said, value_of
from mfgsql.evaluation.judge import resampled
from mfgsql.tasks.task import Array

FEWEST = 50  # new rows held out that a promotion needs
LASTING = 2  # batches that say the same of a rule that has changed
_EXPECTED = 10.0  # rows of other classes that the champion expects, and none came: by chance once in 20,000 batches
_FAR = 2.0  # times the usual error
_IF_RIGHT = "Where they are right, options := {'trust': true} takes them; or train anew on the rows since."
_SINCE = "Where what the rows tell has changed, a training on those since tells more than going on: ml_finetune."
_UNMOVED = (
    "No pass over the new rows was better than the champion on those held out: there is nothing to promote. "
    "The rows are kept for the next time."
)


@dataclass(frozen=True)
class Decision:
    """What becomes of a candidate.

    Attributes:
        promoted: whether it is champion. reason: why, or why not. suspicious: whether the labels are not to be trusted;
            then nothing of the batch is kept. waits: whether it is a candidate, else.
    """

    promoted: bool
    reason: str
    suspicious: bool = False
    waits: bool = True


def decide(
    policy: str,
    margin: float,
    fresh: Compared | None,
    replayed: Compared | None,
    doubt: str | None,
    batches: int = 1,
    *,
    moved: bool = True,
) -> Decision:
    """The candidate against the champion, on new rows and on those that the champion has learnt.

    A rule that has changed can't be learnt without forgetting the old one: what is lost on old rows is outweighed by
    what is gained on the new ones of two batches. One batch alone may be a day of wrong labels.

    Args:
        batches: that the new rows are of.
        margin: how much worse than the champion it may be on these: of a metric up to 1 as it is, of errors as a share.
        doubt: why the labels are not to be trusted. moved: whether its weights are others than the champion's.
    """
    if doubt is not None:
        return Decision(False, f"Suspicious labels: {doubt} {_IF_RIGHT}", suspicious=True, waits=False)
    if not moved and not (policy == AUTO and fresh is not None and fresh.better):  # as its probabilities alone may be
        return Decision(False, _UNMOVED, waits=False)
    if policy != AUTO:
        both = (("new", fresh), ("replayed", replayed))
        told = [f"on {of.rows} {what} rows {told_of(of)}" for what, of in both if of and of.difference is not None]
        waits = f"The policy is {policy}: the candidate waits to be promoted"
        return Decision(False, f"{'; '.join([waits, *told])}.")
    if fresh is None or fresh.rows < FEWEST:
        rows = 0 if fresh is None else fresh.rows
        return Decision(False, f"Only {rows} new rows judge, and {FEWEST} are needed: they are kept for the next time.")
    if fresh.lower is None:
        return Decision(False, f"The new rows do not tell: {fresh.metric} can't be measured on them.")
    if not fresh.better:
        advice = f" {_SINCE}" if batches >= LASTING else ""
        figures = told_of(fresh)
        return Decision(False, f"It is not better beyond chance on the {fresh.rows} new rows ({figures}).{advice}")
    if replayed is not None and worse(replayed, margin):
        if batches < LASTING or not outweighed(fresh, replayed):
            return Decision(False, f"It is worse on what was learnt before ({told_of(replayed)}).")
        return Decision(
            True,
            f"Better on {fresh.rows} new rows of {batches} batches ({told_of(fresh)}), which outweighs that it is "
            f"worse on what was learnt before ({told_of(replayed)}).",
        )
    before = f"; on {replayed.rows} replayed rows {told_of(replayed)}" if replayed is not None else ""
    return Decision(True, f"Better on {fresh.rows} new rows ({told_of(fresh)}){before}.")


def worse(replayed: Compared, margin: float) -> bool:
    """Whether a candidate is worse on what was learnt before, by more than the margin.

    The interval shows that it is not, or, where the rows are too few for that (of two thousand it is often wider than
    any margin that one would allow), it holds zero and the difference itself is within the margin.
    """
    if replayed.difference is None or replayed.lower is None or replayed.upper is None:
        return True
    allowed = _allowed(margin, replayed)
    return replayed.lower < -allowed and (replayed.upper < 0 or replayed.difference < -allowed)


def outweighed(fresh: Compared, replayed: Compared) -> bool:
    """Whether even the least that may be gained on new rows is more than is lost on old ones."""
    gain, loss = fresh.lower, replayed.difference
    return gain is not None and loss is not None and gain > max(-loss, 0.0)


def _allowed(margin: float, compared: Compared) -> float:
    errors = compared.metric in ("rmse", "mae", "log_loss", "brier")
    return margin * (abs(compared.champion or 0.0) if errors else 1.0)


def told_of(compared: Compared) -> str:
    """``pr_auc 0.71 -> 0.84, +0.13 [0.05, 0.2]``."""
    interval = "" if compared.lower is None else f" [{compared.lower:+.3g}, {compared.upper:+.3g}]"
    return f"{compared.metric} {compared.champion:.3g} -> {compared.rival:.3g}{interval}"


def doubt_of_one_value(judge: Judge, said: Said, past: Said | None) -> str | None:
    """Why a batch of one class, or one number, only is not to be trusted: the champion expects others; None where it
    does not.

    Args:
        said, past: what the champion says of the batch, and of rows that it has learnt.
    """
    if said.truth.ndim > 1 or len(np.unique(said.truth)) != 1:
        return None
    rows, scores = len(said.truth), said.prediction.scores
    if scores is None:
        return None if past is None else _stuck(said, past)
    only = int(said.truth[0])
    missing = float((1.0 - scores[:, only]).sum())
    if missing < _EXPECTED:
        return None
    return f"all {rows} rows are {judge.target.classes[only]!r}, and {missing:.0f} of them were expected to be others."


def _stuck(said: Said, past: Said) -> str | None:
    """The same of numbers: what is expected varies, and is off, by more than the champion's usual error."""
    usual, now = (float(np.sqrt(np.mean((s.truth - s.prediction.values) ** 2))) for s in (past, said))
    values = said.prediction.values
    if float(values.std()) <= usual or now <= _FAR * usual:
        return None
    return (
        f"all {len(values)} rows are {said.truth[0]:g}, and values from {values.min():.3g} to {values.max():.3g} were "
        "expected."
    )


def doubt_of_labels(
    judge: Judge, champion: Said, candidate: Said, past: tuple[Judge, Said, Said] | None, margin: float
) -> str | None:
    """Why the labels are not to be trusted: who tells the past knows nothing of the batch, and it can't be learnt, or
    only by forgetting; None where they are.

    Args:
        champion, candidate: on the batch. past: both on replayed rows, and who judges there.
    """
    if past is None or len(np.unique(champion.truth)) < 2:
        return None
    before, said, after = past
    if not _collapsed(judge, champion, before, said):
        return None  # and the costly questions need not be asked
    if not before.tells(said):
        return None  # the champion is of no use there either
    if judge.tells(champion) or not below(judge, champion, before, said):
        return None
    metric = judge.telling
    rows = (
        f"the champion tells nothing of these {len(champion.truth)} rows "
        f"({metric.name} {value_of(metric, champion):.3g}; "
        f"of those that it has learnt {value_of(before.telling, said):.3g})"
    )
    turned = judge.compare(champion, judge.naive(champion), metric).better
    if turned and worse(before.compare(said, after), margin):
        return f"{rows}: they contradict what it has learnt."
    if not judge.tells(candidate):
        return f"{rows}, and nothing can be learnt from them."
    return None


def _collapsed(judge: Judge, champion: Said, before: Judge, said: Said) -> bool:
    """Whether more than half of what the champion tells beyond a naive guess is gone."""
    sign = 1 if judge.telling.higher else -1
    values = [value_of(j.telling, s) for j, s in ((judge, champion), (judge, judge.naive(champion)),
                                                 (before, said), (before, before.naive(said)))]  # fmt: skip
    if any(v is None for v in values):
        return False
    now, naive, then, naive_then = (sign * (v or 0.0) for v in values)
    return now - naive < (then - naive_then) / 2


def below(judge: Judge, champion: Said, before: Judge, said: Said) -> bool:
    """Whether the champion is worse on the batch than on what it has learnt, beyond chance."""
    def ends(one: Judge, of: Said) -> Array:
        values = resampled(one.telling, of.truth, [of.prediction], 0, draws=100)[0]
        return np.quantile(values, [0.025, 0.975]) if len(values) >= 20 else np.array([-np.inf, np.inf])

    now, then = ends(judge, champion), ends(before, said)
    return bool(now[1] < then[0] if judge.telling.higher else now[0] > then[1])
