"""Rows of a snapshot as tensors, in chunks that stay in memory while they fit and are read again otherwise.

A snapshot's rows lie in the order of their hash, so each chunk is a uniform sample: shuffling chunks, and rows
within a chunk, is as good as shuffling all. Whether chunks are cached or read again changes no weight.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Generic, Protocol, TypeVar, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor

from mfgsql.features import Flag
from mfgsql.features.fields import Field, Tags, Texts
from mfgsql.tasks import TOKENS, tasks
from mfgsql.training.snapshot import REPLAYED, SPLIT, TAUGHT, TRAIN, VALIDATION, Snapshot
from mfgsql.training.spec import TrainSpec
from mfgsql.training.texts import encode_pairs, encode_tags

_SAMPLE = 20_000  # rows that a network looks at before it learns


@dataclass(frozen=True)
class Rows:
    """Encoded rows: float32 [n, channels], int64 [n, codes], truth [n], weights float32 [n], the speakers int64 [n]:
    numbers of the groups that learn from them, or are judged on them, and whether the truth is a lower bound, bool [n].
    Of histories each row is a window: [n, length, ...]. The truth of texts may be tags of their pieces, or other texts.
    ``replayed`` says which a champion has learnt already, bool [n]; None: there is no champion. ``taught`` is what a
    teacher says of each, float32 [n, outputs]; None: there is no teacher.
    """

    continuous: Tensor
    codes: Tensor
    truth: Tensor | Tags | Texts
    weight: Tensor
    speaker: Tensor
    least: Tensor
    fields: tuple[Field, ...] = ()
    replayed: Tensor | None = None
    taught: Tensor | None = None

    def __len__(self) -> int:
        return len(self.continuous)

    def __getitem__(self, index: Tensor | slice) -> Rows:
        return self._changed(lambda column: column[index])

    def whole(self) -> Rows:
        """Those that have a text or picture, and of pairs both: without, a base learns nothing of them."""
        there = self.fields[0].there
        if isinstance(self.truth, Texts):
            there = there & self.truth.there
        return self if bool(there.all()) else self[there]

    def to(self, device: torch.device) -> Rows:
        """On that device; of texts what a network takes is gathered later."""
        return self if device.type == "cpu" else self._changed(lambda column: column.to(device))

    @property
    def bytes(self) -> int:
        """Memory held."""
        columns = (getattr(self, name) for name in _COLUMNS)
        own = sum(t.numel() * t.element_size() if isinstance(t, Tensor) else t.bytes for t in columns)
        return own + sum(field.bytes for field in self.fields)

    def _changed(self, change: Callable[[Any], Any]) -> Rows:
        columns = {name: change(getattr(self, name)) for name in _COLUMNS}
        replayed, taught = (None if of is None else change(of) for of in (self.replayed, self.taught))
        return Rows(**columns, fields=tuple(map(change, self.fields)), replayed=replayed, taught=taught)


_FAULTS = {  # what of a text or picture is not learnt from, and the rest of the sentence
    "unreadable": "What can't be read counts as missing.",
    "truncated": "What is beyond is not read; options.tokens says how much is.",
}
_COLUMNS = ("continuous", "codes", "truth", "weight", "speaker", "least")


class Held(Protocol):
    """Something that knows its memory."""

    @property
    def bytes(self) -> int:
        """Memory held."""


C = TypeVar("C", bound=Held)


class ChunkSource(ABC, Generic[C]):
    """Rows of a snapshot, to train on or to judge by, chunk by chunk.

    Attributes:
        chunks: in the file. judged: rows that judge, at most. epoch: rows that a group learns from in an epoch.
        faults: of texts and pictures read so far, by chunk: how many rows of each status, and what is wrong with one.

    Args:
        split: TRAIN or VALIDATION. budget: bytes of encoded rows to keep in memory.
    """

    def __init__(self, snapshot: Snapshot, spec: TrainSpec, split: int, budget: int) -> None:
        self._snapshot, self._spec, self._split, self._budget = snapshot, spec, split, budget
        self._cache: dict[int, C] = {}
        self._held = 0
        self.faults: dict[int, dict[str, tuple[int, str]]] = {}
        self.judged, self.epoch = snapshot.validation, snapshot.train
        with pq.ParquetFile(snapshot.path) as file:
            self.chunks = file.metadata.num_row_groups

    def chunk(self, index: int) -> C:
        """One chunk, encoded; each row's speaker is its part."""
        if index in self._cache:
            return self._cache[index]
        chunk = self._encode(index)
        if self._held + chunk.bytes <= self._budget:
            self._cache[index] = chunk
            self._held += chunk.bytes
        return chunk

    def release(self) -> None:
        """Let go of what is in memory."""
        self._cache.clear()
        self._held = 0

    @abstractmethod
    def _encode(self, index: int) -> C:
        """A chunk, read from the file."""

    @abstractmethod
    def _orders(self, chunk: C, generator: torch.Generator) -> Iterator[Tensor]:
        """For each group the rows of a chunk that it learns from, by number, shuffled."""

    @abstractmethod
    def _length(self, lengths: Iterable[int]) -> int:
        """How many rows of a chunk are drawn for a group, by how many each group has in it."""

    @abstractmethod
    def _take(self, chunk: C, rows: Tensor) -> Rows:
        """Rows of a chunk, by number."""

    @abstractmethod
    def in_order(self, size: int) -> Iterator[Rows]:
        """Rows once, as they lie."""

    def batches(self, size: int, epoch: int, seed: int, skip: int = 0) -> Iterator[Rows]:
        """Rows to learn from in a random order that ``seed`` and ``epoch`` fix, without the first ``skip`` batches.

        A batch holds up to ``size`` rows for each group, none of its own part.
        """
        for chunk, rows, speaker in islice(self._drawn(size, epoch, seed), skip, None):
            yield replace(self._take(chunk, rows), speaker=speaker)

    def _drawn(self, size: int, epoch: int, seed: int) -> Iterator[tuple[C, Tensor, Tensor]]:
        """Of each batch the chunk, its rows, and for each of these the group that it is for."""
        generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
        for index in torch.randperm(self.chunks, generator=generator).tolist():
            chunk = self.chunk(index)
            orders = list(self._orders(chunk, generator))
            for start in range(0, self._length(map(len, orders)), size):
                drawn = [order[start : start + size] for order in orders]
                groups = [torch.full((len(d),), number) for number, d in enumerate(drawn, start=1)]
                yield chunk, torch.cat(drawn), torch.cat(groups)


