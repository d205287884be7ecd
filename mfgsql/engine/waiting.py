"""The main thread while it waits for a statement: it hears Ctrl-C, and sleeps while the work is done elsewhere."""

from __future__ import annotations

import _thread
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_REST = getattr(signal, "SIGURG", None)  # by itself it does nothing; Windows has none, and there nobody rests


class Waiting:
    """How one session waits.

    Args:
        interrupt: asks the session's work to stop.
        is_inside: whether the calling thread is in a UDF.
    """

    def __init__(self, interrupt: Callable[[], None], is_inside: Callable[[], bool]) -> None:
        self._interrupt, self._is_inside = interrupt, is_inside
        self._on_main = False  # whether the main thread waits for a statement
        self._rests: deque[threading.Event] = deque()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Ctrl-C reaches Python inside a UDF only through this: the first asks the work to stop, the second breaks in.

        A second signal asks the main thread to rest; it is raised within Python and never sent.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.getsignal(signal.SIGINT)

        def on_interrupt(number: int, frame: FrameType | None) -> None:
            signal.signal(signal.SIGINT, before)
            self._interrupt()

        signal.signal(signal.SIGINT, on_interrupt)
        before_rest = signal.signal(_REST, self._on_rest) if _REST else None
        self._on_main = True
        try:
            yield
        finally:
            self._on_main = False
            if _REST and before_rest is not None:
                signal.signal(_REST, before_rest)
            signal.signal(signal.SIGINT, before)

    def _on_rest(self, number: int, frame: FrameType | None) -> None:
        while self._rests and not self._is_inside():  # within a UDF it may hold a lock that the work needs
            self._rests.pop().wait()  # Ctrl-C is heard meanwhile

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Let the main thread sleep while the block works on another one.

        While a UDF runs on one of DuckDB's threads, the thread that called ``execute`` looks for tasks without a
        pause: a whole core, a third of what a training gets on two. It looks for signals, too, so a handler can
        hold it.
        """
        if _REST is None or not self._on_main or threading.current_thread() is threading.main_thread():
            yield
            return
        done = threading.Event()
        self._rests.append(done)
        _thread.interrupt_main(_REST)
        try:
            yield
        finally:
            done.set()
