"""``adapter_by``, and low-rank adapters beside bases: one network, and what each line has of its own."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import mfgsql
from mfgsql.engine import Session
from mfgsql.errors import DataError, MfgsqlError, OptionError, SourceError

# Lines A and B go opposite ways, C has a few rows, and of some rows nobody knows the line.
LABELLED = """
CREATE TABLE labelled AS SELECT (i % 20) / 10.0 - 1 AS torque, (hash(i) % 200) / 100.0 - 1 AS temp,
  CASE WHEN i % 100 = 7 THEN NULL WHEN i % 100 = 9 THEN 'C' WHEN i % 2 = 0 THEN 'A' ELSE 'B' END AS line, i % 8 AS machine,
  round((CASE WHEN line = 'A' THEN 3 * torque WHEN line = 'B' THEN -3 * torque ELSE 0 END + temp)::DOUBLE, 3) AS wear,
  wear > 0.5 AS failed, TIMESTAMP '2026-01-01' + to_minutes(i) AS ts
FROM range(900) r(i)
"""
SMALL = "'width': 8, 'layers': 1, 'heads': 2"
FIT = "'epochs': 12, 'batch_size': 32, 'learning_rate': 0.01"
OWN = f"base := 'press', adapter_by := 'line', options := {{{FIT}, 'rank': 2}}"
COLUMNS = "SELECT torque, temp, line, wear FROM labelled"


@pytest.fixture(scope="module")
def press(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """A base, and models of wear with and without adapters on it."""
    with mfgsql.connect(tmp_path_factory.mktemp("press") / "press.duckdb", threads=1, progress="off") as s:
        s.execute(LABELLED)
        s.execute(f"FROM ml_pretrain('press', 'SELECT torque, temp FROM labelled', options := {{'epochs': 2, {SMALL}}})").fetchall()
        s.execute(f"FROM ml_finetune('shared', '{COLUMNS}', target := 'wear', base := 'press', options := {{{FIT}, 'exclude': ['line']}})").fetchall()
        s.execute(f"FROM ml_finetune('own', '{COLUMNS}', target := 'wear', {OWN})").fetchall()
        yield s


def rmse(s: Session, model: str, where: str = "true") -> float:
    source = f"SELECT * FROM labelled WHERE {where}".replace("'", "''")
    (value,) = s.execute(f"SELECT value FROM ml_evaluate('{model}', '{source}') WHERE metric = 'rmse'").fetchone()
    return value


def said(s: Session, model: str, source: str = COLUMNS) -> np.ndarray:
    quoted = source.replace("'", "''")
    return s.execute(f"SELECT predicted_wear FROM ml_predict('{model}', '{quoted} ORDER BY ALL')").df().predicted_wear.to_numpy()


def refused(s: Session, kind: type[MfgsqlError], told: str, more: str, source: str = COLUMNS) -> MfgsqlError:
    quoted = source.replace("'", "''")
    with pytest.raises(kind, match=told) as error:
        s.execute(f"FROM ml_finetune('new', '{quoted}', {more})").fetchall()
    return error.value


# -- what it learns, and how it is asked ---------------------------------------------------------------------------------


def test_each_line_is_told_by_its_own_adapter(press: Session) -> None:
    """No shared network can: it doesn't read the line, and the two go opposite ways."""
    assert rmse(press, "shared") > 1.2
    assert rmse(press, "own") < 0.8
    for line in ("A", "B"):
        assert rmse(press, "own", f"line = '{line}'") < 0.6 * rmse(press, "shared", f"line = '{line}'")


def test_a_warning_tells_who_shares(press: Session) -> None:
    (warnings,) = press.execute("SELECT (result->'warnings')::VARCHAR FROM ml_catalog.runs WHERE model = 'own'").fetchone()
    assert "1 of 3 values of line go by what all share, for they have too few rows: C." in warnings
    kind = press.execute("SELECT kind FROM ml.features WHERE model = 'own' AND feature = 'line'").fetchone()
    assert kind == ("adapter",)


