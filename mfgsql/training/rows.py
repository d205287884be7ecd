"""Rows of a snapshot as tensors, in chunks that stay in memory while they fit and are read again otherwise.

A snapshot's rows lie in the order of their hash, so each chunk is a uniform sample: shuffling chunks, and rows
within a chunk, is as good as shuffling all. Whether chunks are cached or read again changes no weight.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor

from mfgsql.training.spec import TrainSpec

SPLIT = "__ml_split"  # column of a snapshot: one of
TRAIN, VALIDATION, UNUSED = 0, 1, 2
HASH = "__ml_hash"  # column of a snapshot: hash of the row's content
CHUNK = 65_536


@dataclass(frozen=True)
class Snapshot:
    """Training rows, frozen: a Parquet file of the features, the target, `SPLIT` and `HASH`.

    Attributes:
        path: the file. hash: of its content, whatever the order of the source.
        rows, train, validation: how many.
        sql: text of the source.
    """

    path: Path
    hash: str
    rows: int
    train: int
    validation: int
    sql: str


@dataclass(frozen=True)
class Rows:
    """Encoded rows: float32 [n, channels], int64 [n, codes], truth [n], weights float32 [n]."""

    continuous: Tensor
    codes: Tensor
    truth: Tensor
    weight: Tensor

    def __len__(self) -> int:
        return len(self.continuous)

    def __getitem__(self, index: Tensor | slice) -> Rows:
        return Rows(self.continuous[index], self.codes[index], self.truth[index], self.weight[index])

    def to(self, device: torch.device) -> Rows:
        """On that device."""
        if device.type == "cpu":
            return self
        return Rows(*(t.to(device, non_blocking=True) for t in (self.continuous, self.codes, self.truth, self.weight)))

    @property
    def bytes(self) -> int:
        """Memory held."""
        return sum(t.numel() * t.element_size() for t in (self.continuous, self.codes, self.truth, self.weight))


class RowSource:
    """Rows of one split of a snapshot.

    Args:
        budget: bytes of encoded rows to keep in memory.
    """

    def __init__(self, snapshot: Snapshot, spec: TrainSpec, split: int, budget: int) -> None:
        self._snapshot, self._spec, self._split, self._budget = snapshot, spec, split, budget
        self._cache: dict[int, Rows] = {}
        self._held = 0
        with pq.ParquetFile(snapshot.path) as file:
            self.chunks = file.metadata.num_row_groups

    def chunk(self, index: int) -> Rows:
        """One chunk, encoded."""
        if index in self._cache:
            return self._cache[index]
        rows = self._encode(index)
        if self._held + rows.bytes <= self._budget:
            self._cache[index] = rows
            self._held += rows.bytes
        return rows

    def _encode(self, index: int) -> Rows:
        spec = self._spec
        names = [*spec.features.names, *([spec.target.name] if spec.target else []), SPLIT]
        if spec.weight:
            names.append(spec.weight)
        with pq.ParquetFile(self._snapshot.path) as file:
            table = file.read_row_group(index, columns=names, use_threads=False)
        table = table.filter(pa.compute.equal(table[SPLIT], self._split))
        columns = {n: _one_array(table[n]) for n in dict.fromkeys(names)}
        batch = spec.features.encode(columns, len(table))
        truth = torch.zeros(len(table))
        if spec.target and spec.task:
            from mfgsql.tasks import tasks

            truth = torch.from_numpy(tasks[spec.task].encode(columns[spec.target.name], spec.target))
        weight = torch.ones(len(table))
        if spec.weight:
            weight = torch.from_numpy(columns[spec.weight].cast(pa.float32()).fill_null(0.0).to_numpy().copy())
        return Rows(torch.from_numpy(batch.continuous), torch.from_numpy(batch.codes), truth, weight)

    def batches(self, size: int, epoch: int, seed: int, skip: int = 0) -> Iterator[Rows]:
        """All rows once in a random order that ``seed`` and ``epoch`` fix, without the first ``skip`` batches."""
        generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
        for index in torch.randperm(self.chunks, generator=generator).tolist():
            rows = self.chunk(index)
            order = torch.randperm(len(rows), generator=generator)
            for start in range(0, len(rows), size):
                if skip:
                    skip -= 1
                    continue
                yield rows[order[start : start + size]]

    def in_order(self, size: int) -> Iterator[Rows]:
        """All rows once, as they lie."""
        for index in range(self.chunks):
            rows = self.chunk(index)
            for start in range(0, len(rows), size):
                yield rows[slice(start, start + size)]


def _one_array(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
