"""Who may log in: the file beside the database, whatever happens to it."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from base64 import b64decode
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mfgsql.engine.access import Role
from mfgsql.engine.users import User, Users, make_verifier
from mfgsql.errors import CatalogError, MissingExtraError, NotFoundError, OptionError

scramp = pytest.importorskip("scramp")
PASSWORD = "grinding wheel"


@pytest.fixture()
def users(tmp_path: Path) -> Users:
    return Users(tmp_path / "plant.duckdb")


def _logs_in(verifier: str, name: str, password: str) -> bool:
    """The whole exchange, by scramp's own client and server."""
    mechanism, iterated, keys = verifier.split("$")
    iterations, salt = iterated.split(":")
    stored, server_key = keys.split(":")
    known = (b64decode(salt), b64decode(stored), b64decode(server_key), int(iterations))
    server = scramp.ScramMechanism(mechanism).make_server(lambda _: known)
    client = scramp.ScramClient([mechanism], name, password)
    try:
        server.set_client_first(client.get_client_first())
        client.set_server_first(server.get_server_first())
        server.set_client_final(client.get_client_final())
        client.set_server_final(server.get_server_final())
    except scramp.ScramException:
        return False
    return True


def test_a_user_logs_in_with_their_password_only(users):
    users.add("anna", Role.ANALYST, PASSWORD)
    anna = users.get("anna")
    assert (anna.name, anna.role) == ("anna", Role.ANALYST)
    assert PASSWORD not in users.file.read_text()
    assert _logs_in(anna.verifier, "anna", PASSWORD)
    assert not _logs_in(anna.verifier, "anna", PASSWORD + "s")
    assert users.get("Anna") is None


def test_equal_passwords_have_different_verifiers_of_enough_rounds():
    one, two = make_verifier(PASSWORD), make_verifier(PASSWORD)
    assert one != two
    assert int(one.split("$")[1].split(":")[0]) >= 4096


def test_changes(users):
    users.add("zoe", "admin", PASSWORD)
    users.add("anna", "reader", PASSWORD)
    before = users.get("anna").verifier
    users.passwd("anna", PASSWORD[::-1])
    users.set_role("anna", "analyst")
    assert [(u.name, u.role) for u in users.list()] == [("anna", Role.ANALYST), ("zoe", Role.ADMIN)]
    assert users.get("anna").verifier != before
    users.remove("anna")
    assert [u.name for u in users.list()] == ["zoe"]


def test_only_the_owner_reads_the_file(users):
    before = os.umask(0)
    try:
        users.add("anna", "reader", PASSWORD)
    finally:
        os.umask(before)
    assert stat.S_IMODE(users.file.stat().st_mode) == 0o600
    assert stat.S_IMODE(users.folder.stat().st_mode) == 0o700


def test_a_link_to_the_database_has_its_users(users, tmp_path):
    users.add("anna", "reader", PASSWORD)
    (tmp_path / "plant.duckdb").touch()
    (tmp_path / "link.duckdb").symlink_to(tmp_path / "plant.duckdb")
    assert Users(tmp_path / "link.duckdb").get("anna")


@pytest.mark.parametrize("change", [lambda u: u.remove("zoe"), lambda u: u.set_role("zoe", "reader")])
def test_the_last_admin_stays(users, change):
    users.add("zoe", "admin", PASSWORD)
    users.add("anna", "analyst", PASSWORD)
    with pytest.raises(OptionError, match="last admin"):
        change(users)
    assert users.get("zoe").role is Role.ADMIN
    users.add("max", "admin", PASSWORD)
    change(users)
    assert users.get("max")


def test_the_last_admin_goes_by_force(users):
    users.add("zoe", "admin", PASSWORD)
    users.remove("zoe", force=True)
    assert users.list() == []


def test_a_reader_may_go_where_there_is_no_admin(users):
    users.add("anna", "reader", PASSWORD)
    users.remove("anna")
    assert users.list() == []


