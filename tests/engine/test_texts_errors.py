"""What the verbs over texts and pictures say where they are called wrongly: what is missing, and the SQL that mends it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import mfgsql
from mfgsql.engine import Session
from mfgsql.errors import MfgsqlError

TABLES = """
CREATE TABLE orders AS SELECT i AS id, ['pump', 'bearing'][1 + i % 2] || ' is loud on line ' || i AS note, i / 2 AS load,
  i % 2 = 0 AS failed FROM range(40) r(i);
CREATE TABLE photos AS SELECT id, unhex('424D4600000000000000360000002800000002000000020000000100180000000000100000000000000000000000'
  || repeat('00', 8) || repeat(format('{:02x}', (100 + id)::INT), 16)) AS image FROM orders;
"""
TINY = "'epochs': 1, 'width': 8, 'layers': 1, 'heads': 2"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """With ``notes`` (a base of texts), ``plain`` (a model of numbers) and ``good`` (a detector of pictures)."""
    folder: Path = tmp_path_factory.mktemp("shop")
    with mfgsql.connect(folder / "shop.duckdb", threads=1, progress="off") as session:
        session.execute(TABLES)
        session.pretrain("notes", "orders", field="note", options={"epochs": 1})
        session.execute(f"FROM ml_finetune('plain', 'SELECT load, failed FROM orders', target := 'failed', options := {{{TINY}}})").fetchall()
        session.execute("FROM ml_finetune('good', 'SELECT image FROM photos', task := 'anomaly', options := {'size': 16})").fetchall()
        yield session


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("ml_search('notes', 'orders')", ["query is missing", "query := 'bearing noise"]),
        ("ml_search('notes', 'orders', query := ' ')", ["query is a text, not ' '", "query := 'bearing noise"]),
        ("ml_search('notes', 'orders', query := 3)", ["query is a text, not 3"]),
        ("ml_search('notes', 'orders', query := 'leak', k := 0)", ["k is a number of rows from 1 to 10,000, not 0."]),
        ("ml_search('notes', 'orders', querry := 'leak')", ["no argument 'querry'", "Did you mean 'query'?"]),
        ("ml_search('nots', 'orders', query := 'leak')", ["no model 'nots'", "Did you mean 'notes'?"]),
        ("ml_search('plain', 'orders', query := 'leak')", ["reads neither texts nor pictures", "ml_pretrain('notes'"]),
        ("ml_search('notes', 'SELECT note AS nota FROM orders', query := 'leak')", ["no column 'note', which notes@1 needs", "Did you mean 'nota'?"]),
        ("ml_search('notes', 'orders', query := 'leak', field := 'nota')", ["no column 'nota'"]),
        ("ml_search('notes', 'orders', query := 'leak', field := 7)", ["field is the name of a column, not 7"]),
        ("ml_similar('notes', 'orders')", ["key is missing", "key := 'id'"]),
        ("ml_similar('notes', 'orders', key := 3)", ["key is the name of a column, not 3"]),
        ("ml_similar('notes', 'orders', key := 'iid')", ["no column 'iid'", "Did you mean 'id'?"]),
        ("ml_similar('notes', 'orders', key := 'id', least := 2)", ["least is a similarity from -1 to 1", "not 2"]),
        ("ml_similar('plain', 'orders', key := 'id')", ["reads neither texts nor pictures"]),
        ("ml_embed('plain', 'orders')", ["reads neither texts nor pictures", "ml_pretrain('notes'"]),
        ("ml_embed('good', 'photos')", ["'good' remembers patches", "ml_pretrain('photos'"]),
        ("ml_embed('notes', 'SELECT id FROM orders')", ["no column 'note', which notes@1 needs"]),
        ("ml_spans('notes', 'orders')", ["'notes' finds no spans", "task := 'token_classification'"]),
        ("ml_spans('plain', 'orders')", ["'plain' finds no spans", "task := 'token_classification'"]),
        ("ml_predict('notes', 'orders')", ["'notes' is a base", "base := 'notes'"]),
        ("ml_detect_anomalies('notes', 'orders')", ["'notes' is no detector"]),
        ("ml_detect_anomalies('good', 'photos', explain := 2)", ["explain is of histories", "heat_map := TRUE"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_said_and_what_mends_it(shop: Session, call: str, words: list[str]) -> None:
    with pytest.raises(MfgsqlError) as told:
        shop.execute(f"FROM {call}").fetchall()
    for word in words:
        assert word in str(told.value)


def test_a_value_of_a_model_without_texts_has_no_vector(shop: Session) -> None:
    with pytest.raises(MfgsqlError, match="plain@1 reads neither texts nor pictures"):
        shop.execute("SELECT ml_embed('plain', 'leak')").fetchall()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("ml_pretrain('new', 'orders', field := 'nope')", ["no column 'nope' (field)", "Did you mean 'note'?"]),
        ("ml_pretrain('new', 'orders', field := 'load')", ["field is 'load', which is neither a text nor a picture"]),
        ("ml_pretrain('new', 'orders', field := 'note', base := './nowhere')", ["no folder './nowhere'", "'hf:org/name'"]),
        ("ml_pretrain('new', 'orders', field := 'note', base := 'hf:org/none')", ["nothing is fetched unasked", "MFGSQL_HUB=online"]),
        ("ml_finetune('new', 'orders', target := 'failed', field := 'note', options := {'adapter': 'lora'})", ["adapter is for a base"]),
        ("ml_finetune('new', 'orders', task := 'token_classification', target := 'note')", ["reads one column of texts, and the source has none"]),
        ("ml_finetune('new', 'orders', task := 'tokens', target := 'note')", ["No task is called 'tokens'", "token_classification"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_can_not_be_learnt_is_said_and_leaves_no_model(shop: Session, call: str, words: list[str]) -> None:
    with pytest.raises(MfgsqlError) as told:
        shop.execute(f"FROM {call}").fetchall()
    for word in words:
        assert word in str(told.value)
    assert shop.execute("SELECT count(*) FROM ml.models WHERE model = 'new'").fetchone() == (0,)


def test_the_verbs_as_methods_are_lazy_tables(shop: Session) -> None:
    found = shop.search("notes", "orders", "pump is loud on line 4", k=2)
    assert found.columns == ("id", "note", "load", "failed", "similarity")
    assert found.to_pyarrow()["note"].to_pylist()[0] == "pump is loud on line 4"
    pairs = shop.similar("notes", "orders", key="id", k=1)
    assert pairs.count().to_pyarrow().as_py() == 40
    assert "FLOAT" in shop.execute("SELECT typeof(embedding) FROM ml_embed('notes', 'orders') LIMIT 1").fetchone()[0]
    vectors = shop.embed("notes", "orders")
    assert vectors.filter(vectors.id < 3).to_pyarrow().num_rows == 3
    with pytest.raises(MfgsqlError, match="'notes' finds no spans"):
        shop.spans("notes", "orders").to_pyarrow()