class RowSource(ChunkSource[Rows]):
    """Rows that are read one by one."""

    def _encode(self, index: int) -> Rows:
        spec = self._spec
        with pq.ParquetFile(self._snapshot.path) as file:
            names = columns_of(spec, *(name for name in (REPLAYED, TAUGHT) if name in file.schema_arrow.names))
            table = file.read_row_group(index, columns=names, use_threads=False)
        table = table.filter(self._wanted(table[SPLIT]))
        columns = {n: one_array(table[n]) for n in names}
        batch = spec.features.encode(columns, len(table))
        self.faults[index] = _faults_of(batch.flags)
        least = torch.zeros(len(table), dtype=torch.bool)
        truth: Tensor | Tags | Texts
        truth, weight, part = labels_of(spec, columns, len(table))
        if spec.task == TOKENS:
            truth = encode_tags(spec, columns, cast("Texts", batch.fields[0]))
        elif spec.pair is not None:
            truth = encode_pairs(spec, columns[spec.pair])
        numbers = torch.from_numpy(batch.continuous), torch.from_numpy(batch.codes)
        rows = Rows(*numbers, truth, weight, part, least, batch.fields, replayed_of(columns), taught_of(columns))
        return rows if spec.target or not rows.fields else rows.whole()

    def _wanted(self, part: pa.ChunkedArray) -> pa.ChunkedArray:
        if self._split == TRAIN and self._snapshot.parts == 1:
            return pa.compute.equal(part, TRAIN)
        least = TRAIN if self._split == TRAIN else VALIDATION
        return pa.compute.and_(pa.compute.greater_equal(part, least), pa.compute.less_equal(part, self._snapshot.parts))

    def _orders(self, chunk: Rows, generator: torch.Generator) -> Iterator[Tensor]:
        for group in range(1, self._snapshot.parts + 1):
            own = torch.nonzero(chunk.speaker != group).squeeze(1)
            yield own[torch.randperm(len(own), generator=generator)]

    def _length(self, lengths: Iterable[int]) -> int:
        return min(lengths)

    def _take(self, chunk: Rows, rows: Tensor) -> Rows:
        return chunk[rows]

    def in_order(self, size: int) -> Iterator[Rows]:
        """All rows once, as they lie."""
        for index in range(self.chunks):
            rows = self.chunk(index)
            for start in range(0, len(rows), size):
                yield rows[slice(start, start + size)]

    def sample(self) -> Rows:
        """Rows of a first chunk that has some: a uniform sample, since rows lie in the order of their hash."""
        chunk = next((c for c in map(self.chunk, range(self.chunks)) if len(c)), self.chunk(0))
        return chunk[slice(0, _SAMPLE)]


