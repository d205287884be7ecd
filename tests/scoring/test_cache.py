"""Models kept warm: loaded once, never dropped in use."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pytest

from mfgsql.features import Flag
from mfgsql.scoring import ModelCache
from mfgsql.scoring.scorer import row_status


@dataclass
class Item:
    bytes: int


def test_many_who_ask_at_once_load_once() -> None:
    cache: ModelCache[Item] = ModelCache(100)
    loads: list[int] = []
    together = threading.Barrier(8)

    def load() -> Item:
        time.sleep(0.05)
        loads.append(1)
        return Item(10)

    def ask(_: int) -> int:
        together.wait()
        with cache.use("m", load) as item:
            return id(item)

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(ask, range(8)))) == 1
    assert len(loads) == 1


def test_what_is_used_is_never_evicted() -> None:
    cache: ModelCache[Item] = ModelCache(100)
    with cache.use("a", lambda: Item(80)):
        with cache.use("b", lambda: Item(80)):
            assert cache.bytes == 160
        assert cache.bytes == 80
        with cache.use("a", lambda: pytest.fail("a was dropped in use")) as again:
            assert again.bytes == 80
    with cache.use("large", lambda: Item(500)):
        pass
    assert cache.bytes <= 100


def test_a_failed_load_can_be_tried_again() -> None:
    cache: ModelCache[Item] = ModelCache(100)

    def broken() -> Item:
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"), cache.use("m", broken):
        pass
    with cache.use("m", lambda: Item(1)) as item:
        assert item.bytes == 1


def test_a_row_shows_its_worst_doubt_and_all_reasons() -> None:
    flags = (
        Flag("out_of_range", np.array([True, True, False]), lambda row: f"far {row}"),
        Flag("unreadable", np.array([False, True, False]), lambda row: f"odd {row}"),
    )
    found = row_status(flags, 3)
    assert found.status.to_pylist() == ["out_of_range", "unreadable", "ok"]
    assert found.reason.to_pylist() == ["far 0", "odd 1; far 1", None]
    assert found.void is not None
    assert found.void.tolist() == [False, True, False]
    assert row_status((), 2).status.to_pylist() == ["ok", "ok"]
