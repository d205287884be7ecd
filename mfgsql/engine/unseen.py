"""Rows of a snapshot, and what a version says of them by those of its parts that were not trained on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mfgsql.features import Batch, Track
from mfgsql.features.histories import firsts, twins
from mfgsql.manifest import Manifest
from mfgsql.scoring import Scorer
from mfgsql.scoring.reading import read_all
from mfgsql.tasks import Prediction
from mfgsql.tasks.task import Array
from mfgsql.training.snapshot import SPLIT, VALIDATION
from mfgsql.training.windows import HISTORY, LEAST, MOMENT


@dataclass(frozen=True)
class Unseen:
    """Judged rows of a snapshot.

    Attributes:
        table: rows as they lie in the snapshot; of histories all of them, since the others are what came before.
        rows: numbers of the judged ones in the table.
        judged: these rows, with all columns.
    """

    table: pa.Table
    rows: Array
    judged: pa.Table = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "judged", self.table.take(pa.array(self.rows)).combine_chunks())

    @property
    def of_histories(self) -> bool:
        """Whether rows have a history, and a model of histories can be asked."""
        return HISTORY in self.table.column_names

    def take(self, which: Array) -> Unseen:
        """Some of the judged rows, by their numbers among these."""
        return Unseen(self.table, self.rows[which])

    def predict(self, scorer: Scorer, part: Array | None = None) -> Prediction:
        """Predictions of the judged rows, each by the group of that number; None: by all."""
        manifest = scorer.model.manifest
        if manifest.history is None:
            columns = arrays(self.judged)
            if part is None:
                return scorer.score(columns, len(self.rows)).prediction
            return scorer.score_unseen(columns, part)
        track, ends = self._track(manifest)
        turns = track.in_turns(len(ends))
        if part is None:
            return Prediction.concat([scorer.predict(*track.windows(ends[t])) for t in turns])
        return Prediction.concat([scorer.predict_unseen(*track.windows(ends[t]), part[t]) for t in turns])

    def shuffled(self, scorer: Scorer, part: Array, name: str, order: Array) -> Prediction:
        """The same where each row has another one's value of a column, of histories its values in the whole window."""
        manifest = scorer.model.manifest
        if manifest.history is None:
            columns = arrays(self.judged)
            return scorer.score_unseen({**columns, name: columns[name].take(pa.array(order))}, part)
        track, ends = self._track(manifest)
        parts, place = [], manifest.features.places[name]
        for here in track.in_turns(len(ends)):
            continuous, codes = track.windows(ends[here])
            others, words = track.windows(ends[order[here]])
            continuous[..., place.channels] = others[..., place.channels]
            if place.code is not None:
                codes[..., place.code] = words[..., place.code]
            parts.append(scorer.predict_unseen(continuous, codes, part[here]))
        return Prediction.concat(parts)

    def read(self, scorer: Scorer, check: Callable[[], None]) -> Batch:
        """The judged rows, with texts and pictures read by their towers; of a model that reads such.

        Args:
            check: called before each turn; raises where the work shall stop.
        """
        return read_all(scorer, arrays(self.judged), len(self.judged), check)

    def batch(self, manifest: Manifest) -> Batch:
        """The judged rows as the version's network takes them; of histories as windows."""
        if manifest.history is None:
            return manifest.features.encode(arrays(self.judged), len(self.judged))
        track, ends = self._track(manifest)
        return Batch(*track.windows(ends))

    def _track(self, manifest: Manifest) -> tuple[Track, Array]:
        assert manifest.history is not None
        columns = arrays(self.table.select([*manifest.features.names, HISTORY, MOMENT]))
        batch = manifest.features.encode(columns, len(self.table))
        first = firsts(columns[HISTORY].to_numpy())
        track = Track.of(manifest.history, batch.continuous, batch.codes, columns[MOMENT].to_numpy(), first)
        return track, twins(track)[self.rows]


def arrays(table: pa.Table) -> dict[str, pa.Array]:
    """The table's columns, one array each, by name."""
    return {name: table[name].combine_chunks() for name in table.column_names}


def judged_rows(path: Path, names: list[str] | None, most: int, groups: int) -> Unseen:
    """Rows that judge, of more than ``most`` a uniform sample, the same each time.

    Args:
        names: columns to read beside those that all snapshots have; None: all. groups: parts that judge.
    """
    with pq.ParquetFile(path) as file:
        there = file.schema_arrow.names
        ours = [n for n in (SPLIT, HISTORY, MOMENT, LEAST) if n in there]
        wanted = None if names is None else list(dict.fromkeys([*names, *ours]))
        if HISTORY in there:
            table = file.read(columns=wanted)
            rows = np.flatnonzero(_judges(table, groups).to_numpy(zero_copy_only=False))
            if len(rows) > most:
                rows = rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]
            return Unseen(table, rows)
        parts: list[pa.Table] = []
        for group in range(file.metadata.num_row_groups):  # in the order of their hash: the first are a uniform sample
            part = file.read_row_group(group, columns=wanted)
            parts.append(part.filter(_judges(part, groups)))
            if sum(map(len, parts)) >= most:
                break
    table = pa.concat_tables(parts).slice(0, most)
    return Unseen(table, np.arange(len(table)))


def _judges(table: pa.Table, groups: int) -> pa.ChunkedArray:
    """Of rows whose truth is a lower bound no error is known: they judge nobody."""
    judged = pc.and_(pc.greater_equal(table[SPLIT], VALIDATION), pc.less_equal(table[SPLIT], groups))
    return pc.and_not(judged, pc.fill_null(table[LEAST], False)) if LEAST in table.column_names else judged
