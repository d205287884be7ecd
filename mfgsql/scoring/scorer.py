"""Rows in, predictions and doubts out: one for each row, in order."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from mfgsql.backbones import MixedBackbone
from mfgsql.features import Batch, Flag
from mfgsql.features.fields import Field
from mfgsql.model import Model
from mfgsql.scoring.gathering import Forward, Gathering
from mfgsql.scoring.turns import in_turns
from mfgsql.tasks import Prediction
from mfgsql.tasks.patches import Found
from mfgsql.tasks.task import Array

# Worst first: a row shows its worst doubt as status, and all of them as reason.
STATUSES = ("unreadable", "too_short", "missing", "unseen", "stuck", "truncated", "ended", "out_of_range")
_VOID = STATUSES.index("too_short")  # up to here a row gets no prediction
_BATCH = 8192  # rows of a pass on a GPU
_ACTIVATIONS = 2**20  # bytes of hidden states on a CPU: what stays in a core's cache is a half faster
_RECENT = 0.5  # seconds
_LOOKED_AT = 16  # pictures whose features are held


@dataclass(frozen=True)
class RowStatus:
    """``ml_status`` and ``ml_reason`` of a batch (Arrow strings), and which rows get no prediction."""

    status: pa.Array
    reason: pa.Array
    void: Array | None

    @classmethod
    def concat(cls, parts: Sequence[RowStatus]) -> RowStatus:
        """Of batches that follow one another."""
        if len(parts) == 1:
            return parts[0]
        void = [np.zeros(len(p.status), bool) if p.void is None else p.void for p in parts]
        any_void = any(p.void is not None for p in parts)
        status = pa.concat_arrays([p.status.dictionary_decode() for p in parts]).dictionary_encode()
        return cls(status, pa.concat_arrays([p.reason for p in parts]), np.concatenate(void) if any_void else None)


def _all_ok(rows: int) -> RowStatus:
    status = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, dtype=np.int8)), pa.array(["ok"]))
    return RowStatus(status, pa.nulls(rows, pa.string()), None)


_ALL_OK = _all_ok(2048)  # most calls need no more, and no other


@dataclass(frozen=True)
class Scored:
    """A batch's predictions and their status."""

    prediction: Prediction
    rows: RowStatus


