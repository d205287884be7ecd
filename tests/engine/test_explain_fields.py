"""Models that read texts and pictures: which words and places count, and every verb that looks at such a model."""

from __future__ import annotations

import io
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mfgsql
from mfgsql.engine import Session, challenge, learnt
from mfgsql.engine.unseen import judged_rows
from mfgsql.engine.verbs.reporting import gather
from mfgsql.errors import CancelledError, OptionError
from mfgsql.reporting import Missing
from mfgsql.reporting.facts import Tagged
from tests.engine.test_challenge import snapshot

PIL = pytest.importorskip("PIL.Image")
WORDS = ("pump", "belt", "motor", "valve", "line", "panel", "shift", "hose", "drum", "gate")


def tiny(statement: str, epochs: int) -> str:
    """The statement, ended by options that it heeds."""
    columns = statement.partition("SELECT ")[2].partition(" FROM")[0].split(", ")
    told = [] if "'anomaly'" in statement else [f"'epochs': {epochs}"]
    told += ["'size': 32"] if "image" in columns else []
    told += ["'width': 16, 'layers': 1, 'heads': 2"] if len(columns) > 2 else []
    return f"{statement}options := {{{', '.join(told)}}})"

SIZE = (64, 48)  # width and height of the pictures
SQUARE = (20, 16)  # of the bright square in their upper left
ROWS = 240


def note(i: int, dice: random.Random) -> str:
    words = dice.choices(WORDS, k=dice.randrange(3, 9))
    if i % 2:
        words[dice.randrange(len(words))] = "leaking"
    return " ".join(words)


def picture(i: int) -> bytes:
    """Dark noise; every third and fourth has a bright square."""
    pixels = np.random.default_rng(i).integers(0, 60, (SIZE[1], SIZE[0], 3), np.uint8)
    if i % 4 >= 2:
        pixels[: SQUARE[1], : SQUARE[0]] = 250
    stream = io.BytesIO()
    PIL.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def spans_of(text: str) -> list[dict[str, Any]]:
    found = re.finditer("leaking|pump|belt", text)
    return [{"label": "state" if m[0] == "leaking" else "part", "begin": m.start(), "stop": m.end()} for m in found]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """Models ``leak`` of a text, ``spot`` of a picture, ``both`` of these and a number, ``ent`` of spans."""
    folder = tmp_path_factory.mktemp("shop")
    with mfgsql.connect(folder / "shop.duckdb", threads=1, progress="off") as session:
        session.execute(
            "CREATE TABLE shop (id INT, note VARCHAR, image BLOB, load DOUBLE, leak BOOLEAN, spot BOOLEAN, "
            'spans STRUCT("label" VARCHAR, "begin" BIGINT, stop BIGINT)[])'
        )
        dice = random.Random(0)
        for i in range(ROWS):
            text = note(i, dice)
            values = (i, text, picture(i), i % 7 / 7, bool(i % 2), i % 4 >= 2, spans_of(text))
            session.con.execute("INSERT INTO shop VALUES (?, ?, ?, ?, ?, ?, ?)", values)
        for model, columns, target, epochs in (
            ("leak", "note, leak", "leak", 8),
            ("spot", "image, spot", "spot", 8),
            ("both", "note, image, load, leak AND spot AS bad", "bad", 6),
            ("ent", "note, spans", "spans', task := 'token_classification", 10),
        ):
            statement = f"FROM ml_finetune('{model}', 'SELECT {columns} FROM shop', target := '{target}', "
            session.execute(tiny(statement, epochs)).fetchall()
        yield session


