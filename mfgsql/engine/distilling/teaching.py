"""A teacher's answers beside the rows of a snapshot: of a row that it has learnt, the answer of a part that has not.

A row without a label gets one drawn by what the teacher says, so that labels are as uncertain as it is: what is judged
and calibrated by them is then about as good as it will be by the truth, if the teacher is right about itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mfgsql.engine.challenge import speakers
from mfgsql.engine.splitting import mixed
from mfgsql.engine.unseen import Unseen
from mfgsql.model import Model
from mfgsql.scoring import Scorer
from mfgsql.tasks import Prediction, Target
from mfgsql.tasks.task import Array, known
from mfgsql.training import Snapshot
from mfgsql.training.rows import CHUNK, HASH, SPLIT, TAUGHT, TRAIN, UNUSED, VALIDATION
from mfgsql.training.windows import HISTORY

SHARE = 0.2  # of rows that judge
_MOST = 0.5  # of those that may: the others shall teach
FEWEST = 50  # rows that may judge, or those may as well that the teacher has learnt


@dataclass(frozen=True)
class Taught:
    """A snapshot with a teacher's answers.

    Attributes:
        snapshot: the file. labelled: whether the source has labels at all, so that these judge. fair: whether the
            teacher has learnt from no row that judges, as far as is known.
    """

    snapshot: Snapshot
    labelled: bool
    fair: bool


@dataclass(frozen=True)
class _Answers:
    """Answers to rows [rows, outputs], their truth as the task encodes it, and whether who answers had not seen it."""

    said: Array
    truth: Array
    fair: Array


def teach(
    scorer: Scorer, snapshot: Snapshot, learnt: list[Path] | None, seed: int, check: Callable[[], None]
) -> Taught:
    """Ask the teacher about each row, and choose which rows judge.

    Args:
        learnt: snapshots of what the teacher has learnt; None: they are gone.
        check: called now and then; raises where the work shall stop.
    """
    found = []
    for table in _tables(snapshot.path):
        check()
        found.append(_ask(scorer, table, learnt))
    said, truth, fair = (np.concatenate([getattr(f, n) for f in found]) for n in ("said", "truth", "fair"))
    there = known(truth)
    may = there if there.any() else np.ones(len(truth), bool)
    enough = int((may & fair).sum()) >= FEWEST
    parts = _parts(snapshot.path, may & fair if enough else may, len(truth), seed)
    labels = np.where(there, truth, _drawn(said, scorer.model, seed))
    _write(snapshot.path, scorer.model.target, said, labels, parts)
    train, judges = (int((parts == part).sum()) for part in (TRAIN, VALIDATION))
    taught = replace(snapshot, train=train, validation=judges, parts=1)
    return Taught(taught, bool(there.any()), enough)


def answers_of(said: Array, model: Model) -> Prediction:
    """What a snapshot keeps of answers, as the model's prediction: with its threshold, where costs chose one."""
    if not model.target.classes:
        return Prediction(said[:, 0].astype(np.float64) * model.target.deviation + model.target.mean)
    told = {name: value for name, value in model.manifest.calibration.items() if name == "threshold"}
    scores = said.astype(np.float64)
    return model.task.adjust(Prediction(scores.argmax(axis=1), scores), told)


def _tables(path: Path) -> Iterator[pa.Table]:
    """The snapshot in pieces; of histories in one, since windows reach from one into the next."""
    with pq.ParquetFile(path) as file:
        if HISTORY in file.schema_arrow.names:
            yield file.read()
            return
        for group in range(file.metadata.num_row_groups):
            yield file.read_row_group(group).replace_schema_metadata(file.schema_arrow.metadata)


