"""Promotion by what a version reaches, with its reason, and the audit of it."""

from __future__ import annotations

import getpass
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mfgsql
from mfgsql.engine import Session
from mfgsql.engine.requirements import parse_requirements
from mfgsql.errors import CatalogError, InputError, MfgsqlError, NotFoundError, OptionError
from tests.conftest import PARTS

Finetune = Callable[..., str]
METRICS = ("pr_auc", "log_loss", "f1")


@pytest.fixture(scope="module")
def _made(tmp_path_factory: pytest.TempPathFactory, finetune: Finetune) -> Path:
    """A file with ``m@1`` the champion and ``m@2``, the better one, the candidate."""
    path = tmp_path_factory.mktemp("made") / "made.duckdb"
    with mfgsql.connect(path, threads=2, progress="off") as s:
        s.execute(PARTS)
        statement = finetune("m", "SELECT torque, temp, failed FROM parts WHERE id < 400", "failed")
        s.execute(statement).fetchall()
        s.execute(statement.replace("'epochs': 1", "'epochs': 12")).fetchall()
    return path


@pytest.fixture()
def shop(_made: Path, tmp_path: Path) -> Iterator[Session]:
    path = tmp_path / "shop.duckdb"
    path.write_bytes(_made.read_bytes())
    shutil.copytree(f"{_made}.ml", f"{path}.ml")
    with mfgsql.connect(path, threads=2, progress="off") as s:
        yield s


def events(s: Session, columns: str = "event, version, previous, reason") -> list[tuple[object, ...]]:
    return s.execute(f"SELECT {columns} FROM ml.events").fetchall()


MADE = [("created", 1, None, None), ("promoted", 1, None, "the first version"), ("created", 2, None, None)]


def test_all_that_happens_is_told(shop: Session, tmp_path: Path) -> None:
    assert events(shop) == MADE
    assert shop.execute("FROM ml_promote('m@candidate', reason := ' new alloy ')").fetchall() == [("m", 2, 1)]
    shop.execute("FROM ml_promote('m@2', reason := 'again')").fetchall()  # changes nothing, and is no event
    shop.execute("FROM ml_rollback('m', reason := 'it''s loud')").fetchall()
    shop.execute("FROM ml_export('m@2', $1)", [str(tmp_path / "m.safetensors")]).fetchall()
    shop.execute("FROM ml_import('copy', $1)", [str(tmp_path / "m.safetensors")]).fetchall()
    shop.execute("FROM ml_drop('m@2', reason := 'old')").fetchall()
    shop.execute("FROM ml_drop('m')").fetchall()
    assert events(shop)[3:] == [
        ("promoted", 2, 1, "new alloy"), ("rolled_back", 1, 2, "it's loud"), ("exported", 2, None, None),
        ("imported", 1, None, None), ("promoted", 1, None, "the first version"),
        ("dropped", 2, None, "old"), ("dropped", 1, None, None),
    ]  # fmt: skip
    assert {w for (w,) in events(shop, "who")} == {getpass.getuser()}
    told = json.loads(shop.execute("SELECT detail FROM ml.events WHERE event = 'created' LIMIT 1").fetchone()[0])
    assert told["verb"] == "finetune" and told["metric"] == "pr_auc" and told["rows"] == 400
    assert shop.execute("SELECT count(*) FROM ml.events e JOIN ml.runs r USING (run_id) WHERE event = 'created'").fetchone() == (2,)


def test_a_learning_statement_that_wins_is_told(shop: Session, finetune: Finetune) -> None:
    better = finetune("m", "SELECT torque, temp, failed FROM parts WHERE id < 400", "failed", "promote := 'auto'")
    row = shop.sql(better.replace("'epochs': 1", "'epochs': 12")).to_pylist()[0]
    assert (row["version"], row["status"], row["champion"]) == (2, "reused", True), row["warnings"]
    won = ("promoted", 2, 1, "better than the champion beyond chance, on rows that neither saw")
    assert events(shop) == [*MADE, won]
    assert events(shop, "run_id")[-1] == (row["run_id"],)


def test_a_version_that_reaches_what_is_required_is_promoted(shop: Session) -> None:
    own = dict(shop.execute("SELECT metric, value FROM ml.metrics WHERE final AND version = 2").fetchall())
    require = "pr_auc >= champion AND log_loss <= champion - 0.001"
    shop.execute(f"FROM ml_promote('m@2', require := '{require}')").fetchall()
    detail = json.loads(events(shop, "detail")[-1][0])
    assert detail["require"] == [require] and detail["against"] == "m@1"
    assert detail["figures"]["pr_auc"]["version"] == pytest.approx(own["pr_auc"])
    assert detail["figures"]["pr_auc"]["champion"] < own["pr_auc"]


