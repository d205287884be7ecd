"""Texts as columns, by SQL: bases, models that stand on them, spans, vectors; and cells that are bad."""

from __future__ import annotations

import json
import random
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

import mfgsql
from mfgsql.engine import Session
from mfgsql.errors import CancelledError, CatalogError, DataError, MfgsqlError, NotFoundError, OptionError, SourceError
from mfgsql.model import Model
from tests.checkpoints import small_text

FAULTS = {
    "hydraulic": ("pump leaks oil", "hose burst"), "bearing": ("bearing runs hot", "bearing is worn"),
    "electrical": ("fuse has blown", "控制器 failed"),
}  # fmt: skip
SHORT = "options := {'epochs': 1}"


def notes(count: int = 160) -> list[tuple]:
    draw, rows = random.Random(0), []
    for number in range(count):
        system = draw.choice(list(FAULTS))
        fault = draw.choice(FAULTS[system])
        lead = draw.choice(["", "please check: ", "🔧 "])
        note = f"{lead}{fault}, seen on line {draw.randint(1, 60)}"
        part = fault.split()[0]
        spans = [{"label": "part", "begin": len(lead), "stop": len(lead) + len(part)}]
        spans.append({"label": "state", "begin": len(lead) + len(part) + 1, "stop": len(lead) + len(fault)})
        about = f"work on {system} equipment"
        rows.append((number, note, system, 5.0 + 3 * (system == "bearing") + draw.random(), about, json.dumps(spans)))
    return rows


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_text(tmp_path_factory.mktemp("models") / "small", [row[1] for row in notes()])


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, base: Path) -> Iterator[Session]:
    """Work orders, the base ``notes``, and models of all kinds on it."""
    with mfgsql.connect(tmp_path_factory.mktemp("shop") / "shop.duckdb", threads=1, progress="off") as session:
        session.execute(
            "CREATE TABLE raw (id INT, note VARCHAR, system VARCHAR, hours DOUBLE, about VARCHAR, spans VARCHAR)"
        )
        session.con.executemany("INSERT INTO raw VALUES (?, ?, ?, ?, ?, ?)", notes())
        session.execute("CREATE TABLE work_orders AS SELECT id, note, system, hours FROM raw")
        session.execute("CREATE TABLE pairs AS SELECT id, note AS a, about AS b FROM raw")
        session.execute(
            "CREATE TABLE annotated AS SELECT id, note, "
            """from_json(spans, '[{"label": "VARCHAR", "begin": "BIGINT", "stop": "BIGINT"}]') AS spans FROM raw"""
        )
        session.execute(
            "CREATE TABLE labelled AS SELECT note, [system, if(hours > 7, 'long', 'short')] AS labels FROM raw"
        )
        learn(session, f"ml_pretrain('notes', 'work_orders', field := 'note', base := '{base}', {SHORT})")
        on = f"base := 'notes', {SHORT}"
        learn(session, f"ml_finetune('subsystem', 'SELECT note, system FROM raw', target := 'system', {on})")
        learn(session, f"ml_finetune('duration', 'SELECT note, hours FROM raw', target := 'hours', {on})")
        learn(session, f"ml_finetune('labels', 'labelled', target := 'labels', {on})")
        learn(session, "ml_finetune('entities', 'annotated', task := 'token_classification', target := 'spans', "
                       "base := 'notes', options := {'epochs': 12, 'learning_rate': 0.01})")  # fmt: skip
        learn(session, f"ml_finetune('alike', 'SELECT a, b FROM pairs', task := 'embedding', field := 'a', "
                       f"target := 'b', {on})")  # fmt: skip
        yield session


def learn(session: Session, call: str) -> dict[str, Any]:
    found = session.execute(f"FROM {call}")
    names = [d[0] for d in found.description or []]
    return dict(zip(names, found.fetchone(), strict=True))


def one(session: Session, sql: str) -> Any:
    return session.execute(sql).fetchone()[0]


def rows(session: Session, sql: str) -> list[tuple]:
    return session.execute(sql).fetchall()


def artifact(session: Session, model: str) -> Model:
    from mfgsql.catalog import read_artifact, resolve

    with session.engine.cursor() as cursor:
        version = resolve(cursor, model)
        return Model.from_bytes(read_artifact(cursor, version.artifact, version.bytes))


