"""Room for what is large: who needs more than is left waits until others are done."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Room:
    """So much room for all threads together; given in the order in which they ask, so that large ones get theirs."""

    def __init__(self, size: int) -> None:
        self.size, self._free = size, size
        self._turn = threading.Lock()  # held by the one who is next
        self._changed = threading.Condition()

    @contextmanager
    def taken(self, amount: int) -> Iterator[None]:
        """While the block runs, ``amount`` of it is taken; of more than there is, all."""
        amount = min(amount, self.size)
        with self._turn, self._changed:
            self._changed.wait_for(lambda: self._free >= amount)
            self._free -= amount
        try:
            yield
        finally:
            with self._changed:
                self._free += amount
                self._changed.notify_all()
