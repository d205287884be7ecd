"""Training on texts as a pure program: objectives, tags, pairs; saved states; rows in memory or from disk."""

from __future__ import annotations

import io
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from mfgsql.backbones.image import default_image_config
from mfgsql.backbones.text import TextConfig
from mfgsql.features import FeatureSet
from mfgsql.features.image import ImageEncoder
from mfgsql.features.spans import SPANS
from mfgsql.features.text import TextEncoder
from mfgsql.features.tokens import SPACES, Tokenizer
from mfgsql.heads import LanguageHead
from mfgsql.model import Model
from mfgsql.tasks import CONTRASTIVE, EMBEDDING, TOKENS, Target
from mfgsql.training import Recipe, Snapshot, TrainSpec, learn
from mfgsql.training.rows import RowSource
from mfgsql.training.snapshot import HASH, SPLIT, TRAIN

ROWS = 240
SMALL = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
PARTS = ("pump", "bearing", "fuse", "控制器")
FAULTS = {
    "pump": ("leaks oil", "is noisy"),
    "bearing": ("runs hot", "is worn"),
    "fuse": ("has blown",),
    "控制器": ("漏油",),
}
ACTS = ("replaced", "cleaned", "更换")


def drawn() -> list[dict]:
    """Notes with the spans of their parts, and what belongs to them."""
    draw, rows = random.Random(0), []
    for number in range(ROWS):
        part = draw.choice(PARTS)
        lead = draw.choice(["", "checked: ", "please look, "])
        note = f"{lead}{part} {draw.choice(FAULTS[part])}, {draw.choice(ACTS)} on line {draw.randint(1, 40)}"
        spans = [{"label": "part", "begin": len(lead), "stop": len(lead) + len(part)}]
        rows.append({
            "note": None if number % 40 == 7 else note, "part": part, "spans": None if number % 30 == 3 else spans,
            "about": f"work on the {part} {draw.randint(1, 40)}",
        })  # fmt: skip
    return rows


def picture(number: int) -> bytes:
    values = np.random.default_rng(number).integers(0, 90, (16, 16)).astype(np.uint8)
    values[: 8 + 8 * (number % 2)] += 100
    file = io.BytesIO()
    Image.fromarray(values).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    rows = drawn()
    spans = pa.struct([field for field in SPANS.value_type if field.name in ("label", "begin", "stop")])
    photos = [None if number % 24 == 5 else picture(number) for number in range(ROWS)]
    columns = {
        "note": pa.array([r["note"] for r in rows]), "part": pa.array([r["part"] for r in rows]),
        "spans": pa.array([r["spans"] for r in rows], pa.list_(spans)), "about": pa.array([r["about"] for r in rows]),
        "photo": pa.array(photos, pa.binary()), "bright": pa.array([str(n % 2 == 0).lower() for n in range(ROWS)]),
        SPLIT: pa.array((np.arange(ROWS) % 5 == 0).astype(np.int8)), HASH: pa.array(np.arange(ROWS)),
    }  # fmt: skip
    path = tmp_path_factory.mktemp("snapshot") / "rows.parquet"
    pq.write_table(pa.table(columns), path, row_group_size=70)
    return Snapshot(path, "hash", ROWS, 192, 48, "FROM rows")


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.train([row["note"] or "" for row in drawn()], 300)


RECIPE = Recipe(epochs=4, batch_size=32, learning_rate=5e-3, base_rate=1.0).settled("mixed", 1)


def spec(tokenizer: Tokenizer, *, words: str | None = None, **told) -> TrainSpec:
    if told.get("objective") == "autoregressive":
        tokenizer = replace(tokenizer, mask=None)
    encoder = TextEncoder("note", True, 24, words, tokenizer)
    special = (tokenizer.prefix, tokenizer.suffix, tokenizer.pad, tokenizer.mask)
    scratch = TextConfig.scratch(tokenizer.size, *special)
    more = {} if tokenizer.mask is not None else {"num_key_value_heads": 2}
    tower = replace(scratch, model=scratch.model | SMALL | more, window=16, overlap=4)
    return TrainSpec(FeatureSet((encoder,)), told.pop("recipe", RECIPE), text=tower, **told)


def classes(tokenizer: Tokenizer, **told) -> TrainSpec:
    return spec(tokenizer, task="classification", target=Target("part", "VARCHAR", PARTS, (60, 60, 60, 60)), **told)


def tags(tokenizer: Tokenizer, **told) -> TrainSpec:
    target = Target("spans", "STRUCT", ("O", "B-part", "I-part"), (0, 200, 0))
    return spec(tokenizer, words=SPACES, task=TOKENS, target=target, **told)


