"""``--field``, ``spans``, ``embed``, ``search``, ``similar``, and where the licence of a base is shown."""

from __future__ import annotations

import importlib
import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from mfgsql.cli import main
from mfgsql.cli.session import call
from tests.cli.conftest import Mfgsql

NOTES = """
CREATE TABLE notes AS
SELECT i AS id, part || ' ' || fault || ' on line ' || i % 7 AS note, part AS system,
  [{'label': 'part', 'begin': 0, 'stop': length(part)},
   {'label': 'fault', 'begin': length(part) + 1, 'stop': length(part) + 1 + length(fault)}] AS spans
FROM (SELECT i, ['pump', 'bearing', 'relay'][1 + i % 3] AS part, ['leaks', 'is loud', 'fails'][1 + i // 3 % 3] AS fault
  FROM range(90) r(i))
"""
ONCE = ("--option", "epochs=1")


def rows(result):
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny network of texts with a licence, as transformers saves it."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    words = "[PAD] [UNK] [CLS] [SEP] [MASK] pump bearing relay leaks is loud fails on line 0 1 2 3 4 5 6".split()
    made = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    folder = tmp_path_factory.mktemp("bases") / "tiny"
    named = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}
    PreTrainedTokenizerFast(tokenizer_object=made, **named).save_pretrained(folder)
    shape = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    BertModel(BertConfig(vocab_size=len(words), **shape, max_position_embeddings=32)).save_pretrained(folder)
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def texts(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Mfgsql:
    """Run a command on a database with notes, a base of them and a model that finds spans."""
    path = str(tmp_path_factory.mktemp("texts") / "plant.duckdb")

    def run(*arguments: str):
        return CliRunner(env={"MFGSQL_DB": path}).invoke(main, arguments)

    tagged = ("--task", "token_classification", "--target", "spans", "--field", "note", "--base", "words")
    for arguments in (
        ("init",),
        ("sql", NOTES),
        ("pretrain", "words", "notes", "--field", "note", "--base", str(tiny), *ONCE),
        ("finetune", "marks", "notes", *tagged, "--option", "epochs=8", "--option", "learning_rate=0.01"),
    ):
        done = run(*arguments)
        assert done.exit_code == 0, done.output
    return run


def test_spans_are_a_row_each(texts):
    found = rows(texts("spans", "marks", "SELECT id, note FROM notes", "--format", "json"))
    assert found and set(found[0]) == {"id", "note", "label", "text", "begin", "stop", "score", "ml_status", "ml_reason"}
    assert all(r["note"][r["begin"] : r["stop"]] == r["text"] for r in found)
    assert {r["label"] for r in found} <= {"part", "fault"}


def test_vectors_are_shown_or_written(texts, tmp_path):
    found = rows(texts("embed", "words", "FROM notes LIMIT 2", "--format", "json"))
    assert [sum(v * v for v in r["embedding"]) for r in found] == pytest.approx([1, 1], abs=1e-5)
    file = tmp_path / "v.parquet"
    assert texts("embed", "words", "notes", "--field", "system", "-o", str(file)).stdout == f"90 rows written to {file}\n"
    read = f"SELECT count(DISTINCT embedding::FLOAT[]) AS n FROM '{file}'"
    assert rows(texts("sql", read, "--format", "json")) == [{"n": 3}]
    assert texts("embed", "words", "notes", "-o", "v.xlsx").exit_code == 2


def test_search_finds_what_is_written_alike(texts):
    asked = ("search", "words", "notes", "pump leaks on line 0", "--format", "json")
    assert len(rows(texts(*asked))) == 10
    found = rows(texts(*asked, "-k", "3"))
    assert found[0]["note"] == "pump leaks on line 0" and found[0]["similarity"] == pytest.approx(1, abs=1e-5)
    assert len(found) == 3
    assert texts("search", "words", "notes").exit_code == 2
    assert "query is a text" in texts("search", "words", "notes", " ").stderr


def test_similar_rows_are_told_from_a_similarity_on(texts):
    asked = ("similar", "words", "notes", "--key", "id", "--format", "json")
    assert len(rows(texts(*asked))) == 90
    assert len(rows(texts(*asked, "-k", "2"))) == 180
    twice = rows(texts(*asked, "--least", "0.9999"))
    assert twice and all(r["note"] == r["similar_note"] and r["id"] != r["similar_id"] for r in twice)
    some = rows(texts(*asked, "--field", "system", "--least", "0"))
    assert set(some[0]) == {"id", "system", "similar_id", "similar_system", "similarity"}
    assert texts("similar", "words", "notes").exit_code == 2
    assert "--key" in texts("similar", "words", "notes").stderr


def test_zero_is_a_similarity():
    assert call("similar", "m", "t", least=0.0, key=None) == "FROM ml_similar('m', 't', least := CAST('0.0' AS DOUBLE))"


def test_the_licence_of_a_folder_goes_on_through_bases(texts, mfgsql, tiny):
    """What is learnt from a base that began in a folder is under that folder's licence, too."""
    (shown,) = rows(texts("models", "show", "marks@1", "--format", "json"))
    assert (shown["base"], shown["base_licence"], shown["features"]) == ("words@1", "apache-2.0", ["note"])
    (shown,) = rows(texts("models", "show", "words@1", "--format", "json"))
    assert shown["base_licence"] == "apache-2.0" and len(shown["base_sha256"]) == 64
    words, marks = rows(texts("models", "list", "--format", "json"))
    assert (words["model"], words["base"], words["base_licence"]) == ("words", str(tiny), "apache-2.0")
    assert (marks["model"], marks["base"], marks["base_licence"]) == ("marks", "words@1", "apache-2.0")
    (own,) = rows(mfgsql("models", "show", "m@1", "--format", "json"))
    assert (own["base"], own["base_licence"], own["base_sha256"]) == (None, None, None)


def test_a_base_that_tells_no_licence_is_told_apart(texts, tiny, tmp_path):
    other = shutil.copytree(tiny, tmp_path / "other", ignore=shutil.ignore_patterns("README.md"))
    target = ("--target", "system", "--field", "note", "--base", str(other))
    assert texts("finetune", "system", "notes", *target, *ONCE).exit_code == 0
    (shown,) = rows(texts("models", "show", "system@1", "--format", "json"))
    assert shown["base_licence"] == "not told" and len(shown["base_sha256"]) == 64
    texts("models", "drop", "system")


@pytest.mark.parametrize(
    ("base", "words"), [("./nowhere", "There is no folder './nowhere'"), ("hf:org/nothing", "MFGSQL_HUB=online")]
)
def test_a_base_that_is_not_there(texts, base, words):
    told = texts("pretrain", "w", "notes", "--field", "note", "--base", base)
    assert told.exit_code == 1 and words in told.stderr


def test_doctor_names_the_extras(texts):
    found = {r["what"]: r for r in rows(texts("doctor", "--format", "json"))}
    assert found["[text]"]["finding"].startswith("peft ") and found["[image]"]["finding"].startswith("pillow ")


def test_doctor_says_what_is_missing_and_what_for(texts, monkeypatch):
    doctor = importlib.import_module("mfgsql.cli.doctor")
    monkeypatch.setattr(doctor, "_EXTRAS", (("image", "no-such-package", "pictures"),))
    found = {r["what"]: r for r in rows(texts("doctor", "--format", "json"))}
    assert found["[image]"]["state"] == "none"
    assert found["[image]"]["finding"] == "pictures need it: pip install 'mfgsql[image]'"
