"""``ml_spans``: the labelled spans of texts, a row for each."""

from __future__ import annotations

from mfgsql.engine.engine import Engine
from mfgsql.engine.kept import OWN, kept
from mfgsql.engine.planning import Args, planners
from mfgsql.engine.quoting import quote_identifier
from mfgsql.engine.verbs.predicting import model_and_source, scored
from mfgsql.errors import OptionError
from mfgsql.tasks import TOKENS

_OF_A_SPAN = ("label", "text", "begin", "stop", "score")
_STATUS = ("ml_status", "ml_reason")


@planners.register("spans")
def plan_spans(engine: Engine, args: Args) -> str:
    """Rows without a span are left out; the input's columns stay, but for those whose name an output takes."""
    version, manifest, source = model_and_source(engine, args)
    if manifest.task != TOKENS:
        raise OptionError(
            f"'{version.model}' finds no spans in texts.",
            remedy="Train one that does: FROM ml_finetune('my_spans', 'annotated_notes', "
            "task := 'token_classification', target := 'spans');",
        )
    spans = ", ".join(f"__ml_span.{quote_identifier(name)} AS {quote_identifier(name)}" for name in _OF_A_SPAN)
    status = ", ".join(f"__ml.{name} AS {name}" for name in _STATUS)
    inner = f"SELECT {OWN}, __ml, unnest(__ml.spans) AS __ml_span FROM ({scored(version, manifest, source, args)})"
    return f"SELECT {kept((*_OF_A_SPAN, *_STATUS))}, {spans}, {status} FROM ({inner})"
