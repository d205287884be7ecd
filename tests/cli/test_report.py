"""mfgsql report and mfgsql importance."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

Mfgsql = Callable[..., Result]


def test_a_page_in_a_file(mfgsql: Mfgsql, tmp_path: Path) -> None:
    page = tmp_path / "my report.html"
    for _ in range(2):  # an earlier page is replaced
        done = mfgsql("report", "m", "-o", str(page))
        assert done.exit_code == 0, done.output
        assert done.output.strip() == f"{page} ({page.stat().st_size / 1024:,.0f} KiB)"
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert [p.name for p in tmp_path.iterdir()] == ["my report.html"]


def test_a_page_on_the_screen(mfgsql: Mfgsql) -> None:
    done = mfgsql("report", "m", "-o", "-")
    assert done.exit_code == 0
    assert done.output.startswith("<!DOCTYPE html>")
    assert done.output.rstrip().endswith("</html>")


def test_no_other_file_is_overwritten(mfgsql: Mfgsql, tmp_path: Path) -> None:
    other = tmp_path / "plant.csv"
    other.write_text("a,b\n1,2\n")
    for path, words in (
        (other, "is no HTML page"),
        (tmp_path, "is a folder"),
        (tmp_path / "x" / "y.html", "no folder"),
    ):
        done = mfgsql("report", "m", "-o", str(path))
        assert done.exit_code == 1
        assert words in done.output
    assert other.read_text() == "a,b\n1,2\n"


def test_a_model_that_is_not_there(mfgsql: Mfgsql, tmp_path: Path) -> None:
    done = mfgsql("report", "nope", "-o", str(tmp_path / "r.html"))
    assert done.exit_code == 1
    assert "There is no model 'nope'" in done.output
    assert list(tmp_path.iterdir()) == []


def test_importance(mfgsql: Mfgsql, new: Mfgsql) -> None:
    new("init")
    new(
        "sql",
        "CREATE TABLE parts AS SELECT (i % 40) / 10.0 AS torque, i AS temp, (i % 40) > 28 AS failed FROM range(400) r(i)",
    )
    tiny = ("--option", "epochs=1", "--option", "width=8", "--option", "layers=1", "--option", "heads=2")
    assert new("finetune", "m", "parts", "--target", "failed", *tiny).exit_code == 0
    done = new("importance", "m", "--format", "json")
    assert done.exit_code == 0, done.output
    assert "torque" in [row["feature"] for row in json.loads(done.output)]
    assert new("finetune", "blind", "parts", "--target", "failed", *tiny, "--option", "validation=0").exit_code == 0
    done = new("importance", "blind")
    assert done.exit_code == 1
    assert "blind@1 was judged on no rows. Judge it on rows of your own: FROM ml_evaluate" in done.output


def test_a_page_of_what_is_suggested(mfgsql: Mfgsql, tmp_path: Path) -> None:
    query = "SELECT i AS design, i * 2 AS cost, 9 - i AS weight, 1 AS pareto_rank FROM range(4) r(i);"
    done = mfgsql("page", query, "-o", str(tmp_path / "front.html"), "--title", "Mixes")
    assert done.exit_code == 0, done.output
    assert "Points of cost and weight; 4 of 4 are on the front." in (tmp_path / "front.html").read_text()
    assert "<h1>Mixes</h1>" in mfgsql("page", query, "-o", "-", "--title", "Mixes").stdout
    assert "no column 'nope'" in mfgsql("page", query, "-o", "-", "--x", "nope").output
