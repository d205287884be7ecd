"""The Tab key on a model's name."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest
from click.shell_completion import ShellComplete

from mfgsql.cli import main

COMMANDS = (
    *([c] for c in ("predict", "detect", "evaluate", "spans", "embed", "search", "similar")),
    *(["models", c] for c in ("show", "promote", "rollback", "drop", "export")),
)


def offered(words: list[str], incomplete: str = "") -> list[str]:
    return [item.value for item in ShellComplete(main, {}, "mfgsql", "_X").get_completions(words, incomplete)]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_model_is_completed(db, monkeypatch, words):
    monkeypatch.delenv("MFGSQL_DB", raising=False)
    assert offered([*words, "--db", db]) == ["m"]
    monkeypatch.setenv("MFGSQL_DB", db)
    assert offered(words) == ["m"]
    assert offered(words, "x") == []


@pytest.mark.parametrize("path", ["", "/nowhere/x.duckdb", __file__])
def test_where_there_is_no_database_nothing_is_offered_and_nothing_said(monkeypatch, capfd, path):
    monkeypatch.setenv("MFGSQL_DB", path)
    assert offered(["predict"]) == []
    assert capfd.readouterr() == ("", "")


def test_it_waits_for_no_torch(db):
    code = (
        "import sys; from click.shell_completion import ShellComplete; from mfgsql.cli import main; "
        f"found = ShellComplete(main, {{}}, 'mfgsql', '_X').get_completions(['predict', '--db', {db!r}], ''); "
        "print([c.value for c in found], 'torch' in sys.modules)"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "['m'] False"


def test_a_new_model_is_not_completed(db, monkeypatch):
    monkeypatch.setenv("MFGSQL_DB", db)
    assert isinstance(main.commands["finetune"], click.Command)
    assert offered(["finetune"]) == []
