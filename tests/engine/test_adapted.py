"""What an adapted version has learnt, as others ask it: rows of all versions that it went on from, and how they were."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

import pyarrow.parquet as pq
import pytest

import mfgsql
from mfgsql.catalog import resolve
from mfgsql.catalog.records import add_features
from mfgsql.engine import Session, learnt
from mfgsql.engine.drifting.learning import Recorded, features_of_snapshot
from mfgsql.training.snapshot import HASH
from tests.engine.test_adapting import LINE, OLD, SMALL, day
from tests.engine.test_challenge import snapshot

FEW = "options := {'epochs': 1, 'replay': 40}"  # rows of the past, so that most of each batch fall out of the next


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """A model that went on three times, each time from the version before."""
    path = tmp_path_factory.mktemp("adapted") / "line.duckdb"
    with mfgsql.connect(path, threads=1, progress="off", keep_snapshots=9) as session:
        session.execute(LINE)
        session.execute(f"FROM ml_finetune('m', '{OLD.format('bad')}', target := 'bad', {SMALL})").fetchall()
        for number in range(3):
            session.execute(f"FROM ml_adapt('m', $${day(number)}$$, {FEW})").fetchall()
            session.execute(f"FROM ml_promote('m@{number + 2}')").fetchall()
        yield session


def told(s: Session, source: str) -> tuple[str, str]:
    row = s.execute(f"SELECT ml_status, ml_reason FROM ml_compare('m@4', 'm@4', $${source}$$) LIMIT 1").fetchone()
    assert row is not None
    return str(row[0]), str(row[1])


def test_rows_of_the_versions_before_are_told_to_be_learnt(line: Session) -> None:
    hashes = [set(pq.read_table(snapshot(line, f"m@{v}"), columns=[HASH])[HASH].to_pylist()) for v in (2, 4)]
    assert len(hashes[0] - hashes[1]) > 200  # else it would be known from its own snapshot
    for source in (day(0), day(2), OLD.format("bad")):
        rows = line.execute(f"SELECT count(*) FROM ({source})").fetchone()[0]
        assert told(line, source) == ("seen", f"a (m@4) has learnt from {rows:,} of the {rows:,} rows, which flatters it; "
                                      f"b (m@4) has learnt from {rows:,} of the {rows:,} rows, which flatters it")  # fmt: skip
    assert told(line, day(4)) == ("ok", "None")


def test_where_rows_in_between_are_gone_they_are_known_by_their_hash(line: Session) -> None:
    path = snapshot(line, "m@3")
    away = path.rename(path.with_suffix(".away"))
    try:
        assert told(line, day(4))[1].startswith("it isn't known of all rows whether a (m@4) has learnt from them")
        assert told(line, day(0))[0] == "seen"
        assert [new_to(line, "m@4", source) for source in (day(1), day(2), day(4), OLD.format("bad"))] == [0, 0, 300, 0]
        tiny = "options := {'epochs': 1, 'width': 8, 'layers': 1, 'heads': 2}, promote := 'auto'"
        source = f"{day(1)} UNION ALL {day(4)}"
        row = line.execute(f"FROM ml_finetune('m', $${source}$$, target := 'bad', {tiny})").pl().to_dicts()[0]
        assert re.search(r"not better than m@4 beyond chance \(pr_auc, (\d+) rows neither saw", row["warnings"][-1])
        line.execute(f"FROM ml_drop('m@{row['version']}')").fetchall()
    finally:
        away.rename(path)


def new_to(s: Session, version: str, source: str) -> int:
    """How many rows no part of the version has learnt, by their snapshot."""
    tiny = "options := {'epochs': 1, 'width': 8, 'folds': 2, 'members': 1}"
    row = s.execute(f"FROM ml_finetune('asked', $${source}$$, target := 'bad', {tiny})").pl().to_dicts()[0]
    rows = pq.read_table(snapshot(s, f"asked@{row['version']}"))
    with s.engine.cursor() as cursor:
        found = learnt.learnt_by(s.engine, cursor, version)
        assert found is not None
        _, new = found.parts(rows, 3)
    s.execute("FROM ml_drop('asked')").fetchall()
    return int(new.sum())


def test_without_what_the_first_one_learnt_nothing_is_known(line: Session) -> None:
    for version in ("m@1", "m@4"):
        path = snapshot(line, version)
        away = path.rename(path.with_suffix(".away"))
        with line.engine.cursor() as cursor:
            assert learnt.learnt_by(line.engine, cursor, "m@4") is None
        away.rename(path)


def test_a_dropped_version_is_missed(line: Session) -> None:
    with line.engine.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("DELETE FROM ml_catalog.versions WHERE model = 'm' AND version = 3")
        found = learnt.learnt_by(line.engine, cursor, "m@4")
        assert found is not None and found.known is not None
        assert len(learnt.snapshots_of(line.engine, cursor, "m@4")) == 4
        cursor.execute("ROLLBACK")
        assert learnt.learnt_by(line.engine, cursor, "m@4") == learnt.Learnt([snapshot(line, f"m@{v}") for v in (1, 2, 3, 4)])
        assert learnt.learnt_by(line.engine, cursor, "m@2") == learnt.Learnt([snapshot(line, f"m@{v}") for v in (1, 2)])


# -- how columns were -----------------------------------------------------------------------------------------------


def drifted(s: Session, source: str) -> set[str]:
    rows = s.execute(f"SELECT feature FROM ml_drift('m@4', $${source}$$) WHERE kind IN ('feature', 'unseen') AND drifted").fetchall()
    return {name for (name,) in rows}


def record(s: Session, version: str) -> list[Recorded]:
    """Put what is in the version's snapshot in the place of what was copied."""
    with s.engine.cursor() as cursor, s.engine.transaction() as con:
        before, after = resolve(cursor, "m@1"), resolve(cursor, version)
        told = features_of_snapshot(cursor, before, snapshot(s, version))
        con.execute("DELETE FROM ml_catalog.features WHERE model = 'm' AND version = ?", [after.version])
        add_features(con, after, told)
    return told


