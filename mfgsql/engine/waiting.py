"""The main thread while it waits for a statement: it hears Ctrl-C, and sleeps while the work is done elsewhere.

While a UDF runs on one of DuckDB's threads, the thread that called ``execute`` looks for tasks without a pause: a
whole core, a third of what a training or a scoring gets on two. It looks for signals, too, so a handler can hold it: a
thread of ours asks for that, again and again while there is work, and between two naps the main thread may look for
tasks. Whose work a UDF does can't be told, so it rests only while no other thread waits for a statement. There is one
main thread in a process, so there is one of this.
"""

from __future__ import annotations

import _thread
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

BORDER = "mfgsql"  # the file that the border's code says it is in: the first frame of a UDF
_REST = getattr(signal, "SIGURG", None)  # by itself it does nothing; Windows has none, and there nobody rests
_NAP, _LOOK = 0.02, 0.0005  # seconds of sleep, and between two of them; who finishes ends a nap
_EVERY = 0.005  # seconds from one ask to the next, at least
_PROMPT = 0.002  # seconds after which a signal is heard late: the main thread had something to do


class _Main:
    """What the main thread does."""

    def __init__(self) -> None:
        self._waits = 0  # for so many statements, one within the other
        self._others = 0  # statements that other threads wait for
        self._inside = 0  # in so many UDFs
        self._elsewhere = 0  # UDFs on other threads
        self._changed = threading.Condition()
        self._woken = threading.Event()
        self._asked = 0.0
        self._resting = False
        self._ticker: threading.Thread | None = None

    @contextmanager
    def listening(self, interrupt: Callable[[], None]) -> Iterator[None]:
        """While the block waits for a statement the first Ctrl-C asks its work to stop, the second breaks in.

        Ctrl-C reaches Python inside a UDF only through this. A second signal asks for a rest; it is raised within
        Python and never sent.
        """
        if threading.current_thread() is not threading.main_thread():
            self._count(others=1)
            try:
                yield
            finally:
                self._count(others=-1)
            return
        before = signal.getsignal(signal.SIGINT)

        def on_interrupt(number: int, frame: FrameType | None) -> None:
            signal.signal(signal.SIGINT, before)
            interrupt()

        try:
            signal.signal(signal.SIGINT, on_interrupt)
            with self._rests():
                yield
        finally:
            signal.signal(signal.SIGINT, before)

    @contextmanager
    def _rests(self) -> Iterator[None]:
        """The main thread may be asked to rest; not where each signal, and so each ask, wakes an event loop."""
        if _REST is None or _wakes():
            yield
            return
        before = signal.getsignal(_REST)
        try:
            signal.signal(_REST, self._on_rest)
            self._count(waits=1)
            try:
                yield
            finally:
                self._count(waits=-1)
        finally:
            signal.signal(_REST, before)

    def _count(self, *, waits: int = 0, others: int = 0) -> None:
        with self._changed:
            self._waits, self._others = self._waits + waits, self._others + others
            self._changed.notify_all()

    @contextmanager
    def working(self) -> Iterator[None]:
        """The block is a UDF: let the main thread sleep meanwhile, if it is another one and has nothing to do."""
        if threading.current_thread() is threading.main_thread():
            self._inside += 1
            try:
                yield
            finally:
                self._inside -= 1
            return
        with self._changed:
            self._elsewhere += 1
            if self._waits and (self._ticker is None or not self._ticker.is_alive()):
                self._ticker = threading.Thread(target=self._tick, name="resting", daemon=True)
                self._ticker.start()
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._elsewhere -= 1
                if not self._elsewhere:
                    self._woken.set()

    def _tick(self) -> None:
        assert _REST is not None, "without the signal there is no ticker"
        while True:
            with self._changed:
                while not (self._elsewhere and self._waits) or self._others:
                    self._changed.wait()
                self._woken.clear()
            self._asked = time.perf_counter()
            _thread.interrupt_main(_REST)
            self._woken.wait(_NAP)
            self._woken.set()
            time.sleep(max(_LOOK, self._asked + _EVERY - time.perf_counter()))

    def _on_rest(self, number: int, frame: FrameType | None) -> None:
        # Within a UDF it has work to do, and may hold a lock that others need.
        in_udf = self._inside or (frame is not None and frame.f_code.co_filename == BORDER)
        if self._resting or in_udf or time.perf_counter() - self._asked > _PROMPT:
            return
        self._resting = True
        try:
            if self._elsewhere and not self._others:
                self._woken.wait(2 * _NAP)  # Ctrl-C is heard meanwhile
        finally:
            self._resting = False


def _wakes() -> bool:
    """Whether signals are written to a file, as an event loop wants it."""
    known = signal.set_wakeup_fd(-1)
    if known != -1:
        signal.set_wakeup_fd(known)
    return known != -1


_main = _Main()
listening, working = _main.listening, _main.working