# -- bases --------------------------------------------------------------------------------------------------------------


def test_a_base_without_a_base_is_a_small_network_with_its_own_tokenizer(shop):
    told = learn(shop, f"ml_pretrain('own', 'work_orders', field := 'note', {SHORT})")
    assert (told["status"], told["metric"], told["rows"]) == ("finished", "loss", 160)
    assert told["warnings"] == []  # of columns that nobody asked it to read nothing is told
    manifest = artifact(shop, "own").manifest
    assert (manifest.objective, manifest.backbone.text.model["model_type"]) == ("masked", "bert")
    assert one(shop, "SELECT len(embedding) FROM ml_embed('own', 'work_orders') LIMIT 1") == 128
    told = learn(shop, f"ml_pretrain('told', 'work_orders', field := 'note', objective := 'autoregressive', {SHORT})")
    assert artifact(shop, "told").manifest.backbone.text.model["model_type"] == "llama"
    tuned = f"ml_finetune('of_told', 'SELECT note, system FROM raw', target := 'system', base := 'told', {SHORT})"
    assert learn(shop, tuned)["status"] == "finished"


def test_a_base_goes_on_from_an_earlier_one(shop):
    told = learn(shop, f"ml_pretrain('more_notes', 'work_orders', field := 'note', base := 'notes', {SHORT})")
    assert told["value"] < one(shop, "SELECT value FROM ml.versions WHERE model = 'notes'")
    before, after = artifact(shop, "notes"), artifact(shop, "more_notes")
    assert after.manifest.features.tokenizer == before.manifest.features.tokenizer
    assert after.manifest.backbone.text.source is None  # its weights are its own by now


def test_the_hash_and_the_licence_of_a_folder_are_kept(shop, base):
    manifest = artifact(shop, "notes").manifest
    assert manifest.backbone.text.source == str(base)
    assert len(manifest.lineage["base_sha256"]) == 64
    assert manifest.lineage["base_licence"] is None


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        ("ml_pretrain('x', 'work_orders', field := 'hours')", OptionError, "neither a text nor a picture"),
        ("ml_pretrain('x', 'work_orders', field := 'nose')", SourceError, "no column 'nose'.*Did you mean 'note'"),
        ("ml_pretrain('x', 'work_orders', field := 'note', objective := 'autoencoder')", OptionError,
         "objective of 'note' is masked or autoregressive"),
        ("ml_pretrain('x', 'work_orders', field := 'note', base := 'notes', objective := 'autoregressive')", OptionError,
         "objective := 'masked'"),
        ("ml_pretrain('x', 'work_orders', base := '{base}')", OptionError, "field := 'note'"),
        ("ml_pretrain('x', 'work_orders', base := 'notes')", OptionError, "field := 'note'"),
        ("ml_finetune('x', 'SELECT hours, system FROM raw', target := 'system', base := '{base}')", OptionError,
         "has no such column"),
        ("ml_finetune('x', 'SELECT note, system FROM raw', target := 'system', base := './nowhere')", NotFoundError,
         "no folder './nowhere'"),
        ("ml_finetune('x', 'SELECT note, system FROM raw', target := 'system', base := 'hf:no/where')", NotFoundError,
         "not on this machine"),
        ("ml_finetune('x', 'SELECT note, system FROM raw', target := 'system', options := {{'adapter': 'lora'}})",
         OptionError, "Name one: base := "),
        ("ml_finetune('x', 'SELECT note, system FROM raw', target := 'system', options := {{'folds': 5}})", OptionError,
         "folds are for an ensemble"),
        ("ml_finetune('x', 'SELECT hours, system FROM raw', target := 'system', options := {{'freeze': 'yes'}})",
         OptionError, "freeze is for"),
        ("ml_finetune('x', 'SELECT note, upper(note) AS about, spans FROM annotated', task := 'token_classification', target := 'spans')",
         OptionError, "reads one column of texts, and the source has 2: note, about"),
        ("ml_finetune('x', 'SELECT id, system FROM raw', task := 'embedding', target := 'system')", OptionError,
         "has none"),
        ("ml_finetune('x', 'SELECT note, hours FROM raw', task := 'token_classification', target := 'hours')",
         DataError, "spans are a list of structs"),
        ("ml_finetune('x', 'SELECT note, [] AS spans FROM raw', task := 'token_classification', target := 'spans')",
         MfgsqlError, "spans"),
    ],
)  # fmt: skip
def test_what_can_not_be_is_refused_with_the_way_out(shop, base, call, error, words):
    with pytest.raises(error, match=words):
        shop.execute("FROM " + call.format(base=base)).fetchall()
    assert not one(shop, "SELECT count(*) FROM ml.models WHERE model = 'x'")


