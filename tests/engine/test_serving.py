"""A database that a server holds: who asks for it is told where."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

import mfgsql
from mfgsql.cli import main
from mfgsql.engine.serving import Served, ServedError, noted, who_serves
from mfgsql.errors import CatalogError

HOLD = """
import os, sys, mfgsql
from mfgsql.engine.serving import Served, noted
with mfgsql.connect(sys.argv[1]) as session:
    number = int(sys.argv[2]) or os.getpid()
    with noted(session.engine.folder, Served(number, "0.0.0.0", 5439, "plant", True)):
        print(os.getpid(), flush=True)
        sys.stdin.read()
"""


class Holder:
    """Another process that holds a database, and has left a note."""

    def __init__(self, place: Path, number: int = 0) -> None:
        command = [sys.executable, "-c", HOLD, str(place), str(number)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout
        self.number = int(self.process.stdout.readline())

    def end(self, *, kill: bool = False) -> None:
        if kill:
            self.process.kill()
        self.process.communicate()


@pytest.fixture()
def place(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "plant.duckdb"


def test_who_finds_it_locked_is_told_where_it_is_served(place: Path) -> None:
    holder = Holder(place)
    try:
        assert who_serves(place) == Served(holder.number, "0.0.0.0", 5439, "plant", True)
        for read_only in (False, True):
            with pytest.raises(ServedError) as told:
                mfgsql.connect(place, read_only=read_only)
            url = "postgresql://USER@localhost:5439/plant"
            message = f"'{place}' is served by mfgsql (process {holder.number})."
            assert (told.value.message, told.value.remedy) == (message, f"Connect to {url}.")
        shown = CliRunner().invoke(main, ["sql", "SELECT 1", "--db", str(place)])
        assert (shown.exit_code, shown.stderr) == (1, f"Error: {message} Use --url {url} instead of --db.\n")
    finally:
        holder.end()
    assert who_serves(place) is None
    mfgsql.connect(place).close()


def test_the_note_of_a_server_that_was_killed_is_not_believed(place: Path) -> None:
    holder = Holder(place)
    holder.end(kill=True)
    assert (Path(f"{place}.ml") / "served.json").exists() and who_serves(place) is None
    with mfgsql.connect(place) as session:
        assert session.execute("SELECT 1").fetchone() == (1,)


def test_a_note_that_names_another_process_than_the_lock_is_not_believed(place: Path) -> None:
    """Its number may have been given to another process since."""
    holder = Holder(place, number=os.getpid())
    try:
        assert who_serves(place) is not None
        with pytest.raises(CatalogError, match="Another process has it open") as told:
            mfgsql.connect(place)
        assert not isinstance(told.value, ServedError)
    finally:
        holder.end()


def test_the_note_goes_with_the_server_and_broken_ones_are_none(tmp_path: Path) -> None:
    database = tmp_path / "x.duckdb"
    folder = tmp_path / "x.duckdb.ml"
    folder.mkdir()
    with noted(folder, Served(os.getpid(), "::1", 1, "x", False)):
        found = who_serves(database)
        assert found is not None and found.url == "postgresql://USER@[::1]:1/x"
    assert list(folder.iterdir()) == []
    for text in ("", "{}", "[]", '{"process": 1}', "null"):
        (folder / "served.json").write_text(text)
        assert who_serves(database) is None
