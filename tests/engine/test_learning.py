"""Learning statements: what they reuse, refuse, record, and who becomes champion."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load

import mfgsql
from mfgsql.cancellation import Cancellation
from mfgsql.catalog import read_artifact, resolve
from mfgsql.engine import Session
from mfgsql.engine.snapshots import freeze
from mfgsql.errors import CancelledError, CatalogError, DataError, MfgsqlError, NotFoundError, OptionError, SourceError

Finetune = Callable[..., str]
FEW = "SELECT torque, temp, failed FROM parts"
TINY = "options := {'epochs': 1, 'width': 8, 'layers': 1, 'heads': 2}"
ENDLESS = "options := {'epochs': 100000, 'patience': 100000, 'batch_size': 16}"


def learnt(s: Session, sql: str) -> dict[str, Any]:
    row: dict[str, Any] = s.sql(sql).to_pylist()[0]
    return row


def scalar(s: Session, sql: str) -> Any:
    return s.execute(sql).fetchone()[0]


def tensors(s: Session, name: str) -> dict[str, np.ndarray[Any, Any]]:
    with s.engine.cursor() as cursor:
        version = resolve(cursor, name)
        return load(read_artifact(cursor, version.artifact, version.bytes))


# -- reuse and the champion -----------------------------------------------------------------------------------------


def test_an_equal_statement_is_reused_and_force_gives_equal_weights(lab: Session, finetune: Finetune) -> None:
    statement = finetune("m", FEW, "failed")
    first = learnt(lab, statement)
    assert (first["version"], first["status"], first["champion"], first["rows"]) == (1, "finished", True, 600)
    again = learnt(lab, statement)
    assert again == first | {"status": "reused"}
    assert scalar(lab, "SELECT count(*) FROM ml.runs") == 1
    shuffled = learnt(lab, finetune("m", "SELECT torque, temp, failed FROM parts ORDER BY id DESC", "failed"))
    assert shuffled["status"] == "reused"  # the rows are the same, whatever their order and the text
    forced = learnt(lab, finetune("m", FEW, "failed", "force := true"))
    assert (forced["version"], forced["status"], forced["champion"]) == (2, "finished", False)
    one, two = tensors(lab, "m@1"), tensors(lab, "m@2")
    assert one.keys() == two.keys()
    assert all(np.array_equal(one[k], two[k]) for k in one)
    assert learnt(lab, finetune("m", FEW + " WHERE id < 500", "failed"))["version"] == 3


def test_a_second_version_is_candidate_until_promoted(lab: Session, finetune: Finetune) -> None:
    lab.execute(finetune("m", FEW, "failed")).fetchall()
    second = learnt(lab, finetune("m", "SELECT torque, hot, failed FROM parts", "failed"))
    assert not second["champion"]
    assert any("candidate" in w and "ml_promote" in w for w in second["warnings"])
    assert lab.execute("SELECT champion, candidate, versions FROM ml.models").fetchall() == [(1, 2, 2)]
    assert lab.execute("FROM ml_promote('m@candidate')").fetchall() == [("m", 2, 1)]
    assert lab.execute("FROM ml_promote('m@2')").fetchall() == [("m", 2, 1)]  # again: nothing changes
    assert lab.execute("FROM ml_rollback('m')").fetchall() == [("m", 1, 2)]
    assert lab.execute("SELECT champion FROM ml.models").fetchall() == [(1,)]
    with pytest.raises(OptionError, match="champion"):
        lab.execute("FROM ml_drop('m@1')").fetchall()
    assert lab.execute("FROM ml_drop('m@2')").fetchall() == [("m", 2)]
    with pytest.raises(NotFoundError):
        lab.execute("FROM ml_rollback('m')").fetchall()
    third = learnt(lab, finetune("m", "SELECT wear, hot, failed FROM parts", "failed"))
    assert third["version"] == 3  # a number is never given twice
    assert lab.execute("FROM ml_drop('m')").fetchall() == [("m", 1), ("m", 3)]
    assert scalar(lab, "SELECT count(*) FROM duckdb_tables() WHERE table_name LIKE 'artifact%'") == 0
    with pytest.raises(NotFoundError):
        lab.execute("FROM ml_predict('m', 'parts')")
    assert learnt(lab, finetune("m", FEW, "failed"))["status"] == "finished"  # its version is gone: no reuse


def test_promote_auto_judges_on_rows_that_neither_saw(lab: Session) -> None:
    poor = "SELECT temp, failed FROM parts"
    good = "SELECT torque, temp, failed FROM parts"
    options = "options := {'epochs': 15, 'width': 8, 'layers': 1, 'heads': 2, 'learning_rate': 0.02}"
    statement = "FROM ml_finetune('auto', '{}', target := 'failed', split := 'sp', promote := 'auto', {})"
    lab.execute("ALTER TABLE parts ADD COLUMN sp VARCHAR")
    lab.execute("UPDATE parts SET sp = CASE WHEN id % 2 = 0 THEN 'train' ELSE 'validation' END")
    first = learnt(lab, statement.format(poor.replace("temp", "temp, sp"), TINY))
    assert first["champion"]
    worse = learnt(lab, statement.format(poor.replace("temp", "temp, sp"), TINY.replace("1,", "2,", 1)))
    assert not worse["champion"]
    assert any("stays candidate" in w for w in worse["warnings"])
    lab.execute(statement.format(good.replace("temp", "temp, sp"), options)).fetchall()
    found = lab.execute("SELECT version, aliases FROM ml.versions ORDER BY version").fetchall()
    assert found[-1] == (3, "champion"), found
    assert ("previous" in found[0][1], found[1][1]) == (True, "candidate")


def test_promote_auto_judges_a_reused_version_again(lab: Session) -> None:
    poor = "SELECT temp, sp, failed FROM parts"
    good = "SELECT torque, temp, sp, failed FROM parts"
    options = "{{'epochs': 15, 'width': 8, 'layers': 1, 'heads': 2, 'learning_rate': 0.02}}"
    statement = f"FROM ml_finetune('late', '{{}}', target := 'failed', split := 'sp', options := {options}{{}})"
    lab.execute("ALTER TABLE parts ADD COLUMN sp VARCHAR")
    lab.execute("UPDATE parts SET sp = CASE WHEN id % 2 = 0 THEN 'train' ELSE 'validation' END")
    lab.execute(statement.format(poor, "")).fetchall()
    better = learnt(lab, statement.format(good, ""))
    assert (better["version"], better["champion"]) == (2, False)
    again = learnt(lab, statement.format(good, ", promote := 'auto'"))
    assert (again["version"], again["status"], again["champion"]) == (2, "reused", True)
    assert not any("champion" in w for w in again["warnings"])
    assert lab.execute("SELECT champion, candidate FROM ml.models").fetchall() == [(2, None)]
    worse = learnt(lab, statement.format(poor, ", promote := 'auto'"))
    assert (worse["version"], worse["status"], worse["champion"]) == (1, "reused", False)
    assert any("late@1 is not the champion: " in w and "ml_promote('late@1')" in w for w in worse["warnings"])
    learnt(lab, statement.format(good, ", promote := 'auto'"))  # again, by the champion: it does not succeed itself
    assert lab.execute("FROM ml_rollback('late')").fetchall() == [("late", 1, 2)]
    lab.execute("FROM ml_rollback('late')").fetchall()
    plain = learnt(lab, statement.format(poor, ""))
    assert any(w == "late@1 is not the champion. Promote it: FROM ml_promote('late@1');" for w in plain["warnings"])
    assert scalar(lab, "SELECT count(*) FROM ml.runs") == 2


def test_export_and_import_agree(lab: Session, finetune: Finetune, tmp_path: Path) -> None:
    lab.execute(finetune("m", FEW, "failed")).fetchall()
    file = tmp_path / "it's.safetensors"
    quoted = str(file).replace("'", "''")
    lab.execute(f"FROM ml_export('m', '{quoted}')").fetchall()
    with pytest.raises(SourceError, match="overwrite := true"):
        lab.execute(f"FROM ml_export('m', '{quoted}')").fetchall()
    lab.execute(f"FROM ml_export('m', '{quoted}', overwrite := true)").fetchall()
    with mfgsql.connect(tmp_path / "other.duckdb", progress="off") as other:
        row = other.execute(f"FROM ml_import('copy', '{quoted}')").fetchall()[0]
        assert row[:2] == ("copy", 1)
        other.con.register("parts", lab.sql("FROM parts"))
        found = other.execute("SELECT id, probability FROM ml_predict('copy', 'parts') ORDER BY id").fetchall()
    wanted = lab.execute("SELECT id, probability FROM ml_predict('m', 'parts') ORDER BY id").fetchall()
    assert np.allclose(found, wanted, atol=1e-6)


def test_files_that_are_no_models_are_refused(lab: Session, finetune: Finetune, tmp_path: Path) -> None:
    lab.execute(finetune("m", FEW, "failed")).fetchall()
    whole = tmp_path / "whole.safetensors"
    lab.execute(f"FROM ml_export('m', '{whole}')").fetchall()
    data = whole.read_bytes()
    bad = tmp_path / "bad.safetensors"
    for content in (b"", b"hello", data[:-10], data[: len(data) // 2], b"\xff" * 100):
        bad.write_bytes(content)
        with pytest.raises(CatalogError):
            lab.execute(f"FROM ml_import('x', '{bad}')").fetchall()
    with pytest.raises(SourceError):
        lab.execute(f"FROM ml_import('x', '{tmp_path / 'nowhere'}')").fetchall()
    assert scalar(lab, "SELECT count(*) FROM ml.models WHERE model = 'x'") == 0


def test_a_base_is_adopted_and_predicts_nothing(lab: Session, finetune: Finetune) -> None:
    base = learnt(lab, f"FROM ml_pretrain('base', 'SELECT torque, temp, hot FROM parts', {TINY})")
    assert (base["metric"], base["rows"]) == ("loss", 600)
    with pytest.raises(NotFoundError, match="base := 'base'"):
        lab.execute("FROM ml_predict('base', 'parts')")
    tuned = learnt(lab, finetune("m", FEW, "failed", "base := 'base'"))
    assert tuned["status"] == "finished"
    assert scalar(lab, "SELECT base FROM ml.versions WHERE model = 'm'") == "base@1"
    assert scalar(lab, "SELECT count(*) FROM ml_predict('m', 'parts') WHERE probability BETWEEN 0 AND 1") == 600


# -- what is refused ------------------------------------------------------------------------------------------------

RAN = [  # the run began, and is recorded as failed
    ("FROM parts WHERE false", "failed", DataError, "no rows"),
    ("FROM parts LIMIT 5", "failed", DataError, "5 rows"),
    ("SELECT * REPLACE (true AS failed) FROM parts", "failed", DataError, "one class"),
    ("SELECT * REPLACE (NULL::BOOLEAN AS failed) FROM parts", "failed", DataError, "failed"),
    ("SELECT * REPLACE (NULL AS failed) FROM parts", "failed", DataError, "failed"),
    ("SELECT torque, ''c'' || i AS y FROM parts, range(3) r(n), (SELECT unnest(range(600)) i)", "y", DataError, "1000"),
    ("SELECT torque, 3.5 AS y FROM parts", "y", DataError, "y"),
    ("SELECT failed FROM parts", "failed", DataError, "No column is left"),
    ("SELECT 1 AS one, failed FROM parts", "failed", DataError, "constant"),
    ("SELECT torque, [1, 2] AS y FROM parts", "y", MfgsqlError, "y"),
    ("FROM parts", "faild", SourceError, "Did you mean 'failed'"),
    ("FROM nowhere", "failed", SourceError, "COMMIT first"),
    ("SELECT torque, nothing FROM parts", "torque", SourceError, "nothing"),
    ("SELECT torque, failed FROM parts WHERE torque / 0 > shift::INTEGER", "failed", MfgsqlError, "onver"),
]


@pytest.mark.parametrize(("source", "target", "kind", "words"), RAN)
def test_a_failed_run_says_why(
    lab: Session, finetune: Finetune, source: str, target: str, kind: type[MfgsqlError], words: str
) -> None:
    if "1000" in words:
        source = "SELECT torque, 'c' || (row_number() OVER () % 1500) AS y FROM parts, range(5)"
    with pytest.raises(kind) as caught:
        lab.execute(finetune("m", source.replace("''", "'"), target)).fetchall()
    text = str(caught.value)
    assert words in text
    assert "Traceback" not in text
    assert ".py" not in text
    runs = lab.execute("SELECT status, error, version FROM ml.runs").fetchall()
    assert runs == [("failed", text, None)]
    assert scalar(lab, "SELECT count(*) FROM ml.models") == 0
    assert list(lab.engine.folder.glob("*.parquet")) == []


BOUND = [  # refused before anything runs
    ("FROM ml_finetune('m', 'parts')", OptionError, "target"),
    ("FROM ml_finetune('m', 'parts', target := 'failed', options := {'exclude': 3})", OptionError, "list of columns"),
    ("FROM ml_check('parts', target := 'failed', options := {'exclude': 3})", OptionError, "list of columns"),
    ("FROM ml_check('parts', target := 'failed', options := {'exclude': [1, NULL]})", OptionError, "list of columns"),
    ("FROM ml_check('parts', target := 'failed', options := {'exlude': ['id']})", OptionError, "Unknown option 'exlude'"),
    ("FROM ml_finetune('m@2', 'parts', target := 'failed')", OptionError, "name a model"),
    ("FROM ml_finetune('', 'parts', target := 'failed')", OptionError, "name"),
    ("FROM ml_finetune(NULL, 'parts', target := 'failed')", OptionError, "name"),
    (
        "FROM ml_finetune('m', 'parts', target := 'failed', options := {'epoch': 3})",
        OptionError,
        "Did you mean 'epochs'",
    ),
    ("FROM ml_finetune('m', 'parts', target := 'failed', options := {'epochs': 2.5})", OptionError, "whole number"),
    ("FROM ml_finetune('m', 'parts', target := 'failed', options := {'epochs': true})", OptionError, "whole number"),
    (
        "FROM ml_finetune('m', 'parts', target := 'failed', options := {'backbone': 'transformer', 'width': 10, 'heads': 3})",
        OptionError,
        "divided",
    ),
    (
        "FROM ml_finetune('m', 'parts', target := 'failed', options := {'learning_rate': 'fast'})",
        OptionError,
        "a number",
    ),
    ("FROM ml_finetune('m', 'parts', target := 'failed', options := {'schedule': 'step'})", OptionError, "cosine"),
    ("FROM ml_finetune('m', 'parts', target := 'failed', options := 'epochs=3')", OptionError, "options"),
    ("FROM ml_finetune('m', 'parts', target := 'failed', options := 3)", OptionError, "options"),
    ("FROM ml_finetune('m', 'parts', target := 'failed', task := 'clustering')", MfgsqlError, "clustering"),
    ("FROM ml_finetune('m', 'parts', target := 'failed', promote := 'yes')", OptionError, "promote"),
    ("FROM ml_finetune('m', 'parts', target := 'failed', base := 'nothing')", NotFoundError, "nothing"),
    ("FROM ml_finetune('m', 'parts', target := 'failed', split := 3)", OptionError, "split"),
    ("FROM ml_pretrain('m', 'parts', objective := 'contrast')", MfgsqlError, "contrast"),
    ("FROM ml_finetune('m', '', target := 'failed')", SourceError, "A source is"),
]


@pytest.mark.parametrize(("sql", "kind", "words"), BOUND)
def test_a_statement_that_can_not_be_done_never_runs(
    plant: Session, sql: str, kind: type[MfgsqlError], words: str
) -> None:
    before = scalar(plant, "SELECT count(*) FROM ml.runs")
    with pytest.raises(kind) as caught:
        plant.execute(sql)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert scalar(plant, "SELECT count(*) FROM ml.runs") == before


SPLITS = [
    ("split := 'time'", OptionError, "order_by"),
    ("split := 'entity'", OptionError, "entity"),
    ("split := 'nowhere'", OptionError, "'nowhere'"),
    ("split := 'time', order_by := 'then'", SourceError, "then"),
    ("split := 'entity', entity := 'plantt'", SourceError, "plantt"),
    ("split := 'time', order_by := 'shift'", OptionError, "order of its own"),
    ("weight := 'shift'", MfgsqlError, "shift"),
    ("split := 'hot', weight := 'mass'", SourceError, "mass"),
]


@pytest.mark.parametrize(("more", "kind", "words"), SPLITS)
def test_bad_roles_are_named(lab: Session, finetune: Finetune, more: str, kind: type[MfgsqlError], words: str) -> None:
    with pytest.raises(kind) as caught:
        lab.execute(finetune("m", "parts", "failed", more)).fetchall()
    assert words in str(caught.value)
    assert scalar(lab, "SELECT list(status) FROM ml.runs") == ["failed"]


def test_one_entity_can_not_be_split(lab: Session, finetune: Finetune) -> None:
    with pytest.raises(DataError, match="two entities"):
        lab.execute(
            finetune("m", "FROM parts WHERE unit = 'm1'", "failed", "split := 'entity', entity := 'unit'")
        ).fetchall()


def test_only_committed_tables_are_learnt_from(lab: Session, finetune: Finetune) -> None:
    lab.execute("CREATE TEMP TABLE mine AS FROM parts")
    with pytest.raises(SourceError, match="COMMIT first"):
        lab.execute(finetune("m", "mine", "failed")).fetchall()
    lab.execute("BEGIN")
    lab.execute("CREATE TABLE fresh AS FROM parts")
    with pytest.raises(SourceError, match="COMMIT first"):
        lab.execute(finetune("m", "fresh", "failed")).fetchall()
    lab.execute("ROLLBACK")


def test_infinities_and_sentinels_are_said(lab: Session, finetune: Finetune) -> None:
    source = (
        "SELECT torque, failed, CASE WHEN id % 9 = 0 THEN 'inf'::DOUBLE WHEN id % 9 = 1 THEN 'nan' ELSE temp END AS temp, "
        "CASE WHEN id % 8 = 0 THEN -999 ELSE temp END AS other FROM parts"
    )
    row = learnt(lab, finetune("m", source, "failed"))
    assert any(w.startswith("temp has 134 values") for w in row["warnings"])
    assert "other = -999 is read as missing." in row["warnings"]
    source = "SELECT torque, CASE WHEN id % 50 = 0 THEN 'inf'::DOUBLE ELSE wear END AS wear FROM parts"
    assert learnt(lab, finetune("n", source, "wear"))["value"] is not None


def test_ranges_beside_a_sentinel_are_of_all_rows(lab: Session) -> None:
    lab.execute("CREATE TABLE long AS SELECT if(i % 9 = 0, -9999, 5 + i / 30000) AS x, i % 2 AS y FROM range(150000) r(i)")
    lab.execute("FROM ml_check('long', target := 'y')").fetchall()
    with lab.engine.cursor() as cursor:
        args = {"source": "long", "place": ["lab", "main"], "target": "y"}
        profile = freeze(cursor, args, Cancellation()).profiles["x"]
    assert profile.sentinel == -9999
    assert (profile.minimum, profile.maximum) == scalar(lab, "SELECT (min(x), max(x)) FROM long WHERE x > 0")


def test_texts_that_are_numbers_but_for_a_few_are_told(lab: Session, finetune: Finetune) -> None:
    lab.execute("CREATE TABLE sensed AS SELECT torque, if(id = 7, 'n/a', temp::VARCHAR) AS temp, failed FROM parts")
    advice = "SELECT * REPLACE (TRY_CAST(\"temp\" AS DOUBLE) AS \"temp\") FROM \"sensed\""
    found = lab.execute("SELECT verdict, finding, advice FROM ml_check('sensed', target := 'failed') WHERE item = 'text'").fetchall()
    assert found == [("look", "temp is text: 'n/a' is no number (1 of 600 values aren't)", f"As numbers: {advice}")]
    told = [w for w in learnt(lab, finetune("m", "sensed", "failed"))["warnings"] if w.startswith("temp is text")]
    assert told == [f"temp is text, and is read as such: 'n/a' is no number (1 of 600 values aren't). As numbers: {advice}"]
    learnt(lab, finetune("n", advice, "failed"))
    assert scalar(lab, "SELECT kind FROM ml.features WHERE model = 'n' AND feature = 'temp'") == "numeric"


def test_what_was_excluded_from_a_check_is_excluded_from_its_advice(lab: Session) -> None:
    asked = "SELECT advice FROM ml_check('parts', target := 'failed', options := {'exclude': ['temp', 'wear']}) WHERE item = 'go'"
    assert "options := {'exclude': ['temp', 'wear'" in scalar(lab, asked)
    asked = "SELECT advice FROM ml_check('parts', target := 'failed', options := {'epochs': 3, 'positive': 'false'}) WHERE item = 'go'"
    advice = scalar(lab, asked)
    assert "'epochs': 3, 'positive': 'false'" in advice
    lab.execute(f"EXPLAIN {advice}")


def test_close_names_of_sources_are_offered(lab: Session, finetune: Finetune) -> None:
    with pytest.raises(SourceError, match="Did you mean 'parts'"):
        lab.execute(finetune("m", "prts", "failed")).fetchall()


def test_a_target_that_is_nan_is_unknown(lab: Session, finetune: Finetune) -> None:
    source = (
        "SELECT torque, temp, CASE id % 3 WHEN 0 THEN 0.0 WHEN 1 THEN 1.0 ELSE if(id % 2 = 0, 'nan', 'inf')::DOUBLE END AS y FROM parts"
    )
    row = learnt(lab, finetune("m", source, "y", "costs := {'missed': 5, 'false_alarm': 1}"))
    assert row["rows"] == 400
    assert any(w.startswith("200 of 600 rows are left out: y is NULL, NaN or infinite in them.") for w in row["warnings"])
    assert len(lab.execute("SELECT probabilities FROM ml_predict('m', 'parts') LIMIT 1").fetchone()[0]) == 2


def test_one_infinite_target_finds_no_pairs(lab: Session, finetune: Finetune) -> None:
    lab.execute(
        "CREATE TABLE draws AS SELECT random() AS a, random() AS b, random() AS c, "
        "CASE WHEN i = 7 THEN 'inf'::DOUBLE ELSE random() END AS y FROM range(400) r(i)"
    )
    assert learnt(lab, finetune("m", "draws", "y"))["rows"] == 399
    assert scalar(lab, "SELECT count(*) FROM ml.interactions WHERE share = 1") == 0


@pytest.mark.parametrize("weight", ["CASE WHEN id > 3 THEN 1 END", "'nan'::DOUBLE", "-1", "'inf'::DOUBLE", "'much'", "0"])
def test_weights_are_numbers_from_0_on(lab: Session, finetune: Finetune, weight: str) -> None:
    with pytest.raises(DataError, match="The weight 'w' is"):
        lab.execute(finetune("m", f"SELECT torque, failed, {weight} AS w FROM parts", "failed", "weight := 'w'")).fetchall()


def test_rows_of_weight_0_teach_nothing(lab: Session) -> None:
    source = "SELECT torque, temp, CASE WHEN id % 2 = 0 THEN failed ELSE NOT failed END AS y, 1 - id % 2 AS w FROM parts"
    lab.execute(f"FROM ml_finetune('m', '{source}', target := 'y', weight := 'w', options := {{'epochs': 20, 'width': 8}})")
    lab.fetchall()
    right = "avg((predicted_y = failed)::INT)"
    assert scalar(lab, f"SELECT {right} FROM ml_predict('m', 'parts')") > 0.95


def test_rows_without_a_time_are_told(lab: Session, finetune: Finetune) -> None:
    source = "SELECT torque, failed, CASE WHEN id % 10 > 0 THEN ts END AS ts FROM parts"
    row = learnt(lab, finetune("m", source, "failed", "split := 'time', order_by := 'ts'"))
    assert "60 rows are neither learnt from nor judged: ts is NULL in them." in row["warnings"]


def test_a_base_may_spell_columns_otherwise(lab: Session, finetune: Finetune) -> None:
    lab.execute(f"FROM ml_pretrain('b', 'SELECT torque AS \"Torque\", shift AS \"SHIFT\" FROM parts', {TINY})").fetchall()
    learnt(lab, finetune("m", "SELECT torque, shift, failed FROM parts", "failed", "base := 'b'"))
    assert scalar(lab, "SELECT list(feature ORDER BY feature) FROM ml.features WHERE model = 'm' AND kind IS NOT NULL") == [
        "shift",
        "torque",
    ]
    assert scalar(lab, "SELECT count(probability) FROM ml_predict('m', 'parts')") == 600


def test_a_base_that_knows_the_target_is_told(lab: Session, finetune: Finetune) -> None:
    few = TINY.replace("{", "{'backbone': 'transformer', ", 1)
    lab.execute(f"FROM ml_finetune('a', 'SELECT torque, failed FROM parts', target := 'failed', {few})").fetchall()
    lab.execute(f"FROM ml_pretrain('b', 'SELECT torque, failed FROM parts', {TINY})").fetchall()
    lab.execute(f"FROM ml_pretrain('c', 'SELECT torque FROM parts', {TINY})").fetchall()
    told = [
        any("figures flatter" in w for w in learnt(lab, finetune("m", "SELECT torque, failed FROM parts", "failed", f"base := '{b}'"))["warnings"])
        for b in "abc"
    ]  # fmt: skip
    assert told == [True, True, False]


@pytest.mark.parametrize(
    ("target", "option", "words"),
    [
        ("failed", "'loss': 'huber'", "The loss of finetune (classification) is auto or cross_entropy, not 'huber'"),
        ("wear", "'loss': 'cross_entropy'", "is auto, mse or huber, not 'cross_entropy'"),
        ("wear", "'class_weight': 'balanced'", "class_weight is for classes"),
    ],
)
def test_options_that_the_task_would_not_heed(lab: Session, target: str, option: str, words: str) -> None:
    with pytest.raises(OptionError) as caught:
        lab.execute(f"FROM ml_finetune('m', 'parts', target := '{target}', options := {{{option}}})").fetchall()
    assert words in str(caught.value)


@pytest.mark.parametrize("how", ["'loss': 'huber'", "'optimizer': 'sgd'", "'optimizer': 'adam'"])
def test_other_losses_and_optimizers_learn(lab: Session, how: str) -> None:
    source = "SELECT torque, wear + CASE WHEN id % 50 = 0 THEN 100 ELSE 0 END AS wear FROM parts"
    lab.execute(f"FROM ml_finetune('m', '{source}', target := 'wear', options := {{'epochs': 40, 'width': 16, {how}}})")
    lab.fetchall()
    error = scalar(lab, "SELECT median(abs(predicted_wear - wear)) FROM ml_predict('m', 'parts')")
    assert error < (3 if "loss" not in how else 1)


def test_balanced_classes_raise_the_rare_one(lab: Session) -> None:
    lab.execute("CREATE TABLE noisy AS SELECT (hash(i) % 100) / 100 AS x, hash(-i) % 100 < 5 + x * 10 AS y FROM range(1500) r(i)")
    for name in ("none", "balanced"):
        lab.execute(
            f"FROM ml_finetune('{name}', 'noisy', target := 'y', options := {{'epochs': 3, 'width': 8, 'class_weight': '{name}'}})"
        ).fetchall()
    plain, balanced = (scalar(lab, f"SELECT avg(probability) FROM ml_predict('{n}', 'noisy')") for n in ("none", "balanced"))
    assert plain < 0.2 < 0.4 < balanced


# -- splits ---------------------------------------------------------------------------------------------------------


def snapshot(s: Session, sql: str) -> dict[str, list[Any]]:
    """Values of ``torque`` (here: a key of the row) by split."""
    run_id = learnt(s, sql)["run_id"]
    path = scalar(s, f"SELECT path FROM ml.snapshots WHERE run_id = '{run_id}'")
    assert Path(path).stat().st_mode & 0o077 == 0
    table = pq.read_table(path)
    split = table["__ml_split"].to_pylist()
    keys = table["key"].to_pylist()
    return {
        w: sorted(k for k, x in zip(keys, split, strict=True) if x == n)
        for n, w in ((0, "train"), (1, "judged"), (-1, "unused"))
    }


KEYED = "SELECT id::DOUBLE + 0.5 AS key, temp, ts, unit, failed, {} FROM parts"


def test_time_is_split_in_order_with_a_gap(lab: Session) -> None:
    source = KEYED.format("1 AS one").replace("id::DOUBLE + 0.5", "epoch(ts)")
    options = TINY.replace("}", ", 'gap': INTERVAL 1 HOUR}")
    found = snapshot(
        lab, f"FROM ml_finetune('m', '{source}', target := 'failed', split := 'time', order_by := 'ts', {options})"
    )
    assert len(found["judged"]) == 120
    assert min(found["judged"]) - max(found["train"]) >= 3600
    assert max(found["train"]) < min(found["unused"]) <= max(found["unused"]) < min(found["judged"])


def test_rows_judge_in_turn_and_twins_together(lab: Session, finetune: Finetune) -> None:
    """Cross-fitting: each part holds its share of the target, and rows that are the same are never apart."""
    twice = "SELECT torque, temp, shift, failed FROM parts UNION ALL SELECT torque, temp, shift, failed FROM parts"
    run_id = learnt(lab, finetune("m", twice, "failed"))["run_id"]
    table = pq.read_table(scalar(lab, f"SELECT path FROM ml.snapshots WHERE run_id = '{run_id}'"))
    parts = table.group_by("__ml_hash").aggregate([("__ml_split", "count_distinct")])
    assert parts["__ml_split_count_distinct"].unique().to_pylist() == [1]
    shares = {p: [] for p in range(1, 21)}
    for part, failed in zip(table["__ml_split"].to_pylist(), table["failed"].to_pylist(), strict=True):
        shares[part].append(failed == "true")
    assert all(0.03 < len(s) / len(table) < 0.07 for s in shares.values())
    whole = sum(map(sum, shares.values())) / len(table)
    assert all(abs(sum(s) / len(s) - whole) < 0.06 for s in shares.values())


def test_there_are_no_more_folds_than_entities(lab: Session) -> None:
    """Else networks that no step has reached would speak, too."""
    source = "SELECT torque, temp, unit, failed FROM parts WHERE unit IN (''m1'', ''m2'', ''m3'')"
    lab.execute(f"FROM ml_finetune('m', '{source}', target := 'failed', split := 'entity', entity := 'unit', {TINY})").fetchall()
    found = lab.execute("SELECT (manifest->>'$.backbone.groups')::INT FROM ml_catalog.versions").fetchone()
    assert found == (3,)


def test_an_ensemble_is_no_base(lab: Session, finetune: Finetune) -> None:
    lab.execute(finetune("m", FEW, "failed")).fetchall()
    with pytest.raises(OptionError, match="m@1 was trained from scratch, as an ensemble.*ml_pretrain"):
        lab.execute(finetune("n", FEW, "failed", "base := 'm'")).fetchall()


@pytest.mark.parametrize(("options", "words"), [
    ("{'folds': 3, 'validation': 0.4}", "folds = 3 is for an ensemble"),
    ("{'folds': 3, 'backbone': 'transformer'}", "folds = 3 is for an ensemble"),
    ("{'width': 50, 'backbone': 'transformer'}", "width = 50 can't be divided by heads = 4"),
])  # fmt: skip
def test_options_that_do_not_go_together(lab: Session, options: str, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        lab.execute(f"FROM ml_finetune('m', 'parts', target := 'failed', options := {options})").fetchall()
    lab.execute("FROM ml_finetune('m', 'parts', target := 'failed', options := {'width': 50, 'epochs': 1})").fetchall()


def test_entities_stay_whole(lab: Session) -> None:
    options = TINY.replace("}", ", 'folds': 1}")
    source = KEYED.format("1 AS one")
    found = snapshot(
        lab, f"FROM ml_finetune('m', '{source}', target := 'failed', split := 'entity', entity := 'unit', {options})"
    )
    units = dict(lab.execute("SELECT id + 0.5, unit FROM parts").fetchall())
    judged, trained = ({units[k] for k in found[w]} for w in ("judged", "train"))
    assert len(judged) == 2
    assert len(trained) == 8
    assert not judged & trained


def test_a_column_splits(lab: Session, finetune: Finetune) -> None:
    column = "CASE id % 3 WHEN 0 THEN 'train' WHEN 1 THEN 'Validation' ELSE 'other' END AS part"
    found = snapshot(lab, finetune("m", KEYED.format(column), "failed", "split := 'PART'"))
    for word, rest in (("train", 0), ("judged", 1), ("unused", 2)):
        assert all(int(k) % 3 == rest for k in found[word])
    only = KEYED.format("true AS part")
    with pytest.raises(DataError, match="train"):
        lab.execute(finetune("m", only, "failed", "split := 'part'")).fetchall()


def test_one_split_holds_a_fifth_of_each_class(lab: Session) -> None:
    source, options = KEYED.format("1 AS one"), TINY.replace("}", ", 'folds': 1}")
    found = snapshot(lab, f"FROM ml_finetune('m', '{source}', target := 'failed', {options})")
    failed = dict(lab.execute("SELECT id + 0.5, failed FROM parts").fetchall())
    assert len(found["judged"]) == pytest.approx(120, abs=2)
    assert sum(failed[k] for k in found["judged"]) == pytest.approx(165 / 5, abs=1)


def test_old_snapshots_go(lab: Session, finetune: Finetune) -> None:
    for rest in range(6):
        lab.execute(finetune("m", f"{FEW} WHERE id % 7 <> {rest}", "failed")).fetchall()
    kept = lab.execute("SELECT path FROM ml.snapshots").fetchall()
    assert {str(p) for p in lab.engine.folder.glob("*.parquet")} == {p for (p,) in kept}
    assert len(kept) <= 5


# -- stopping, and reading only -------------------------------------------------------------------------------------


def test_an_interrupt_stops_a_training_within_a_second(lab: Session) -> None:
    stopped: list[float] = []

    def stop() -> None:
        with lab.cursor() as watcher:
            while not watcher.execute(
                "SELECT 1 FROM ml.runs WHERE status = 'running' AND snapshot IS NOT NULL"
            ).fetchall():
                time.sleep(0.02)
        time.sleep(0.3)
        stopped.append(time.monotonic())
        lab.interrupt()

    thread = threading.Thread(target=stop)
    thread.start()
    with pytest.raises(CancelledError):
        lab.execute(f"FROM ml_finetune('m', '{FEW}', target := 'failed', {ENDLESS})").fetchall()
    assert time.monotonic() - stopped[0] < 1.0
    thread.join()
    assert lab.execute("SELECT status, version FROM ml.runs").fetchall() == [("cancelled", None)]
    assert scalar(lab, "SELECT count(*) FROM parts") == 600  # the session lives on
    assert learnt(lab, f"FROM ml_finetune('m', '{FEW}', target := 'failed', {TINY})")["status"] == "finished"


def test_two_sessions_train_one_after_the_other(lab: Session, finetune: Finetune) -> None:
    results: list[dict[str, Any]] = []

    def train(number: int) -> None:
        with lab.cursor() as own:
            results.append(learnt(own, finetune(f"m{number}", FEW, "failed")))

    threads = [threading.Thread(target=train, args=(n,)) for n in range(3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert [r["status"] for r in results] == ["finished"] * 3
    assert len({r["value"] for r in results}) == 1


def test_read_only_predicts_and_trains_nothing(tmp_path: Path, finetune: Finetune, plant: Session) -> None:
    with mfgsql.connect(tmp_path / "p.duckdb", progress="off") as writer:
        writer.con.register("frame", plant.sql("FROM parts"))
        writer.execute("CREATE TABLE parts AS FROM frame")
        writer.execute(finetune("m", FEW, "failed")).fetchall()
    with mfgsql.connect(tmp_path / "p.duckdb", read_only=True) as reader:
        assert scalar(reader, "SELECT count(probability) FROM ml_predict('m', 'parts')") == 600
        assert scalar(reader, "SELECT count(*) FROM ml.runs") == 1
        with pytest.raises(CatalogError, match="read-only"):
            reader.execute(finetune("m", FEW, "failed", "force := true"))
        with pytest.raises(MfgsqlError):
            reader.execute("FROM ml_drop('m')").fetchall()
        assert scalar(reader, "SELECT count(probability) FROM ml_predict('m', 'parts')") == 600


def test_a_split_by_time_refuses_text(lab: Session, finetune: Callable[..., str]) -> None:
    source = "SELECT torque, failed, ts::VARCHAR AS ts FROM parts"
    with pytest.raises(OptionError, match="'ts'.*text has an order of its own.*::TIMESTAMP"):
        lab.execute(finetune("m", source, "failed", "split := 'time', order_by := 'ts'"))


def test_a_dropped_import_keeps_its_number(lab: Session, finetune: Callable[..., str], tmp_path: Path) -> None:
    lab.execute(finetune("m", "parts", "failed"))
    file = str(tmp_path / "m.mlmodel")
    lab.execute("FROM ml_export('m', $1)", [file])
    for number in (2, 3):
        assert lab.execute("FROM ml_import('m', $1)", [file]).pl()["version"].to_list() == [number]
        lab.execute(f"FROM ml_drop('m@{number}')")
    assert lab.execute("SELECT verb, status, version FROM ml.runs WHERE verb = 'import' ORDER BY version").fetchall() == [
        ("import", "finished", 2), ("import", "finished", 3),
    ]  # fmt: skip


def test_a_leak_is_found_where_rows_repeat(lab: Session) -> None:
    lab.execute("CREATE TABLE often AS SELECT torque, shift, failed FROM parts, range(5)")
    found = lab.execute(
        "SELECT verdict, finding FROM ml_check('often', target := 'failed') WHERE item = 'leak'"
    ).fetchall()
    assert len(found) == 1
    assert found[0][0] != "ok"
    assert "torque" in found[0][1]


def test_damaged_weights_are_not_imported(lab: Session, finetune: Finetune, tmp_path: Path) -> None:
    lab.execute(finetune("m", FEW, "failed")).fetchall()
    file = tmp_path / "m.safetensors"
    lab.execute("FROM ml_export('m', $1)", [str(file)]).fetchall()
    data = bytearray(file.read_bytes())
    data[-1000] ^= 0xFF
    file.write_bytes(data)
    with pytest.raises(CatalogError, match="damaged"):
        lab.execute("FROM ml_import('bad', $1)", [str(file)]).fetchall()
    assert scalar(lab, "SELECT count(*) FROM ml.models") == 1


@pytest.mark.parametrize("role", ["entity := 'failed'", "order_by := 'failed'", "split := 'failed'"])
def test_a_target_is_no_role(lab: Session, finetune: Finetune, role: str) -> None:
    with pytest.raises(OptionError, match="as well"):
        lab.execute(finetune("m", FEW, "failed", role)).fetchall()


def test_a_text_of_its_own_in_each_row_is_no_target(lab: Session, finetune: Finetune) -> None:
    with pytest.raises(DataError, match="an id"):
        lab.execute(finetune("m", "SELECT torque, id || '-x' AS name FROM parts", "name")).fetchall()