def test_a_folder_that_is_none(shop, base, tmp_path):
    learning = "FROM ml_finetune('x', 'SELECT note, system FROM raw', target := 'system', base := '{}')"
    bare = shutil.copytree(base, tmp_path / "bare")
    for file in bare.glob("token*"):
        file.unlink()
    with pytest.raises(SourceError, match="no tokenizer.*Put the tokenizer.json of the same model there"):
        shop.execute(learning.format(bare))
    pickled = shutil.copytree(base, tmp_path / "pickled")
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    with pytest.raises(SourceError, match="a pickle, which may run any code.*convert it once: python -c"):
        shop.execute(learning.format(pickled))
    assert not one(shop, "SELECT count(*) FROM ml.models WHERE model = 'x'")


def test_a_statement_that_is_only_explained_learns_nothing(shop):
    before = one(shop, "SELECT count(*) FROM ml.runs")
    call = f"FROM ml_pretrain('never', 'work_orders', field := 'note', {SHORT})"
    shop.execute(f"EXPLAIN {call}").fetchall()
    shop.execute(f"PREPARE later AS {call}")
    assert one(shop, "SELECT count(*) FROM ml.runs") == before


# -- models -------------------------------------------------------------------------------------------------------------


def test_classes_numbers_and_labels_are_predicted(shop):
    found = shop.execute("FROM ml_predict('subsystem', 'work_orders')")
    names = [d[0] for d in found.description or []]
    assert names == [*"id note system hours predicted_system probability probabilities ml_status ml_reason".split()]
    assert {row[-2] for row in found.fetchall()} == {"ok"}
    assert one(
        shop, "SELECT count(*) FROM ml_predict('duration', 'work_orders') WHERE predicted_hours BETWEEN 0 AND 20"
    )
    assert one(shop, "SELECT typeof(predicted_labels) FROM ml_predict('labels', 'work_orders') LIMIT 1") == "VARCHAR[]"
    for model, source, metric in (
        ("subsystem", "work_orders", "accuracy"), ("duration", "work_orders", "rmse"), ("labels", "labelled", "f1_micro"),
    ):  # fmt: skip
        told = {row[0]: row[1] for row in rows(shop, f"FROM ml_evaluate('{model}', '{source}')")}
        assert told[metric] >= 0
    assert len(rows(shop, "FROM ml_confusion_matrix('subsystem', 'work_orders')")) >= 3
    assert rows(shop, "FROM ml_classification_report('labels', 'labelled')")[-1][0] == "samples avg"


def test_a_row_is_predicted_anywhere(shop):
    told = rows(
        shop, "SELECT id, ml_predict('subsystem', t) AS p FROM work_orders t WHERE (p).label IS NOT NULL ORDER BY id"
    )
    whole = dict(rows(shop, "SELECT id, predicted_system FROM ml_predict('subsystem', 'work_orders')"))
    assert {number: p["label"] for number, p in told} == whole
    assert one(shop, "SELECT ml_predict('duration', {'note': 'pump leaks'}).value") > 0
    mixed = "SELECT ml_predict(if(id % 2 = 0, 'subsystem', 'duration'), t) AS p, id FROM work_orders t ORDER BY id"
    assert all((p["label"] is None) == bool(number % 2) for p, number in rows(shop, mixed))
    with pytest.raises(MfgsqlError, match=r"FROM ml_spans\('entities@1'"):
        shop.execute("SELECT ml_predict('entities', t) FROM annotated t").fetchall()


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT id, predicted_system FROM ml_predict('subsystem', 'SELECT * FROM work_orders WHERE id < 40')",
        "SELECT id, predicted_system FROM ml_predict('subsystem', 'work_orders') WHERE id < 40",
        "WITH few AS (FROM work_orders WHERE id < 40) SELECT id, predicted_system FROM ml_predict('subsystem', 'few')",
        "SELECT id, predicted_system FROM ml_predict('subsystem', 'seen') WHERE id < 40",
        "SELECT id, predicted_system FROM scored WHERE id < 40",
        "EXECUTE of_some(40)",
    ],
)
def test_sources_of_all_kinds(shop, sql):
    shop.execute("CREATE OR REPLACE VIEW seen AS FROM work_orders")
    shop.execute("CREATE OR REPLACE VIEW scored AS FROM ml_predict('subsystem', 'work_orders')")
    shop.execute(
        "PREPARE of_some AS SELECT id, predicted_system FROM ml_predict('subsystem', 'work_orders') WHERE id < $1"
    )
    whole = dict(rows(shop, "SELECT id, predicted_system FROM ml_predict('subsystem', 'work_orders')"))
    assert dict(rows(shop, sql)) == {number: label for number, label in whole.items() if number < 40}


