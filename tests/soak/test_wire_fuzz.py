"""Bytes that no client sends, before and after the login: the server stays up, says what is wrong, and serves others."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.soak.bending import Messages, bend, strange, talk
from tests.soak.raw import Raw, fields, message, startup
from tests.soak.recording import record
from tests.soak.served import PASSWORD, SCORES, Served, make_plant

STREAMS = int(os.environ.get("SOAK_STREAMS", "100000"))
BATCH, CLIENTS = 500, 4
MORE_THREADS, MORE_DESCRIPTORS = 4, 12  # than before the first stream
GROWTH = 400 * 2**20  # bytes that the process may grow by; most of it comes with the first 10,000 streams
UNFORESEEN = "XX000"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """No statement takes longer than half a minute: a bent one may ask for anything."""
    one = Served(make_plant(tmp_path_factory.mktemp("fuzzed")), "--no-tls", "--statement-timeout", "30")
    yield one
    one.stop()


def stream(dice: random.Random, sessions: list[Messages]) -> tuple[str | None, bytes]:
    """As whom to log in, or None, and what to say then."""
    kind = dice.random()
    if kind < 0.35:
        return None, strange(dice)
    said = talk(dice) if kind < 0.65 else part(dice, dice.choice(sessions))
    user = dice.choice(("reader", "analyst", "analyst", "analyst", "admin"))
    return user, b"".join(said) if dice.random() < 0.1 else bend(dice, said)


def part(dice: random.Random, session: Messages) -> Messages:
    """Of a recorded session all, or its first messages, or its first two (which make its table) and some later ones."""
    end = dice.randrange(3, len(session) + 1)
    return dice.choice(
        (session, session[:end], session[:2] + session[end - 20 : end], session[:2] + session[end - 8 : end])
    )


def play(served: Served, seed: int, sessions: list[Messages]) -> str | None:
    """Say a stream and hear all answers; a fault, or None."""
    dice = random.Random(seed)
    user, data = stream(dice, sessions)
    raw = Raw(served.port)
    try:
        if user is not None:
            raw.login(user, PASSWORD)
        if dice.random() < 0.02:  # a slow one
            for at in range(min(len(data), 60)):
                raw.send(data[at : at + 1])
                time.sleep(0.001)
            data = data[60:]
        raw.send(data)
        if dice.random() < 0.05:
            return None  # it leaves without hearing
        raw.end()
        if user is None:
            raw.socket.recv(1 << 16)  # S or N may come, which is no message
            return None
        errors = [fields(body) for kind, body in raw.answers() if kind == b"E"]
        return next((f"seed {seed}, {user}: {e} after {data!r}" for e in errors if e["C"] == UNFORESEEN), None)
    except ConnectionError:
        return None
    except AssertionError as error:
        return f"seed {seed}, {user}: {error} after {data!r}"
    finally:
        raw.close()


def fuzz(served: Served, streams: int, seed: int) -> None:
    """Play so many streams, a few at a time; after each batch a real client must be served, and nothing be left."""
    sessions = [*record(served).values()]
    assert sessions
    with served.connect("reader") as client:
        wanted = client.execute(SCORES).fetchall()
    time.sleep(0.5)
    threads, descriptors, resident = (
        served.threads + MORE_THREADS,
        served.descriptors + MORE_DESCRIPTORS,
        served.resident,
    )
    with ThreadPoolExecutor(CLIENTS) as pool:
        for begin in range(seed, seed + streams, BATCH):
            seeds = range(begin, min(begin + BATCH, seed + streams))
            faults = [fault for fault in pool.map(lambda n: play(served, n, sessions), seeds) if fault]
            assert not faults, "\n".join(faults)[:10_000]
            with served.connect("reader") as client:
                assert client.execute(SCORES).fetchall() == wanted
            served.quiet(threads)
            assert served.descriptors <= descriptors
            assert served.resident - resident < GROWTH, f"{(served.resident - resident) >> 20} MiB more"
            assert not served.faults()


def half_open(served: Served, count: int) -> list[Raw]:
    """Connections of those who say nothing, or a part of something; a real client comes in all the same."""
    begun = startup(user="analyst", database="plant")
    said = (b"", begun[:3], begun[:20], begun, begun + message(b"p", b"SCRAM-SHA-256\0")[:9])
    left = []
    for n in range(count):
        left.append(Raw(served.port))
        left[-1].send(said[n % len(said)])
    with served.connect("reader") as client:
        assert client.execute("SELECT 1").fetchone() == (1,)
    return left


def test_those_who_do_not_log_in_keep_nobody_out(served: Served) -> None:
    """Nor do they stay, even if they send a byte now and then."""
    threads = served.threads + MORE_THREADS
    left = half_open(served, 120)
    drips = [Raw(served.port) for _ in range(20)]
    for at in range(40):
        for drip in drips:
            drip.send(startup(user="analyst", database="plant", application_name="x" * 99)[at : at + 1])
        time.sleep(1)
    served.quiet(threads, 10)
    for raw in left + drips:
        raw.close()


@pytest.mark.timeout(4 * 3600)
def test_a_server_stands_whatever_is_said_to_it(served: Served) -> None:
    fuzz(served, STREAMS, int(time.time()))