def _ask(scorer: Scorer, table: pa.Table, learnt: list[Path] | None) -> _Answers:
    """Of a row that no part has seen, or all have, all speak."""
    model, rows = scorer.model, Unseen(table, np.arange(len(table)))
    said = rows.predict(scorer)
    group, new = np.zeros(len(table), np.int64), np.zeros(len(table), bool)
    if learnt is not None:
        group, new = speakers(rows.judged, learnt, model.manifest.backbone.groups)
    alone = np.flatnonzero(group * ~new)
    if len(alone):
        said = _replaced(said, alone, rows.take(alone).predict(scorer, group[alone]))
    target = model.target
    truth = np.full(len(table), -1 if target.classes else np.nan)
    if target.name in table.column_names:
        truth = np.asarray(model.task.encode(table[target.name].combine_chunks(), target))
    values = said.scores if said.scores is not None else (said.values[:, None] - target.mean) / target.deviation
    return _Answers(values.astype(np.float32), truth, new | (group > 0))


def _replaced(said: Prediction, rows: Array, by: Prediction) -> Prediction:
    values, scores = said.values.copy(), None if said.scores is None else said.scores.copy()
    values[rows] = by.values
    if scores is not None:
        scores[rows] = by.scores
    return Prediction(values, scores)


def _parts(path: Path, may: Array, rows: int, seed: int) -> Array:
    """The part of each row: a fifth of all judge, but at most half of those that may; the same each time, equal rows
    together.

    Of histories those judge that are apart from the others by time or entity, and may.
    """
    there = pq.read_schema(path).names
    table = pq.read_table(path, columns=[HASH, SPLIT])
    if HISTORY in there:
        parts = table[SPLIT].to_numpy().astype(np.int64)
        return np.where((parts == VALIDATION) & ~may, UNUSED, parts)
    dice = mixed(table[HASH].to_numpy(), seed)
    wanted = min(_MOST, SHARE * rows / max(int(may.sum()), 1))
    return np.asarray(np.where(may & (dice < np.uint64(wanted * 2.0**64)), VALIDATION, TRAIN))


def _drawn(said: Array, model: Model, seed: int) -> Array:
    """Labels drawn by what the teacher says: classes by their probabilities, numbers with an error as it makes them."""
    dice, target = np.random.default_rng(seed), model.target
    if target.classes:
        below = said.cumsum(axis=1) < dice.random((len(said), 1))
        return np.asarray(np.minimum(below.sum(axis=1), len(target.classes) - 1))
    values = answers_of(said, model).values
    errors = np.array(model.manifest.calibration.get("errors") or [0.0])
    return np.asarray(values + dice.choice(errors, len(said)) * dice.choice([-1.0, 1.0], len(said)))


def _write(path: Path, target: Target, said: Array, labels: Array, parts: Array) -> None:
    """The rows again, with answers, labels and parts."""
    partial, start = path.with_suffix(".part"), 0
    writer = None
    try:
        for rows in _tables(path):
            here = slice(start, start + len(rows))
            start += len(rows)
            taught = pa.FixedSizeListArray.from_arrays(pa.array(said[here].ravel()), said.shape[1])
            split = pa.array(parts[here].astype(np.int8))
            table = _with(rows, {SPLIT: split, TAUGHT: taught, target.name: _named(labels[here], target)})
            writer = writer or pq.ParquetWriter(partial, table.schema)
            writer.write_table(table, row_group_size=CHUNK)
    finally:
        if writer is not None:
            writer.close()
    partial.chmod(0o600)
    os.replace(partial, path)


def _named(labels: Array, target: Target) -> pa.Array:
    """Labels as the task reads them."""
    if not target.classes:
        return pa.array(labels.astype(np.float64))
    return pa.array(target.classes, pa.string()).take(pa.array(labels.astype(np.int64)))


def _with(table: pa.Table, columns: dict[str, pa.Array]) -> pa.Table:
    """The table with these columns in the place of those of the same name, or behind."""
    for name, column in columns.items():
        there = name in table.column_names
        place = table.column_names.index(name) if there else table.num_columns
        table = table.set_column(place, name, column) if there else table.add_column(place, name, column)
    return table