def test_a_row_model_reads_all_there_is_and_misses_what_is_not(shop):
    source = "SELECT if(id % 4 = 0, NULL, note) AS note, hours, id % 3 AS shift, system FROM raw"
    learn(shop, f"ml_finetune('rows', '{source}', target := 'system', base := 'notes', {SHORT})")
    assert artifact(shop, "rows").manifest.features.names == ["hours", "shift", "note"]
    statuses = rows(
        shop, "SELECT DISTINCT ml_status FROM ml_predict('rows', 'SELECT NULL AS note, 5.5 AS hours, 1 AS shift')"
    )
    assert statuses == [("ok",)]  # as in training
    told = learn(shop, f"ml_finetune('two', 'SELECT note, about, system FROM raw', target := 'system', {SHORT})")
    assert told["status"] == "finished"


def test_a_row_model_stands_on_a_base_of_rows_too(shop):
    numbers = "SELECT hours, id % 3 AS shift FROM raw"
    tiny = "options := {'epochs': 1, 'width': 16, 'layers': 1, 'heads': 2}"
    learn(shop, f"ml_pretrain('numbers', '{numbers}', {tiny})")
    source = "SELECT note, hours, id % 3 AS shift, system FROM raw"
    learn(shop, f"ml_finetune('both', '{source}', target := 'system', base := 'numbers', {SHORT})")
    manifest = artifact(shop, "both").manifest
    assert (manifest.backbone.width, manifest.features.names) == (16, ["hours", "shift", "note"])


def test_only_an_adapter_and_a_head_are_kept_of_a_folder(shop, base):
    sizes = {}
    for name, options in {"lora": "'adapter': 'lora'", "frozen": "'freeze': 'yes'", "whole": "'seed': 1"}.items():
        learn(shop, f"ml_finetune('{name}', 'SELECT note, system FROM raw', target := 'system', base := '{base}', "
                    f"options := {{'epochs': 1, {options}}})")  # fmt: skip
        sizes[name] = one(shop, f"SELECT bytes FROM ml.versions WHERE model = '{name}'")
    network = artifact(shop, "lora").network
    assert sizes["frozen"] < sizes["lora"] < sizes["whole"]
    assert sum(p.numel() for p in network.parameters() if p.requires_grad) < sum(
        p.numel() for p in network.parameters()
    )
    assert (
        artifact(shop, "lora").manifest.backbone.text.sha256 == artifact(shop, "notes").manifest.lineage["base_sha256"]
    )
    # Of a base of the catalog there is no folder: all of it is kept, and only the adapter has learnt.
    learn(shop, "ml_finetune('on_notes', 'SELECT note, system FROM raw', target := 'system', base := 'notes', "
                "options := {'epochs': 1, 'adapter': 'lora'})")  # fmt: skip
    mine, theirs = (artifact(shop, name).network.backbone.text.state_dict() for name in ("on_notes", "notes"))
    table = "model.embeddings.word_embeddings.weight"
    assert bool((mine[table] == theirs[table]).all())


def test_other_weights_in_the_folder_are_another_run(shop, base, tmp_path):
    folder = shutil.copytree(base, tmp_path / "base")
    call = f"ml_finetune('of_folder', 'SELECT note, system FROM raw', target := 'system', base := '{folder}', {SHORT})"
    assert learn(shop, call)["status"] == "finished"
    assert learn(shop, call)["status"] == "reused"
    from mfgsql.backbones.checkpoints import load_model, read

    network = load_model(read(folder))
    network.get_input_embeddings().weight.data.add_(0.1)
    network.save_pretrained(folder)
    assert learn(shop, call)["status"] == "finished"


