"""Each command explains itself."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from mfgsql import __version__
from mfgsql.cli import main


def _commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        yield " ".join([*path, name]), command
        if isinstance(command, click.Group):
            yield from _commands(command, (*path, name))


COMMANDS = dict(_commands(main))


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_help_and_an_example_of_itself(name):
    text = COMMANDS[name].help or ""
    assert text.strip()[0].isupper()
    assert f"mfgsql {name}" in text.partition("Example:")[2]


@pytest.mark.parametrize("name", [n for n, c in COMMANDS.items() if not isinstance(c, click.Group)])
def test_a_command_takes_a_database_and_documents_its_options(name):
    options = [p for p in COMMANDS[name].params if isinstance(p, click.Option)]
    assert "--db" in [word for option in options for word in option.opts]
    assert all(option.help for option in options)


def test_version_and_completion_are_told(mfgsql):
    assert __version__ in mfgsql("--version").output
    assert "_MFGSQL_COMPLETE" in mfgsql("--help").output
