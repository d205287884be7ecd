"""Cases under way: that nothing happened since the last event is known as well, and bounds how long they still take.

The remaining time's distribution is that of cases which outlasted the wait: quantiles below it are ruled out, and the
others share what is left (the residual life of survival analysis). It holds for the last event of a case alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from mfgsql.engine.quoting import quote_identifier, quote_literal, quote_text
from mfgsql.tasks import END

SO_FAR, WAITED = "__ml_so_far", "__ml_waited"
_KNOWN, _REST = "__ml_known", "__ml_rest"
MADE = (SO_FAR, WAITED, _KNOWN, _REST)  # columns that plans add
_RULED_OUT = f"({WAITED} > 0 AND len({_REST}) < len({_KNOWN}))"


def so_far(ended: str, started: str, activity: str, is_open: str) -> str:
    """SQL of what is known of a case beside its events, a struct: how long nothing happened, whether it is open (NULL
    where the source doesn't say), how many of its events have no moment, and the activity that began since the event
    and has not ended. Now is the latest moment of the source, be it of an operation that began and has not ended.

    Args:
        ended, started: moments of an event, in days or units of the order. activity: its own. is_open: whether its case
            is.
    """
    running = f"arg_max({activity}::VARCHAR, {started})"
    unended = f"FILTER ({ended} IS NULL AND {started} IS NOT NULL) OVER __ml_all"
    now = f"max(coalesce({ended}, {started})) OVER ()"
    return (
        f"{{'waited': greatest({now} - {ended}, 0), 'open': {is_open}, "
        f"'lost': count(*) FILTER ({ended} IS NULL) OVER __ml_all, "
        f"'running': CASE WHEN max({started}) {unended} >= {started} THEN {running} {unended} END}}"
    )


def outlasted(scored: str, order_by: str, level: float, activities: Sequence[str]) -> str:
    """A SELECT of the last events with ``__ml`` as it is after the wait, which it adds as ``__ml_waited``.

    Without an open column a case counts as over where the end is what the model expects next and nothing of it is under
    way. An activity that is under way is what comes next. What outlasted all that is known of has no upper end.

    Args:
        scored: a SELECT with ``__ml`` and ``__ml_so_far``. level: share of cases between the interval's ends.
        activities: that the model knows, the end among them.
    """
    updated = {**_next(activities), **_times(level), **_doubts(order_by), "quantiles": _REST}
    fields = ", ".join(f"{quote_identifier(name)} := {sql}" for name, sql in updated.items())
    goes_on = f"({SO_FAR}.running IS NOT NULL OR __ml.label <> {quote_literal(END)})"
    waited = f"if(coalesce({SO_FAR}.open, {goes_on}), {SO_FAR}.waited, 0)"
    known = "list_filter(__ml.quantiles, lambda q: isfinite(q))"
    return (
        f"SELECT * REPLACE (if(__ml.value IS NULL, __ml, struct_update(__ml, {fields})) AS __ml) FROM ("
        f"SELECT *, list_filter({_KNOWN}, lambda q: q >= {WAITED}) AS {_REST} FROM ("
        f"SELECT *, {waited} AS {WAITED}, {known} AS {_KNOWN} FROM ({scored})))"
    )


def _next(activities: Sequence[str]) -> dict[str, str]:
    """What comes next, which is no longer open where it is under way; as predicted where the model doesn't know it."""
    listed = f"[{', '.join(map(quote_text, activities))}]"
    known = f"(coalesce({SO_FAR}.open, true) AND list_contains({listed}, {SO_FAR}.running))"
    scores = f"list_transform({listed}, lambda a: (a = {SO_FAR}.running)::INTEGER::FLOAT)"
    return {
        "label": f"if({known}, {SO_FAR}.running, __ml.label)",
        "probability": f"if({known}, 1, __ml.probability)",
        "scores": f"if({known}, {scores}, __ml.scores)",
    }


def _times(level: float) -> dict[str, str]:
    """The remaining time, never below the prediction at the event, and its interval by order statistics of the rest."""
    low = f"floor(round((len({_REST}) + 1) * {(1 - level) / 2!r}, 9))::BIGINT"
    ends = {
        "lower": f"if({_RULED_OUT}, coalesce({_at(low)}, {WAITED}), __ml.lower)",
        "upper": f"if({_RULED_OUT}, {_at(f'len({_REST}) + 1 - {low}')}, __ml.upper)",
    }
    value = f"greatest(__ml.value, if({_RULED_OUT}, list_median({_REST}), NULL), {WAITED})"
    return {"value": value} | {n: f"if({sql} IS NULL, NULL, greatest({sql}, {WAITED}))" for n, sql in ends.items()}


def _doubts(order_by: str) -> dict[str, str]:
    """Status and reason, with those of the events that have no moment yet, and of a wait beyond all that is known."""
    lost, beyond = f"{SO_FAR}.lost", f"{_RULED_OUT} AND len({_REST}) = 0"
    left_out = f"{lost} || if({lost} = 1, ' event', ' events') || {quote_literal(f' left out: no {order_by}')}"
    running, longer = f"{SO_FAR}.running || ' is under way'", "'longer without an event than cases in training'"
    reasons = f"if({lost} > 0, {left_out}, NULL), {running}, if({beyond}, {longer}, NULL)"
    doubt = f"CASE WHEN {beyond} THEN 'out_of_range' WHEN {lost} > 0 THEN 'missing' ELSE __ml.ml_status END"
    return {
        "ml_status": f"if(__ml.ml_status IN ('ok', 'out_of_range'), {doubt}, __ml.ml_status)",
        "ml_reason": f"nullif(concat_ws('; ', __ml.ml_reason, {reasons}), '')",
    }


def _at(rank: str) -> str:
    """The rest's element of that rank; NULL where there are too few to tell."""
    return f"CASE WHEN {rank} BETWEEN 1 AND len({_REST}) THEN {_REST}[{rank}] END"
