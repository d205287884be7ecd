"""Runs that did not finish: what happened, and what to do."""

from __future__ import annotations

from mfgsql.reporting.facts import Facts, Run
from mfgsql.reporting.formats import moment, seconds
from mfgsql.reporting.panel import Code, Note, Panel, Part, Terms, panel

_MOST = 5
_AGAIN = "Run the statement again: on the same rows it goes on from its last half minute."
_ADVICE = {
    "failed": "Mend what the error names, and run the statement again.",
    "cancelled": f"It was stopped. {_AGAIN}",
    "interrupted": f"The process ended before it. {_AGAIN}",
    "running": "It is still under way. Make this report again when it has finished.",
    "queued": "It waits for another training. Make this report again when it has finished.",
}


@panel("failures", "Runs without a result", order=10)
def failures(facts: Facts) -> Panel | None:
    """Those after the version was made; of a model without a version, all."""
    if not facts.failed:
        return None
    parts: list[Part] = []
    for run in facts.failed[:_MOST]:
        parts += _parts(run)
    if len(facts.failed) > _MOST:
        parts.append(Note(f"And {len(facts.failed) - _MOST:,} earlier ones: mfgsql runs list."))
    return Panel.of(*parts)


def _parts(run: Run) -> list[Part]:
    tone = "bad" if run.status == "failed" else "warn"
    pairs = [("Status", run.status), ("Statement", f"ml_{run.verb}"), ("Run", run.run_id)]
    pairs += [("Began", moment(run.started)), ("Took", seconds(run.seconds))]
    parts: list[Part] = [Note(run.error, tone)] if run.error else []
    parts += [Terms(tuple(pairs)), Note(f"What to do: {_ADVICE.get(run.status, 'run the statement again.')}")]
    return [*parts, *([Code(run.source, "Source of the run")] if run.source else [])]
