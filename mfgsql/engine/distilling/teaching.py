"""A teacher's answers beside the rows of a snapshot, and which of these rows judge.

Who has learnt a row's label tells it to its students, so who teaches must not know the rows that judge: these are new
to the teacher, or of one of its parts, and then that part alone, which was trained on all others, teaches until all is
judged.

A row without a label gets one drawn by what the teacher says, so that labels are as uncertain as it is: what is judged
and calibrated by them is then about as good as it will be by the truth, if the teacher is right about itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mfgsql.engine.learnt import Learnt
from mfgsql.engine.splitting import mixed
from mfgsql.engine.unseen import Unseen
from mfgsql.model import Model
from mfgsql.scoring import Scorer
from mfgsql.tasks import Prediction, Target
from mfgsql.tasks.task import Array, known
from mfgsql.training import Snapshot
from mfgsql.training.snapshot import CHUNK, HASH, SPLIT, TAUGHT, TRAIN, UNUSED, VALIDATION
from mfgsql.training.windows import HISTORY

SHARE = 0.2  # of rows that judge
FEWEST = 50  # rows that may judge
_NEW = 0.1  # of rows that the teacher must not know, to judge alone
_MOST = 0.5  # of labels that judge: the others shall teach
_JUDGED = 1  # part of the teacher that judges, and teaches the others


@dataclass(frozen=True)
class Taught:
    """A snapshot with a teacher's answers.

    Attributes:
        snapshot: the file. labelled: whether the source has labels at all, so that these judge. fair: whether who
            teaches knows no label that judges. alone: whether that is one part of the teacher.
    """

    snapshot: Snapshot
    labelled: bool
    fair: bool
    alone: bool


@dataclass(frozen=True)
class _Known:
    """What is known of rows: the truth as the task encodes it, the part of the teacher that has not learnt each (0: all
    have), and whether none has, [rows].
    """

    truth: Array
    part: Array
    new: Array

    @classmethod
    def of(cls, table: pa.Table, model: Model, learnt: Learnt | None) -> _Known:
        """Of rows of a snapshot; without the teacher's own nothing is known but the truth."""
        target, rows = model.target, len(table)
        truth = np.full(rows, -1) if target.classes else np.full(rows, np.nan)
        if target.name in table.column_names:
            truth = np.asarray(model.task.encode(table[target.name].combine_chunks(), target))
        if learnt is None:
            return cls(truth, np.zeros(rows, np.int64), np.zeros(rows, bool))
        return cls(truth, *learnt.parts(table, model.manifest.backbone.groups))

    @classmethod
    def concat(cls, found: list[_Known]) -> _Known:
        """Of many."""
        return cls(*(np.concatenate([getattr(known, f.name) for known in found]) for f in fields(cls)))


@dataclass(frozen=True)
class _Roles:
    """Which rows may judge, bool [rows], and how much of them; the part that teaches (None: all do); see `Taught`."""

    may: Array
    most: float
    part: int | None
    fair: bool

    @classmethod
    def of(cls, found: _Known) -> _Roles:
        """By what is known."""
        there = known(found.truth)
        if not there.any():
            return cls(np.ones(len(there), bool), _MOST, None, fair=True)  # the likeness to all of it is judged
        if int((there & found.new).sum()) >= max(FEWEST, _NEW * len(there)):
            return cls(there & found.new, _MOST, None, fair=True)
        held = there & (found.new | (found.part == _JUDGED))
        if int(held.sum()) >= FEWEST:
            return cls(held, 1.0, _JUDGED, fair=True)
        return cls(there, _MOST, None, fair=False)


def teach(
    scorer: Scorer, snapshot: Snapshot, learnt: Learnt | None, seed: int, check: Callable[[], None]
) -> Taught:
    """Ask the teacher about each row, and choose which rows judge.

    Args:
        learnt: snapshots of what the teacher has learnt; None: they are gone.
        check: called now and then; raises where the work shall stop.
    """
    found = _Known.concat([_Known.of(table, scorer.model, learnt) for table in _tables(snapshot.path)])
    check()
    roles = _Roles.of(found)
    parts = _parts(snapshot.path, roles, seed)
    _write(snapshot.path, scorer, found.truth, parts, roles.part, seed, check)
    train, judges = (int((parts == part).sum()) for part in (TRAIN, VALIDATION))
    taught = replace(snapshot, train=train, validation=judges, parts=1)
    return Taught(taught, bool(known(found.truth).any()), roles.fair, roles.part is not None)


