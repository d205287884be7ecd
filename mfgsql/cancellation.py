"""How long work is told to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mfgsql.errors import CancelledError


class Cancellation:
    """A flag that long work polls at every step."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._calls: list[Callable[[], None]] = []

    def set(self) -> None:
        """Ask the work to stop."""
        self._event.set()
        for call in list(self._calls):
            call()

    @contextmanager
    def calls(self, call: Callable[[], None]) -> Iterator[None]:
        """While the block runs, a request to stop also calls this (a cursor's ``interrupt``)."""
        self._calls.append(call)
        try:
            self.check()  # a request from before had nothing to call
            yield
        finally:
            self._calls.remove(call)

    def clear(self) -> None:
        """Forget an earlier request."""
        self._event.clear()

    def check(self) -> None:
        """Raise where a stop was asked for.

        Raises:
            CancelledError: it was.
        """
        if self._event.is_set():
            raise CancelledError("Cancelled.")
