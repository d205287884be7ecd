"""Calls of many threads in one pass of the network: on a GPU a pass costs about the same for 300 rows as for 8,000."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mfgsql.tasks.task import Array

Forward = Callable[[Array, Array], Tensor]


@dataclass
class _Call:
    continuous: Array
    codes: Array
    output: Tensor | None = None
    failed: BaseException | None = None

    @property
    def done(self) -> bool:
        return self.output is not None or self.failed is not None


class Gathering:
    """A forward pass that takes along who else waits for it. Thread-safe.

    No thread of its own, and no waiting for more rows to come: whoever finds the device free runs all calls that
    have queued up while it was busy (group commit, DeWitt et al., SIGMOD 1984).

    Args:
        forward: continuous [rows, channels] and codes [rows, columns] to output [rows, ...].
        rows: of one pass, at most, unless a single call has more.
    """

    def __init__(self, forward: Forward, rows: int) -> None:
        self._forward, self._rows = forward, rows
        self._device = threading.Lock()
        self._lock = threading.Lock()
        self._waiting: deque[_Call] = deque()

    def __call__(self, continuous: Array, codes: Array) -> Tensor:
        """The output of these rows. An error of a pass is raised in each call that it was for."""
        call = _Call(continuous, codes)
        with self._lock:
            self._waiting.append(call)
        while not call.done:
            with self._device:
                if not call.done:
                    self._run()
        if call.output is None:
            assert call.failed is not None
            raise call.failed
        return call.output

    def _next(self) -> list[_Call]:
        """The oldest calls that fit into a pass."""
        with self._lock:
            calls = [self._waiting.popleft()]
            rows = len(calls[0].continuous)
            while self._waiting and rows + len(self._waiting[0].continuous) <= self._rows:
                calls.append(self._waiting.popleft())
                rows += len(calls[-1].continuous)
        return calls

    def _run(self) -> None:
        calls: list[_Call] = []
        try:
            calls += self._next()
            output = self._forward(
                np.concatenate([c.continuous for c in calls]), np.concatenate([c.codes for c in calls])
            )
            outputs = torch.split(output, [len(c.continuous) for c in calls])
        except BaseException as error:  # noqa: BLE001  (each caller raises it)
            for call in calls:
                call.failed = error
            return
        for call, output in zip(calls, outputs, strict=True):
            call.output = output