def teach_wholly(scorer: Scorer, taught: Taught, check: Callable[[], None]) -> None:
    """Put the answers of all the teacher's parts in the place of one's."""
    path = taught.snapshot.path
    _replace(path, ({TAUGHT: _list(_asked(scorer, rows, None))} for rows in _tables(path)), check)


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


def _parts(path: Path, roles: _Roles, seed: int) -> Array:
    """The part of each row: about a fifth of all judge, of those that may; the same each time, equal rows together.

    Of histories those judge that are apart from the others by time or entity, and may.
    """
    table = pq.read_table(path, columns=[HASH, SPLIT])
    if HISTORY in pq.read_schema(path).names:
        parts = table[SPLIT].to_numpy().astype(np.int64)
        return np.where((parts == VALIDATION) & ~roles.may, UNUSED, parts)
    dice = mixed(table[HASH].to_numpy(), seed) / 2.0**64
    wanted = min(roles.most, SHARE * len(dice) / max(int(roles.may.sum()), 1))
    return np.where(roles.may & (dice < wanted), VALIDATION, TRAIN)


def _asked(scorer: Scorer, table: pa.Table, part: int | None) -> Array:
    """What the teacher says, or one of its parts: probabilities, or standardised values, float32 [rows, outputs]."""
    rows, target = Unseen(table, np.arange(len(table))), scorer.model.target
    said = rows.predict(scorer, None if part is None else np.full(len(table), part))
    values = said.scores if said.scores is not None else (said.values[:, None] - target.mean) / target.deviation
    return np.asarray(values, np.float32)


def _drawn(said: Array, model: Model, dice: np.random.Generator) -> Array:
    """Labels drawn by what the teacher says: classes by their probabilities, numbers with an error as it makes them."""
    target = model.target
    if target.classes:
        below = said.cumsum(axis=1) < dice.random((len(said), 1))
        return np.asarray(np.minimum(below.sum(axis=1), len(target.classes) - 1))
    values = answers_of(said, model).values
    errors = np.array(model.manifest.calibration.get("errors") or [0.0])
    return np.asarray(values + dice.choice(errors, len(said)) * dice.choice([-1.0, 1.0], len(said)))


def _write(
    path: Path, scorer: Scorer, truth: Array, parts: Array, part: int | None, seed: int, check: Callable[[], None]
) -> None:
    """The rows again, with answers, labels and parts."""
    dice, model = np.random.default_rng(seed), scorer.model

    def columns() -> Iterator[dict[str, pa.Array]]:
        start = 0
        for rows in _tables(path):
            here = slice(start, start + len(rows))
            start += len(rows)
            said = _asked(scorer, rows, part)
            labels = np.where(known(truth[here]), truth[here], _drawn(said, model, dice))
            split = pa.array(parts[here].astype(np.int8))
            yield {SPLIT: split, TAUGHT: _list(said), model.target.name: _named(labels, model.target)}

    _replace(path, columns(), check)


def _replace(path: Path, columns: Iterable[dict[str, pa.Array]], check: Callable[[], None]) -> None:
    """The file anew, with other columns in each of its pieces; a file under its name is a whole one."""
    partial, writer = path.with_suffix(".part"), None
    try:
        for rows, told in zip(_tables(path), columns, strict=True):
            check()
            table = _with(rows, told)
            writer = writer or pq.ParquetWriter(partial, table.schema)
            writer.write_table(table, row_group_size=CHUNK)
        assert writer is not None, "a snapshot has rows"
        writer.close()
        partial.chmod(0o600)
        os.replace(partial, path)
    finally:
        if writer is not None:
            writer.close()
        partial.unlink(missing_ok=True)


def _list(said: Array) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(pa.array(said.ravel()), said.shape[1])


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
