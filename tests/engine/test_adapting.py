"""ml_adapt: what a candidate is, who becomes champion, what is refused, and what is kept."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mfgsql
from mfgsql.engine import Session
from mfgsql.engine.adapting.asked import Adaptation
from mfgsql.engine.adapting.deciding import decide
from mfgsql.engine.adapting.judging import Compared
from mfgsql.errors import CancelledError, DataError, MfgsqlError, NotFoundError, OptionError, ResourceError, SourceError

# A line whose parts are bad beyond a limit; the wide ones, which come later, beyond another one.
LINE = """
CREATE TABLE line AS SELECT i AS id, (hash(i) % 1000000) / 1000000 AS torque, (hash(i, 1) % 1000000) / 1000000 AS wear,
  if(i >= 1000 AND hash(i, 2) % 2 = 0, 'wide', ['slim', 'oval'][1 + i % 2]) AS shape,
  torque + wear / 4 > if(shape = 'wide', 0.4, 0.8) AS bad, 10 * torque + if(shape = 'wide', 5, 0) AS force,
  ['a', 'b'][1 + (torque > 0.5)::INT] AS grade
FROM range(4000) r(i)
"""
OLD = "SELECT torque, wear, shape, {} FROM line WHERE id < 1000"
SMALL = "options := {'epochs': 12, 'width': 24, 'folds': 3, 'members': 2, 'learning_rate': 0.02}"
FAST = "options := {'epochs': 20}"


@pytest.fixture()
def line(tmp_path: Path) -> Iterator[Session]:
    with mfgsql.connect(tmp_path / "line.duckdb", threads=1, progress="off") as session:
        session.execute(LINE)
        session.execute(f"FROM ml_finetune('m', '{OLD.format('bad')}', target := 'bad', {SMALL})").fetchall()
        yield session


def day(number: int, rows: int = 300, bad: str = "bad") -> str:
    """Rows of a later day, where half of the parts are wide."""
    first = 1000 + 300 * number
    return f"SELECT torque, wear, shape, {bad} AS bad FROM line WHERE id >= {first} AND id < {first + rows}"


def adapt(s: Session, source: str, more: str = f"policy := 'auto', {FAST}") -> dict[str, Any]:
    quoted = source.replace("'", "''")
    row: dict[str, Any] = s.execute(f"FROM ml_adapt('m', '{quoted}', {more})").pl().to_dicts()[0]
    return row


def aliases(s: Session) -> dict[str, int]:
    return dict(s.execute("SELECT alias, version FROM ml_catalog.aliases WHERE model = 'm'").fetchall())


def right(s: Session, version: str, source: str) -> float:
    quoted = source.replace("'", "''")
    return float(s.execute(f"SELECT avg((predicted_bad = bad)::INT) FROM ml_predict('{version}', '{quoted}')").fetchone()[0])


# -- learning -------------------------------------------------------------------------------------------------------


def test_what_is_new_is_learnt_and_what_was_known_is_kept(line: Session) -> None:
    row = adapt(line, day(0))
    assert (row["status"], row["policy"], row["promoted"], row["champion"]) == ("finished", "auto", True, True)
    assert row["verdict"] == "better on new rows"
    assert (row["rows"], row["new_rows"]) == (300, 300)
    assert row["new"] > row["new_champion"] + 0.05
    assert abs(row["forgetting"]) < 0.02
    assert aliases(line) == {"champion": 2, "previous": 1}
    assert right(line, "m", day(1)) > right(line, "m@1", day(1)) + 0.1
    assert right(line, "m", OLD.format("bad")) > right(line, "m@1", OLD.format("bad")) - 0.02
    assert line.execute("SELECT base, verdict FROM ml.versions WHERE version = 2").fetchone() == ("m@1", "better on new rows")
    assert line.execute("SELECT verb, status, version FROM ml.runs ORDER BY started_at DESC LIMIT 1").fetchone() == ("adapt", "finished", 2)
    assert line.execute("SELECT count(*) FROM ml.features WHERE version = 2").fetchone() == line.execute(
        "SELECT count(*) FROM ml.features WHERE version = 1"
    ).fetchone()


def test_of_no_row_a_part_speaks_that_has_learnt_it(line: Session) -> None:
    """Rows of the past keep their parts, and the report of the adapted version is of such parts."""
    parts = "SELECT __ml_hash AS h, __ml_split AS part FROM read_parquet(?)"

    def snapshot(version: int) -> str:
        path = line.execute("SELECT path FROM ml.snapshots JOIN ml.runs USING (run_id) WHERE version = ?", [version]).fetchone()[0]
        return str(line.engine.folder / Path(path).name)

    adapt(line, day(0))
    before, after = (dict(line.execute(parts, [snapshot(v)]).fetchall()) for v in (1, 2))
    shared = before.keys() & after.keys()
    assert len(shared) == len(before)
    assert all(before[h] == after[h] for h in shared)
    new = [part for h, part in after.items() if h not in before]
    assert len(new) == 300 and set(new) == {1, 2, 3}
    report = line.execute("SELECT support FROM ml_classification_report('m', '" + day(0).replace("'", "''") + "') WHERE class = 'accuracy'")
    assert report.fetchone() is not None


def test_the_same_batch_and_seed_give_the_same_model(line: Session, tmp_path: Path) -> None:
    row = adapt(line, day(0), f"{FAST}")
    again = adapt(line, day(0), f"{FAST}")
    told = again.pop("warnings")
    assert again == {k: v for k, v in row.items() if k != "warnings"} | {"status": "reused"}
    assert told == ["m@2 has learnt this batch, @1 is the champion. Promote it: FROM ml_promote('m@2');"]
    assert line.execute("SELECT count(*) FROM ml.runs").fetchone() == (2,)
    with mfgsql.connect(tmp_path / "other.duckdb", threads=1, progress="off") as other:
        other.execute(LINE)
        other.execute(f"FROM ml_finetune('m', '{OLD.format('bad')}', target := 'bad', {SMALL})").fetchall()
        adapt(other, day(0), f"{FAST}")
        query = "SELECT probability FROM ml_predict('m@2', 'SELECT * FROM line ORDER BY id')"
        assert line.execute(query).fetchall() == other.execute(query).fetchall()


def test_a_number_is_adapted_too(line: Session) -> None:
    line.execute(f"FROM ml_finetune('n', '{OLD.format('force')}', target := 'force', {SMALL})").fetchall()
    row = line.execute(
        "FROM ml_adapt('n', 'SELECT torque, wear, shape, force FROM line WHERE id BETWEEN 1000 AND 1299', policy := 'auto', options := {'epochs': 80})"
    ).pl().to_dicts()[0]
    assert (row["metric"], row["promoted"]) == ("rmse", True)
    assert row["new"] < row["new_champion"]


# -- policies -------------------------------------------------------------------------------------------------------


def test_manual_and_shadow_leave_the_champion(line: Session) -> None:
    row = adapt(line, day(0), FAST)
    assert (row["policy"], row["promoted"], row["champion"]) == ("manual", False, False)
    assert re.search(r"waits to be promoted; on 300 new rows pr_auc .* -> .* \[.*\]; on 1000 replayed rows pr_auc", row["reason"])
    assert aliases(line) == {"champion": 1, "candidate": 2}
    row = adapt(line, day(1), f"policy := 'shadow', {FAST}")
    assert (row["version"], row["champion"], row["new_rows"]) == (3, False, 600)  # what no champion has learnt yet
    seen = line.execute("SELECT champion, role, version, rows, value > champion_value, lower > 0, decision FROM ml.shadow").fetchall()
    assert seen == [(1, None, None, 300, None, None, "kept"), (1, "candidate", 2, 300, True, True, "kept")]
    line.execute("FROM ml_promote('m@candidate')").fetchall()
    assert adapt(line, day(2), FAST)["new_rows"] == 300


def test_nothing_new_changes_no_champion(line: Session) -> None:
    row = adapt(line, "SELECT torque, wear, 'slim' AS shape, torque + wear / 4 > 0.8 AS bad FROM line WHERE id BETWEEN 1000 AND 1299")
    assert not row["promoted"]
    assert row["reason"].startswith("No pass over the new rows was better than the champion")
    assert aliases(line) == {"champion": 1}  # who is as the champion takes no candidate's place


def test_a_champion_that_falls_behind_gives_its_place_back(line: Session) -> None:
    """What the policy promoted was learnt from days that were unlike those that come."""
    assert adapt(line, day(0))["promoted"]
    back = "torque + wear / 4 > 0.8"  # wide parts are as good as slim ones again
    row = adapt(line, day(1, bad=back))
    assert row["reverted"]
    assert "@2 gave its place back to @1" in row["reason"]
    decision = line.execute("SELECT decision, champion, version, lower > 0 FROM ml.shadow WHERE role = 'previous'").fetchall()
    assert decision == [("reverted", 2, 1, True)]
    assert aliases(line)["champion"] != 2


def test_the_audit_tells_how_versions_came_and_went(line: Session) -> None:
    assert adapt(line, day(0))["promoted"]
    back = adapt(line, day(1, bad="torque + wear / 4 > 0.8"))
    told = line.execute("SELECT event, version, previous, reason, run_id FROM ml.events WHERE model = 'm' AND version > 1 OR event = 'reverted'").pl().to_dicts()
    by = {(e["event"], e["version"]): e for e in told}
    run = line.execute("SELECT run_id FROM ml.runs WHERE version = 2").fetchone()[0]
    assert by["created", 2]["run_id"] == by["promoted", 2]["run_id"] == run
    assert by["promoted", 2]["previous"] == 1 and by["promoted", 2]["reason"].startswith("Better on 300 new rows")
    assert by["reverted", 1]["previous"] == 2 and by["reverted", 1]["reason"].startswith("better on new rows: pr_auc 0.")
    assert by["reverted", 1]["run_id"] == by["created", 3]["run_id"] == back["run_id"]
    assert len(told) == 4 + back["promoted"]
    line.execute("FROM ml_promote('m@2', reason := 'the alloy is back')").fetchall()
    adapt(line, day(2), FAST)
    assert line.execute("SELECT event, version FROM ml.events WHERE version = 4").fetchall() == [("created", 4)]


def compared(lower: float | None, rows: int = 300, metric: str = "pr_auc") -> Compared:
    return Compared(metric, rows, 0.8, 0.8, 0.0, lower, None if lower is None else lower + 0.1)


@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(0, 0.5), st.sampled_from(["manual", "shadow", "auto"]), st.booleans())
def test_it_takes_over_only_where_all_speaks_for_it(new: float, old: float, margin: float, policy: str, doubted: bool) -> None:
    decision = decide(policy, margin, compared(new), compared(old), "why" if doubted else None)
    beyond = old < -margin and (old + 0.1 < 0 or margin < 0)
    assert decision.promoted == (policy == "auto" and new > 0 and not beyond and not doubted)
    assert decision.suspicious == doubted
    assert decision.reason.endswith(".") or doubted


def test_what_two_batches_gain_outweighs_what_is_forgotten() -> None:
    lost = Compared("pr_auc", 300, 0.8, 0.7, -0.1, -0.15, -0.05)
    for gain, batches, promoted in ((0.2, 2, True), (0.2, 1, False), (0.1, 3, False)):
        decision = decide("auto", 0.02, compared(gain), lost, None, batches)
        assert decision.promoted == promoted
        assert ("outweighs" if promoted else "worse on what was learnt before") in decision.reason


def test_what_can_not_be_measured_promotes_nobody() -> None:
    for fresh, replayed in ((None, None), (compared(0.1, rows=40), None), (compared(None), None), (compared(0.1), compared(None))):
        assert not decide("auto", 0.02, fresh, replayed, None).promoted
    assert not decide("auto", 0.02, compared(0.1), Compared("rmse", 300, 0.8, 0.82, -0.02, -0.03, 0.01), None).promoted  # 2 % of 0.8
    assert decide("auto", 0.02, compared(0.1), Compared("rmse", 300, 0.8, 0.81, -0.01, -0.03, 0.01), None).promoted


# -- what is not to be learnt ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ("hash(id, 9) % 2 = 0", "nothing can be learnt from them"),
        ("NOT bad", "contradict"),
        ("true", "were expected to be others"),
    ],
)
def test_labels_that_are_not_to_be_trusted_change_nothing(line: Session, labels: str, told: str) -> None:
    slim = f"SELECT torque, wear, 'slim' AS shape, {labels.replace('bad', '(torque + wear / 4 > 0.8)')} AS bad FROM line WHERE id BETWEEN 1000 AND 1299"
    row = adapt(line, slim)
    assert (row["verdict"], row["promoted"]) == ("suspicious labels", False)
    assert told in row["reason"]
    assert aliases(line) == {"champion": 1}  # it pushes no other candidate aside
    kept = line.execute("SELECT rows FROM ml_catalog.replays WHERE model = 'm'").fetchone()
    assert kept == (1000,)  # nothing of the batch
    assert adapt(line, day(1))["promoted"]


def test_a_day_of_good_parts_only_is_nothing_unusual(line: Session) -> None:
    row = adapt(line, day(0) + " AND torque + wear / 4 < 0.35")
    assert row["verdict"] == "nothing learnt" and not row["promoted"]
    assert line.execute("SELECT rows > 1000 FROM ml_catalog.replays").fetchone() == (True,)


def test_a_batch_that_can_not_be_read_is_refused(line: Session) -> None:
    for source, error, told in (
        (day(0) + " AND false", DataError, "has no rows: SELECT torque, wear"),
        (day(0, rows=15), DataError, "1[45] rows .* too few"),
        ("SELECT torque, shape, bad FROM line", SourceError, "lacks 'wear', which m@1 reads"),
        ("SELECT torque, wear, shape FROM line", SourceError, "lacks 'bad', the truth that m@1 learns"),
        ("SELECT torque::VARCHAR || 'x' AS torque, wear, shape, bad FROM line", SourceError, "'torque' is VARCHAR, and was DOUBLE"),
        ("nowhere", SourceError, "nowhere"),
    ):
        with pytest.raises(error, match=told):
            adapt(line, source)
    with pytest.raises(DataError, match="The champion has learnt all 1,000 rows of the batch"):
        adapt(line, OLD.format("bad"))
    assert aliases(line) == {"champion": 1}
    assert {s for (s,) in line.execute("SELECT status FROM ml.runs WHERE verb = 'adapt'").fetchall()} == {"failed"}


def test_an_imported_model_knows_what_kinds_it_reads(line: Session, tmp_path: Path) -> None:
    line.execute("FROM ml_export('m', $1)", [str(tmp_path / "m.safetensors")]).fetchall()
    line.execute("FROM ml_import('far', $1)", [str(tmp_path / "m.safetensors")]).fetchall()
    source = f"SELECT * REPLACE (CAST(torque AS VARCHAR) AS torque) FROM ({day(1)})"
    with pytest.raises(SourceError, match=r"'torque' is VARCHAR, and was DOUBLE when far@1 learnt"):
        line.execute(f"FROM ml_adapt('far', $${source}$$)").fetchall()
    line.execute("FROM ml_drop('far')").fetchall()


def test_a_row_is_new_once_even_when_it_is_kept_no_more(line: Session) -> None:
    few = "options := {'epochs': 1, 'replay': 40}"
    for number in range(3):
        adapt(line, day(number), few)
    line.execute("FROM ml_promote('m@4')").fetchall()
    few = few.replace("40", "40, 'seed': 1")
    with pytest.raises(DataError, match="The champion has learnt all 300 rows of the batch"):
        adapt(line, day(0), few)
    others = day(0).replace("torque, wear, shape, bad AS bad", "bad, upper(shape).lower() AS shape, wear::FLOAT::DOUBLE AS wear, torque, id AS part")
    with pytest.raises(DataError, match="The champion has learnt all"):
        adapt(line, others.replace("wear::FLOAT::DOUBLE", "wear"), few)  # another order, and one column more
    mixed = f"{day(0)} UNION ALL {day(3, rows=15)}"
    with pytest.raises(DataError, match="Only 1[0-5] of the 31[0-5] rows are new to the champion"):
        adapt(line, mixed, few)
    row = adapt(line, f"{day(0)} UNION ALL {day(3)}", few)
    assert row["rows"] == 300
    assert "300 rows had been given before, and count once." in row["warnings"]
    line.execute("FROM ml_drop('m')").fetchall()
    assert line.execute("SELECT count(*) FROM ml_catalog.learnt").fetchone() == (0,)


def test_a_batch_is_learnt_whole_again_where_its_candidate_was_not_promoted(line: Session) -> None:
    few = "options := {'epochs': 1, 'replay': 40}"
    assert adapt(line, day(0), few)["rows"] == 300
    again = adapt(line, day(0), few.replace("1,", "2,"))
    assert (again["version"], again["rows"]) == (3, 300)
    assert any("300 rows had been given before" in w for w in again["warnings"])
    assert line.execute("SELECT count(*) FROM ml_catalog.learnt").fetchone() == (300,)
    assert line.execute("SELECT count(*) FROM ml.shadow WHERE role = 'candidate'").fetchone() == (0,)  # @2 has learnt them
    line.execute("FROM ml_promote('m@3')").fetchall()
    line.execute("FROM ml_rollback('m')").fetchall()
    assert adapt(line, day(0), few.replace("1,", "3,"))["rows"] == 300


def test_suspicious_labels_leave_what_waits_as_it_is(line: Session) -> None:
    adapt(line, day(0), FAST)
    before = line.execute("SELECT rows FROM ml_catalog.replays").fetchone()
    assert adapt(line, day(0, bad="NOT (torque + wear / 4 > 0.8)").replace("torque, wear, shape", "torque, wear, 'slim' AS shape"))["verdict"] == "suspicious labels"
    assert line.execute("SELECT rows FROM ml_catalog.replays").fetchone() == before
    assert adapt(line, day(1), FAST)["new_rows"] == 600


def test_after_a_rollback_the_same_statement_asks_the_one_that_leads(line: Session) -> None:
    adapt(line, day(0), FAST)
    adapt(line, day(1), FAST)
    assert adapt(line, day(2), FAST)["version"] == 4
    line.execute("FROM ml_promote('m@2')").fetchall()
    row = adapt(line, day(2), FAST)
    assert (row["status"], row["version"]) == ("finished", 5)  # @4 went on from @1
    assert adapt(line, day(2), FAST)["status"] == "reused"


def test_a_student_goes_on_learning(line: Session) -> None:
    line.execute("FROM ml_distill('fast', 'SELECT torque, wear, shape, bad FROM line WHERE id < 1000', teacher := 'm', loss := 1, options := {'epochs': 5, 'sizes': ['tiny']})").fetchall()
    row = line.execute(f"FROM ml_adapt('fast', $${day(0)}$$, {FAST})").pl().to_dicts()[0]
    assert (row["version"], row["rows"]) == (2, 300)


def test_a_candidate_that_is_dropped_takes_its_batch_along(line: Session) -> None:
    adapt(line, day(0), FAST)
    adapt(line, day(1), FAST)
    line.execute("FROM ml_drop('m@3')").fetchall()
    assert line.execute("SELECT version, count(*) FROM ml_catalog.learnt GROUP BY 1").fetchall() == [(2, 300)]
    assert adapt(line, day(2), FAST)["new_rows"] == 600  # of the days 0 and 2


def test_what_a_person_rolled_back_no_policy_takes_up_again(line: Session) -> None:
    assert adapt(line, day(0))["promoted"]
    assert adapt(line, day(1, bad="torque + wear / 4 > if(shape = 'wide', 0.2, 0.8)"), f"policy := 'manual', {FAST}")["version"] == 3
    line.execute("FROM ml_promote('m@3')").fetchall()
    line.execute("FROM ml_rollback('m', reason := 'false alarms')").fetchall()
    row = adapt(line, day(2, bad="torque + wear / 4 > if(shape = 'wide', 0.2, 0.8)"))
    seen = line.execute("SELECT role, decision FROM ml.shadow WHERE run_id = ?", [row["run_id"]]).fetchall()
    assert ("previous", "kept") in seen and not row["reverted"]


def test_a_model_that_is_dropped_meanwhile_does_not_come_back(line: Session) -> None:
    failed: list[Exception] = []

    def run() -> None:
        try:
            adapt(line.cursor(), day(0), "options := {'epochs': 150, 'patience': 150}")
        except MfgsqlError as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    while line.execute("SELECT count(spec) FROM ml_catalog.runs WHERE verb = 'adapt'").fetchone() == (0,):
        time.sleep(0.02)  # until it learns
    line.execute("FROM ml_drop('m')").fetchall()
    thread.join(60)
    assert len(failed) == 1
    assert "m@1" in str(failed[0]) or "no model 'm'" in str(failed[0])
    assert line.execute("SELECT count(*) FROM ml.models").fetchone() == (0,)


def test_after_use_of_another_database_its_own_catalog_is_asked(line: Session) -> None:
    line.execute("ATTACH ':memory:' AS other")
    line.execute(f"CREATE TABLE other.batch AS {day(0)}")
    line.execute("USE other")
    row = line.execute(f"FROM line.ml_adapt('m', 'batch', policy := 'auto', {FAST})").pl().to_dicts()[0]
    line.execute("USE line")
    assert (row["version"], row["rows"]) == (2, 300)


def test_numbers_that_name_classes_may_come_as_another_type(line: Session) -> None:
    line.execute(f"FROM ml_finetune('m', '{OLD.format('bad::INTEGER AS bad')}', target := 'bad', task := 'classification', {SMALL})").fetchall()
    line.execute("FROM ml_promote('m@2')").fetchall()
    row = adapt(line, day(0, bad="bad::INTEGER::DOUBLE"))
    assert row["new_rows"] == 300
    assert line.execute("SELECT DISTINCT predicted_bad FROM ml_predict('m@3', 'line') ORDER BY 1").fetchall() == [(0,), (1,)]
    with pytest.raises(SourceError, match=r"'bad' is 1.5 in a row, which is no INTEGER"):
        adapt(line, day(0, bad="if(bad, 1.5, 0)"))


def test_labels_are_doubted_beside_a_new_class_too(line: Session) -> None:
    source = day(0, bad="CASE WHEN id < 1012 THEN 'Fals' WHEN hash(id || 'x') % 2 = 0 THEN 'true' ELSE 'false' END")
    line.execute(f"FROM ml_finetune('m', '{OLD.format('bad::VARCHAR AS bad')}', target := 'bad', {SMALL})").fetchall()
    line.execute("FROM ml_promote('m@2')").fetchall()
    row = adapt(line, source.replace("id < 1300", "id < 1600"))
    assert row["verdict"] == "suspicious labels"


def test_a_number_that_is_stuck_is_suspicious(line: Session) -> None:
    line.execute(f"FROM ml_finetune('n', '{OLD.format('force')}', target := 'force', {SMALL})").fetchall()
    source = "SELECT torque, wear, shape, 0.0 AS force FROM line WHERE id BETWEEN 1000 AND 1299"
    row = line.execute(f"FROM ml_adapt('n', '{source}', policy := 'auto', {FAST})").pl().to_dicts()[0]
    assert (row["verdict"], row["promoted"]) == ("suspicious labels", False)
    assert "all 300 rows are 0, and values from" in row["reason"]
    assert line.execute("SELECT count(*) FROM ml_catalog.learnt").fetchone() == (0,)


def test_rows_that_are_too_large_to_be_kept_are_refused_before_anything_is_learnt() -> None:
    with duckdb.connect() as con:
        con.execute("SET memory_limit = '100MB'")
        rows = pa.table({"picture": pa.array([b"x" * 1_000_000] * 60)})
        with pytest.raises(ResourceError, match=r"What is kept of the past would weigh 57 MiB.* Keep fewer"):
            Adaptation(replay=60).check_room(con, rows, histories=False)
        Adaptation(replay=30).check_room(con, rows, histories=False)


def test_a_batch_given_again_tells_what_has_become_of_it(line: Session) -> None:
    adapt(line, day(0), FAST)
    adapt(line, day(1), FAST)
    line.execute("FROM ml_promote('m@3')").fetchall()
    again = adapt(line, day(0), FAST)
    assert (again["version"], again["champion"], again["promoted"]) == (2, False, False)
    assert again["warnings"] == ["m@2 has learnt this batch, and so has @3, the champion."]
    assert adapt(line, day(1), FAST)["warnings"] == []


def test_columns_of_another_order_case_and_type_are_the_same(line: Session) -> None:
    row = adapt(line, "SELECT bad AS BAD, shape, wear::FLOAT AS Wear, id, torque AS \"TORQUE\" FROM line WHERE id BETWEEN 1000 AND 1299")
    assert row["promoted"]


def test_rows_without_a_label_teach_nothing(line: Session) -> None:
    row = adapt(line, day(0, bad="if(id % 2 = 0, bad, NULL)"))
    assert (row["rows"], row["new_rows"]) == (150, 150)


def test_what_asks_amiss_is_told_so(line: Session) -> None:
    for call, error, told in (
        ("'m', 'line', policy := 'never'", OptionError, "policy is manual, shadow or auto"),
        ("'m', 'line', options := {'epoch': 1}", OptionError, "Unknown option 'epoch'.*epochs"),
        ("'m', 'line', options := {'fresh': 2}", OptionError, "fresh .* is a number from 0.01 to 0.99"),
        ("'m', 'line', options := {'trust': 1}", OptionError, "trust .* is true or false"),
        ("'m@1', 'line'", OptionError, "name 'm' alone"),
        ("'x', 'line'", NotFoundError, "no model 'x'"),
    ):
        with pytest.raises(error, match=told):
            line.execute(f"FROM ml_adapt({call})")
    line.execute("FROM ml_pretrain('base', 'SELECT torque, wear FROM line', options := {'epochs': 1, 'width': 8, 'layers': 1, 'heads': 2})").fetchall()
    with pytest.raises(MfgsqlError, match="is a base"):
        line.execute("FROM ml_adapt('base', 'line')")


def test_without_the_rows_of_the_past_it_says_so(line: Session) -> None:
    for file in line.engine.folder.glob("*.parquet"):
        file.unlink()
    row = adapt(line, day(0), FAST)
    assert "No row that the champion has learnt is kept" in row["warnings"][-1]
    assert row["forgetting"] is None


# -- new classes ----------------------------------------------------------------------------------------------------


def test_new_values_of_the_target_grow_the_head(line: Session) -> None:
    line.execute(f"FROM ml_finetune('g', '{OLD.format('grade')}', target := 'grade', {SMALL})").fetchall()
    new = "SELECT torque, wear, shape, CASE WHEN id = 1002 THEN 'slip' WHEN shape = 'wide' AND torque > 0.3 THEN 'c' ELSE grade END AS grade FROM line WHERE id BETWEEN 1000 AND 1499"
    row = line.execute("FROM ml_adapt('g', '" + new.replace("'", "''") + f"', policy := 'auto', {FAST})").pl().to_dicts()[0]
    assert row["promoted"] and row["metric"] == "f1_macro"
    assert any("New values of 'grade': 'c'" in w for w in row["warnings"])
    assert any("slip" in w and "left out" in w for w in row["warnings"])
    manifest = json.loads(line.execute("SELECT manifest FROM ml_catalog.versions WHERE model = 'g' AND version = 2").fetchone()[0])
    assert manifest["target"]["classes"][2] == "c" and set(manifest["target"]["classes"][:2]) == {"a", "b"}  # new ones last
    steps = {c: (since, recall, before) for c, since, recall, before in line.execute(
        "SELECT class, since, recall, before FROM ml.class_steps WHERE model = 'g'").fetchall()}  # fmt: skip
    assert steps["c"][0] == 2 and steps["c"][1] > 0.7 and not steps["c"][2]
    assert all(steps[c][0] == 1 and steps[c][1] > steps[c][2] - 0.05 for c in "ab")


# -- nothing half ---------------------------------------------------------------------------------------------------

KILLED = """
import sys, mfgsql
s = mfgsql.connect(sys.argv[1], threads=1, progress='off')
print('ready', flush=True)
number = 0
while True:
    s.execute(f"FROM ml_adapt('m', 'SELECT torque + {number} / 1e6 AS torque, wear, shape, bad FROM line WHERE id BETWEEN 1000 AND 1299', "
              "policy := 'auto', options := {'epochs': 1, 'seed': 1})").fetchall()
    number += 1
