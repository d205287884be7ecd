"""Between SQL's rows and the scorer: which columns a model reads, and what shape its answer has."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mfgsql.catalog import resolve
from mfgsql.engine.access import Identity, Role
from mfgsql.engine.quoting import quote_literal
from mfgsql.errors import SourceError, did_you_mean

if TYPE_CHECKING:
    from mfgsql.engine.engine import Engine
    from mfgsql.scoring import RowStatus, Scored, Scorer
    from mfgsql.tasks import Prediction, Target, Task
    from mfgsql.tasks.task import Array


def pin(engine: Engine, model: pa.Array) -> pa.Array:
    """Names as pinned versions; pinned where the statement is bound, so that it sees one version throughout."""
    with engine.cursor() as cursor:
        names = {text: resolve(cursor, text).name for text in pc.unique(model).to_pylist()}
    return pa.array([names[t] for t in model.to_pylist()], pa.string())


def score_class(engine: Engine, named: pa.Array) -> pa.Array:
    """Structs of label, probability, scores, status."""
    model, row = version_and_row(named)
    with engine.scorer(model) as scorer:
        scored = scorer.score(features_of(engine, scorer, named), len(row))
        return _class_struct(scorer, scored)


def score_labels(engine: Engine, named: pa.Array) -> pa.Array:
    """Structs of labels, scores, status."""
    model, row = version_and_row(named)
    with engine.scorer(model) as scorer:
        scored = scorer.score(features_of(engine, scorer, named), len(row))
        return _struct(scored, **label_columns(scorer, scored.prediction))


def score_value(engine: Engine, named: pa.Array, level: float) -> pa.Array:
    """Structs of value, lower, upper, status."""
    model, row = version_and_row(named)
    with engine.scorer(model) as scorer:
        scored = scorer.score(features_of(engine, scorer, named), len(row))
        return _struct(scored, **interval_columns(scorer, scored.prediction, level))


def score_row(engine: Engine, model: pa.Array, row: pa.Array) -> pa.Array:
    """Structs of label, probability, value, lower, upper, status; NULL where the task has no such thing."""
    names = pc.unique(model).to_pylist()
    if len(names) > 1:
        return by_model(model, names, lambda name, rows: score_row(engine, name, row.take(rows)))
    with engine.scorer(names[0]) as scorer:
        if scorer.model.manifest.history is not None:
            raise SourceError(
                f"{names[0]} reads histories, and a row is none.",
                remedy=f"FROM ml_predict({quote_literal(names[0])}, 'my_table', latest := true);",
            )
        if scorer.model.manifest.grid is not None:
            raise SourceError(
                f"{names[0]} forecasts series, and a row is none.",
                remedy=f"FROM ml_forecast({quote_literal(names[0])}, 'my_table');",
            )
        if scorer.model.task.shape == "spans":
            raise SourceError(
                f"{names[0]} finds spans, of which a text has any number.",
                remedy=f"FROM ml_spans({quote_literal(names[0])}, 'my_table');",
            )
        scored = scorer.score(features_of(engine, scorer, row_named(names[0], row)), len(row))
        none = pa.nulls(len(row), pa.float64())
        if scorer.model.task.shape == "class":
            answer = _class_struct(scorer, scored)
            label, probability = answer.field("label"), answer.field("probability")
            return _struct(scored, label=label, probability=probability, value=none, lower=none, upper=none)
        if scorer.model.task.shape == "labels":
            labels = label_columns(scorer, scored.prediction)["labels"]
            label = pc.binary_join(labels, scorer.model.target.separator or _JOINED)
            return _struct(scored, label=label, probability=none, value=none, lower=none, upper=none)
        columns = interval_columns(scorer, scored.prediction, DEFAULT_LEVEL)
    return _struct(scored, label=pa.nulls(len(row), pa.string()), probability=none, **columns)


DEFAULT_LEVEL = 0.9
_JOINED = ", "  # between labels in a text
_ADMIN, _READER = Identity("plan", Role.ADMIN), Identity("plan", Role.READER)


def by_model(model: pa.Array, names: list[str], answer: Callable[[pa.Array, pa.Array], pa.Array]) -> pa.Array:
    """A batch whose rows ask different models: one pass each, put back in order.

    Args:
        answer: to rows that ask the same model, by its name for each and their numbers.
    """
    parts, places = [], []
    for name in names:
        rows = pc.indices_nonzero(pc.equal(model, name))
        parts.append(answer(model.take(rows), rows))
        places.append(rows.to_numpy())
    back = np.argsort(np.concatenate(places))
    return pa.concat_arrays(parts).take(pa.array(back))


def evaluate_lists(engine: Engine, model: pa.Array, truth: pa.Array, predicted: pa.Array, scores: pa.Array) -> pa.Array:
    """JSON rows of metrics; each argument is one list over all rows (``scores`` of probability lists, or NULL)."""
    from mfgsql.evaluation import evaluate
    from mfgsql.tasks.task import known

    with engine.scorer(_constant(model)) as scorer:
        task, target = scorer.model.task, scorer.model.target
    if not truth[0].is_valid:
        raise SourceError(f"No row of the source has a {target.name!r} to compare with.")
    values = task.encode(truth.flatten(), target)
    told = scores.flatten() if pa.types.is_list(scores.type) else scores
    prediction = prediction_of(task, target, predicted.flatten(), told, target.classes)
    there = known(values)
    rows = evaluate(task, target, values[there], prediction.take(there))
    return pa.array([json.dumps([asdict(r) for r in rows])])


def prediction_of(
    task: Task, target: Target, predicted: pa.Array, scores: pa.Array, classes: Sequence[str]
) -> Prediction:
    """What was said of rows, of the columns of their results.

    Args:
        target: whose classes count. scores: lists; of numbers not looked at. classes: that they are of, some of the
            target's.
    """
    from mfgsql.tasks import Prediction

    if task.shape == "value":
        return Prediction(predicted.to_numpy(zero_copy_only=False))
    values = task.encode(predicted, target)
    told = np.zeros((len(predicted), len(target.classes)))
    told[:, [target.classes.index(c) for c in classes]] = scores.flatten().to_numpy().reshape(-1, len(classes))
    return Prediction(values > 0 if task.shape == "labels" else values, told)


WITH_FILES = " files"  # behind the version's name, where a served engine's plan was made for who may open files


def version_and_row(row: pa.Array) -> tuple[str, pa.Array]:
    """The version and its row, of ``{'m@3': row}``."""
    return str(row.type.field(0).name).removesuffix(WITH_FILES), row.field(0)


def row_named(version: str, row: pa.Array) -> pa.Array:
    """``{'m@3': row}``."""
    return pa.StructArray.from_arrays([row], [version])


def _opened(engine: Engine, named: pa.Array, values: pa.Array) -> pa.Array:
    """Paths of pictures as files that may be opened; embedded use may open all, a server's plan says who may."""
    if isinstance(values, pa.ExtensionArray):
        values = values.storage
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_nested(values.type):  # structs of paths are what `picture_cells` makes, and nobody else
        raise SourceError(
            f"A picture is a BLOB, or the path of a file, not {values.type}.", remedy="Name the field that holds it."
        )
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return values
    from mfgsql.engine.files import picture_cells

    if engine.guarded is None:
        return picture_cells(engine, None, values)
    may = str(named.type.field(0).name).endswith(WITH_FILES)
    return picture_cells(engine, _ADMIN if may else _READER, values)


