"""Calls that one pass takes along: each gets its own rows, and an error that concerns it."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mfgsql.scoring.gathering import Gathering


class Slow:
    """A network that is busy until it may go on; counts passes and rows."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.network, self.passes, self.go_on = nn.Linear(3, 2), [], threading.Event()

    def __call__(self, continuous: np.ndarray, codes: np.ndarray) -> Tensor:
        self.passes.append(len(continuous))
        self.go_on.wait(10)
        if np.isnan(continuous).any():
            raise FloatingPointError("not a number")
        with torch.inference_mode():
            return self.network(torch.from_numpy(continuous)) + torch.from_numpy(codes)


def _calls(count: int, seed: int = 0) -> list[tuple[np.ndarray, np.ndarray]]:
    random = np.random.default_rng(seed)
    sizes = random.integers(1, 60, count)
    return [(random.random((n, 3), np.float32), random.integers(0, 9, (n, 1))) for n in sizes]


def _until(condition) -> None:
    deadline = time.monotonic() + 8
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_calls_that_wait_share_a_pass_and_get_their_own_rows() -> None:
    slow, calls = Slow(), _calls(24)
    gathering = Gathering(slow, 400)
    with ThreadPoolExecutor(len(calls)) as pool:
        futures = [pool.submit(gathering, *calls[0])]
        _until(lambda: slow.passes)  # its pass is under way
        futures += [pool.submit(gathering, *call) for call in calls[1:]]
        _until(lambda: len(gathering._waiting) == len(calls) - 1)
        slow.go_on.set()
        got = [f.result(timeout=10) for f in futures]
    assert len(slow.passes) < len(calls) / 3
    assert max(slow.passes) <= 400 and sum(slow.passes) == sum(len(c) for c, _ in calls)
    for (continuous, codes), output in zip(calls, got, strict=True):
        expected = slow.network(torch.from_numpy(continuous)).detach() + torch.from_numpy(codes)
        torch.testing.assert_close(output, expected)


def test_a_call_larger_than_a_pass_is_made_whole() -> None:
    slow = Slow()
    slow.go_on.set()
    assert Gathering(slow, 10)(np.zeros((25, 3), np.float32), np.zeros((25, 1), np.int64)).shape == (25, 2)


def test_an_error_is_raised_in_each_call_of_its_pass_and_in_no_later_one() -> None:
    slow, bad = Slow(), (np.full((2, 3), np.nan, np.float32), np.zeros((2, 1), np.int64))
    gathering = Gathering(slow, 400)
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(gathering, *_calls(1)[0])
        _until(lambda: slow.passes)
        together = [pool.submit(gathering, *call) for call in (bad, _calls(1)[0])]
        _until(lambda: len(gathering._waiting) == 2)
        slow.go_on.set()
        assert len(first.result(timeout=10)) and len(slow.passes) <= 2
        for future in together:
            with pytest.raises(FloatingPointError):
                future.result(timeout=10)
    assert gathering(np.zeros((2, 3), np.float32), np.zeros((2, 1), np.int64)).shape == (2, 2)