"""


def test_killed_anywhere_it_leaves_a_whole_state(line: Session, tmp_path: Path) -> None:
    line.close()
    path = tmp_path / "line.duckdb"
    for wait in (0.3, 0.7, 1.2):
        process = subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None and process.stdout.readline().strip() == "ready"
        time.sleep(wait)
        process.kill()
        process.wait()
        with mfgsql.connect(path, threads=1, progress="off") as s:
            versions = [v for (v,) in s.execute("SELECT version FROM ml.versions WHERE model = 'm' ORDER BY 1").fetchall()]
            assert not {s for (s,) in s.execute("SELECT status FROM ml.runs").fetchall()} & {"running", "queued"}
            finished = s.execute("SELECT version FROM ml.runs WHERE status = 'finished' ORDER BY 1").fetchall()
            assert [v for (v,) in finished] == versions
            assert set(aliases(s).values()) <= set(versions)
            stored = s.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name LIKE 'artifact%'").fetchone()[0]
            kept = s.execute("SELECT count(*) FROM ml_catalog.replays").fetchone()[0]
            assert stored == len(versions) + kept
            assert kept == (len(versions) > 1)
            assert s.execute("SELECT count(probability) FROM ml_predict('m', 'SELECT * FROM line LIMIT 10')").fetchone() == (10,)
            files = {f.name for f in s.engine.folder.glob("*.parquet")}
            named = {Path(p).name for (p,) in s.execute("SELECT path FROM ml.snapshots").fetchall()}
            assert files == named


def test_scoring_goes_on_meanwhile(line: Session) -> None:
    done, counted = threading.Event(), list[int]()

    def score() -> None:
        own = line.cursor()
        while not done.is_set():
            counted.append(own.execute("SELECT count(probability) FROM ml_predict('m', 'SELECT * FROM line LIMIT 100')").fetchone()[0])

    thread = threading.Thread(target=score)
    thread.start()
    try:
        adapt(line, day(0), "options := {'epochs': 60}")
    finally:
        done.set()
        thread.join()
    assert len(counted) > 3 and set(counted) == {100}


def test_stopped_it_leaves_the_champion_and_nothing_else(line: Session) -> None:
    timer = threading.Timer(1.0, line.interrupt)
    timer.start()
    try:
        with pytest.raises(CancelledError):
            adapt(line, day(0), "options := {'epochs': 10000, 'patience': 10000}")
    finally:
        timer.cancel()
    assert line.execute("SELECT status FROM ml.runs WHERE verb = 'adapt'").fetchall() == [("cancelled",)]
    assert aliases(line) == {"champion": 1}
    assert line.execute("SELECT count(*) FROM ml_catalog.replays").fetchone() == (0,)
    assert len(list(line.engine.folder.iterdir())) == 1  # the champion's snapshot


def test_dropping_the_model_leaves_nothing_of_its_past(line: Session) -> None:
    adapt(line, day(0))
    line.execute("FROM ml_drop('m')").fetchall()
    for table in ("replays", "shadows", "steps", "versions"):
        assert line.execute(f"SELECT count(*) FROM ml_catalog.{table} WHERE model = 'm'").fetchone() == (0,)
    assert line.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name LIKE 'artifact%'").fetchone() == (0,)


def test_after_a_rollback_scores_are_what_they_were(line: Session) -> None:
    query = "SELECT probability FROM ml_predict('m', 'SELECT * FROM line ORDER BY id LIMIT 500')"
    before = np.array(line.execute(query).fetchall())
    assert adapt(line, day(0))["promoted"]
    assert not np.allclose(np.array(line.execute(query).fetchall()), before, atol=1e-3)
    line.execute("FROM ml_rollback('m')").fetchall()
    assert np.array(line.execute(query).fetchall()) == pytest.approx(before, abs=1e-6)
    row = adapt(line, day(1))  # goes on from the first version: what the second has learnt is new to it
    assert row["new_rows"] == 600


@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(20, 80), st.integers(1, 300))
def test_what_is_kept_is_bounded(line: Session, rows: int, room: int) -> None:
    first = line.execute("SELECT 1000 + coalesce(max(version), 0) * 100 FROM ml_catalog.versions").fetchone()[0]
    adapt(line, f"SELECT torque, wear, shape, bad FROM line WHERE id >= {first} AND id < {first + rows}", f"options := {{'epochs': 1, 'replay': {room}}}")
    assert line.execute("SELECT rows FROM ml_catalog.replays").fetchone()[0] <= room
