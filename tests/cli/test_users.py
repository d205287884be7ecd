"""``mfgsql users``: passwords from a prompt or a pipe, and no database is opened."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys

import duckdb
import pytest

from mfgsql.engine.users import Users

pytest.importorskip("scramp")
PASSWORD = "grinding wheel"


@pytest.fixture()
def plant(new, tmp_path, monkeypatch):
    """A database that no command may open from here on, as if a server held it."""
    assert new("init").exit_code == 0

    def refuse(*_, **__):
        raise AssertionError("the database was opened")

    monkeypatch.setattr(duckdb, "connect", refuse)
    return new


def test_from_one_to_none(plant, tmp_path):
    added = plant("users", "add", "zoe", "--role", "admin", input=f"{PASSWORD}\n{PASSWORD}\n")
    assert (added.exit_code, added.output) == (0, "'zoe' may log in as admin.\n")
    assert plant("users", "add", "anna", "--role", "reader", input=PASSWORD).exit_code == 0
    assert "analyst" in plant("users", "role", "anna", "analyst").output
    listed = json.loads(plant("users", "list", "--format", "json").stdout)
    assert listed == [{"user": "anna", "role": "analyst"}, {"user": "zoe", "role": "admin"}]
    before = Users(tmp_path / "new.duckdb").get("anna").verifier
    assert plant("users", "passwd", "anna", input="another one\n").exit_code == 0
    assert Users(tmp_path / "new.duckdb").get("anna").verifier != before
    assert plant("users", "remove", "anna").exit_code == 0
    refused = plant("users", "remove", "zoe")
    assert (refused.exit_code, "--force" in refused.output) == (1, True)
    assert plant("users", "remove", "zoe", "--force").exit_code == 0
    assert plant("users", "list", "--format", "csv").stdout == "user,role\n"


@pytest.mark.parametrize(
    ("typed", "told"),
    [("", "No password was given"), ("short\n", "8 to"), (f"{PASSWORD}\nanother one\n", "differ")],
)
def test_passwords_that_are_refused(plant, typed, told):
    result = plant("users", "add", "anna", "--role", "reader", input=typed)
    assert (result.exit_code, told in result.output) == (1, True)
    assert plant("users", "list", "--format", "csv").stdout == "user,role\n"


def test_a_misspelt_database_makes_nothing(new, tmp_path):
    result = new("users", "add", "anna", "--role", "reader", input=PASSWORD)
    assert (result.exit_code, "mfgsql init" in result.output) == (1, True)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_role_is_wrong_usage(plant):
    assert plant("users", "add", "anna", "--role", "owner", input=PASSWORD).exit_code == 2


def test_a_person_types_it_twice_and_sees_nothing(new, tmp_path):
    assert new("init").exit_code == 0
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", "from mfgsql.cli import run; run()", "users", "add", "anna", "--role", "reader"]
    child = subprocess.Popen(
        [*command, "--db", str(tmp_path / "new.duckdb")], stdin=theirs, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    seen = b""
    for prompt in (b"Password", b"again"):
        while prompt not in seen or not seen.endswith(b": "):
            seen += (byte := child.stderr.read(1))
            assert byte, seen
        os.write(ours, PASSWORD.encode() + b"\n")
    out, err = child.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    assert (child.returncode, out) == (0, b"'anna' may log in as reader.\n")
    assert PASSWORD.encode() not in seen + err
    assert Users(tmp_path / "new.duckdb").get("anna")