def pairs(tokenizer: Tokenizer, **told) -> TrainSpec:
    return spec(tokenizer, task=EMBEDDING, objective=CONTRASTIVE, pair="about", **told)


def pictures(**told) -> TrainSpec:
    target = Target("bright", "BOOLEAN", ("false", "true"), (120, 120))
    image = default_image_config(None, (16, 16), 1)
    features = FeatureSet((ImageEncoder("photo", True, (16, 16), 1),))
    recipe = replace(RECIPE, epochs=2)
    return TrainSpec(features, recipe, "classification", target, image=image, **told)


def same(one: Model, two: Model) -> bool:
    ours, theirs = one.network.state_dict(), two.network.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[k], theirs[k]) for k in ours)


# -- what is learnt -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("objective", ["masked", "autoregressive"])
def test_an_objective_lowers_its_loss_and_a_model_stands_on_it(snapshot, tokenizer, objective):
    told = spec(tokenizer, objective=objective)
    start = learn(snapshot, replace(told, recipe=replace(RECIPE, learning_rate=1e-12)))
    base = learn(snapshot, told)
    assert base.judgement is not None and start.judgement is not None  # noqa: PT018
    assert base.judgement.loss < 0.85 * start.judgement.loss
    assert base.best_step > 0
    more = classes(tokenizer, recipe=replace(RECIPE, epochs=6))
    tuned = learn(snapshot, replace(more, text=told.text), base=base.model)
    assert tuned.shared == ["note"]
    assert tuned.judgement.metrics["accuracy"] > 0.5


def test_rows_without_a_text_teach_a_base_nothing(snapshot, tokenizer):
    rows = list(RowSource(snapshot, spec(tokenizer, objective="masked"), TRAIN, 0).batches(7, 0, 0))
    assert all(bool(batch.fields[0].there.all()) for batch in rows)
    assert sum(map(len, rows)) == sum(1 for n, r in enumerate(drawn()) if r["note"] and n % 5)
    labelled = RowSource(snapshot, classes(tokenizer), TRAIN, 0).batches(7, 0, 0)
    assert sum(map(len, labelled)) == 192  # a label is learnt from without a text


def test_a_class_is_learnt_from_its_words(snapshot, tokenizer):
    learned = learn(snapshot, classes(tokenizer, recipe=replace(RECIPE, epochs=6)))
    assert learned.judgement.metrics["accuracy"] > 0.8
    assert same(Model.from_bytes(learned.model.to_bytes(), verify=True), learned.model)


def test_spans_are_learnt_from_annotated_texts(snapshot, tokenizer):
    learned = learn(snapshot, tags(tokenizer, recipe=replace(RECIPE, epochs=8)))
    assert learned.judgement.metrics["span_f1"] > 0.85
    assert learned.judgement.metrics["token_accuracy"] > 0.95
    assert learned.judgement.prediction is None  # none is kept


def test_tags_lie_on_the_pieces_in_which_words_begin(snapshot, tokenizer):
    rows, notes = RowSource(snapshot, tags(tokenizer), TRAIN, 0).chunk(0), drawn()
    numbers = [n for n in range(70) if n % 5]
    truth = rows.truth.padded()
    for at, number in enumerate(numbers):
        note, spans = notes[number]["note"], notes[number]["spans"]
        assert bool(rows.truth.known[at]) == (note is not None and spans is not None)
        if note and spans and int(rows.fields[0].lengths[at]) < 24:
            first, units = rows.fields[0].words(at)
            told = dict(zip(units, truth[at][first].tolist(), strict=True))
            inside = {unit for unit in units if spans[0]["begin"] <= unit[0] < spans[0]["stop"]}
            assert {unit for unit, tag in told.items() if tag} == inside
            assert sorted(told.values(), reverse=True)[: len(inside)] == [2] * (len(inside) - 1) + [1]
            assert int((truth[at] == -100).sum()) == truth.shape[1] - len(units)


def test_pairs_bring_together_what_belongs_together(snapshot, tokenizer):
    start = learn(snapshot, pairs(tokenizer, recipe=replace(RECIPE, learning_rate=1e-12)))
    learned = learn(snapshot, pairs(tokenizer, recipe=replace(RECIPE, epochs=8)))
    assert learned.judgement.loss < 0.8 * start.judgement.loss
    assert learned.model.manifest.target is None
    features = learned.model.manifest.features
    texts, _ = features.tokenizer.encode(["pump leaks oil", "work on the pump 3", "work on the fuse 3"], 24)
    with torch.inference_mode():
        states = learned.model.network.backbone.states("note", texts).pooled[:, 1]
    ours, right, wrong = torch.nn.functional.normalize(states, dim=-1)
    assert float(ours @ right) > float(ours @ wrong) + 0.2


