"""Patience with those who guess passwords: each failure makes the next try wait longer."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

_FREE = 6  # failures before anybody waits: a person mistypes, and libpq tries twice, with TLS and without
_FIRST, _LONGEST = 1.0, 60.0  # seconds
_FORGOTTEN = 900.0  # seconds after which failures no longer count
_MOST = 10_000  # names and addresses that are remembered


@dataclass
class _Failures:
    count: int = 0
    at: float = 0.0


class Throttle:
    """Failed logins by user and by address. It refuses at once rather than let somebody wait: a thread that sleeps
    for each guess would be a way to use them all up.

    Args:
        clock: seconds; another one in tests.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failed: OrderedDict[tuple[str, str], _Failures] = OrderedDict()

    def wait(self, user: str, address: str) -> float:
        """Seconds until that user may try again from that address; 0 where it may now."""
        with self._lock:
            return max(self._left(key) for key in _keys(user, address))

    def failed(self, user: str, address: str) -> None:
        """Remember a failure."""
        now = self._clock()
        with self._lock:
            for key in _keys(user, address):
                known = self._failed.pop(key, None)
                if known is None or now - known.at > _FORGOTTEN:
                    known = _Failures()
                known.count, known.at = known.count + 1, now
                self._failed[key] = known
            while len(self._failed) > _MOST:
                self._failed.popitem(last=False)

    def succeeded(self, user: str, address: str) -> None:
        """Forget that user's failures from there; those of others from there still count."""
        with self._lock:
            self._failed.pop((user, address), None)

    def _left(self, key: tuple[str, str]) -> float:
        known = self._failed.get(key)
        free = _FREE if key[0] else 10 * _FREE  # many people may share an address
        if known is None or known.count < free:
            return 0.0
        longest = _LONGEST if key[0] else _FIRST  # one client's guesses must not lock its neighbours out
        pause = min(longest, _FIRST * 2.0 ** min(known.count - free, 16))
        return max(0.0, known.at + pause - self._clock())


def _keys(user: str, address: str) -> tuple[tuple[str, str], tuple[str, str]]:
    """By user and address, so that nobody locks somebody else out from elsewhere; and by address alone."""
    return (user, address), ("", address)
