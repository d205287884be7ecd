"""Two versions on the same labelled rows: the plan that scores them, and what is made of both answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mfgsql.catalog import resolve
from mfgsql.engine.scoring import prediction_of
from mfgsql.errors import SourceError

if TYPE_CHECKING:
    from mfgsql.engine.engine import Engine
    from mfgsql.evaluation.paired import Difference, Draws
    from mfgsql.manifest import Manifest
    from mfgsql.tasks import Prediction, Target
    from mfgsql.tasks.task import Array

COLUMNS = {
    "metric": "VARCHAR", "better": "VARCHAR", "a": "DOUBLE", "b": "DOUBLE", "difference": "DOUBLE", "lower": "DOUBLE",
    "upper": "DOUBLE", "share": "DOUBLE", "rows": "BIGINT", "ahead": "VARCHAR", "ml_status": "VARCHAR",
    "ml_reason": "VARCHAR",
}  # fmt: skip
_FEW = 50  # rows; below, an interval says little


@dataclass(frozen=True)
class Answered:
    """What was said of rows by both, [rows] each.

    Attributes:
        truth: as their task takes it. groups: that are drawn together. said: by a and b: predictions and scores, or of
            spans sums. hashes: of the rows as a and b read them. unread: rows that one of them could not read.
    """

    truth: pa.Array
    groups: Array
    said: tuple[tuple[pa.Array, pa.Array], tuple[pa.Array, pa.Array]]
    hashes: tuple[pa.Array, pa.Array]
    unread: int

    @classmethod
    def of(cls, lists: tuple[pa.Array, ...]) -> Answered:
        """Of the plan's lists: truth, groups, of a: predictions, scores, hashes, of b the same, and the unread rows."""
        truth, groups, *rest = (one.flatten() for one in lists[:-1])
        numbers = np.unique(np.asarray(groups), return_inverse=True)[1].astype(np.int64)
        return cls(
            truth, numbers, ((rest[0], rest[1]), (rest[3], rest[4])), (rest[2], rest[5]), int(lists[-1][0].as_py())
        )


def compare_lists(engine: Engine, told: pa.Array, *lists: pa.Array) -> pa.Array:
    """JSON rows of metrics; the lists are those of `Answered.of`.

    Args:
        told: JSON of the versions ``a`` and ``b``, ``target``, ``drawn`` (what, in words), ``level``, ``draws``,
            ``seed``, ``session``.
    """
    from mfgsql.evaluation.paired import Draws
    from mfgsql.manifest import Manifest

    asked: dict[str, Any] = json.loads(told[0].as_py())
    if not lists[0][0].is_valid:
        raise SourceError(
            f"No row of the source has a {asked['target']!r} to compare with, and an answer of both versions."
        )
    rows = Answered.of(lists)
    with engine.cursor() as cursor:
        manifests = [Manifest.from_json(resolve(cursor, asked[name]).manifest) for name in ("a", "b")]
        seen = [_seen(engine, cursor, asked[name], manifests[i], rows.hashes[i]) for i, name in enumerate(("a", "b"))]
    check = engine.cancellation(asked["session"]).check
    draws = Draws(rows.groups, asked["draws"], asked["seed"], asked["level"], check)
    found, notes = _spans(rows, draws) if manifests[0].task == "token_classification" else _rows(rows, draws, manifests)
    notes = [*_of_seen(asked, seen, len(rows.truth)), *notes]
    if rows.unread:
        notes.append(f"{rows.unread:,} rows are left out that one of them can't read")
    judged = found[0].rows
    count = len(np.unique(rows.groups))
    if count < _FEW:
        notes.append(f"{count} {asked['drawn']} judge: an interval of so few says little")
    status = "seen" if any(one.rows for one in seen) else "too_few" if min(judged, count) < _FEW else "ok"
    told_of = {"ml_status": status, "ml_reason": "; ".join(notes) or None}
    return pa.array([json.dumps([asdict(one) | {"ahead": one.ahead} | told_of for one in found], ensure_ascii=False)])


def _rows(rows: Answered, draws: Draws, manifests: list[Manifest]) -> tuple[list[Difference], list[str]]:
    from mfgsql.evaluation.paired import differences
    from mfgsql.tasks import tasks
    from mfgsql.tasks.task import known

    task, targets = tasks[str(manifests[0].task)], [m.target for m in manifests if m.target is not None]
    target = joined(*targets)
    truth = np.asarray(task.encode(rows.truth, target))
    there = np.flatnonzero(known(truth))
    said: list[Prediction] = []
    for told, own in zip(rows.said, targets, strict=True):
        one = prediction_of(task, target, *told, own.classes)
        if target.cap is not None:
            one = replace(one, values=np.minimum(one.values, target.cap))
        said.append(one.take(there))
    notes = list(_strange(targets))
    if len(there) < len(truth):
        notes.append(f"{len(truth) - len(there):,} rows are left out whose {target.name!r} neither knows")
    if not len(there):
        raise SourceError(f"No row of the source has a {target.name!r} that the versions know.")
    groups = np.unique(draws.groups[there], return_inverse=True)[1].astype(np.int64)
    return differences(task.metrics(target), truth[there], (said[0], said[1]), replace(draws, groups=groups)), notes


def _spans(rows: Answered, draws: Draws) -> tuple[list[Difference], list[str]]:
    from mfgsql.evaluation.paired import differences_of_spans

    one, other = (np.asarray(sums.flatten()).reshape(len(sums), -1) for sums, _ in rows.said)
    return differences_of_spans(one, other, draws), []


def joined(one: Target, other: Target) -> Target:
    """What both are judged by: all classes that either knows, a life up to the smaller cap."""
    if one.classes:
        return replace(one, classes=(*one.classes, *(c for c in other.classes if c not in one.classes)))
    caps = [t.cap for t in (one, other) if t.cap is not None]
    return replace(one, cap=min(caps) if caps else None)


def _strange(targets: list[Target]) -> Iterator[str]:
    for name, own, others in zip("ab", targets, reversed(targets), strict=True):
        lacks = [c for c in others.classes if c not in own.classes]
        if lacks:
            yield f"{name} doesn't know {', '.join(map(repr, lacks[:5]))}{' and others' if len(lacks) > 5 else ''}"


@dataclass(frozen=True)
class Seen:
    """How many rows a version has learnt from; ``known``: whether that is known of all of them."""

    rows: int
    known: bool


def _seen(engine: Engine, con: Any, version: str, manifest: Manifest, hashes: pa.Array) -> Seen:
    """Rows that the version has learnt from."""
    from mfgsql.engine.seeing import learnt

    if hashes.null_count == len(hashes):
        return Seen(0, known=False)
    own = np.asarray(pc.drop_null(hashes), np.uint64)
    theirs, known = learnt(engine, con, version, manifest)
    return Seen(int(np.isin(own, theirs).sum()), known)


def _of_seen(asked: dict[str, Any], seen: list[Seen], rows: int) -> Iterator[str]:
    for name, one in zip("ab", seen, strict=True):
        if one.rows:
            yield f"{name} ({asked[name]}) has learnt from {one.rows:,} of the {rows:,} rows, which flatters it"
        if not one.known:
            yield f"it isn't known of all rows whether {name} ({asked[name]}) has learnt from them"
