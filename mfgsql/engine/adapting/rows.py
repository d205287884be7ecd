"""One snapshot of the past and of what is new: which rows the champion has learnt, and what each weighs."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mfgsql.engine.adapting.asked import Adaptation
from mfgsql.engine.adapting.past import BATCH, STANDS
from mfgsql.engine.exporting import COLUMNS, chunk_rows
from mfgsql.engine.unseen import Unseen
from mfgsql.errors import SourceError
from mfgsql.features import FeatureSet
from mfgsql.tasks.task import Array
from mfgsql.training import Snapshot
from mfgsql.training.snapshot import HASH, REPLAYED, SPLIT, TRAIN, UNUSED, VALIDATION, WEIGHT
from mfgsql.training.windows import HISTORY, LEAST, MOMENT

_HEAVIEST = 8.0  # times another row's weight, at most: a few rows must not drown all others


@dataclass(frozen=True)
class Together:
    """Rows of the past and of a batch, as a snapshot has them, with `BATCH` (NULL of the batch under way).

    Attributes:
        rows: in the order of a snapshot. groups: parts that judge.
    """

    rows: pa.Table
    groups: int

    @classmethod
    def of(cls, past: pa.Table | None, batch: pa.Table, groups: int, types: dict[str, str]) -> Together:
        """Both in one.

        Raises:
            SourceError: a column holds other values than before.
        """
        told = json.dumps(types).encode()
        same = past is None or (past.schema.metadata or {}).get(COLUMNS) == told
        try:
            rows = pa.concat_tables([t.replace_schema_metadata(None) for t in (past, batch) if t is not None],
                                    promote_options="permissive")  # fmt: skip
        except pa.ArrowInvalid as error:
            raise SourceError(f"The batch does not go with the rows of the past: {error}.") from None
        order = [(n, "ascending") for n in ((HISTORY, MOMENT, HASH) if HISTORY in rows.column_names else (HASH,))]
        rows = rows.sort_by(order).combine_chunks()
        return cls(rows.replace_schema_metadata({COLUMNS: told} if same else None), groups)

    def learnt(self, champion: int) -> Array:
        """Which rows a version has learnt, bool [rows]."""
        return np.asarray(self.rows[BATCH].fill_null(2**31 - 1).to_numpy() <= champion)

    @property
    def of_batch(self) -> Array:
        """Which are of the batch under way, bool [rows]."""
        return np.asarray(pc.is_null(self.rows[BATCH]).to_numpy())

    def batches(self, which: Array) -> int:
        """Of how many batches some rows are."""
        return len(pc.unique(self.rows[BATCH].filter(pa.array(which))))

    def judged(self, which: Array) -> Unseen:
        """Those of some rows that judge; of a lower bound no error is known."""
        part = self.rows[SPLIT].to_numpy()
        return Unseen(self.rows, np.flatnonzero(which & (part >= VALIDATION) & (part <= self.groups) & self._exact))

    @property
    def learnt_from(self) -> tuple[Unseen, Array]:
        """Rows of which the error is known, and for each the number of a part that learns from it."""
        part = self.rows[SPLIT].to_numpy()
        rows = np.flatnonzero((part == TRAIN if self.groups == 1 else part >= VALIDATION) & self._exact)
        return Unseen(self.rows, rows), part[rows] % self.groups + 1

    @property
    def _exact(self) -> Array:
        if LEAST not in self.rows.column_names:
            return np.ones(len(self.rows), bool)
        return ~np.asarray(self.rows[LEAST].fill_null(False).to_numpy(zero_copy_only=False))

    def write(
        self, path: Path, features: FeatureSet, champion: int, asked: Adaptation, weight: str | None,
        told: tuple[str, str],
    ) -> Snapshot:  # fmt: skip
        """A snapshot to learn from, with `REPLAYED` and `WEIGHT`.

        Args:
            asked: says what share of the loss is of rows that are new to the champion, and how many are replayed.
            weight: column of weights of rows. told: hash and SQL of the batch.
        """
        learnt = self.learnt(champion)
        part = self._taking_part(learnt, asked.replay)
        weights = self.rows[STANDS].to_numpy().copy()
        if weight:
            weights *= self.rows[weight].fill_null(0.0).to_numpy()
        weights *= np.where(learnt, 1.0, _times(asked.fresh, learnt[part != UNUSED]))
        rows = self.rows.set_column(self.rows.schema.get_field_index(SPLIT), SPLIT, pa.array(part))
        rows = rows.append_column(REPLAYED, pa.array(learnt)).append_column(WEIGHT, pa.array(weights))
        partial = path.with_suffix(".part")
        try:
            pq.write_table(rows, partial, row_group_size=chunk_rows(features, self._stored(features)))
            partial.chmod(0o600)
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)
        sizes = np.bincount(part[part >= VALIDATION], minlength=2)
        judged = int(sizes.sum())
        train = int((part == TRAIN).sum()) if self.groups == 1 else judged - int(sizes.max())
        return Snapshot(path, told[0], len(rows), train, judged, told[1], self.groups)

    def _taking_part(self, learnt: Array, replay: int) -> Array:
        """The part of each row in a training. Of histories, whose neighbouring windows are nearly one, so many of those
        that the champion has learnt, and of those of earlier batches that it has not, are evenly drawn; the others are
        what windows reach back to.
        """
        part = np.array(self.rows[SPLIT].to_numpy())
        if HISTORY in self.rows.column_names:
            for which in (learnt, ~learnt & ~self.of_batch):
                rows = np.flatnonzero(which & (part != UNUSED))
                drawn = np.linspace(0, len(rows) - 1, min(replay, len(rows))).astype(np.int64)
                part[np.delete(rows, drawn)] = UNUSED
        return part

    def _stored(self, features: FeatureSet) -> int:
        """Bytes of a row's pictures, at most."""
        sizes = [pc.max(pc.binary_length(self.rows[n])).as_py() or 0 for n in features.fields("image")]
        return int(sum(sizes))


def _times(fresh: float, learnt: Array) -> float:
    """What a new row weighs beside a replayed one."""
    old, new = int(learnt.sum()), int((~learnt).sum())
    if not old or not new:
        return 1.0
    return float(np.clip(fresh / (1 - fresh) * old / new, 1 / _HEAVIEST, _HEAVIEST))