@pytest.mark.parametrize("name", ["", "a\nb", "a\0b", "x" * 64, "é" * 32, "\x7f"])
def test_names_that_are_none(users, name):
    with pytest.raises(OptionError, match="name"):
        users.add(name, "reader", PASSWORD)
    assert not users.file.exists()


@pytest.mark.parametrize("password", ["", "1234567", "x" * 2000, "with\nbreak"])
def test_passwords_that_are_none(users, password):
    with pytest.raises(OptionError, match="password"):
        users.add("anna", "reader", password)


def test_what_is_unknown_is_told(users):
    users.add("anna", "reader", PASSWORD)
    with pytest.raises(OptionError, match="already"):
        users.add("anna", "admin", PASSWORD)
    with pytest.raises(OptionError, match="reader, analyst or admin"):
        users.add("max", "owner", PASSWORD)
    for change in (lambda: users.remove("ana"), lambda: users.passwd("ana", PASSWORD), lambda: users.set_role("ana", "admin")):
        with pytest.raises(NotFoundError, match="Did you mean 'anna'"):
            change()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"format": 2, "users": []}', '{"format": 1}', '{"format": 1, "users": [{"name": "a"}]}',
             '{"format": 1, "users": [{"name": "a", "role": "owner", "verifier": "x"}]}', "\udcff"]
)  # fmt: skip
def test_a_damaged_file_is_told_and_kept(users, text):
    users.add("anna", "reader", PASSWORD)
    damaged = text.encode("utf-8", "surrogateescape")
    users.file.write_bytes(damaged)
    for use in (users.list, lambda: users.get("anna"), lambda: users.add("max", "reader", PASSWORD)):
        with pytest.raises(CatalogError, match="users.json"):
            use()
    assert users.file.read_bytes() == damaged


def test_a_missing_extra_is_named(users, monkeypatch):
    monkeypatch.setitem(sys.modules, "scramp", None)
    with pytest.raises(MissingExtraError, match=r"mfgsql\[serve\]"):
        users.add("anna", "reader", PASSWORD)


@settings(max_examples=30, deadline=None)
@given(name=st.text(min_size=1, max_size=20), password=st.text(min_size=8, max_size=20))
def test_any_name_and_password_work_or_are_refused(tmp_path_factory, name, password):
    users = Users(tmp_path_factory.mktemp("any") / "plant.duckdb")
    try:
        users.add(name, "reader", password)
    except OptionError:
        assert users.list() == []
        return
    assert [user.name for user in users.list()] == [name]


def test_changes_at_once_all_count(users):
    """Each thread has a file of its own open, as a process has."""
    threads = [
        threading.Thread(target=lambda at=at: [Users(users.folder.with_suffix("")).add(f"u{at}{i}", "reader", PASSWORD) for i in range(5)])
        for at in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(users.list()) == 20


_CHANGING = """
import sys
from mfgsql.engine.users import Users
users = Users(sys.argv[1])
print("ready", flush=True)
while True:
    users.set_role("u7", "admin")
"""


def test_killed_in_the_middle_of_a_write_the_file_is_whole(users):
    verifier = make_verifier(PASSWORD)
    many = {f"u{i}": User(f"u{i}", Role.READER, verifier) for i in range(3000)}
    users.folder.mkdir()
    users._write(many)  # so long that a write takes most of the time
    for attempt in range(4):
        child = subprocess.Popen(
            [sys.executable, "-c", _CHANGING, str(users.folder.with_suffix(""))], stdout=subprocess.PIPE
        )
        assert child.stdout.readline() == b"ready\n"
        time.sleep(0.05 + 0.037 * attempt)
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        assert len(users.list()) == len(many)
    users.set_role("u8", "admin")  # the lock went with the process, and what it left is in nobody's way
    assert users.get("u8").role is Role.ADMIN
    assert set(json.loads(users.file.read_text())) == {"format", "users"}
