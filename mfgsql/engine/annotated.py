"""What a report shows of a model of spans: its figures by label, and texts with what it finds in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from mfgsql.catalog import Version
from mfgsql.engine.engine import Engine
from mfgsql.engine.heldout import snapshot_path
from mfgsql.engine.tagged import TaggedRows
from mfgsql.engine.unseen import judged_rows
from mfgsql.entities import Span, entity_report, token_report
from mfgsql.errors import MfgsqlError
from mfgsql.reporting.facts import Marked, Missing, Stretch, Tagged, TaggedText

_ROWS = 2_000  # texts held out
_EACH = 5  # texts of a sort
_LONGEST = 400  # characters of one


def tagged_facts(engine: Engine, version: Version) -> Tagged | Missing:
    """Of the texts that the version was judged on, or why there are none."""
    try:
        path = snapshot_path(engine, version)
    except MfgsqlError as error:
        return Missing(str(error))
    with engine.scorer(version.name) as scorer:
        (name,), target = scorer.model.manifest.features.names, scorer.model.target.name
        rows = TaggedRows.of(scorer, judged_rows(path, [name, target], _ROWS, groups=1))
    if not rows.texts:
        return Missing(f"{version.name} was judged on no texts.")
    spans, tokens = rows.counts()
    wrong = np.array([len(_places(t) ^ _places(f)) for t, f in zip(rows.truth, rows.found, strict=True)])
    sizes = np.array([len(spans) for spans in rows.truth])
    worst = [row for row in np.argsort(-wrong, kind="stable")[:_EACH].tolist() if wrong[row]]
    best = [row for row in np.argsort(-sizes, kind="stable").tolist() if not wrong[row] and sizes[row]][:_EACH]
    report = (*entity_report(spans), *token_report(tokens))
    return Tagged(report, len(rows.texts), *(tuple(_text(name, rows, row) for row in some) for some in (worst, best)))


def _places(spans: Iterable[Span]) -> set[tuple[str, int, int]]:
    return {(span.label, span.begin, span.stop) for span in spans}


def _text(name: str, rows: TaggedRows, row: int) -> TaggedText:
    actual, found = (
        Marked(name, tuple(_stretches(rows.texts[row], spans))) for spans in (rows.truth[row], rows.found[row])
    )
    return TaggedText(actual, found)


def _stretches(text: str, spans: Iterable[Span]) -> Iterator[Stretch]:
    """The beginning of the text, in order, with its spans."""
    at = 0
    for span in sorted(spans, key=lambda span: span.begin):
        if span.stop > _LONGEST:
            break
        yield Stretch(text[at : span.begin])
        yield Stretch(text[span.begin : span.stop], label=span.label)
        at = span.stop
    yield Stretch(text[at:_LONGEST] + (" …" if len(text) > _LONGEST else ""))