def test_values_never_met_and_unknown_ones_go_by_what_is_shared(press: Session) -> None:
    rows = press.execute(
        "SELECT line, predicted_wear, ml_status, ml_reason FROM ml_predict('own', "
        "'SELECT 0.5 AS torque, 0.0 AS temp, unnest([''C'', ''Z'', NULL, ''A'']) AS line') ORDER BY line NULLS LAST"
    ).fetchall()
    told = {line: (status, reason) for line, _, status, reason in rows}
    assert told == {"A": ("ok", None), "C": ("ok", None), "Z": ("unseen", "line = 'Z' (new)"), None: ("ok", None)}
    value = {line: v for line, v, *_ in rows}
    assert value["C"] == pytest.approx(value["Z"], abs=1e-6) == pytest.approx(value[None], abs=1e-6)
    assert value["A"] > value["C"] + 0.5


def test_a_row_is_told_alike_whatever_stands_beside_it(press: Session) -> None:
    """Mixed with other lines, with its own only, or alone; by many threads at once."""
    together = press.execute(f"SELECT line, predicted_wear FROM ml_predict('own', '{COLUMNS} ORDER BY ALL')").df()
    for line in ("A", "B"):
        own = said(press, "own", f"{COLUMNS} WHERE line = '{line}'")
        np.testing.assert_allclose(own, together.predicted_wear[together.line == line], atol=1e-6)
    with ThreadPoolExecutor(4) as pool:
        asked = list(pool.map(lambda n: (n % 2, said(press.cursor(), "own", f"{COLUMNS} WHERE line = '{'AB'[n % 2]}'")), range(8)))
    for n, values in asked:
        np.testing.assert_allclose(values, together.predicted_wear[together.line == "AB"[n]], atol=1e-6)


def test_the_line_must_be_there_to_predict(press: Session) -> None:
    with pytest.raises(Exception, match="line"):
        press.execute("FROM ml_predict('own', 'SELECT torque, temp FROM labelled')").fetchall()
    with pytest.raises(MfgsqlError, match="no column 'line'"):
        press.execute("SELECT ml_predict('own', t).value FROM (SELECT torque, temp FROM labelled LIMIT 3) t").fetchall()


def test_why_counts_what_the_line_adds(press: Session) -> None:
    """Of a line with an adapter that is a contribution; the sum is what the row is told beyond the typical one."""
    rows = press.execute(
        "SELECT line, predicted_wear, why FROM ml_predict('own', 'SELECT 0.9 AS torque, 0.0 AS temp, "
        "unnest([''A'', ''B'', ''C'']) AS line', explain := 9) ORDER BY line"
    ).fetchall()
    parts = {line: {w["feature"]: w["contribution"] for w in why} for line, _, why in rows}
    value = {line: v for line, v, _ in rows}
    assert parts["A"]["line"] > 0.5 > -0.5 > parts["B"]["line"]
    assert parts["C"].get("line", 0.0) == 0.0
    apart = sum(parts["A"].values()) - sum(parts["B"].values())
    assert apart == pytest.approx(value["A"] - value["B"], abs=1e-4)
    (first, *_) = press.execute("SELECT feature FROM ml_feature_importance('own') ORDER BY importance DESC").fetchone()
    assert first in ("line", "torque")


def test_it_is_exported_and_imported(press: Session, tmp_path: Path) -> None:
    press.execute(f"FROM ml_export('own', '{tmp_path}/own.safetensors')").fetchall()
    press.execute(f"FROM ml_import('brought', '{tmp_path}/own.safetensors')").fetchall()
    np.testing.assert_array_equal(said(press, "brought"), said(press, "own"))


def test_equal_statements_give_equal_adapters(press: Session) -> None:
    again = press.execute(f"SELECT status FROM ml_finetune('twin', '{COLUMNS}', target := 'wear', {OWN})").fetchone()
    assert again == ("finished",)
    np.testing.assert_array_equal(said(press, "twin"), said(press, "own"))


