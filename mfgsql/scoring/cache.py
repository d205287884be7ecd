"""Models kept warm: counted in bytes, loaded once however many ask, never dropped while in use."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar


class Sized(Protocol):
    """Something that knows its memory."""

    @property
    def bytes(self) -> int:
        """Memory held."""


T = TypeVar("T", bound=Sized)


@dataclass
class _Entry(Generic[T]):
    item: T
    bytes: int
    users: int = 0


class ModelCache(Generic[T]):
    """Least-recently-used cache with a budget in bytes.

    An item larger than the budget is still loaded and used; it is dropped once nobody uses it.
    """

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self._lock = threading.Lock()
        self._loaded = threading.Condition(self._lock)
        self._entries: OrderedDict[Hashable, _Entry[T]] = OrderedDict()
        self._loading: set[Hashable] = set()

    @contextmanager
    def use(self, key: Hashable, load: Callable[[], T]) -> Iterator[T]:
        """The item of that key, loaded by ``load`` where it is not held; kept while the block runs."""
        entry = self._acquire(key, load)
        try:
            yield entry.item
        finally:
            with self._lock:
                entry.users -= 1
                self._evict()

    def _acquire(self, key: Hashable, load: Callable[[], T]) -> _Entry[T]:
        with self._lock:
            while key in self._loading:
                self._loaded.wait()
            if entry := self._entries.get(key):
                self._entries.move_to_end(key)
                entry.users += 1
                return entry
            self._loading.add(key)
        try:
            item = load()
            entry = _Entry(item, item.bytes, users=1)
            with self._lock:
                self._entries[key] = entry
                self._evict()
            return entry
        finally:
            with self._lock:
                self._loading.discard(key)
                self._loaded.notify_all()

    def drop(self, key: Hashable) -> None:
        """Forget an item; who uses it still may."""
        with self._lock:
            self._entries.pop(key, None)

    @property
    def bytes(self) -> int:
        """Memory of all items held."""
        with self._lock:
            return self._held()

    def _held(self) -> int:
        return sum(e.bytes for e in self._entries.values())

    def _evict(self) -> None:
        held = self._held()
        for key in [k for k, e in self._entries.items() if e.users == 0]:
            if held <= self.budget:
                return
            held -= self._entries.pop(key).bytes