def _faults_of(flags: Sequence[Flag]) -> dict[str, tuple[int, str]]:
    """Of each fault how many rows have it, in whatever column, and what is wrong with one."""
    faults = {}
    for status in _FAULTS:
        found = [flag for flag in flags if flag.status == status]
        if found:
            rows = np.logical_or.reduce([flag.rows for flag in found])
            faults[status] = int(rows.sum()), found[0].describe(int(found[0].rows.argmax()))
    return faults


def told_faults(*sources: ChunkSource[Any]) -> list[str]:
    """What of texts and pictures could not be read, in words."""
    chunks = [chunk for source in sources for chunk in source.faults.values()]
    words = []
    for status, rest in _FAULTS.items():
        found = [chunk[status] for chunk in chunks if status in chunk]
        if found:
            rows = sum(count for count, _ in found)
            words.append(f"{rows:,} {'row' if rows == 1 else 'rows'}, one of them: {found[0][1]}. {rest}")
    return words


def columns_of(spec: TrainSpec, *more: str) -> list[str]:
    """Columns of a snapshot that a training reads, and more."""
    others = (spec.target.name if spec.target else None, spec.pair, spec.weight)
    named = [*spec.features.names, *(name for name in others if name), SPLIT, *more]
    return list(dict.fromkeys(named))


def labels_of(spec: TrainSpec, columns: Mapping[str, pa.Array], rows: int) -> tuple[Tensor, Tensor, Tensor]:
    """Truth, weight and part of each row, [rows]."""
    truth = torch.zeros(rows)
    if spec.target and spec.task and spec.task != TOKENS:
        truth = torch.from_numpy(tasks[spec.task].encode(columns[spec.target.name], spec.target))
    weight = torch.ones(rows)
    if spec.weight:
        weight = torch.from_numpy(columns[spec.weight].cast(pa.float32()).fill_null(0.0).to_numpy().copy())
    return truth, weight, torch.from_numpy(columns[SPLIT].cast(pa.int64()).to_numpy().copy())


def replayed_of(columns: Mapping[str, pa.Array]) -> Tensor | None:
    """Which rows a champion has learnt already, where there is one."""
    found = columns.get(REPLAYED)
    return None if found is None else torch.from_numpy(found.to_numpy(zero_copy_only=False).copy())


def taught_of(columns: Mapping[str, pa.Array]) -> Tensor | None:
    """What a teacher says of rows, where there is one, float32 [rows, outputs]."""
    found = columns.get(TAUGHT)
    if found is None:
        return None
    return torch.from_numpy(found.flatten().to_numpy(zero_copy_only=False).reshape(len(found), -1).copy())


def one_array(column: pa.ChunkedArray) -> pa.Array:
    """A column in one piece."""
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