def test_a_new_line_joins_and_the_others_stay(press: Session) -> None:
    press.execute(
        "CREATE OR REPLACE TABLE line_d AS SELECT torque, temp, 'D' AS line, 3 + temp AS wear FROM labelled WHERE line = 'A' LIMIT 200"
    )
    before = said(press, "own")
    more = "base := 'own', adapter_by := 'line'"
    (warnings,) = press.execute(f"SELECT warnings FROM ml_finetune('grown', 'line_d', target := 'wear', {more}, options := {{{FIT}}})").fetchone()
    np.testing.assert_allclose(said(press, "grown"), before, atol=1e-5)
    (off,) = press.execute("SELECT value FROM ml_evaluate('grown', 'line_d') WHERE metric = 'mae'").fetchone()
    (alone,) = press.execute("SELECT value FROM ml_evaluate('own', 'line_d') WHERE metric = 'mae'").fetchone()
    assert off < 0.5 * alone, warnings


def test_beside_words_who_joins_leaves_the_probabilities_of_others(press: Session) -> None:
    press.execute("CREATE OR REPLACE TABLE parts AS SELECT torque, temp, line, ['x', 'y'][1 + (hash(torque) % 2)::INT] AS alloy, wear > 3 AS bad FROM labelled")
    press.execute("CREATE OR REPLACE TABLE joining AS SELECT * REPLACE ('D' AS line, torque > 0.5 AS bad) FROM parts WHERE line = 'A' LIMIT 200")
    asked = "SELECT probability FROM ml_predict('{}', 'SELECT * FROM parts ORDER BY ALL')"
    made = "target := 'bad', adapter_by := 'line', options := {'backbone': 'transformer', 'epochs': 2, " + SMALL + "}"
    press.execute(f"FROM ml_finetune('told', 'parts', {made})").fetchall()
    before = press.execute(asked.format("told")).fetchall()
    press.execute("FROM ml_finetune('joined', 'joining', target := 'bad', base := 'told', adapter_by := 'line', options := {'epochs': 2})").fetchall()
    np.testing.assert_allclose(press.execute(asked.format("joined")).fetchall(), before, atol=1e-5)


def test_lines_that_are_alike_get_no_adapter(press: Session) -> None:
    """By their held-out rows none is better: then all share, and the model is the one without."""
    noise = "SELECT torque, temp, 'L' || (hash(ts, 3) % 5) AS line, (hash(ts, 5) % 100) / 50.0 AS wear FROM labelled"
    (warnings,) = press.execute(
        f"SELECT warnings FROM ml_finetune('alike', '{noise.replace(chr(39), chr(39) * 2)}', target := 'wear', {OWN})"
    ).fetchone()
    told = [w for w in warnings if "no better on their held-out rows" in w]
    assert told
    assert int(told[0].split()[0]) >= 4


def test_classes_from_scratch_and_a_machine_that_is_a_number(press: Session) -> None:
    options = f"options := {{'backbone': 'transformer', 'rank': 2, {SMALL}, 'epochs': 3}}"
    made = press.execute(
        f"SELECT metric FROM ml_finetune('by_machine', 'SELECT torque, machine, failed FROM labelled', target := 'failed', adapter_by := 'MACHINE', {options})"
    ).fetchone()
    assert made == ("pr_auc",)
    rows = press.execute("SELECT count(probability), count(DISTINCT ml_status) FROM ml_predict('by_machine', 'labelled')").fetchone()
    assert rows == (900, 1)


