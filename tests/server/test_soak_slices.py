"""A short piece of each soak test of the wire: the same code, for seconds where ``make soak`` takes hours."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("psycopg")

from tests.soak.served import Served, make_plant
from tests.soak.test_wire_fuzz import fuzz, half_open
from tests.soak.test_wire_kill import kill
from tests.soak.test_wire_load import load


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A plant of its own, for the tests of this file."""
    one = Served(make_plant(tmp_path_factory.mktemp("slices")), "--no-tls", "--statement-timeout", "30")
    yield one
    one.stop()


def test_a_server_stands_whatever_is_said_to_it(served: Served) -> None:
    fuzz(served, 500, int(time.time()))


def test_those_who_do_not_log_in_keep_nobody_out(served: Served) -> None:
    for raw in half_open(served, 60):
        raw.close()


def test_every_client_gets_its_rows_under_load(served: Served) -> None:
    load(served, 10, 24)


def test_what_was_committed_outlives_a_killed_server(tmp_path: Path) -> None:
    kill(make_plant(tmp_path), 3, int(time.time()), longest=1.0)