def test_columns_are_recorded_as_they_were_in_all_that_was_learnt(line: Session) -> None:
    columns = "feature, kind, left_out, type, rows, nulls, \"distinct\", minimum, maximum, top"
    query = f"SELECT {columns} FROM ml_catalog.features WHERE model = 'm' AND version = {{}} ORDER BY rowid"
    first = line.execute(query.format(1)).fetchall()
    record(line, "m@4")
    now = line.execute(query.format(4)).fetchall()
    assert [r[:4] for r in now] == [r[:4] for r in first]
    by, was = {r[0]: r for r in now}, {r[0]: r for r in first}
    assert by["bad"] == was["bad"]  # the target: nothing of it is asked
    rows = pq.read_table(snapshot(line, "m@4"))
    assert by["torque"][4:6] == (len(rows), 0) and was["torque"][4] == 1000
    assert by["torque"][7:9] == (min(rows["torque"].to_pylist()), max(rows["torque"].to_pylist()))
    assert {word for word, _ in json.loads(by["shape"][9])} == {"slim", "oval", "wide"}
    assert {word for word, _ in json.loads(was["shape"][9])} == {"slim", "oval"}


def test_what_was_learnt_since_is_no_drift(line: Session) -> None:
    record(line, "m@4")
    assert drifted(line, "SELECT torque, wear, shape FROM line WHERE id >= 2500") == set()
    assert drifted(line, OLD.format("bad")) == {"shape"}  # most rows that it learnt last are wide


def test_what_is_left_out_stays_recorded(lab: Session, finetune: Callable[..., str]) -> None:
    """Also a column of one value, of a type that can't be read, and one that was excluded."""
    source = "SELECT torque, shift, ts, hot::INT AS \"a b\", 7 AS same, [id] AS list, id, failed FROM parts"
    told = finetune("m", source, "failed").replace("options := {", "options := {'exclude': ['id'], ")
    lab.execute(told).fetchall()
    query = 'SELECT * REPLACE (round(mean, 9) AS mean, round(deviation, 9) AS deviation) FROM ml_catalog.features ORDER BY rowid'
    before = lab.execute(query).fetchall()
    with lab.engine.cursor() as cursor:
        version = resolve(cursor, "m")
        rows = features_of_snapshot(cursor, version, snapshot(lab, "m@1"))
    assert {name for name, kind, _ in rows if isinstance(name, str) and kind is None} == {"list", "id"}
    with lab.engine.transaction() as con:
        con.execute("DELETE FROM ml_catalog.features")
        add_features(con, version, rows)
    assert lab.execute(query).fetchall() == before  # its own snapshot has the rows that it was profiled on