def test_histories_go_by_the_newest_row_and_machines_may_have_adapters(press: Session) -> None:
    """An entity that is the group isn't held out as a whole: no adapter could be judged."""
    press.execute(
        "CREATE OR REPLACE TABLE runs AS SELECT machine, ts, torque, CASE WHEN machine < 4 THEN torque ELSE -torque END AS wear FROM labelled"
    )
    shape = f"'window': 8, 'patch': 4, 'rank': 2, {SMALL}"
    roles = "target := 'wear', entity := 'machine', order_by := 'ts'"
    press.execute(
        f"FROM ml_finetune('by_history', 'runs', {roles}, adapter_by := 'machine', options := {{{shape}, 'epochs': 8, 'batch_size': 32, 'learning_rate': 0.01}})"
    ).fetchall()
    kept = press.execute("SELECT len(json_extract_string(manifest, '$.features[*].own')) FROM ml_catalog.versions WHERE model = 'by_history'").fetchone()
    assert kept is not None
    said_all = press.execute("SELECT machine, ts, predicted_wear FROM ml_predict('by_history', 'runs') ORDER BY ALL").fetchall()
    alone = press.execute("SELECT machine, ts, predicted_wear FROM ml_predict('by_history', 'SELECT * FROM runs WHERE machine = 2') ORDER BY ALL").fetchall()
    wanted = [row for row in said_all if row[0] == 2]
    assert [r[2] for r in alone] == pytest.approx([r[2] for r in wanted], abs=1e-6)
    refused(press, OptionError, "split 'entity' holds out all rows", f"{roles}, adapter_by := 'machine', split := 'entity', options := {{{shape}}}", "SELECT * FROM runs")


def test_beside_texts_the_columns_network_and_the_head_have_adapters(press: Session) -> None:
    """What a text is read as stays the same for all lines."""
    press.execute(
        "CREATE OR REPLACE TABLE notes AS SELECT 'part ' || i || ' of the ' || ['press leaks oil', 'belt is torn and loud'][1 + i % 2] || ' again' AS note, "
        "(i % 7)::DOUBLE AS temp, 'L' || i % 3 AS line, (i % 2 = 0) = (i % 3 = 0) AS failed FROM range(240) r(i)"
    )
    options = "options := {'epochs': 2, 'rank': 2, 'width': 16, 'layers': 1, 'heads': 2}"
    press.execute(f"FROM ml_finetune('noted', 'notes', target := 'failed', adapter_by := 'line', {options})").fetchall()
    rows = press.execute("SELECT probability, why FROM ml_predict('noted', 'FROM notes LIMIT 3', explain := 3)").fetchall()
    assert all(0 <= p <= 1 and {"note"} <= {w["feature"] for w in why} for p, why in rows)


def test_odd_names_and_values(press: Session) -> None:
    press.execute(
        """CREATE OR REPLACE VIEW "odd ones" AS SELECT torque, coalesce(line, '?') || ' "x''s" ß' AS "lïne of \"\"it\"\"", wear AS "select" FROM labelled"""
    )
    press.execute(
        """FROM ml_finetune('odd', 'odd ones', target := 'select', base := 'press', adapter_by := 'lïne of "it"', options := {'epochs': 1})"""
    ).fetchall()
    found = press.execute("SELECT count(predicted_select), count(DISTINCT ml_status) FROM ml_predict('odd', 'odd ones')").fetchone()
    assert found == (900, 1)


# -- LoRA beside a base --------------------------------------------------------------------------------------------------


def test_a_base_stays_as_it_is_beside_a_lora(press: Session) -> None:
    from mfgsql.catalog import read_artifact, resolve
    from mfgsql.model import Model

    press.execute(
        f"FROM ml_finetune('lora', '{COLUMNS}', target := 'wear', base := 'press', options := {{'adapter': 'lora', 'rank': 3, {FIT}, 'exclude': ['line']}})"
    ).fetchall()
    with press.engine.cursor() as cursor:
        base, made = (Model.from_bytes(read_artifact(cursor, v.artifact, v.bytes)) for v in (resolve(cursor, n) for n in ("press", "lora")))
    assert made.manifest.backbone.lora == 3
    theirs, mine = base.network.backbone.state_dict(), made.network.backbone.state_dict()
    for name, value in theirs.items():
        here = name if name in mine else name.replace(".weight", ".base_layer.weight").replace(".bias", ".base_layer.bias")
        if not name.startswith("mask"):
            assert np.array_equal(mine[here].numpy(), value.numpy()), name
    assert any(float(v.abs().max()) > 0 for n, v in mine.items() if "lora_B" in n)
    again = "target := 'wear', base := 'lora', options := {'epochs': 1, 'exclude': ['line']}"
    press.execute(f"FROM ml_finetune('on_lora', '{COLUMNS}', {again})").fetchall()
    assert rmse(press, "on_lora") <= rmse(press, "lora") + 0.05


