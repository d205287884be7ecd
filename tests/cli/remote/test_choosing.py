"""``--db`` or ``--url``, the way to a server, and what is shown of it."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mfgsql.cli import main
from mfgsql.cli.remote.address import encryption, public
from tests.cli.remote.conftest import run
from tests.server.conftest import Served


def _commands(group: click.Group, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = []
    for name, command in group.commands.items():
        found += _commands(command, (*path, name)) if isinstance(command, click.Group) else [(*path, name)]
    return found


FILES_ONLY = {"init", "migrate", "serve", "demo", *("users " + c for c in ("add", "list", "passwd", "role", "remove"))}


@pytest.mark.parametrize("path", _commands(main), ids=" ".join)
def test_each_command_takes_a_url_or_says_that_it_works_on_files(path: tuple[str, ...]) -> None:
    command: click.Command = main
    for name in path:
        assert isinstance(command, click.Group)
        command = command.commands[name]
    assert "--url" in [word for option in command.params for word in option.opts]
    words = {"role": "reader"}
    arguments = [words.get(p.name or "", "x") for p in command.params if isinstance(p, click.Argument) and p.required]
    needed = [o for p in command.params if isinstance(p, click.Option) and p.required for o in (p.opts[0], "reader")]
    if " ".join(path) in FILES_ONLY:
        told = run(*path, *arguments, *needed, "--url", "postgresql://x@localhost:1/plant")
        assert told.exit_code == 2 and f"{' '.join(path)}' works on the file itself" in told.stderr


def test_one_database_is_named(served: Served, tmp_path: Path) -> None:
    url, file = served.url("reader"), str(tmp_path / "x.duckdb")
    one = ("sql", "SELECT 1 AS a", "--format", "csv")
    assert "name two databases" in run(*one, "--db", file, "--url", url).stderr
    assert "MFGSQL_DB and MFGSQL_URL" in run(*one, MFGSQL_DB=file, MFGSQL_URL=url).stderr
    assert run(*one, "--url", url, MFGSQL_DB=file).stdout == "a\n1\n"
    assert run(*one, MFGSQL_URL=url).stdout == "a\n1\n"
    assert "There is no database" in run(*one, "--db", file, MFGSQL_URL=url).stderr
    assert run("init", "--db", file, MFGSQL_URL=url).exit_code == 0
    assert "named by --db" in run(*one, "--url", file).stderr
    assert "told by --url" in run(*one, "--db", url).stderr


def test_read_only_changes_nothing(served: Served) -> None:
    told = run("sql", "CREATE TABLE url_no (i INT)", "--read-only", "--url", served.url("admin"))
    assert told.exit_code == 1 and "read-only" in told.stderr


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://admin:wrong@127.0.0.1:{port}/plant", 'password authentication failed for user "admin".'),
        ("postgresql://admin@127.0.0.1:{port}/plant", "asks for a password. Put it into"),
        ("postgresql://admin:a%20pass-word%201@127.0.0.1:{port}/x", "'plant' is served here."),
        (
            "postgresql://admin:wrong@127.0.0.1:1/plant",
            "can't be reached: Connection refused. Is 'mfgsql serve' running",
        ),
        ("postgresql://admin:wrong@nowhere.invalid/plant", "can't be reached: failed to resolve host"),
        (
            "postgresql://admin:wrong@127.0.0.1/plant?nix=1",
            'The url can\'t be read: invalid URI query parameter: "nix".',
        ),
        ("postgresql://admin:wrong%zz@127.0.0.1/plant", "signs in its password are written as %40"),
    ],
)
def test_why_there_is_no_connection(served: Served, url: str, words: str) -> None:
    told = run("sql", "SELECT 1", "--url", url.format(port=served.port), PGPASSWORD="", PGPASSFILE="/nowhere")
    assert told.exit_code == 1
    assert words in told.stderr and "wrong" not in told.stderr and "pass-word" not in told.stderr


def test_the_password_comes_from_the_environment_or_the_file_for_it(served: Served, tmp_path: Path) -> None:
    url = f"postgresql://reader@{served.host}:{served.port}/{served.database}"
    one = ("sql", "SELECT 1 AS a", "--format", "csv", "--url", url)
    assert run(*one, PGPASSWORD=served.password).stdout == "a\n1\n"
    kept = tmp_path / "pgpass"
    kept.write_text(f"*:*:*:reader:{served.password}\n")
    kept.chmod(0o600)
    assert run(*one, PGPASSWORD="", PGPASSFILE=str(kept)).stdout == "a\n1\n"


NAMES = st.text("abcdeXYZ019_-", min_size=1)


@settings(max_examples=200)
@given(
    user=NAMES, password=st.text("pqr:/@%&=", min_size=6), host=NAMES, query=st.sampled_from(["", "?sslmode=require"])
)
def test_a_password_is_never_shown(user: str, password: str, host: str, query: str) -> None:
    assert public(f"postgresql://{user}:{password}@{host}/plant{query}") == f"postgresql://{user}@{host}/plant{query}"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql:///plant", "postgresql:///plant"),
        (
            "postgresql://h:1,k:2/plant?user=a&password=b&sslmode=require",
            "postgresql://h:1,k:2/plant?user=a&sslmode=require",
        ),
        ("postgresql://h/plant?user=a&password=b", "postgresql://h/plant?user=a"),
        ("postgresql://h?password=b", "postgresql://h"),
    ],
)
def test_how_a_url_is_shown(url: str, shown: str) -> None:
    assert public(url) == shown


@pytest.mark.parametrize(
    ("given_", "environment", "found"),
    [
        ({"host": "plant-server"}, {}, "require"),
        ({"host": "localhost,plant-server"}, {}, "require"),
        ({"hostaddr": "10.0.0.1"}, {}, "require"),
        ({}, {"PGHOST": "plant-server"}, "require"),
        ({"host": "localhost"}, {}, None),
        ({"host": "127.0.0.1"}, {}, None),
        ({"host": "/run/postgresql"}, {}, None),
        ({}, {}, None),
        ({"host": "plant-server", "sslmode": "disable"}, {}, None),
        ({"host": "plant-server"}, {"PGSSLMODE": "verify-full"}, None),
        ({"service": "plant"}, {}, None),
    ],
)
def test_other_machines_are_reached_encrypted(
    given_: dict[str, str], environment: dict[str, str], found: str | None
) -> None:
    assert encryption(given_, environment).get("sslmode") == found
