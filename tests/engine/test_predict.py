"""ml_predict: typed, once per row, never an old value, and never a wrong row."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import duckdb
import pytest

from mfgsql.engine import Session
from mfgsql.errors import ClosedError, DataError, MfgsqlError, NotFoundError, OptionError, SourceError

Finetune = Callable[..., str]


@pytest.fixture(scope="module")
def scored(plant: Session) -> Session:
    """The plant with ``scored``: its parts, scored once."""
    plant.execute("CREATE OR REPLACE TABLE scored AS FROM ml_predict('fail', 'parts')")
    return plant


def types(s: Session, sql: str) -> dict[str, str]:
    return {r[0]: r[1] for r in s.execute(f"DESCRIBE {sql}").fetchall()}


def scalar(s: Session, sql: str) -> Any:
    return s.execute(sql).fetchone()[0]


def rows(s: Session, sql: str) -> list[tuple[Any, ...]]:
    return sorted(s.execute(sql).fetchall(), key=repr)


def close(found: list[tuple[Any, ...]], wanted: list[tuple[Any, ...]]) -> bool:
    """Equal, floats to 1e-6."""

    def split(row: tuple[Any, ...]) -> tuple[list[Any], list[float]]:
        return [v for v in row if not isinstance(v, float)], [v for v in row if isinstance(v, float)]

    pairs = [(split(a), split(b)) for a, b in zip(found, wanted, strict=False)]
    return len(found) == len(wanted) and all(a[0] == b[0] and a[1] == pytest.approx(b[1], abs=1e-6) for a, b in pairs)


# -- columns --------------------------------------------------------------------------------------------------------


def test_columns_are_named_and_typed_for_the_model(plant: Session) -> None:
    inputs = types(plant, "FROM parts")
    status = {"ml_status": "VARCHAR", "ml_reason": "VARCHAR"}
    chance = {"probability": "DOUBLE", "probabilities": "MAP(VARCHAR, DOUBLE)"}
    assert (
        types(plant, "FROM ml_predict('fail', 'parts')") == inputs | {"predicted_failed": "BOOLEAN"} | chance | status
    )
    assert types(plant, "FROM ml_predict('kind', 'parts')") == inputs | {"predicted_grade": "VARCHAR"} | chance | status
    numbers = {"predicted_wear": "DOUBLE", "lower": "DOUBLE", "upper": "DOUBLE"}
    assert types(plant, "FROM ml_predict('wear', 'parts')") == inputs | numbers | status


def test_input_columns_are_kept(plant: Session) -> None:
    inputs = ", ".join(types(plant, "FROM parts"))
    assert (
        scalar(plant, f"SELECT count(*) FROM (SELECT {inputs} FROM ml_predict('fail', 'parts') EXCEPT ALL FROM parts)")
        == 0
    )
    assert scalar(plant, "SELECT count(*) FROM ml_predict('fail', 'parts')") == 600


def test_probabilities_add_up_and_agree_with_the_label(plant: Session) -> None:
    bad = scalar(
        plant,
        "SELECT count(*) FROM ml_predict('kind', 'parts') WHERE abs(list_sum(map_values(probabilities)) - 1) > 1e-6 "
        "OR abs(probabilities[predicted_grade] - probability) > 1e-9",
    )
    assert bad == 0
    assert (
        scalar(plant, "SELECT count(*) FROM ml_predict('fail', 'parts') WHERE (probability > .5) <> predicted_failed")
        == 0
    )


def test_an_interval_widens_with_its_level(plant: Session) -> None:
    width = "SELECT avg(upper - lower) FROM ml_predict('wear', 'parts', level := {})"
    assert 0 < scalar(plant, width.format(0.5)) < scalar(plant, width.format(0.95))
    with pytest.raises(OptionError, match="between 0 and 1"):
        plant.execute("FROM ml_predict('wear', 'parts', level := 90)")


# -- never an old value ---------------------------------------------------------------------------------------------

OLD = [
    "SELECT *, NOT failed AS predicted_failed, -1.0 AS probability FROM parts",
    "SELECT *, 'old' AS ml_status, {'label': 'old', 'probability': -1.0} AS __ml FROM parts",
    "SELECT *, -1.0 AS \"Probability\", {'label': 'old', 'probability': -1.0} AS __ML FROM parts",
    "FROM scored",
    "FROM ml_predict('fail', 'parts')",
    "SELECT * REPLACE (-1.0 AS probability) FROM ml_predict('fail', 'FROM parts')",
]


@pytest.mark.parametrize("source", OLD)
def test_outputs_replace_columns_of_their_name(scored: Session, source: str) -> None:
    quoted = source.replace("'", "''")
    found = rows(scored, f"SELECT id, predicted_failed, probability, ml_status FROM ml_predict('fail', '{quoted}')")
    assert close(found, rows(scored, "SELECT id, predicted_failed, probability, ml_status FROM scored"))
    named = [d[0].lower() for d in scored.execute(f"FROM ml_predict('fail', '{quoted}')").description or []]
    assert len(named) == len(set(named))
    assert "__ml" not in named


def test_another_models_outputs_stay_in_a_nested_predict(scored: Session) -> None:
    found = types(scored, "FROM ml_predict('wear', 'FROM ml_predict(''fail'', ''parts'')')")
    assert {"predicted_failed", "probability", "predicted_wear"} <= found.keys()


# -- how queries see it ---------------------------------------------------------------------------------------------


def test_a_count_scores_nothing(scored: Session) -> None:
    for model in ("fail@1", "kind@1", "wear@1"):
        scored.engine.cache.drop(model)
    assert scalar(scored, "SELECT count(*) FROM ml_predict('fail', 'parts')") == 600
    assert scalar(scored, "SELECT sum(torque) FROM ml_predict('fail', 'parts')") > 0
    assert scored.engine.cache.bytes == 0
    scored.execute("FROM ml_predict('fail', 'parts')").fetchall()
    assert scored.engine.cache.bytes > 0


def test_the_scalar_form_equals_the_table_form(scored: Session) -> None:
    found = rows(
        scored,
        "SELECT id, p.label::BOOLEAN, p.probability, p.ml_status FROM (SELECT id, ml_predict('fail', t) AS p FROM parts t)",
    )
    assert close(found, rows(scored, "SELECT id, predicted_failed, probability, ml_status FROM scored"))
    found = rows(scored, "SELECT id, p.value, p.lower FROM (SELECT id, ml_predict('wear', t) AS p FROM parts t)")
    assert close(found, rows(scored, "SELECT id, predicted_wear, lower FROM ml_predict('wear', 'parts')"))


def test_the_scalar_form_can_be_filtered_and_choose_the_model_by_row(scored: Session) -> None:
    found = scalar(scored, "SELECT count(*) FROM parts t WHERE ml_predict('fail', t).probability > 0.5")
    assert found == scalar(scored, "SELECT count(*) FROM scored WHERE probability > 0.5")
    mixed = rows(
        scored,
        "SELECT id, p.label, p.value FROM (SELECT id, ml_predict(CASE WHEN id % 2 = 0 THEN 'fail' ELSE 'wear' END, t) p "
        "FROM parts t) WHERE id < 50",
    )
    assert all(
        (label is None) == (ident % 2 == 1) and (value is None) == (ident % 2 == 0) for ident, label, value in mixed
    )


def test_a_struct_can_be_scored(scored: Session) -> None:
    row = "{'torque': 3.9, 'temp': 25.0, 'shift': 'A', 'hot': true}"
    assert 0 < scalar(scored, f"SELECT ml_predict('fail', {row}).probability") < 1


def test_views_and_prepared_statements_see_the_promoted_champion(lab: Session, finetune: Finetune) -> None:
    first = "SELECT torque, temp, failed FROM parts"
    lab.execute(finetune("m", first, "failed")).fetchall()
    lab.execute("CREATE VIEW live AS SELECT id, probability FROM ml_predict('m', 'parts')")
    lab.execute("PREPARE live AS SELECT id, probability FROM ml_predict('m', 'parts')")
    lab.execute("PREPARE one AS SELECT id, probability FROM ml_predict('m', 'parts') WHERE id = $1")
    queries = ("FROM live", "EXECUTE live", "SELECT id, ml_predict('m', t).probability FROM parts t")
    old = [rows(lab, q) for q in queries]
    lab.execute(finetune("m", "SELECT hot, wear, failed FROM parts", "failed")).fetchall()
    assert all(close(rows(lab, q), o) for q, o in zip(queries, old, strict=True))  # a candidate changes nothing
    lab.execute("FROM ml_promote('m@candidate')").fetchall()
    new = rows(lab, "SELECT id, probability FROM ml_predict('m@2', 'parts')")
    assert not close(old[0], new)
    assert all(close(rows(lab, q), new) for q in queries)
    assert close(rows(lab, "EXECUTE one(5)"), [r for r in new if r[0] == 5])


@pytest.mark.parametrize("wrap", ["EXPLAIN {}", "PREPARE p AS {}", "CREATE VIEW never AS {}", "DESCRIBE {}"])
def test_what_only_binds_never_trains(lab: Session, finetune: Finetune, wrap: str) -> None:
    lab.execute(wrap.format(finetune("never", "parts", "failed")))
    assert scalar(lab, "SELECT count(*) FROM ml.runs") == 0
    assert scalar(lab, "SELECT count(*) FROM ml.models") == 0


# -- doubts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("replaced", "status", "reason", "predicts"),
    [
        ("torque", "ok", None, True),
        ("900.0 AS torque", "out_of_range", "torque = 900", True),
        ("'inf'::DOUBLE AS torque", "out_of_range", "torque", True),
        ("NULL AS torque", "missing", "torque is missing", True),
        ("NULL::DOUBLE AS torque", "missing", "torque is missing", True),
        ("'nan'::DOUBLE AS torque", "missing", "torque is missing", True),
        ("'Z' AS shift", "unseen", "shift = 'Z'", True),
        ("'broken' AS torque", "unreadable", "'broken'", False),
        ("'1.5' AS torque", "ok", None, True),
        ("1.5::DECIMAL(9, 2) AS torque", "ok", None, True),
        ("2::UTINYINT AS torque", "ok", None, True),
    ],
)
def test_each_row_says_what_is_doubtful(
    plant: Session, replaced: str, status: str, reason: str | None, predicts: bool
) -> None:
    name = replaced.rsplit(maxsplit=1)[-1]
    source = f"SELECT * EXCLUDE ({name}), {replaced} FROM parts WHERE id = 7".replace("'", "''")
    query = (
        f"SELECT ml_status, ml_reason, predicted_failed, probability, probabilities FROM ml_predict('fail', '{source}')"
    )
    found = plant.execute(query).fetchone()
    # an infinity is beyond any range and no number to compute with: either word is true
    assert found[0] == status or (status == "out_of_range" and "inf" in replaced and found[0] == "missing")
    assert (found[1] is None) == (reason is None)
    assert reason is None or reason in found[1]
    assert all((value is not None) == predicts for value in found[2:])


def test_only_the_doubtful_row_of_a_batch_is_void(plant: Session) -> None:
    source = "SELECT * REPLACE (CASE WHEN id = 7 THEN ''?'' ELSE torque::VARCHAR END AS torque) FROM parts"
    found = plant.execute(
        f"SELECT ml_status, count(*), count(probability), count(probabilities) FROM ml_predict('fail', '{source}') "
        "GROUP BY 1 ORDER BY 1"
    ).fetchall()
    assert found == [("ok", 599, 599, 599), ("unreadable", 1, 0, 0)]


def test_a_missing_column_is_named(plant: Session) -> None:
    with pytest.raises((duckdb.Error, MfgsqlError), match="has no column 'torque', which fail@1 needs"):
        plant.execute("FROM ml_predict('fail', 'SELECT * EXCLUDE (torque) FROM parts')")
    with pytest.raises((duckdb.Error, MfgsqlError), match="torque"):
        plant.execute("SELECT ml_predict('fail', t) FROM (SELECT * EXCLUDE (torque) FROM parts) t").fetchall()


def test_a_missing_column_is_not_found_outside(plant: Session) -> None:
    with pytest.raises((duckdb.Error, MfgsqlError), match="source of fail@1"):
        plant.execute(
            "SELECT (SELECT max(probability) FROM ml_predict('fail', 'SELECT temp, shift, hot FROM parts')) FROM parts o"
        ).fetchall()


def test_unknown_models_offer_a_close_name(plant: Session) -> None:
    with pytest.raises(NotFoundError, match="Did you mean 'fail'"):
        plant.execute("FROM ml_predict('fial', 'parts')")
    with pytest.raises(NotFoundError, match="@1"):
        plant.execute("FROM ml_predict('fail@9', 'parts')")
    for model in ("NULL", "''", "'@3'", "'fail@-1'", "3"):
        with pytest.raises((MfgsqlError, duckdb.Error)):
            plant.execute(f"FROM ml_predict({model}, 'parts')").fetchall()


def test_an_empty_source_gives_no_rows(plant: Session) -> None:
    assert plant.execute("FROM ml_predict('fail', 'FROM parts WHERE false')").fetchall() == []
    assert plant.execute("SELECT ml_predict('fail', t) FROM parts t WHERE false").fetchall() == []


def test_a_closed_session_says_so(plant: Session) -> None:
    other = plant.cursor()
    other.close()
    with pytest.raises(ClosedError):
        other.execute("SELECT 1")


def test_errors_are_one_paragraph(plant: Session) -> None:
    with pytest.raises(SourceError) as caught:
        plant.execute("FROM ml_predict('fail', NULL)")
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is None


# -- pairs of sources and queries -----------------------------------------------------------------------------------

SOURCES = [
    "FROM parts",
    "SELECT * FROM parts WHERE torque > {a}",
    "SELECT * FROM parts WHERE id % {n} = 0",
    "SELECT * FROM parts ORDER BY temp, id LIMIT {k}",
    "SELECT p.*, u.c FROM parts p JOIN (SELECT unit, count(*) AS c FROM parts GROUP BY unit) u USING (unit)",
    "FROM parts WHERE shift = 'A' UNION ALL FROM parts WHERE shift = 'B'",
    "WITH x AS (FROM parts WHERE NOT hot) SELECT * FROM x WHERE temp < {t}",
    "SELECT *, 0.5 AS probability, row_number() OVER (PARTITION BY unit ORDER BY id) AS rn FROM parts",
    "SELECT * FROM parts WHERE id IN (SELECT id FROM parts WHERE wear > {a})",
    "FROM parts SEMI JOIN (FROM range({k}) r(id)) USING (id)",
]
QUERIES = [
    "SELECT id, predicted_failed, probability FROM {p}",
    "SELECT id, probability FROM {p} WHERE probability > {q}",
    "SELECT id, predicted_failed FROM {p} WHERE predicted_failed AND torque > {a}",
    "SELECT unit, count(*), avg(probability) FROM {p} GROUP BY unit",
    "SELECT predicted_failed, count(*) FROM {p} GROUP BY 1",
    "SELECT shift, max(probability), min(id) FROM {p} WHERE temp < {t} GROUP BY 1 HAVING count(*) > 1",
    "SELECT count(*) FROM {p}",
    "SELECT count(*) FROM {p} WHERE probability <= {q} OR hot",
    "SELECT id, rank() OVER (ORDER BY torque, id) AS r, ml_status FROM {p} WHERE probability > {q}",
    "SELECT a.id, a.probability, b.temp FROM {p} a JOIN parts b USING (id) WHERE b.hot",
    "SELECT id, CASE WHEN probability > {q} THEN 'high' ELSE 'low' END FROM {p} ORDER BY id LIMIT {k}",
    "SELECT DISTINCT unit, predicted_failed FROM {p} WHERE id % {n} = 1",
    "SELECT id FROM {p} QUALIFY row_number() OVER (PARTITION BY predicted_failed ORDER BY id) <= 3",
    "SELECT id, probabilities['true'] FROM {p} WHERE id BETWEEN {k} AND 500",
    "SELECT (SELECT count(*) FROM {p} WHERE probability > {q}) AS n, count(*) FROM parts",
    "SELECT id, probability FROM {p} WHERE id < {k} AND probability > {q} AND predicted_failed IS NOT NULL",
]


def pairs(s: Session, count: int, seed: int) -> list[tuple[str, str]]:
    """(query over ml_predict, the same over the table that was scored once), thresholds in the widest gaps."""
    known = sorted(r[0] for r in s.execute("SELECT DISTINCT probability FROM scored").fetchall())
    gaps = sorted(zip(known, known[1:], strict=False), key=lambda g: g[0] - g[1])[:20]
    dice = random.Random(seed)
    made = []
    for _ in range(count):
        low, high = dice.choice(gaps)
        values = {
            "a": dice.choice([0.5, 1.5, 2.5]), "n": dice.choice([2, 3, 7]), "k": dice.choice([1, 17, 250]),
            "t": dice.choice([25, 30, 38]), "q": repr((low + high) / 2),
        }  # fmt: skip
        source = dice.choice(SOURCES).format(**values)
        quoted = source.replace("'", "''")
        outputs = "predicted_failed, probability, probabilities, ml_status, ml_reason"
        direct = (
            f"(SELECT x.* EXCLUDE (x_probability), s.* EXCLUDE (id) FROM (SELECT COLUMNS(c -> c <> 'probability'), "
            f"0 AS x_probability FROM ({source})) x JOIN (SELECT id, {outputs} FROM scored) s USING (id))"
        )
        query = dice.choice(QUERIES)
        made.append((query.format(p=f"ml_predict('fail', '{quoted}')", **values), query.format(p=direct, **values)))
    return made


def test_no_query_gets_a_wrong_row(scored: Session) -> None:
    for ours, direct in pairs(scored, 80, seed=1):
        assert close(rows(scored, ours), rows(scored, direct)), ours


def test_eight_threads_get_right_rows(scored: Session) -> None:
    work = pairs(scored, 20, seed=2)
    wanted = [rows(scored, direct) for _, direct in work]

    def client(number: int) -> list[str]:
        order = random.Random(number).sample(range(len(work)), len(work))
        with scored.cursor() as own:
            return [work[i][0] for i in order if not close(rows(own, work[i][0]), wanted[i])]

    with ThreadPoolExecutor(8) as pool:
        assert [query for wrong in pool.map(client, range(8)) for query in wrong] == []


# -- called wrongly -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("FROM ml_predict('fail', 'SELECT torqe: torque, temp, shift, hot FROM parts')",
         "no column 'torque', which fail@1 needs. Did you mean 'torqe'? It reads "),
        ("FROM ml_predict('fail', 'misspelt')", "which fail@1 needs. Did you mean 'torqe'?"),
        ("WITH c AS (SELECT shift FROM parts) FROM ml_predict('fail', 'c')", "which fail@1 needs. It reads "),
        ("FROM ml_evaluate('fail', 'SELECT * RENAME (failed AS faild) FROM parts')",
         "no column 'failed', the target of fail@1, and predictions are judged by it. Did you mean 'faild'?"),
    ],
)  # fmt: skip
def test_a_missing_column_in_our_words(plant: Session, statement: str, words: str) -> None:
    plant.execute("CREATE OR REPLACE TEMP TABLE misspelt AS SELECT torque AS torqe, temp, shift, hot FROM parts")
    with pytest.raises(SourceError) as told:
        plant.execute(statement)
    assert words in str(told.value)


def test_a_missing_column_in_plain_sql_is_duckdbs(plant: Session) -> None:
    with pytest.raises(duckdb.BinderException, match='"source of fail@1" does not have a column named "torque"'):
        plant.con.execute("FROM ml_predict('fail', 'SELECT shift FROM parts')")
    with pytest.raises(duckdb.BinderException, match="nosuch"):
        plant.execute("FROM ml_predict('fail', 'parts') WHERE nosuch = 1")


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("FROM ml_predcit('fail', 'parts')", "There is no ml_predcit. Did you mean 'ml_predict'[?] FROM ml.functions"),
        ("SELECT ml_predcit('fail', 'parts')", "There is no ml_predcit"),
        ("FROM ml_report('fail')", "ml_report gives one value, and no rows. As in: SELECT ml_report"),
        ("SELECT ml_evaluate('fail', 'parts')", "ml_evaluate gives rows, which are read behind FROM. As in: FROM ml_evaluate"),
        ("FROM ml_finetune('m', 'parts', traget := 'failed')",
         "ml_finetune has no argument 'traget': it takes model, source, target, .* Did you mean 'target'[?] As in: "),
        ("FROM ml_predict('fail', 'parts', levl := 0.8)", "Did you mean 'level'[?] As in: SELECT [*] FROM ml_predict"),
        ("SELECT ml_predict('fail', p, inptu := 1) FROM parts p", "Did you mean 'input'[?] As in: SELECT machine_id"),
        ("FROM ml_devices(every := true)", "no argument 'every': it takes none"),
        ("FROM ml_predict('fail')", "not the arguments of ml_predict: it takes model, source, level"),
    ],
)  # fmt: skip
def test_a_misspelt_argument_names_what_there_is(plant: Session, statement: str, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        plant.execute(statement)


def test_from_another_database_a_verb_is_named_by_its_own(plant: Session) -> None:
    with plant.cursor() as own:
        own.execute("ATTACH ':memory:' AS elsewhere")
        try:
            own.execute("USE elsewhere")
            with pytest.raises(duckdb.CatalogException, match="ml_predict does not exist"):
                own.execute("FROM ml_predict('fail', 'parts')")
        finally:
            own.execute("USE plant; DETACH elsewhere")


def test_a_frame_is_told_how_to_be_a_table(plant: Session) -> None:
    with pytest.raises(OptionError, match="A Table is no source: .*CREATE TABLE rows AS FROM given"):
        plant.finetune("m", plant.sql("FROM parts"), target="failed")


def test_a_macro_of_the_users_own_keeps_duckdbs_words(plant: Session) -> None:
    plant.execute("CREATE OR REPLACE TEMP MACRO ml_mine(a) AS a + 1")
    with pytest.raises(duckdb.BinderException):
        plant.execute("SELECT ml_mine(1, b := 2)")


@pytest.mark.parametrize(("split", "meant"), [("tiem", "time"), ("entty", "entity"), ("Shfit", "shift")])
def test_a_misspelt_split_names_what_there_is(plant: Session, split: str, meant: str) -> None:
    words = f"'time', 'entity' or a column of the source, not '{split}'; the source has id, .* Did you mean '{meant}'"
    with pytest.raises(OptionError, match=words):
        plant.execute(f"FROM ml_finetune('new', 'parts', target := 'failed', split := '{split}')").fetchall()


def test_a_split_by_a_column_that_is_excluded(lab: Session) -> None:
    source = "SELECT torque, shift, failed, id % 5 = 0 AS judged FROM parts"
    options = "{'epochs': 1, 'width': 8, 'layers': 1, 'heads': 2, 'exclude': ['judged']}"
    row = lab.execute(
        f"FROM ml_finetune('new', '{source}', target := 'failed', split := 'judged', options := {options})"
    ).fetchone()
    assert row[3] == "finished"


SOME = "SELECT torque, shift, CASE WHEN id < {} THEN failed END AS failed FROM parts"


def test_a_target_that_is_always_null(lab: Session) -> None:
    words = "target 'failed' is NULL in all of the source's 600 rows. Name another, or train a base: FROM ml_pretrain"
    with pytest.raises(DataError, match=words):
        lab.execute(f"FROM ml_finetune('m', '{SOME.format(0)}', target := 'failed')").fetchall()


def test_a_target_that_is_mostly_null(lab: Session, finetune: Finetune) -> None:
    with pytest.raises(DataError, match="'failed' is known in 9 of the source's 600 rows only.*coalesce"):
        lab.execute(f"FROM ml_finetune('m', '{SOME.format(9)}', target := 'failed')").fetchall()
    row = lab.execute(finetune("m", SOME.format(500), "failed")).fetchone()
    (told,) = [w for w in row[12] if "NULL" in w]
    assert told.startswith("100 of 600 rows are left out: failed is NULL in them. If NULL means false, say so")
    mended = told.partition("source: ")[2].replace("(...)", f"({SOME.format(500)})")
    assert lab.execute(f"SELECT count(failed) FROM ({mended})").fetchone() == (600,)