def _constant(model: pa.Array) -> str:
    return str(model[0].as_py())


def features_of(
    engine: Engine, scorer: Scorer, named: pa.Array, wanted: Sequence[str] | None = None
) -> dict[str, pa.Array]:
    """The model's columns, or those that are wanted, out of ``{'m@3': row}``, whatever their case and order."""
    row = named.field(0)
    if not pa.types.is_struct(row.type):
        raise SourceError(
            f"The row is {row.type}, not a row.", remedy="SELECT ml_predict('model', t) FROM my_table AS t;"
        )
    fields = dict(zip((row.type.field(i).name.lower() for i in range(row.type.num_fields)), row.flatten(), strict=True))
    features = scorer.model.manifest.features
    names = features.names if wanted is None else wanted
    for name in names:
        if name.lower() not in fields:
            there = [row.type.field(i).name for i in range(row.type.num_fields)]
            raise SourceError(
                f"The row has no column {name!r}, which the model needs.{did_you_mean(name, there)}",
                remedy=f"The model reads: {', '.join(names)}.",
            )
    pictures = features.fields("image")
    columns = {name: fields[name.lower()] for name in names}
    return columns | {name: _opened(engine, named, columns[name]) for name in names if name in pictures}


def _class_struct(scorer: Scorer, scored: Scored) -> pa.Array:
    return _struct(scored, **class_columns(scorer, scored.prediction))