def test_one_that_does_not_is_refused_and_nothing_changes(shop: Session) -> None:
    with pytest.raises(InputError, match=r"m@2 is not promoted: pr_auc is 0\.\d+, that of m@1 0\.\d+.*Nothing has changed"):
        shop.execute("FROM ml_promote('m@2', require := 'pr_auc >= champion + 0.9', reason := 'why not')").fetchall()
    with pytest.raises(InputError, match="accuracy is"):
        shop.execute("FROM ml_promote('m@2', require := ['pr_auc > 0.1', 'accuracy > 1'])").fetchall()
    assert shop.execute("SELECT champion, candidate FROM ml.models").fetchall() == [(1, 2)]
    (first, (*second, told)) = events(shop)[3:]
    assert first == ("refused", 2, 1, "why not") and second == ["refused", 2, 1]
    assert "and required is" in told  # in nobody's words, what was not reached


def test_both_are_judged_by_rows_that_are_named(shop: Session) -> None:
    fresh = "SELECT * FROM parts WHERE id >= 400"
    told = dict(shop.execute(f"SELECT metric, (a, b) FROM ml_compare('m@2', 'm', '{fresh}')").fetchall())
    with pytest.raises(InputError, match="is not promoted"):
        shop.execute(f"FROM ml_promote('m@2', '{fresh}', require := 'log_loss > champion')").fetchall()
    shop.execute(f"FROM ml_promote('m@2', '{fresh}', require := 'log_loss < champion and roc_auc >= champion')").fetchall()
    detail = json.loads(events(shop, "detail")[-1][0])
    assert detail["source"] == fresh
    assert tuple(detail["figures"]["log_loss"].values()) == pytest.approx(tuple(told["log_loss"]))


def test_figures_that_are_not_known_are_told(shop: Session, tmp_path: Path) -> None:
    shop.execute("FROM ml_export('m@2', $1)", [str(tmp_path / "m.safetensors")]).fetchall()
    shop.execute("FROM ml_import('m', $1)", [str(tmp_path / "m.safetensors")]).fetchall()
    with pytest.raises(InputError, match="What m@3 reaches in pr_auc isn't known.*source := "):
        shop.execute("FROM ml_promote('m@3', require := 'pr_auc > 0.5')").fetchall()
    assert shop.execute("FROM ml_promote('m@3', 'parts', require := 'pr_auc > 0.5')").fetchall() == [("m", 3, 1)]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("require := 'pr_auc'", "can't be judged"), ("require := 'pr_auc = champion'", "can't stand there"),
        ("require := 'prauc >= 0.8'", "names 'prauc'.*pr_auc"), ("require := 'pr_auc >= (SELECT 1)'", "can't stand there"),
        ("require := 'pr_auc >= 0.8 OR f1 > 0.1'", "can't stand there"), ("require := 'pr_auc > f1'", "can't be judged"),
        ("require := 'pr_auc > 0.8; DROP TABLE parts'", "can't be parsed"), ("require := 'pr_auc > ''x'''", "can't be judged"),
        ("require := 'champion > 0.1'", "can't be judged"), ("require := '(pr_auc > 0.1) > 0'", "can't be judged"),
        ("require := 3", "require is comparisons"), ("reason := 7", "reason is a text"),
        ("source := 'parts'", "require, which is missing"),
    ],
)  # fmt: skip
def test_what_cannot_be_judged_is_refused_while_it_is_planned(shop: Session, arguments: str, told: str) -> None:
    with pytest.raises(OptionError, match=told):
        shop.execute(f"EXPLAIN FROM ml_promote('m@2', {arguments})")


def test_explaining_changes_nothing(shop: Session) -> None:
    for statement in ("ml_promote('m@2', require := 'f1 > 0')", "ml_rollback('m')", "ml_drop('m')"):
        shop.execute(f"EXPLAIN FROM {statement}").fetchall()
    assert events(shop) == MADE


def test_after_a_rollback_scores_are_those_before(shop: Session) -> None:
    asked = "SELECT probability FROM ml_predict('m', 'parts') ORDER BY id"
    before = [p for (p,) in shop.execute(asked).fetchall()]
    shop.execute("FROM ml_promote('m@2', require := 'pr_auc >= champion')").fetchall()
    between = [p for (p,) in shop.execute(asked).fetchall()]
    assert max(abs(a - b) for a, b in zip(before, between, strict=True)) > 1e-3
    shop.execute("FROM ml_rollback('m')").fetchall()
    assert [p for (p,) in shop.execute(asked).fetchall()] == pytest.approx(before, abs=1e-6)


