"""``ml_evaluate``, ``ml_classification_report``, ``ml_confusion_matrix``: predictions against the truth."""

from __future__ import annotations

from mfgsql.catalog import Version
from mfgsql.engine.engine import Engine
from mfgsql.engine.labelreport import report_of_labels
from mfgsql.engine.planning import Args, at_place, json_rows, planners
from mfgsql.engine.profiling import visible_types
from mfgsql.engine.quoting import quote_identifier, quote_literal
from mfgsql.engine.sources import Source
from mfgsql.engine.spans import compared, plan_span_metrics, plan_span_report
from mfgsql.engine.verbs.predicting import model_and_source, scored, source_alias
from mfgsql.engine.versions import task_of
from mfgsql.errors import OptionError
from mfgsql.manifest import Manifest
from mfgsql.tasks import AT_LEAST, NEXT, PROCESS, REMAINING, TOKENS, Target

_METRICS = {"metric": "VARCHAR", "value": "DOUBLE", "baseline": "DOUBLE", "lower": "DOUBLE", "upper": "DOUBLE",
            "rows": "BIGINT"}  # fmt: skip
_SAID = f"{{{NEXT}: __ml.label, {REMAINING}: __ml.value, {AT_LEAST}: false}}"
GUESSES = {
    "class": "__ml.label", "labels": "__ml.labels", "value": "__ml.value",
    PROCESS: f"CASE WHEN __ml.label IS NOT NULL THEN {_SAID} END",
}  # fmt: skip


@planners.register("evaluate")
def plan_evaluate(engine: Engine, args: Args) -> str:
    """Metrics beside the baseline's, with a 95 % bootstrap interval, over rows whose target is known."""
    version, manifest, source = model_and_source(engine, args)
    task = task_of(version, manifest)
    assert manifest.target is not None
    if manifest.task == TOKENS:
        return plan_span_metrics(_compared(version, manifest, source, args), manifest.target.name)
    truth = true_value(engine, version, manifest, source, args)
    wanted, guess = task.truth_sql(truth, manifest.target), GUESSES[task.shape]
    scores = "NULL" if task.shape == "value" else "list(__ml.scores)"
    rows = (
        f"(SELECT list(__truth) AS t, list({guess}) AS p, {scores} AS s "
        f"FROM ({scored(version, manifest, source, args, also=f'{wanted} AS __truth')}) "
        f"WHERE __truth IS NOT NULL AND {guess} IS NOT NULL)"
    )
    return json_rows(f"_ml_evaluate({quote_literal(version.name)}, t, p, s)", _METRICS, rows)


def true_value(engine: Engine, version: Version, manifest: Manifest, source: Source, args: Args) -> str:
    """SQL of a row's target; NULL where the source says that it is a lower bound: no error is known of those.

    A source that only the caller sees can't be asked for such a column.
    """
    assert manifest.target is not None
    alias = source_alias(version)
    truth = f"{alias}.{quote_identifier(manifest.target.name)}"
    if manifest.task != "rul":
        return truth
    with engine.cursor() as cursor:
        types = visible_types(at_place(cursor, args), source.select)
    return f"CASE WHEN {alias}.censored THEN NULL ELSE {truth} END" if types.get("censored") == "BOOLEAN" else truth


def _pairs(engine: Engine, args: Args) -> str:
    """Counts by actual and predicted class."""
    version, manifest, source = model_and_source(engine, args)
    target = class_target(version, manifest)
    truth = f"{truth_of(version, manifest, target)} AS __truth"
    return (
        "SELECT __truth AS actual, __ml.label AS predicted, count(*) AS rows "
        f"FROM ({scored(version, manifest, source, args, also=truth)}) "
        "WHERE __truth IS NOT NULL AND __ml.label IS NOT NULL GROUP BY ALL"
    )


