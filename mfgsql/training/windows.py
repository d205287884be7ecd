"""Windows of a snapshot's histories as tensors: the counterpart of `RowSource` for models that read histories.

A snapshot of histories lies history by history, in the order of time. A chunk is read with the end of the one before
it, where the windows of its first rows begin. Windows of one chunk are drawn in a random order; chunks take turns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor

from mfgsql.features import History, Track
from mfgsql.features.histories import firsts, number_channels, run_lengths, twins
from mfgsql.training.recipe import EPOCH
from mfgsql.training.rows import ChunkSource, Rows, columns_of, labels_of, one_array, replayed_of, taught_of
from mfgsql.training.snapshot import REPLAYED, TAUGHT, TRAIN, VALIDATION, Snapshot
from mfgsql.training.spec import TrainSpec

# Columns of a snapshot: number of the history, time as a number, and whether the target is a lower bound.
HISTORY, MOMENT, LEAST = "__ml_history", "__ml_time", "__ml_least"
_JUDGED = 20_000  # windows that judge, at most

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Chunk:
    """Rows of a snapshot on a track, and what is known of each: the first ``before`` belong to the chunk before."""

    track: Track
    ends: Integers
    truth: Tensor
    weight: Tensor
    part: Tensor
    least: Tensor
    before: int
    replayed: Tensor | None = None
    taught: Tensor | None = None

    @property
    def bytes(self) -> int:
        """Memory held."""
        return self.track.continuous.nbytes + self.track.codes.nbytes + 64 * len(self.track)

    def windows(self, rows: Tensor) -> Rows:
        """Windows that end at these rows, each row's speaker is its part."""
        continuous, codes = self.track.windows(self.ends[rows.numpy()])
        known = (self.truth[rows], self.weight[rows], self.part[rows], self.least[rows])
        replayed, taught = (None if of is None else of[rows] for of in (self.replayed, self.taught))
        return Rows(torch.from_numpy(continuous), torch.from_numpy(codes), *known, replayed=replayed, taught=taught)


class WindowSource(ChunkSource[Chunk]):
    """Windows that end at rows of histories."""

    def __init__(self, snapshot: Snapshot, spec: TrainSpec, split: int, budget: int) -> None:
        super().__init__(snapshot, spec, split, budget)
        total = snapshot.train if split == TRAIN else snapshot.validation
        most = EPOCH if split == TRAIN else _JUDGED
        self.judged, self.epoch = min(snapshot.validation, most), min(total, most)
        self._share = self.epoch / max(total, 1)

    def _encode(self, index: int) -> Chunk:
        spec, history = self._spec, self._spec.history
        assert history is not None
        table, before = self._read(index, history)
        columns = {name: one_array(table[name]) for name in table.column_names}
        batch = spec.features.encode(columns, len(table))
        times = columns[MOMENT].to_numpy()
        track = Track.of(history, batch.continuous, batch.codes, times, firsts(columns[HISTORY].to_numpy()))
        least = torch.zeros(len(table), dtype=torch.bool)
        if LEAST in columns:
            least = torch.from_numpy(columns[LEAST].fill_null(False).to_numpy(zero_copy_only=False).copy())
        known = labels_of(spec, columns, len(table))
        return Chunk(track, twins(track), *known, least, before, replayed_of(columns), taught_of(columns))

    def _read(self, index: int, history: History) -> tuple[pa.Table, int]:
        """Rows of a chunk behind those before them that its windows reach, and how many these are."""
        names = columns_of(self._spec, HISTORY, MOMENT)
        with pq.ParquetFile(self._snapshot.path) as file:
            names += [name for name in (LEAST, REPLAYED, TAUGHT) if name in file.schema_arrow.names]
            table = file.read_row_group(index, columns=names, use_threads=False)
            which, moment = table[HISTORY][0], table[MOMENT][0].as_py()
            parts, earlier = [table], index
            while earlier and moment - parts[0][MOMENT][0].as_py() <= history.reach + history.carry:
                earlier -= 1
                part = file.read_row_group(earlier, columns=names, use_threads=False)
                part = part.filter(pa.compute.equal(part[HISTORY], which))
                if not len(part):
                    break
                parts.insert(0, part)
        return pa.concat_tables(parts), sum(map(len, parts[:-1]))

    def own(self, index: int) -> Tensor:
        """Numbers of the rows of a chunk that are judged."""
        return self._own(self.chunk(index), 0)

    def _own(self, chunk: Chunk, group: int) -> Tensor:
        """Numbers of the rows of a chunk that a group learns from, or of those that are judged."""
        part = chunk.part.clone()
        part[: chunk.before] = -2  # belong to another chunk
        if self._split != TRAIN:
            return torch.nonzero((part >= VALIDATION) & (part <= self._snapshot.parts)).squeeze(1)
        if self._snapshot.parts == 1:
            return torch.nonzero(part == TRAIN).squeeze(1)
        return torch.nonzero((part >= TRAIN) & (part <= self._snapshot.parts) & (part != group)).squeeze(1)

    def runs(self) -> dict[str, int]:
        """The longest run of equal values of each number, in rows."""
        numbers = number_channels(self._spec.features)
        longest = dict.fromkeys(numbers, 0)
        for index in range(self.chunks):
            track = self.chunk(index).track
            for name, channel in numbers.items():
                run = int(run_lengths(track.continuous[:, channel], track.first).max(initial=0))
                longest[name] = max(longest[name], run)
        return longest

    def _orders(self, chunk: Chunk, generator: torch.Generator) -> Iterator[Tensor]:
        for group in range(1, self._snapshot.parts + 1):
            own = self._own(chunk, group)
            order = own[torch.randperm(len(own), generator=generator)]
            yield order[: max(1, round(len(own) * self._share))] if len(own) else order

    def _length(self, lengths: Iterable[int]) -> int:
        return max(lengths)  # a chunk inside of one history has rows of one part only: the group of that part has none

    def _take(self, chunk: Chunk, rows: Tensor) -> Rows:
        return chunk.windows(rows)

    def in_order(self, size: int) -> Iterator[Rows]:
        """The windows that judge, evenly drawn where they are many, as they lie."""
        for index in range(self.chunks):
            chunk = self.chunk(index)
            own = self._own(chunk, 0)
            own = own[torch.linspace(0, len(own) - 1, int(len(own) * self._share)).long()] if self._share < 1 else own
            for start in range(0, len(own), size):
                yield chunk.windows(own[start : start + size])