def test_a_frozen_model_without_its_folder_says_so(shop, base, tmp_path):
    folder = shutil.copytree(base, tmp_path / "gone")
    learn(shop, f"ml_finetune('gone', 'SELECT note, system FROM raw', target := 'system', base := '{folder}', "
                "options := {'epochs': 1, 'freeze': 'yes'})")  # fmt: skip
    assert one(shop, "SELECT count(predicted_system) FROM ml_predict('gone', 'work_orders')") == 160
    shutil.rmtree(folder)
    with pytest.raises(CatalogError, match="stands on the checkpoint"):
        artifact(shop, "gone")


def test_a_challenger_is_compared_on_rows_neither_saw(shop):
    call = "ml_finetune('contest', '{}', target := 'system', base := 'notes', promote := 'auto', {})"
    learn(shop, call.format("SELECT note, system FROM raw WHERE id < 80", SHORT))
    told = learn(shop, call.format("SELECT note, system FROM raw", SHORT))
    assert told["status"] == "finished"
    assert told["champion"] or any("candidate" in warning for warning in told["warnings"])


# -- spans --------------------------------------------------------------------------------------------------------------


def test_spans_are_found_a_row_each(shop):
    found = shop.execute("FROM ml_spans('entities', 'SELECT id, note FROM annotated')")
    assert [d[0] for d in found.description or []] == [
        "id", "note", "label", "text", "begin", "stop", "score", "ml_status", "ml_reason",
    ]  # fmt: skip
    told = found.fetchall()
    assert {row[2] for row in told} <= {"part", "state"}
    assert all(row[1][row[4] : row[5]] == row[3] and 0 < row[6] <= 1 for row in told)
    same = one(shop, "SELECT count(*) FROM ml_spans('entities', 'annotated') WHERE note[\"begin\" + 1:stop] <> text")
    assert same == 0
    of_rows = one(shop, "SELECT sum(len(spans)) FROM ml_predict('entities', 'SELECT id, note FROM annotated')")
    assert of_rows == len(told) > 100


def test_spans_are_evaluated_by_span_and_by_word(shop):
    figures = {row[0]: row[1] for row in rows(shop, "FROM ml_evaluate('entities', 'annotated')")}
    assert figures["span_f1"] > 0.5
    assert figures["token_accuracy"] > 0.7
    report = rows(shop, "FROM ml_classification_report('entities', 'annotated')")
    spans = {row[1]: row[5] for row in report if row[0] == "span"}
    assert spans == {"part": 160, "state": 160, "micro avg": 320, "macro avg": 320, "weighted avg": 320}
    tags = [row[1] for row in report if row[0] == "token"]
    assert tags == ["B-part", "I-part", "B-state", "I-state", "O", "micro avg", "macro avg", "weighted avg"] or (
        tags == ["B-part", "B-state", "I-state", "O", "micro avg", "macro avg", "weighted avg"]
    )


def test_spans_that_can_not_be_are_left_out_and_told(shop):
    shop.execute(
        "CREATE OR REPLACE TABLE slips AS SELECT note, CASE WHEN id % 8 = 0 THEN "
        "[{'label': 'part', 'begin': 0, 'stop': 4}, {'label': 'part', 'begin': 2, 'stop': 6}, "
        "{'label': 'part', 'begin': 5, 'stop': 9999}, {'label': NULL, 'begin': 0, 'stop': 1}] "
        "WHEN id % 8 = 1 THEN NULL ELSE spans END AS spans FROM annotated"
    )
    told = learn(shop, "ml_finetune('slips', 'slips', task := 'token_classification', target := 'spans', "
                       f"base := 'notes', {SHORT})")  # fmt: skip
    assert told["rows"] == 140  # spans of the others are unknown
    assert any(warning.startswith("60 spans are left out of spans") for warning in told["warnings"])


def test_a_model_that_finds_no_spans_says_what_does(shop):
    with pytest.raises(OptionError, match="task := 'token_classification'"):
        shop.execute("FROM ml_spans('subsystem', 'work_orders')")


