"""Patience: a person may mistype, a guesser waits longer and longer, and nobody is locked out from elsewhere."""

from mfgsql.server.auth.throttle import Throttle


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


def test_failures_make_the_next_try_wait():
    clock = Clock()
    throttle = Throttle(clock)
    waits = []
    for _ in range(13):
        waits.append(throttle.wait("anna", "10.0.0.1"))
        throttle.failed("anna", "10.0.0.1")
    assert waits[:6] == [0] * 6
    assert waits[6:9] == [1, 2, 4]
    assert max(waits) <= 60
    clock.now += 61
    assert throttle.wait("anna", "10.0.0.1") == 0
    throttle.failed("anna", "10.0.0.1")
    assert throttle.wait("anna", "10.0.0.1") == 60  # it is remembered
    clock.now += 1000
    throttle.failed("anna", "10.0.0.1")
    assert throttle.wait("anna", "10.0.0.1") == 0  # and forgotten in the end


def test_others_are_not_locked_out():
    throttle = Throttle(Clock())
    for _ in range(10):
        throttle.failed("anna", "10.0.0.1")
    assert throttle.wait("anna", "10.0.0.2") == 0
    assert throttle.wait("bert", "10.0.0.1") == 0
    for i in range(60):
        throttle.failed(f"name{i}", "10.0.0.1")
    assert throttle.wait("bert", "10.0.0.1") > 0  # many names from one address


def test_success_forgets():
    throttle = Throttle(Clock())
    for _ in range(7):
        throttle.failed("anna", "10.0.0.1")
    throttle.succeeded("anna", "10.0.0.1")
    assert throttle.wait("anna", "10.0.0.1") == 0


def test_memory_is_bounded():
    throttle = Throttle(Clock())
    for i in range(12_000):
        throttle.failed(f"name{i}", f"10.{i >> 8}.{i & 255}.1")
    assert len(throttle._failed) <= 10_000