def test_a_query_under_way_sees_one_version(shop: Session) -> None:
    """Rows are scored while others promote and roll back by figures: each answer is of one version or the other."""
    asked = "SELECT probability FROM ml_predict('{}', 'SELECT p.* FROM parts p, range(8)') ORDER BY id"
    whole = [shop.execute(asked.format(f"m@{n}")).fetchall() for n in (1, 2)]
    done, found, failed = threading.Event(), [], []

    def score() -> None:
        with shop.cursor() as own:
            while not done.is_set():
                found.append(own.execute(asked.format("m")).fetchall())

    def move() -> None:
        try:
            with shop.cursor() as own:
                for _ in range(3):
                    own.execute("FROM ml_promote('m@2', require := 'pr_auc >= champion')").fetchall()
                    own.execute("FROM ml_rollback('m')").fetchall()
        except MfgsqlError as error:
            failed.append(error)
        finally:
            done.set()

    threads = [threading.Thread(target=one) for one in (score, score, move)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failed and found
    flat = [[pytest.approx([p for (p,) in version], abs=1e-6)] for version in whole]
    assert all([p for (p,) in rows] == flat[0][0] or [p for (p,) in rows] == flat[1][0] for rows in found)
    assert [e for (e,) in events(shop, "event")].count("rolled_back") == 3


def test_an_event_and_what_it_tells_of_are_one(shop: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the event can't be kept, nothing happens either."""
    from mfgsql.engine.verbs import promoting

    def broken(*_: object, **__: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(promoting, "add_event", broken)
    for statement in ("ml_promote('m@2')", "ml_promote('m@2', require := 'f1 >= 0')"):
        with pytest.raises(Exception, match="disk full"):
            shop.execute(f"FROM {statement}").fetchall()
    assert shop.execute("SELECT champion, candidate FROM ml.models").fetchall() == [(1, 2)]
    with pytest.raises(NotFoundError, match="no earlier champion"):
        shop.execute("FROM ml_rollback('m')").fetchall()


def test_a_reader_exports_without_an_event(shop: Session, tmp_path: Path) -> None:
    path = shop.engine.path
    shop.close()
    with mfgsql.connect(path, read_only=True, threads=1) as reader:
        reader.execute("FROM ml_export('m', $1)", [str(tmp_path / "m.safetensors")]).fetchall()
        assert events(reader) == MADE


def test_what_helps_quotes_the_name(shop: Session, finetune: Finetune) -> None:
    shop.execute(finetune("o''neill", "SELECT torque, temp, failed FROM parts", "failed")).fetchall()
    with pytest.raises(NotFoundError, match=r"FROM ml_promote\('o''neill@N'\);"):
        shop.execute("FROM ml_rollback('o''neill')").fetchall()


def test_a_reader_changes_no_champion(shop: Session) -> None:
    path = shop.engine.path
    shop.close()
    with mfgsql.connect(path, read_only=True, threads=1) as reader:
        for call in ("ml_promote('m@2')", "ml_promote('m@2', require := 'pr_auc >= champion')", "ml_rollback('m')"):
            with pytest.raises(CatalogError, match="opened read-only: each model's champion stays"):
                reader.execute(f"FROM {call}")


# -- requirements ---------------------------------------------------------------------------------------------------


@given(st.floats(-2, 2), st.floats(-2, 2), st.floats(0.01, 1), st.sampled_from([">=", ">", "<=", "<"]))
def test_a_requirement_holds_as_python_says(value: float, champion: float, slack: float, op: str) -> None:
    known = {"pr_auc": value, "champion": champion}
    for text in (f"pr_auc {op} champion - {slack:.6f}", f"(pr_auc - champion) * 2 {op} -(-{slack:.6f})", f"champion / 2 {op} pr_auc"):
        (one,) = parse_requirements(text, METRICS)
        assert one.metric == "pr_auc" and one.asks_champion
        assert one.holds(value, champion) == eval(text, {}, known)


def test_requirements_are_taken_apart() -> None:
    found = parse_requirements(["PR_AUC >= 0.8 and (log_loss < champion)", "f1 > 1 / 0"], METRICS)
    assert [(r.metric, r.asks_champion) for r in found] == [("pr_auc", False), ("log_loss", True), ("f1", False)]
    assert not found[2].holds(0.9, None)  # nothing is more than what is none
    assert parse_requirements(None, METRICS) == []