# -- vectors ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["notes", "subsystem", "entities", "alike"])
def test_texts_become_vectors_of_length_one(shop, model):
    field = ", field := 'note'" if model == "alike" else ""
    told = rows(shop, f"SELECT embedding, ml_status, id FROM ml_embed('{model}', 'work_orders'{field}) ORDER BY id")
    assert len(told) == 160
    assert all(sum(v * v for v in row[0]) == pytest.approx(1, abs=1e-5) for row in told)
    value = f"SELECT ml_embed('{model}', note) FROM work_orders ORDER BY id"
    for one_row, whole in zip(rows(shop, value), told, strict=True):
        assert one_row[0] == pytest.approx(list(whole[0]), abs=1e-5)
    assert one(shop, f"SELECT typeof(embedding) FROM ml_embed('{model}', 'work_orders'{field}) LIMIT 1") == "FLOAT[16]"


def test_a_search_finds_the_same_words_first(shop):
    note = one(shop, "SELECT note FROM work_orders WHERE id = 17").replace("'", "''")
    found = shop.execute(f"FROM ml_search('notes', 'work_orders', query := '{note}', k := 3)")
    assert [d[0] for d in found.description or []] == ["id", "note", "system", "hours", "similarity"]
    told = found.fetchall()
    assert (told[0][1], len(told)) == (note, 3)
    assert told[0][4] == pytest.approx(1, abs=1e-5)
    assert 1 >= told[0][4] >= told[1][4] >= told[2][4]
    filtered = "FROM ml_search('notes', 'SELECT * FROM work_orders WHERE id > 100', query := 'pump', k := 500)"
    assert len(rows(shop, filtered)) == 59


def test_each_row_has_the_rows_most_like_it(shop):
    vectors = {row[0]: row[1] for row in rows(shop, "SELECT id, embedding FROM ml_embed('notes', 'work_orders')")}
    told = rows(shop, "SELECT id, similar_id, similarity FROM ml_similar('notes', 'work_orders', key := 'id', k := 2)")
    assert len(told) == 320
    assert [row[2] for row in told] == sorted((row[2] for row in told), reverse=True)
    assert max(row[2] for row in told) <= 1
    for number in (3, 90):
        products = {n: sum(map(lambda a, b: a * b, vectors[number], v)) for n, v in vectors.items() if n != number}
        mine = [row for row in told if row[0] == number]
        assert [row[2] for row in mine] == pytest.approx(sorted(products.values(), reverse=True)[:2], abs=1e-5)
    close = rows(shop, "FROM ml_similar('notes', 'work_orders', key := 'id', least := 0.999999, k := 50)")
    twice = rows(shop, "SELECT a.id, b.id FROM work_orders a JOIN work_orders b ON a.note = b.note AND a.id <> b.id")
    assert {(row[0], row[2]) for row in close} >= set(twice)
    for source in ("SELECT * FROM work_orders LIMIT 1", "SELECT * FROM work_orders LIMIT 0",
                   "SELECT id, NULL::VARCHAR AS note FROM work_orders"):  # fmt: skip
        assert rows(shop, f"FROM ml_similar('notes', '{source}', key := 'id')") == []


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("ml_search('notes', 'work_orders')", "query is missing"),
        ("ml_search('notes', 'work_orders', query := ' ')", "query is a text"),
        ("ml_search('notes', 'work_orders', query := 'oil', k := 0)", "k is a number of rows from 1"),
        ("ml_similar('notes', 'work_orders')", "key is missing"),
        ("ml_similar('notes', 'work_orders', key := 'id', least := 2)", "least is a similarity"),
        ("ml_embed('notes', 'work_orders', field := 3)", "field is the name of a column"),
        ("ml_predict('alike', 'pairs')", r"FROM ml_embed\('alike'"),
        ("ml_predict('notes', 'work_orders')", "is a base"),
    ],
)
def test_what_is_asked_wrongly(shop, call, words):
    with pytest.raises(MfgsqlError, match=words):
        shop.execute(f"FROM {call}").fetchall()


def test_a_model_of_numbers_has_no_vectors(lab, finetune):
    lab.execute(finetune("fail", "SELECT torque, temp, failed FROM parts", "failed")).fetchall()
    for call in ("FROM ml_embed('fail', 'parts')", "SELECT ml_embed('fail', 'x')"):
        with pytest.raises(MfgsqlError, match="reads neither texts nor pictures"):
            lab.execute(call).fetchall()