def class_target(version: Version, manifest: Manifest) -> Target:
    """The target of a model of classes.

    Raises:
        OptionError: it predicts a number, several labels a row, or spans.
    """
    shape = task_of(version, manifest).shape
    if shape == "labels":
        raise OptionError(
            f"'{version.model}' gives a row several labels; this is for one class a row.",
            remedy=f"Use FROM ml_classification_report('{version.model}', ...), which judges each label.",
        )
    if shape == "spans":
        raise OptionError(
            f"'{version.model}' finds spans in texts; this is for one class a row.",
            remedy=f"Use FROM ml_classification_report('{version.model}', ...), which judges spans and words.",
        )
    if shape not in ("class", PROCESS) or manifest.target is None:
        raise OptionError(
            f"'{version.model}' predicts a number; this is for classes.",
            remedy=f"Use FROM ml_evaluate('{version.model}', ...).",
        )
    return manifest.target


def truth_of(version: Version, manifest: Manifest, target: Target) -> str:
    """SQL of a row's truth as the task takes it."""
    truth = task_of(version, manifest).truth_sql(f"{source_alias(version)}.{quote_identifier(target.name)}", target)
    return f"{truth}.{NEXT}" if manifest.task == PROCESS else truth


@planners.register("confusion_matrix")
def plan_confusion_matrix(engine: Engine, args: Args) -> str:
    """A row for each pair of actual and predicted class that occurs."""
    return f"FROM ({_pairs(engine, args)}) ORDER BY actual, predicted"


def _compared(version: Version, manifest: Manifest, source: Source, args: Args) -> str:
    """A SELECT of texts, their true spans, and those found."""
    assert manifest.target is not None
    names = (manifest.features.names[0], manifest.target.name)
    columns = [f"{source_alias(version)}.{quote_identifier(name)}" for name in names]
    return scored(version, manifest, source, args, also=compared(*columns))


@planners.register("classification_report")
def plan_classification_report(engine: Engine, args: Args) -> str:
    """Precision, recall, F1 and support by class, then the averages as scikit-learn reports them.

    Of spans by label as seqeval reports them, then of the words by tag.
    """
    version, manifest, source = model_and_source(engine, args)
    if manifest.task == TOKENS and manifest.target is not None:
        return plan_span_report(_compared(version, manifest, source, args), manifest.target.name)
    if task_of(version, manifest).shape == "labels":
        assert manifest.target is not None
        truth = f"{truth_of(version, manifest, manifest.target)} AS __truth"
        return report_of_labels(scored(version, manifest, source, args, also=truth))
    return f"""
WITH pairs AS ({_pairs(engine, args)}),
classes AS (SELECT actual AS class FROM pairs UNION SELECT predicted FROM pairs),
counts AS (
  SELECT class,
    coalesce(sum(rows) FILTER (actual = class AND predicted = class), 0) AS hits,
    coalesce(sum(rows) FILTER (predicted = class), 0) AS said,
    coalesce(sum(rows) FILTER (actual = class), 0) AS support
  FROM classes, pairs GROUP BY class
),
scores AS (
  SELECT class, coalesce(hits / nullif(said, 0), 0) AS precision, coalesce(hits / nullif(support, 0), 0) AS recall,
    coalesce(2 * hits / nullif(said + support, 0), 0) AS f1, support, hits
  FROM counts
),
report AS (
  SELECT 0 AS place, class, precision, recall, f1, support FROM scores
  UNION ALL SELECT 1, 'accuracy', NULL, NULL, sum(hits) / sum(support), sum(support) FROM scores
  UNION ALL SELECT 2, 'macro avg', avg(precision), avg(recall), avg(f1), sum(support) FROM scores
  UNION ALL SELECT 3, 'weighted avg', sum(precision * support) / sum(support), sum(recall * support) / sum(support),
    sum(f1 * support) / sum(support), sum(support) FROM scores
)
SELECT class, precision, recall, f1, CAST(support AS BIGINT) AS support FROM report ORDER BY place, class
""".strip()