def class_columns(scorer: Scorer, prediction: Prediction) -> dict[str, pa.Array]:
    """Label, probability (of two classes that of the second), and the probabilities of all."""
    target = scorer.model.target
    assert prediction.scores is not None
    width = prediction.scores.shape[1]
    chosen = prediction.scores[:, 1] if width == 2 else prediction.scores.max(axis=1)
    label = pa.array(target.classes, pa.string()).take(pa.array(prediction.values))
    return {"label": label, "probability": pa.array(chosen), "scores": _lists_of(prediction.scores)}


def process_columns(scorer: Scorer, prediction: Prediction, level: float) -> dict[str, pa.Array]:
    """The next activity as a class with the probability of that one, the remaining time with its interval, and its
    quantiles.
    """
    from mfgsql.tasks import next_of
    from mfgsql.tasks.process import Process

    task, calibration = scorer.model.task, scorer.model.manifest.calibration
    assert isinstance(task, Process)
    assert prediction.scores is not None
    lower, upper = task.interval(prediction.values, calibration, level)
    known = np.isfinite(lower) & np.isfinite(upper)
    quantiles = task.quantiles(prediction.values, calibration)
    return class_columns(scorer, next_of(prediction)) | {
        "probability": pa.array(prediction.scores.max(axis=1)),
        "value": pa.array(prediction.values[:, 1]), "lower": _where(known, lower), "upper": _where(known, upper),
        "quantiles": _lists_of(quantiles),
    }  # fmt: skip


def label_columns(scorer: Scorer, prediction: Prediction) -> dict[str, pa.Array]:
    """The labels that a row is given, and the probabilities of all."""
    assert prediction.scores is not None
    _, given = np.nonzero(prediction.values)
    offsets = np.append(0, prediction.values.sum(axis=1).cumsum()).astype(np.int32)
    names = pa.array(scorer.model.target.classes, pa.string()).take(pa.array(given))
    return {"labels": pa.ListArray.from_arrays(offsets, names), "scores": _lists_of(prediction.scores)}


def _lists_of(scores: Array) -> pa.Array:
    """A list for each row of ``[rows, width]``."""
    rows, width = scores.shape
    offsets = pa.array(np.arange(0, rows * width + 1, width, dtype=np.int32))
    return pa.ListArray.from_arrays(offsets, pa.array(scores.reshape(-1)))


def interval_columns(
    scorer: Scorer, prediction: Prediction, level: float, strangeness: Array | None = None
) -> dict[str, pa.Array]:
    """The value and the ends of its interval, wider where rows are strange; NULL where too few rows told one."""
    value = prediction.values
    lower, upper = scorer.model.task.interval(value, scorer.model.manifest.calibration, level)
    if strangeness is not None:
        from mfgsql.scoring.familiarity import widened

        lower, upper = widened(value, lower, upper, strangeness)
    if scorer.model.target.cap is not None:
        upper = np.minimum(upper, scorer.model.target.cap)  # beyond it nothing is told apart
    known = np.isfinite(lower) & np.isfinite(upper)
    return {"value": pa.array(value), "lower": _where(known, lower), "upper": _where(known, upper)}


def _where(known: Array, values: Array) -> pa.Array:
    return pa.array(values) if known.all() else pa.array(values, mask=~known)


def masked(columns: dict[str, pa.Array], rows: RowStatus) -> None:
    """Make the columns of void rows NULL."""
    if rows.void is None:
        return
    kept = pa.array(~rows.void)
    for name, column in columns.items():
        columns[name] = pc.if_else(kept, column, pa.scalar(None, column.type))


def _struct(scored: Scored, **columns: pa.Array) -> pa.Array:
    """The columns with status and reason; a void row's columns are NULL."""
    masked(columns, scored.rows)
    columns |= {"ml_status": scored.rows.status, "ml_reason": scored.rows.reason}
    return pa.StructArray.from_arrays(list(columns.values()), list(columns))