class _Threads:
    """How many CPU threads a scoring call gives torch, which keeps that number for each calling thread.

    One where several of DuckDB's threads score, all where one does alone (its relation is one row group). Who scored a
    moment ago counts as scoring: between two calls a thread reads its next rows, and the number must not flicker.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[int, float] = {}

    @contextmanager
    def share(self, total: int) -> Iterator[None]:
        """Give torch its number of threads for a call on this thread."""
        now, thread = time.monotonic(), threading.get_ident()
        with self._lock:
            self._seen = {t: seen for t, seen in self._seen.items() if now - seen < _RECENT}
            self._seen[thread] = math.inf
            mine = max(1, total // len(self._seen))
        if torch.get_num_threads() != mine:
            torch.set_num_threads(mine)
        try:
            yield
        finally:
            with self._lock:
                self._seen[thread] = time.monotonic()


class Scorer:
    """A model ready to score. Thread-safe: scoring changes nothing."""

    _threads: ClassVar[_Threads] = _Threads()

    def __init__(self, model: Model, device: str = "cpu", threads: int = 1) -> None:
        self.model, self.threads = model, threads
        self.batch = batch_rows(model, device)
        self.device = torch.device(device)
        model.network.to(self.device).eval()
        self._output: Forward = self._forward if device == "cpu" else Gathering(self._forward, self.batch)

    @property
    def bytes(self) -> int:
        """Memory of the weights."""
        return self.model.size

    @contextmanager
    def passing(self) -> Iterator[None]:
        """In the block the network is asked on this thread, with its share of the CPU's threads and no gradient."""
        with self._threads.share(self.threads), torch.inference_mode():
            yield

    def score(self, columns: Mapping[str, pa.Array], rows: int) -> Scored:
        """Score ``rows`` rows; ``columns`` holds an Arrow array under each feature's name.

        A prediction of a row whose value can't be read is void: see `RowStatus.void`.
        """
        if self.model.manifest.features.fields():
            parts = [(self.predict_batch(b), row_status(b.flags, len(b))) for b in in_turns(self.model, columns, rows)]
            return Scored(Prediction.concat([p for p, _ in parts]), RowStatus.concat([s for _, s in parts]))
        batch = self.model.manifest.features.encode(columns, rows)
        return Scored(self.predict(batch.continuous, batch.codes), row_status(batch.flags, rows))

    def score_unseen(self, columns: Mapping[str, pa.Array], part: Array) -> Prediction:
        """Predictions of rows that the model may have been trained on, each by the group that was not.

        Args:
            part: of each row, as its training snapshot has it (from 1), [rows].
        """
        if self.model.manifest.features.fields():
            return self.score(columns, len(part)).prediction  # one network, which was trained on none of these rows
        batch = self.model.manifest.features.encode(columns, len(part))
        return self.predict_unseen(batch.continuous, batch.codes, part)

    def predict_unseen(self, continuous: Array, codes: Array, part: Array) -> Prediction:
        """The same of encoded rows, or of windows."""
        speaker = np.clip(part, 1, self.model.manifest.backbone.groups).astype(np.int64)
        arrays, size = (continuous, codes, speaker), _BATCH if continuous.ndim == 2 else self.batch
        with self.passing():
            parts = [
                self.model.predict(self._forward(*(a[i : i + size] for a in arrays))) for i in range(0, len(part), size)
            ]
        return Prediction.concat(parts)

    def predict_batch(self, batch: Batch) -> Prediction:
        """Predictions of encoded rows, texts and pictures among them; of texts' pieces where the task is of those."""
        if not batch.fields:
            return self.predict(batch.continuous, batch.codes)
        with self.passing():
            numbers = (torch.from_numpy(a).to(self.device) for a in (batch.continuous, batch.codes))
            fields = [field.to(self.device) for field in batch.fields]
            output: Tensor = self.model.network(*numbers, None, fields)
            return self.model.predict(output.float().cpu())

    def embed(self, name: str, field: Field) -> Array:
        """Texts or pictures of a column as vectors of length one, float32 [n, width]; zeros where there is none."""
        backbone = self.model.network.backbone
        assert isinstance(backbone, MixedBackbone), "the model reads texts or pictures"
        with self.passing():
            mean = backbone.states(name, field.to(self.device)).pooled[:, 1]
            vectors = torch.nn.functional.normalize(mean.float(), dim=-1).cpu().numpy()
        return np.asarray(vectors)

    def look(self, pixels: Tensor) -> Found:
        """What a detector of pictures remembers no like of, on the CPU; pixels uint8 [n, channels, height, width]."""
        network = self.model.network
        assert isinstance(network.backbone, MixedBackbone), "the model reads pictures"
        with self.passing():
            passes = [pixels[i : i + _LOOKED_AT] for i in range(0, len(pixels), _LOOKED_AT)] or [pixels]
            parts: list[Found] = [network.head(network.backbone.maps(p.to(self.device))) for p in passes]
        return Found(*(torch.cat([getattr(p, name) for p in parts]).cpu() for name in ("local", "whole", "maps")))

    def errors(self, continuous: Array, codes: Array, part: Array | None = None) -> Array:
        """How far off is what a detector tells of the newest rows of windows, float64 [n, d]."""
        with self._threads.share(self.threads):  # ``part``: of rows learnt from, the network that has not seen each
            passes = [
                self.model.errors(
                    torch.from_numpy(continuous[i : i + self.batch]).to(self.device),
                    torch.from_numpy(codes[i : i + self.batch]).to(self.device),
                    None if part is None else torch.from_numpy(part[i : i + self.batch]),
                )
                for i in range(0, max(len(continuous), 1), self.batch)
            ]
        return np.concatenate(passes)

    def predict(self, continuous: Array, codes: Array) -> Prediction:
        """Predictions of rows as `FeatureSet.encode` gives them, in passes of ``batch`` rows."""
        with self.passing():
            return self.model.predict(self.output(continuous, codes))

    def output(self, continuous: Array, codes: Array) -> Tensor:
        """The members' numbers of encoded rows, [rows, members, outputs] on the CPU; within `passing`."""
        if len(continuous) <= self.batch:
            return self._output(continuous, codes)
        passes = [
            self._output(continuous[i : i + self.batch], codes[i : i + self.batch])
            for i in range(0, len(continuous), self.batch)
        ]
        return torch.cat(passes)  # one for all: what Python does for a pass holds up other threads

    def _forward(self, *arrays: Array) -> Tensor:
        """The network's numbers, float32 on the CPU."""
        output: Tensor = self.model.network(*(torch.from_numpy(a).to(self.device) for a in arrays))
        return output.float().cpu()


def batch_rows(model: Model, device: str) -> int:
    """Rows that one pass of the network takes at a time."""
    if device != "cpu":
        return _BATCH
    fits = max(64, _ACTIVATIONS // (4 * model.manifest.backbone.row_floats))
    return 1 << fits.bit_length() - 1  # a power of two: DuckDB's 2,048 rows make passes of equal size


def row_status(flags: tuple[Flag, ...], rows: int) -> RowStatus:
    """Status and reason of each row from the columns' flags. Only flagged rows cost Python."""
    if not flags:
        known = _ALL_OK if rows <= len(_ALL_OK.status) else _all_ok(rows)
        return RowStatus(known.status.slice(0, rows), known.reason.slice(0, rows), None)
    ordered = sorted(flags, key=lambda f: STATUSES.index(f.status))
    worst = np.full(rows, len(STATUSES), dtype=np.int8)
    reasons: dict[int, list[str]] = {}
    for flag in ordered:
        worst[flag.rows] = np.minimum(worst[flag.rows], STATUSES.index(flag.status))
        for row in np.flatnonzero(flag.rows).tolist():
            reasons.setdefault(row, []).append(flag.describe(row))
    status = pa.DictionaryArray.from_arrays(pa.array(worst), pa.array([*STATUSES, "ok"]))
    texts: list[str | None] = [None] * rows
    for row, words in reasons.items():
        texts[row] = "; ".join(words)
    void = worst <= _VOID
    return RowStatus(status, pa.array(texts, pa.string()), void if void.any() else None)