def test_equal_answers_are_no_wrong_ones_of_one_another(snapshot, tokenizer):
    from mfgsql.tasks.reading import contrastive

    model = Model.build(pairs(tokenizer).manifest(None, {}))
    ours, _ = tokenizer.encode(["pump leaks", "bearing hot"], 24)
    theirs, _ = tokenizer.encode(["the same answer"] * 2, 24)
    model.network.train()  # dropout makes the two vectors differ
    loss = contrastive(model.network.backbone, model.network.head, ours, theirs, 0.3)
    assert loss.item() == 0.0  # each has one answer left, which is the right one


def test_the_loss_of_many_pieces_is_that_of_few_at_a_time(monkeypatch):
    torch.manual_seed(0)
    head, hidden, table = LanguageHead(6, 5, 9), torch.randn(40, 6), torch.randn(9, 5)
    wanted = torch.randint(0, 9, (40,))
    grads = []
    for at_once in (1_024, 7):
        monkeypatch.setattr("mfgsql.heads.language._AT_ONCE", at_once)
        mine = hidden.clone().requires_grad_()
        loss = head.loss(mine, table, wanted)
        grads.append((loss.detach(), *torch.autograd.grad(loss, [mine, head.bias])))
    for one, two in zip(*grads, strict=True):
        torch.testing.assert_close(one, two)
    torch.testing.assert_close(grads[0][0], torch.nn.functional.cross_entropy(head(hidden, table), wanted).detach())
    assert head.loss(hidden[:0], table, wanted[:0]).item() == 0.0


# -- equal weights ------------------------------------------------------------------------------------------------------

KINDS = {
    "masked": lambda t: spec(t, objective="masked"), "autoregressive": lambda t: spec(t, objective="autoregressive"),
    "classes": classes, "tags": tags, "pairs": pairs, "pictures": lambda t: pictures(),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_equal_seeds_give_equal_weights_from_memory_and_from_disk(snapshot, tokenizer, kind):
    told = KINDS[kind](tokenizer)
    told = replace(told, recipe=replace(told.recipe, epochs=2))
    whole = learn(snapshot, told).model
    assert same(whole, learn(snapshot, told, memory=0).model)
    other = replace(told, recipe=replace(told.recipe, seed=1))
    assert not same(whole, learn(snapshot, other).model)


@pytest.mark.parametrize("kind", KINDS)
def test_a_resumed_training_ends_with_equal_weights(snapshot, tokenizer, kind, monkeypatch):
    told = KINDS[kind](tokenizer)
    told = replace(told, recipe=replace(told.recipe, epochs=2))
    whole = learn(snapshot, told).model
    states: list[bytes] = []
    monkeypatch.setattr("mfgsql.training.loop._SAVE_EVERY", 0.0)
    learn(snapshot, told, save=states.append)
    for state in (states[0], states[-2]):
        assert same(whole, learn(snapshot, told, resume=state).model)


def test_a_chunk_is_held_within_its_budget(snapshot, tokenizer):
    held = RowSource(snapshot, classes(tokenizer), TRAIN, 2**30)
    sizes = [held.chunk(index).bytes for index in range(held.chunks)]
    assert held.chunks == 4
    source = RowSource(snapshot, classes(tokenizer), TRAIN, sizes[0] + sizes[1])
    first = [source.chunk(index) for index in range(source.chunks)]
    assert [source.chunk(index) is first[index] for index in range(source.chunks)] == [True, True, False, False]
    shown = RowSource(snapshot, pictures(), TRAIN, 0).chunk(0)
    assert shown.bytes > len(shown) * 16 * 16


def test_what_is_frozen_stays_and_goes_with_its_folder(snapshot, tokenizer, tmp_path: Path):
    from mfgsql.backbones.checkpoints import read
    from tests.checkpoints import small_text

    checkpoint = read(small_text(tmp_path / "base", [row["note"] or "" for row in drawn()]))
    tower = TextConfig.of(checkpoint, frozen=True, adapter={"r": 4})
    told = replace(classes(tokenizer), text=tower)
    learned = learn(snapshot, told, base=checkpoint)
    assert same(learned.model, learn(snapshot, told, base=checkpoint).model)
    again = Model.from_bytes(learned.model.to_bytes(), verify=True)
    assert same(again, learned.model)
    assert learned.shared == ["note"]
