"""Windows of a snapshot's histories as tensors: the counterpart of `RowSource` for models that read histories.

A snapshot of histories lies history by history, in the order of time. A chunk is read with the end of the one before
it, where the windows of its first rows begin. Windows of one chunk are drawn in a random order; chunks take turns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor

from mfgsql.features import Track
from mfgsql.features.histories import firsts, number_channels, run_lengths, twins
from mfgsql.training.recipe import EPOCH
from mfgsql.training.rows import SPLIT, TRAIN, VALIDATION, Rows, Snapshot, one_array
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

    @property
    def bytes(self) -> int:
        """Memory held."""
        return self.track.continuous.nbytes + self.track.codes.nbytes + 64 * len(self.track)

    def windows(self, rows: Tensor) -> Rows:
        """Windows that end at these rows, each row's speaker is its part."""
        continuous, codes = self.track.windows(self.ends[rows.numpy()])
        known = (self.truth[rows], self.weight[rows], self.part[rows], self.least[rows])
        return Rows(torch.from_numpy(continuous), torch.from_numpy(codes), *known)


class WindowSource:
    """Windows of a snapshot, to train on or to judge by; see `RowSource`."""

    def __init__(self, snapshot: Snapshot, spec: TrainSpec, split: int, budget: int) -> None:
        self._snapshot, self._spec, self._split, self._budget = snapshot, spec, split, budget
        self._cache: dict[int, Chunk] = {}
        self._held = 0
        total = snapshot.train if split == TRAIN else snapshot.validation
        most = EPOCH if split == TRAIN else _JUDGED
        self.judged = min(snapshot.validation, most)
        self.epoch = min(total, most)
        self._share = self.epoch / max(total, 1)
        with pq.ParquetFile(snapshot.path) as file:
            self.chunks = file.metadata.num_row_groups

    def chunk(self, index: int) -> Chunk:
        """One chunk, encoded."""
        if index in self._cache:
            return self._cache[index]
        chunk = self._encode(index)
        if self._held + chunk.bytes <= self._budget:
            self._cache[index] = chunk
            self._held += chunk.bytes
        return chunk

    def _encode(self, index: int) -> Chunk:
        spec, history = self._spec, self._spec.history
        assert history is not None
        table, before = self._read(index)
        columns = {name: one_array(table[name]) for name in table.column_names}
        batch = spec.features.encode(columns, len(table))
        times = columns[MOMENT].to_numpy()
        track = Track.of(history, batch.continuous, batch.codes, times, firsts(columns[HISTORY].to_numpy()))
        truth = torch.zeros(len(table))
        if spec.target and spec.task:
            from mfgsql.tasks import tasks

            truth = torch.from_numpy(tasks[spec.task].encode(columns[spec.target.name], spec.target))
        weight = torch.ones(len(table))
        if spec.weight:
            weight = torch.from_numpy(columns[spec.weight].cast(pa.float32()).fill_null(0.0).to_numpy().copy())
        least = torch.zeros(len(table), dtype=torch.bool)
        if LEAST in columns:
            least = torch.from_numpy(columns[LEAST].fill_null(False).to_numpy(zero_copy_only=False).copy())
        part = torch.from_numpy(columns[SPLIT].cast(pa.int64()).to_numpy().copy())
        return Chunk(track, twins(track), truth, weight, part, least, before)

    def _read(self, index: int) -> tuple[pa.Table, int]:
        """Rows of a chunk behind those before them that its windows reach, and how many these are."""
        spec, history = self._spec, self._spec.history
        assert history is not None
        names = [*spec.features.names, *([spec.target.name] if spec.target else []), SPLIT, HISTORY, MOMENT]
        names = list(dict.fromkeys([*names, *([spec.weight] if spec.weight else [])]))
        reach = history.length + history.fill
        with pq.ParquetFile(self._snapshot.path) as file:
            names += [LEAST] if LEAST in file.schema_arrow.names else []
            table = file.read_row_group(index, columns=names, use_threads=False)
            parts, before, earlier = [table], 0, index
            while earlier and before < reach * (1 if history.resample is None else 16):
                earlier -= 1
                part = file.read_row_group(earlier, columns=names, use_threads=False)
                part = part.filter(pa.compute.equal(part[HISTORY], table[HISTORY][0]))
                if not len(part):
                    break
                parts.insert(0, part)
                before += len(part)
        return pa.concat_tables(parts), before

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

    def batches(self, size: int, epoch: int, seed: int, skip: int = 0) -> Iterator[Rows]:
        """Windows to learn from in a random order that ``seed`` and ``epoch`` fix; see `RowSource.batches`."""
        generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
        for index in torch.randperm(self.chunks, generator=generator).tolist():
            chunk = self.chunk(index)
            orders = [self._drawn(chunk, group, generator) for group in range(1, self._snapshot.parts + 1)]
            # A chunk inside of one history has rows of one part only: the group of that part has then none.
            for start in range(0, max(map(len, orders)), size):
                if skip:
                    skip -= 1
                    continue
                drawn = [order[start : start + size] for order in orders]
                groups = [torch.full((len(d),), number) for number, d in enumerate(drawn, start=1)]
                rows = chunk.windows(torch.cat(drawn))
                yield Rows(rows.continuous, rows.codes, rows.truth, rows.weight, torch.cat(groups), rows.least)

    def _drawn(self, chunk: Chunk, group: int, generator: torch.Generator) -> Tensor:
        own = self._own(chunk, group)
        order = own[torch.randperm(len(own), generator=generator)]
        return order[: max(1, round(len(own) * self._share))] if len(own) else order

    def in_order(self, size: int) -> Iterator[Rows]:
        """The windows that judge, evenly drawn where they are many, as they lie."""
        for index in range(self.chunks):
            chunk = self.chunk(index)
            own = self._own(chunk, 0)
            own = own[torch.linspace(0, len(own) - 1, int(len(own) * self._share)).long()] if self._share < 1 else own
            for start in range(0, len(own), size):
                yield chunk.windows(own[start : start + size])
