"""A challenger and the champion: on which rows they may be compared, and what a comparison that fails costs."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

import mfgsql
from mfgsql.engine import Session, learning, learnt
from mfgsql.engine.unseen import judged_rows
from mfgsql.errors import OptionError
from mfgsql.training.snapshot import SPLIT

TINY = "options := {'epochs': 1, 'width': 8, 'layers': 1, 'heads': 2}"
Finetune = Callable[..., str]


@pytest.fixture()
def shop(tmp_path: Path) -> Iterator[Session]:
    with mfgsql.connect(tmp_path / "shop.duckdb", threads=2, progress="off") as session:
        session.execute(
            "CREATE TABLE t AS SELECT i * 0.5 AS a, hash(i) % 1000 / 7 AS b, hash(i) % 3 = 0 AS y FROM range(600) r(i)"
        )
        yield session


def snapshot(session: Session, name: str) -> Path:
    with session.engine.cursor() as cursor:
        path = learnt.snapshot_of(session.engine, cursor, name)
    assert path is not None
    return path


def judged(session: Session) -> pa.Table:
    return judged_rows(snapshot(session, "m@2"), None, 10**6, 20).judged


def test_rows_are_known_again_in_a_source_with_other_columns(shop: Session, finetune: Finetune) -> None:
    shop.execute(finetune("m", "SELECT a, b, y FROM t", "y")).fetchall()
    shop.execute("ALTER TABLE t ADD COLUMN more DOUBLE; UPDATE t SET more = a + b; INSERT INTO t VALUES (-1.5, 0.25, true, 0)")
    shop.execute(finetune("m", "SELECT more, y, b, a FROM t", "y")).fetchall()
    rows, theirs = judged(shop), pl.read_parquet(snapshot(shop, "m@1"))
    groups = learnt.Learnt([snapshot(shop, "m@1")]).unseen(rows, 20)
    mine = pl.DataFrame(pl.from_arrow(rows)).with_columns(group=pl.Series(groups))
    joined = mine.join(theirs, on=["a", "b", "y"], how="left", suffix="_theirs")
    known = joined.filter(pl.col(f"{SPLIT}_theirs").is_not_null())
    assert len(known) == 600
    assert known["group"].to_list() == known[f"{SPLIT}_theirs"].to_list()  # the part that the old one was judged on
    new = joined.filter(pl.col(f"{SPLIT}_theirs").is_null())
    assert len(new) == 1 and 1 <= new["group"][0] <= 20


def test_a_retyped_column_makes_no_row_new(shop: Session, finetune: Finetune) -> None:
    shop.execute("CREATE TABLE typed AS SELECT a, b, a::VARCHAR AS c, DATE '2026-01-01' + a::INT AS d, y FROM t")
    shop.execute(finetune("m", "SELECT a, b, c, d, y FROM typed", "y")).fetchall()
    other = "SELECT a::DOUBLE AS a, b, c::DOUBLE AS c, d::TIMESTAMP AS d, y FROM typed"
    shop.execute(finetune("m", other, "y")).fetchall()
    rows, theirs = judged(shop), pl.read_parquet(snapshot(shop, "m@1"))
    groups = learnt.Learnt([snapshot(shop, "m@1")]).unseen(rows, 20)
    parts = pl.DataFrame(pl.from_arrow(rows)).with_columns(pl.col("a").cast(float)).join(
        theirs.with_columns(pl.col("a").cast(float)), on=["a", "b", "y"], how="left", suffix="_theirs"
    )  # fmt: skip
    assert groups.tolist() == parts[f"{SPLIT}_theirs"].to_list()


def test_twins_in_several_parts_were_seen_by_every_group(shop: Session, finetune: Finetune) -> None:
    shop.execute("CREATE TABLE twins AS SELECT floor(a / 10) AS a, y, a AS unique_a FROM t")
    shop.execute(finetune("m", "SELECT a, unique_a, y FROM twins", "y")).fetchall()
    shop.execute(finetune("m", "SELECT a, y FROM twins", "y", "promote := 'auto'")).fetchall()
    groups = learnt.Learnt([snapshot(shop, "m@1")]).unseen(judged(shop), 20)
    assert (groups == 0).mean() > 0.9


def test_a_comparison_that_fails_costs_no_training(shop: Session, finetune: Finetune) -> None:
    shop.execute(finetune("m", "SELECT a, y FROM t", "y")).fetchall()
    snapshot(shop, "m@1").write_bytes(b"no parquet")
    row = shop.execute(finetune("m", "SELECT a, b, y FROM t", "y", "promote := 'auto'")).pl().to_dicts()[0]
    assert (row["status"], row["version"], row["champion"]) == ("finished", 2, False)
    assert "it can't be compared with m@1" in row["warnings"][-1]
    assert shop.execute("SELECT count(probability) FROM ml_predict('m@2', 't')").fetchone() == (600,)


def test_who_was_promoted_meanwhile_stays(shop: Session, finetune: Finetune, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in (1, 2):
        shop.execute(finetune("m", f"SELECT a, b, y FROM t LIMIT {300 + seed}", "y")).fetchall()

    def wins(*_: object) -> tuple[bool, str]:
        other = shop.cursor()
        other.execute("FROM ml_promote('m@2')").fetchall()
        return True, ""

    monkeypatch.setattr(learning, "wins", wins)
    row = shop.execute(finetune("m", "SELECT a, b, y FROM t", "y", "promote := 'auto'")).pl().to_dicts()[0]
    assert not row["champion"]
    assert shop.execute("SELECT champion, candidate FROM ml.models").fetchone() == (2, 3)


def test_a_copied_database_leaves_the_original_alone(shop: Session, finetune: Finetune, tmp_path: Path) -> None:
    shop.execute(finetune("m", "SELECT a, y FROM t", "y")).fetchall()
    shop.execute(finetune("m", "SELECT b, y FROM t", "y")).fetchall()
    shop.close()
    (tmp_path / "copy").mkdir()
    shutil.copy(tmp_path / "shop.duckdb", tmp_path / "copy")
    shutil.copytree(tmp_path / "shop.duckdb.ml", tmp_path / "copy/shop.duckdb.ml")
    kept = sorted(f.name for f in (tmp_path / "shop.duckdb.ml").iterdir())
    with mfgsql.connect(tmp_path / "copy/shop.duckdb", threads=2, progress="off", keep_snapshots=0) as copy:
        copy.execute(finetune("m", "SELECT a, b, y FROM t", "y")).fetchall()
        copy.execute("FROM ml_drop('m')").fetchall()
        assert not list((tmp_path / "copy/shop.duckdb.ml").glob("*.parquet"))
        assert copy.execute("SELECT count(*) FROM ml.snapshots").fetchone() == (0,)
    assert sorted(f.name for f in (tmp_path / "shop.duckdb.ml").iterdir()) == kept


def test_a_dropped_version_takes_its_rows_along(shop: Session, finetune: Finetune) -> None:
    for column in "ab":
        shop.execute(finetune("m", f"SELECT {column}, y FROM t", "y")).fetchall()
    first, second = snapshot(shop, "m@1"), snapshot(shop, "m@2")
    shop.execute("FROM ml_drop('m@2')").fetchall()
    assert first.exists() and not second.exists()


def test_versions_of_a_model_predict_the_same(shop: Session, finetune: Finetune, tmp_path: Path) -> None:
    shop.execute(finetune("m", "SELECT a, y FROM t", "y")).fetchall()
    shop.execute(f"FROM ml_pretrain('base', 'SELECT a, b FROM t', {TINY})").fetchall()
    for statement, words in (
        (finetune("m", "SELECT a, b FROM t", "b"), "'m' predicts 'y' (classification); a version of it can't predict 'b'"),
        (f"FROM ml_pretrain('m', 'SELECT a FROM t', {TINY})", "can't predict nothing"),
        (finetune("base", "SELECT a, y FROM t", "y"), "'base' is a base; a version of it can't predict 'y'"),
    ):
        with pytest.raises(OptionError) as caught:
            shop.execute(statement).fetchall()
        assert words in str(caught.value)
    file = str(tmp_path / "m.mlmodel")
    shop.execute("FROM ml_export('m', $1)", [file]).fetchall()
    with pytest.raises(OptionError, match="'base' is a base"):
        shop.execute("FROM ml_import('base', $1)", [file]).fetchall()
    asked = "SELECT kind, target, metric FROM ml.models WHERE model = 'm'"
    assert shop.execute(asked).fetchone() == ("classification", "y", "pr_auc")