# -- bad cells ----------------------------------------------------------------------------------------------------------

CELLS = {
    "''": "ok", "' '": "ok", "NULL": "missing", "'pump 🔧👩‍🔧 leaks'": "ok", "'油' || chr(10) || '漏'": "ok",
    "repeat('bearing is worn ', 6250)": "truncated", "repeat('x', 100000)": "truncated",
    r"'\xFF\xFEpump\xF0'::BLOB": "unseen", "chr(0) || 'pump'": "ok",
}  # fmt: skip


@pytest.mark.parametrize("model", ["subsystem", "duration", "labels", "entities", "notes"])
def test_a_bad_cell_ends_no_run(shop, model):
    verb = "ml_embed" if model == "notes" else "ml_predict"
    for cell, status in CELLS.items():
        good = "" if "BLOB" in cell else " UNION ALL SELECT 'pump leaks oil'"
        quoted = f"SELECT {cell} AS note FROM range(3){good}".replace("'", "''")
        found = shop.execute(f"SELECT ml_status, ml_reason, * FROM {verb}('{model}', '{quoted}')").fetchall()
        assert {row[0] for row in found[:3]} == {status}, cell
        assert all((row[1] is None) == (row[0] == "ok") for row in found)
        assert {row[0] for row in found[3:]} <= {"ok"}


def test_spans_of_a_long_text_lie_in_what_is_read_of_it(shop):
    long = "SELECT repeat('please check: pump leaks oil, ', 4000) AS note"
    quoted = long.replace("'", "''")
    told = rows(shop, f"SELECT label, text, \"begin\", stop, ml_status FROM ml_spans('entities', '{quoted}')")
    assert {row[4] for row in told} == {"truncated"}
    assert max(row[3] for row in told) < 10_000
    assert len(told) > 20


def test_a_type_that_is_no_text_is_refused_with_the_cast(shop):
    for verb, model in (("ml_predict", "subsystem"), ("ml_embed", "notes"), ("ml_spans", "entities")):
        with pytest.raises(SourceError, match=r'"note"::VARCHAR'):
            shop.execute(f"FROM {verb}('{model}', 'SELECT [1, 2] AS note')").fetchall()
        assert len(rows(shop, f"FROM {verb}('{model}', 'SELECT 12 AS note')")) <= 1


def test_rows_without_a_text_and_all_of_them(shop):
    shop.execute("CREATE OR REPLACE TABLE gaps AS SELECT if(id % 3 = 0, NULL, note) AS note FROM raw")
    assert learn(shop, f"ml_pretrain('gaps', 'gaps', field := 'note', {SHORT})")["status"] == "finished"
    with pytest.raises(MfgsqlError, match="note"):
        learn(shop, f"ml_pretrain('x', 'SELECT NULL::VARCHAR AS note FROM raw', field := 'note', {SHORT})")


# -- stopping -----------------------------------------------------------------------------------------------------------


def test_an_interrupt_stops_a_training_on_texts(shop):
    shop.execute("CREATE OR REPLACE TABLE many AS SELECT note || ' ' || i AS note, system FROM raw, range(40) t(i)")
    call = "FROM ml_finetune('slow', 'many', target := 'system', options := {'epochs': 50})"
    failed: list[BaseException] = []

    def run() -> None:
        try:
            shop.execute(call).fetchall()
        except BaseException as error:  # noqa: BLE001  (it is what is looked at)
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    deadline = time.monotonic() + 60
    cursor = shop.engine.cursor
    while time.monotonic() < deadline:
        with cursor() as con:
            if con.execute("SELECT count(*) FROM ml_catalog.runs WHERE model = 'slow' AND key IS NOT NULL").fetchone()[
                0
            ]:
                break
        time.sleep(0.05)
    time.sleep(0.5)
    asked = time.monotonic()
    shop.interrupt()
    thread.join(30)
    assert time.monotonic() - asked < 5
    assert [type(error) for error in failed] in ([CancelledError], [duckdb.InterruptException])
    assert one(shop, "SELECT status FROM ml.runs WHERE model = 'slow'") == "cancelled"