def test_lora_beside_a_base_of_histories_with_adapters_of_groups_on_top(press: Session) -> None:
    runs = "SELECT machine, ts, torque, temp, wear FROM labelled"
    roles = "entity := 'machine', order_by := 'ts'"
    press.execute(f"FROM ml_pretrain('signals', '{runs.replace(', wear', '')}', {roles}, options := {{'window': 8, 'patch': 4, {SMALL}, 'epochs': 1}})").fetchall()
    options = "options := {'adapter': 'lora', 'rank': 2, 'epochs': 2}"
    press.execute(f"FROM ml_finetune('both', '{runs}', target := 'wear', {roles}, base := 'signals', adapter_by := 'machine', split := 'time', {options})").fetchall()
    assert press.execute("SELECT count(predicted_wear) FROM ml_predict('both', 'labelled')").fetchone()[0] > 800


# -- what is refused -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "told", "more", "source"),
    [
        (OptionError, "needs a transformer", "target := 'wear', adapter_by := 'line'", COLUMNS),
        (OptionError, "adapter_by names groups, and 'torque' is", "target := 'wear', base := 'press', adapter_by := 'torque'", COLUMNS),
        (OptionError, "named as adapter_by as well", "target := 'wear', base := 'press', adapter_by := 'wear'", COLUMNS),
        (SourceError, "no column 'lane'.*Did you mean 'line'", "target := 'wear', base := 'press', adapter_by := 'lane'", COLUMNS),
        (DataError, "is 'A' in every row", "target := 'wear', base := 'press', adapter_by := 'line'", f"{COLUMNS} WHERE line = 'A'"),
        (DataError, "is NULL in every row", "target := 'wear', base := 'press', adapter_by := 'line'", "SELECT * REPLACE (NULL::VARCHAR AS line) FROM labelled"),
        (OptionError, "adapter_by is for task", "task := 'forecast', target := 'wear', order_by := 'ts', adapter_by := 'line'", "SELECT ts, line, wear FROM labelled"),
        (OptionError, "rank = 4, but the base's adapters have 2", "target := 'wear', base := 'own', adapter_by := 'line', options := {'rank': 4}", COLUMNS),
        (OptionError, "rank is of adapters", "target := 'wear', base := 'press', options := {'rank': 4}", COLUMNS),
        (OptionError, "adapter is for a base", "target := 'wear', options := {'adapter': 'lora', 'backbone': 'transformer'}", COLUMNS),
        (OptionError, "adapter is for transformers", "target := 'wear', options := {'adapter': 'lora'}", COLUMNS),
        (OptionError, "probe says how a base learns on", "target := 'wear', base := 'press', options := {'adapter': 'lora', 'probe': 0.2}", COLUMNS),
        (OptionError, "folds = 5", "target := 'wear', adapter_by := 'line', options := {'backbone': 'ensemble', 'folds': 5}", COLUMNS),
    ],
)  # fmt: skip
def test_what_makes_no_adapters_is_refused(press: Session, kind: type[MfgsqlError], told: str, more: str, source: str) -> None:
    refused(press, kind, told, more, source)


def test_too_many_groups_are_refused_before_anything_is_learnt(press: Session) -> None:
    many = "SELECT i::DOUBLE AS x, i AS id, i % 7 AS wear FROM range(10_002) r(i)"
    error = refused(press, DataError, "more than 10,000 values", "target := 'wear', adapter_by := 'id', task := 'regression', options := {'backbone': 'transformer'}", many)
    assert "line" in str(error)