def why(session: Session, model: str, most: int, where: str) -> list[dict[str, Any]]:
    """Rows with predictions and reasons."""
    source = f"SELECT * FROM shop WHERE {where} AND id < 24"
    cursor = session.execute(f"FROM ml_predict('{model}', '{source}', explain := {most}) ORDER BY id")
    names = [d[0] for d in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


# -- why ------------------------------------------------------------------------------------------------------------


def test_the_word_that_decides_is_first(shop: Session) -> None:
    for row in why(shop, "leak", 3, "leak"):
        first, *others = row["why"]
        assert (first["feature"], first["value"]) == ("note", "leaking")
        assert first["contribution"] > 0.5
        assert len(others) <= 2
        for reason in row["why"]:
            begin, stop = map(int, reason["at"].split("-"))
            assert row["note"][begin:stop] == reason["value"]
            assert abs(reason["contribution"]) <= first["contribution"]


def test_the_place_that_decides_is_first_in_pixels_of_the_picture(shop: Session) -> None:
    for row in why(shop, "spot", 2, "spot"):
        first = row["why"][0]
        x, y, width, height = map(int, first["at"].split(","))
        assert (first["feature"], first["value"]) == ("image", None)
        assert x < SQUARE[0] and y < SQUARE[1]
        assert x + width <= SIZE[0] and y + height <= SIZE[1]
        assert first["contribution"] > 0.1


def test_columns_words_and_places_are_ranked_together(shop: Session) -> None:
    rows = why(shop, "both", 400, "leak AND spot")
    assert {r["feature"] for row in rows for r in row["why"]} == {"note", "image", "load"}
    for row in rows:
        sizes = [abs(r["contribution"]) for r in row["why"]]
        assert sizes == sorted(sizes, reverse=True)
        assert [r["at"] is None for r in row["why"] if r["feature"] == "load"] == [True]
        assert len({r["feature"] for r in row["why"]} - {"load"}) == 2
    best = {row["why"][0]["value"] for row in rows if row["why"][0]["feature"] == "note"}
    assert best <= {"leaking"}
    few = why(shop, "both", 2, "leak AND spot")
    assert [row["why"] for row in few] == [row["why"][:2] for row in rows]


def test_a_row_without_text_or_picture(shop: Session) -> None:
    nothing = "CASE id % 3 WHEN 0 THEN NULL WHEN 1 THEN '''' ELSE '' '' END AS note, NULL::BLOB AS image"
    source = f"SELECT * REPLACE ({nothing}) FROM shop WHERE id < 6"
    rows = shop.execute(f"SELECT why FROM ml_predict('both', '{source}', explain := 9) ORDER BY id").fetchall()
    for (reasons,) in rows:
        assert [r["at"] for r in reasons] == [None] * 3
        assert {r["feature"]: r["contribution"] for r in reasons}["image"] == 0
    assert {r["feature"]: r["contribution"] for r in rows[0][0]}["note"] == 0


def test_a_picture_that_cannot_be_read_is_explained_by_nothing(shop: Session) -> None:
    broken = "SELECT id, if(id = 1, ''junk''::BLOB, image) AS image FROM shop WHERE id < 4"
    found = shop.execute(f"SELECT ml_status, why IS NULL FROM ml_predict('spot', '{broken}', explain := 1) ORDER BY id")
    assert found.fetchall() == [("ok", False), ("unreadable", True), ("ok", False), ("ok", False)]


def test_a_text_of_a_hundred_thousand_characters(shop: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mfgsql.scoring.attributing._PREDICTIONS", 64)
    source = "SELECT 1 AS id, repeat(''valve '', 20) || ''leaking '' || repeat(''gate '', 20000) AS note"
    (reasons,) = shop.execute(f"SELECT why FROM ml_predict('leak', '{source}', explain := 3)").fetchone()
    assert len(reasons) == 3
    assert all(len(r["value"]) == int(r["at"].split("-")[1]) - int(r["at"].split("-")[0]) for r in reasons)


def test_spans_have_no_reasons(shop: Session) -> None:
    with pytest.raises(OptionError, match="tells no reasons"):
        shop.execute("FROM ml_predict('ent', 'shop', explain := 1)").fetchall()


# -- other verbs ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("model", "first"), [("leak", {"note"}), ("spot", {"image"}), ("both", {"note", "image"})])
def test_importance(shop: Session, model: str, first: set[str]) -> None:
    rows = shop.execute(f"FROM ml_feature_importance('{model}')").fetchall()
    assert {r[0] for r in rows[: len(first)]} == first
    assert all(r[1] > 0.02 for r in rows[: len(first)])
    assert all(abs(r[1]) < 0.02 for r in rows[len(first) :])
    assert shop.execute(f"FROM ml_feature_importance('{model}')").fetchall() == rows


def test_importance_is_that_of_rows_whose_column_is_shuffled(shop: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Towers look once; the figures are those of looking each time."""
    from mfgsql.engine.verbs import importance

    quick = shop.execute("FROM ml_feature_importance('both') ORDER BY feature").fetchall()
    monkeypatch.setattr(importance, "_shuffled_fields", importance._shuffled)
    slow = shop.execute("FROM ml_feature_importance('both') ORDER BY feature").fetchall()
    for a, b in zip(quick, slow, strict=True):
        assert a[0] == b[0]
        assert a[1:5] == pytest.approx(b[1:5], abs=1e-6)


def test_importance_of_spans_is_refused(shop: Session) -> None:
    with pytest.raises(OptionError, match="nothing else"):
        shop.execute("EXPLAIN FROM ml_feature_importance('ent')")


def test_drivers_leave_texts_and_pictures_out_with_a_word(shop: Session) -> None:
    rows = shop.execute("SELECT feature, value, finding FROM ml_drivers('FROM shop', target := 'leak')").fetchall()
    told = {name: finding for name, value, finding in rows if value is None}
    assert "a text" in told["note"] and "explain" in told["note"]
    assert "a picture" in told["image"]
    assert {name for name, value, _ in rows if value is not None} >= {"load", "spot"}


def test_check_tells_what_is_read_as_what(shop: Session) -> None:
    source = "SELECT note, image, load, leak FROM shop"
    rows = shop.execute(f"FROM ml_check('{source}', target := 'leak')").fetchall()
    findings = [r[2] for r in rows if r[0] == "features"]
    assert findings == ["3 columns can be learnt from", "note is read as a text", "image is read as a picture"]
    assert not [r for r in rows if r[0] == "leak"]
    assert rows[-1][3] == f"FROM ml_finetune('my_model', '{source}', target := 'leak');"
    base = shop.execute("FROM ml_check('SELECT note, image FROM shop')").fetchall()[-1][3]
    assert base == "FROM ml_pretrain('my_base', 'SELECT note, image FROM shop', field := 'note');"


def test_check_knows_spans(shop: Session) -> None:
    rows = shop.execute("FROM ml_check('SELECT note, spans FROM shop', target := 'spans')").fetchall()
    assert next(r[2] for r in rows if r[0] == "target").startswith("spans of 2 labels (part: ")
    assert rows[-1][1] == "ok"
    assert rows[-1][3].endswith("target := 'spans', task := 'token_classification');")
    two = "SELECT note, note || '' again '' || id AS other, spans FROM shop"
    rows = shop.execute(f"FROM ml_check('{two}', target := 'spans')").fetchall()
    assert [r[1] for r in rows if r[0] == "target"] == ["stop"]


def test_models_are_exported_and_imported(shop: Session, tmp_path: Path) -> None:
    for model in ("leak", "spot", "both", "ent"):
        file = tmp_path / f"{model}.safetensors"
        shop.execute(f"FROM ml_export('{model}', '{file}')").fetchall()
        shop.execute(f"FROM ml_import('{model}_again', '{file}')").fetchall()
        explained = "" if model == "ent" else ", explain := 2"
        before, after = (
            shop.execute(f"FROM ml_predict('{name}', 'SELECT * EXCLUDE (leak, spot, spans) FROM shop WHERE id < 5'{explained}) ORDER BY id").fetchall()
            for name in (model, f"{model}_again")
        )
        assert before == after
    assert "stayed behind" in shop.report("both_again")
    assert "stayed behind" in shop.report("ent_again")


# -- report ---------------------------------------------------------------------------------------------------------


def test_a_report_shows_words_and_places(shop: Session) -> None:
    facts = gather(shop.engine, "both")
    assert not isinstance(facts.examples, Missing), facts.examples
    every = [example for group in facts.examples for example in group.examples]
    assert every
    for example in every:
        assert [t.name for t in example.texts] == ["note"]
        assert [p.name for p in example.pictures] == ["image"]
        assert {name for name, _ in example.values} == {"load"}
        assert example.pictures[0].png.startswith(b"\x89PNG")
        assert max(abs(s.weight) for s in example.texts[0].stretches) <= 1
        marked = [s.text for s in example.texts[0].stretches if s.weight > 0.5]
        assert not marked or "leaking" in " ".join(marked)
    page = shop.report("both")
    assert '<mark class="for" style="--shade:' in page
    assert '<img src="data:image/png;base64,' in page
    assert len(page.encode()) < 2**20


def test_a_report_that_would_take_long_shows_values_only(shop: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mfgsql.engine.verbs.reporting.takes_long", lambda version: True)
    facts = gather(shop.engine, "both")
    assert not isinstance(facts.examples, Missing)
    for example in (e for group in facts.examples for e in group.examples):
        values = dict(example.values)
        assert (example.texts, example.pictures) == ((), ())
        assert set(values) == {"note", "image", "load"}
        assert values["image"].endswith(" bytes")


def test_the_whole_text_is_shown_and_of_a_long_one_what_counts() -> None:
    from mfgsql.engine.highlights import _LONGEST, _stretches
    from mfgsql.features.parts import Words

    text = "valve  shift, " * 90 + "leaking " + "gate drum " * 90
    words = Words.of(text, None)  # type: ignore[arg-type]  # nothing is encoded here
    at = next(n for n, (begin, stop) in enumerate(words.units) if text[begin:stop] == "leaking")
    found = [((n, n + 1), 1.0 if n == at else 0.001) for n in range(len(words.units))]
    shown = list(_stretches(words, found, 0.5, True))
    assert [(s.text, s.weight) for s in shown if s.weight] == [("leaking", 0.5)]
    whole = "".join(s.text for s in shown)
    assert whole.startswith("… ") and whole.endswith(" …")
    assert whole[2:-2] in text and len(whole) == _LONGEST + 4
    short = Words.of("  pump leaks, badly ", None)  # type: ignore[arg-type]
    parts = list(_stretches(short, [((0, 2), -0.5), ((2, 3), 0.25)], 1.0, False))
    assert "".join(p.text for p in parts) == short.text
    assert [(p.text, p.weight, p.note) for p in parts if p.weight] == [("pump leaks,", -1.0, "−0.5"), ("badly", 0.5, "+0.25")]


def test_a_report_of_spans(shop: Session) -> None:
    facts = gather(shop.engine, "ent")
    assert isinstance(facts.tagged, Tagged), facts.tagged
    table = shop.execute("FROM ml_classification_report('ent', 'SELECT note, spans FROM shop')").fetchall()
    assert [r["class"] for r in facts.tagged.report] == [r[1] for r in table]
    judged = judged_rows(snapshot(shop, "ent@1"), None, 10**6, 1).judged
    assert facts.tagged.texts == len(judged)
    (score,) = [s for s in facts.scores if s.metric == "span_f1"]
    assert next(r["f1"] for r in facts.tagged.report if r["class"] == "micro avg") == pytest.approx(score.value)
    assert facts.tagged.right or facts.tagged.wrong
    page = shop.report("ent")
    assert {"figures", "spans", "annotated"} <= set(re.findall('<section id="([^"]*)"', page))
    assert '<mark class="span">' in page
    assert not {"confusion", "importance", "rival"} & set(re.findall('<section id="([^"]*)"', page))


# -- challenges -----------------------------------------------------------------------------------------------------


def test_pictures_are_known_again_in_a_source_with_other_columns(shop: Session) -> None:
    """Bytes are no text, and are compared as they are."""
    for columns in ("image, leak AND spot AS bad", "image, load, leak AND spot AS bad"):
        statement = f"FROM ml_finetune('twice', 'SELECT {columns} FROM shop', target := 'bad', "
        shop.execute(tiny(statement, 1)).fetchall()
    rows = judged_rows(snapshot(shop, "twice@2"), None, 10**6, 1).judged
    groups = learnt.Learnt([snapshot(shop, "twice@1")]).unseen(rows, 1)
    seen = set(judged_rows(snapshot(shop, "twice@1"), None, 10**6, 1).judged["image"].to_pylist())
    assert groups.tolist() == [int(image in seen) for image in rows["image"].to_pylist()]


@pytest.mark.parametrize(("model", "columns", "target"), [("leak", "note, leak", "leak"), ("ent", "note, spans", "spans")])
def test_a_worse_challenger_is_not_promoted(shop: Session, monkeypatch: pytest.MonkeyPatch, model: str, columns: str, target: str) -> None:
    monkeypatch.setattr(challenge, "_FEWEST", 20)
    task = ", task := 'token_classification'" if target == "spans" else ""
    statement = f"FROM ml_finetune('{model}', 'SELECT {columns} FROM shop', target := '{target}'{task}, promote := 'auto', "
    (row,) = shop.execute(tiny(statement, 1)).fetchall()
    (warning,) = [w for w in row[-1] if "candidate" in w]
    assert "not better than" in warning
    assert ("span_f1" if task else "pr_auc") in warning
    assert not shop.execute(f"SELECT 1 FROM ml_catalog.aliases WHERE model = '{model}' AND alias = 'champion' AND version <> 1").fetchall()


def test_a_better_finder_of_spans_is_promoted(shop: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(challenge, "_FEWEST", 20)
    for epochs, promote in ((1, ""), (10, ", promote := 'auto'")):
        statement = f"FROM ml_finetune('finder', 'SELECT note, spans FROM shop', target := 'spans', task := 'token_classification'{promote}, "
        shop.execute(tiny(statement, epochs)).fetchall()
    assert shop.execute("SELECT version FROM ml_catalog.aliases WHERE model = 'finder' AND alias = 'champion'").fetchone() == (2,)
    assert not isinstance(gather(shop.engine, "finder").tagged, Missing)


def test_it_stops_when_told(shop: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    from mfgsql.scoring import attributing

    calls: list[int] = []
    descend = attributing._descend

    def stopping(*told: Any) -> Any:
        calls.append(1)
        shop.interrupt()
        return descend(*told)

    monkeypatch.setattr(attributing, "_descend", stopping)
    with pytest.raises(CancelledError):
        shop.execute("FROM ml_predict('leak', 'shop', explain := 1)").fetchall()
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("model", "statement", "purpose"),
    [
        ("notes", "ml_pretrain('notes', 'SELECT note FROM shop', field := 'note', ", "A base: it has learnt what “note” is like"),
        ("good", "ml_finetune('good', 'SELECT image FROM shop WHERE NOT spot', task := 'anomaly', ", "what good pictures in “image” look like"),
        ("near", "ml_finetune('near', 'SELECT note, note || leak AS other FROM shop', target := 'other', task := 'embedding', ", "Turns “note” into vectors"),
    ],
)  # fmt: skip
def test_a_report_of_models_without_a_target(shop: Session, model: str, statement: str, purpose: str) -> None:
    shop.execute(tiny(f"FROM {statement}", 1)).fetchall()
    page = shop.report(model)
    assert purpose in page
    assert re.findall('<section id="([^"]*)"', page) == ["learning", "data", "limits", "lineage"]


def test_pictures_that_are_files(shop: Session, tmp_path: Path) -> None:
    for i in (1, 2):
        (tmp_path / f"{i}.png").write_bytes(picture(i))
    source = f"SELECT id, ''{tmp_path}/'' || id || ''.png'' AS image FROM range(1, 4) t(id)"
    told = shop.execute(f"SELECT id, why FROM ml_predict('spot', '{source}', explain := 3) ORDER BY id").fetchall()
    blobs = "SELECT id, image FROM shop WHERE id IN (1, 2)"
    wanted = shop.execute(f"SELECT id, why FROM ml_predict('spot', '{blobs}', explain := 3) ORDER BY id").fetchall()
    assert told == [*wanted, (3, None)]
