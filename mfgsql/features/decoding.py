"""Many pictures at once, by threads: Pillow lets go of Python's lock while it decodes."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import numpy as np

from mfgsql.features.pictures import Data, Pixels, Unreadable, decode


def decode_many(
    cells: Sequence[Data | None],
    size: tuple[int, int],
    channels: int,
    threads: int = 0,
    check: Callable[[], None] = lambda: None,
) -> tuple[Pixels, list[str | None]]:
    """The pictures of some cells, each as `decode` gives it; one that can't be read harms no other.

    The calling thread works, too, and holds one decoded picture at a time, as each of its helpers does.

    Args:
        threads: that may work on this call; 0: as many as the process has cores.
        check: called before each picture of the calling thread; what it raises ends the call.

    Returns:
        uint8 [n, channels, height, width], zeros where there is none; and of each cell why it can't be read, or None.
    """
    pixels = np.zeros((len(cells), channels, *size), np.uint8)
    reasons: list[str | None] = [None] * len(cells)
    rows = deque(row for row, cell in enumerate(cells) if cell is not None)

    def read(row: int) -> None:
        cell = cells[row]
        assert cell is not None
        try:
            pixels[row] = decode(cell, size, channels)
        except Unreadable as reason:
            reasons[row] = str(reason)

    def help_out() -> None:
        with suppress(IndexError):  # none is left
            while True:
                read(rows.popleft())

    helpers = min((threads or _cores()) - 1, len(rows) - 1)
    helping = [_pool.submit(help_out) for _ in range(helpers)]
    try:
        with suppress(IndexError):
            while True:
                check()
                read(rows.popleft())
    finally:
        rows.clear()
        running = [future for future in helping if not future.cancel()]
    for future in running:
        future.result()
    return pixels, reasons


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# Of all calls of the process: however many there are, so many threads help. It starts them as they are needed.
_pool = ThreadPoolExecutor(max(1, _cores() - 1), thread_name_prefix="decoding")
