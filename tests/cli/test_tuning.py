"""``tune``: what is searched, said in words of the shell."""

from __future__ import annotations

import click
import pytest

from mfgsql.cli.tuning import parse_space
from tests.cli.conftest import TABLE

SMALL = ("--option", "epochs=1", "--option", "folds=2", "--option", "members=1", "--option", "width=8")


def test_a_space_is_parsed():
    told = ("lr=1e-4..1e-2:log", "layers=2, 4,6", "dropout=0..0.4", "optimizer=adamw,sgd")
    assert parse_space(told) == {
        "lr": {"low": 1e-4, "high": 1e-2, "log": True},
        "layers": [2, 4, 6],
        "dropout": {"low": 0, "high": 0.4},
        "optimizer": ["adamw", "sgd"],
    }
    for text in ("layers", "=2", "layers="):
        with pytest.raises(click.UsageError, match="KEY=LOW..HIGH"):
            parse_space((text,))


def test_the_best_of_some_trials(new, tmp_path):
    new("init")
    new("sql", TABLE)
    asked = ("tune", "m", "parts", "--target", "failed", "--exclude", "id", "--trials", "2", "--budget", "1 hour", *SMALL)
    done = new(*asked, "--search", "lr=1e-3..1e-1:log", "--search", "layers=1,2")
    assert done.exit_code == 0, done.output
    assert f"Next: mfgsql predict m SOURCE --db {tmp_path}" in done.stdout
    told = new("sql", "SELECT count(*) AS made FROM ml.trials", "--format", "csv")
    assert told.stdout.split() == ["made", "2"]
    refused = new("tune", "m", "parts", "--target", "failed", "--search", "seed=1,2")
    assert refused.exit_code == 1
    assert "seed can't be searched" in refused.stderr
    assert new("tune", "m", "parts").exit_code == 2
