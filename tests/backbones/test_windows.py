"""Windows over long texts: each piece has one that speaks for it, and nothing depends on what else is read."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
import torch
from hypothesis import given
from hypothesis import settings as of_hypothesis
from hypothesis import strategies as st

from mfgsql.backbones.text import TextConfig, TextTower
from mfgsql.backbones.windows import Windows
from mfgsql.features.fields import Texts
from mfgsql.features.tokens import CASES

PREFIX, SUFFIX, PAD, MASK = 2, 3, 0, 4


@dataclass(frozen=True)
class Shape:
    """Windows of ``inner`` pieces between special ones."""

    inner: int
    overlap: int
    prefix: tuple[int, ...] = (PREFIX,)
    suffix: tuple[int, ...] = (SUFFIX,)
    pad: int = PAD


SHAPES = st.builds(
    lambda inner, share, prefix, suffix: Shape(inner, inner * share // 4, (PREFIX,) * prefix, (SUFFIX,) * suffix),
    st.integers(2, 12), st.integers(0, 2), st.integers(0, 2), st.integers(0, 2),
)  # fmt: skip
LENGTHS = st.lists(st.integers(-1, 60), min_size=1, max_size=8)


def texts_of(lengths: list[int]) -> Texts:
    """Texts whose pieces are all different."""
    told = torch.tensor(lengths, dtype=torch.int64)
    starts = told.clamp(min=0).cumsum(0) - told.clamp(min=0)
    return Texts(torch.arange(10, 10 + int(told.clamp(min=0).sum()), dtype=torch.int32), starts, told)


def of_row(texts: Texts, row: int) -> list[int]:
    start = int(texts.starts[row])
    return texts.flat[start : start + max(int(texts.lengths[row]), 0)].tolist()


@given(LENGTHS, SHAPES, st.integers(4, 200))
def test_each_piece_has_one_window_that_speaks_for_it(lengths, shape, most):
    texts = texts_of(lengths)
    windows = Windows(texts, shape)
    spoken, seen = [], []
    for chosen, ids, attended in windows.passes(most):
        own, at = windows.own(chosen, ids.shape[1])
        assert bool((own & ~windows.inside(chosen, ids.shape[1])).sum() == 0)
        assert texts.flat[at].tolist() == ids[own].tolist()
        assert bool(attended[own].all())
        spoken += at.tolist()
        seen += chosen.tolist()
    assert sorted(spoken) == list(range(windows.total))
    assert sorted(seen) == list(range(len(windows)))


@given(LENGTHS, SHAPES, st.integers(4, 200))
def test_a_window_holds_what_its_text_holds_there(lengths, shape, most):
    texts = texts_of(lengths)
    windows = Windows(texts, shape)
    for chosen, ids, attended in windows.passes(most):
        assert len(chosen) == 1 or ids.numel() <= most
        for place, window in enumerate(chosen.tolist()):
            start, size = int(windows.start[window]), int(windows.size[window])
            inside = of_row(texts, int(windows.row[window]))[start : start + size]
            told = [*shape.prefix, *inside, *shape.suffix]
            assert ids[place, : len(told)].tolist() == told or not told
            assert set(ids[place, len(told) :].tolist()) <= {PAD}
            assert int(attended[place].sum()) == max(len(told), 1)


@given(LENGTHS, SHAPES)
def test_windows_of_a_text_overlap_and_reach_its_end(lengths, shape):
    windows = Windows(texts_of(lengths), shape)
    for row, length in enumerate(lengths):
        mine = (windows.row == row).nonzero().squeeze(1)
        ends = (windows.start + windows.size)[mine]
        assert int(windows.start[mine[0]]) == 0
        assert int(ends[-1]) == max(length, 0)
        assert bool((ends[:-1] - windows.start[mine][1:] >= shape.overlap).all())
        assert bool((windows.size[mine] == shape.inner).all()) or len(mine) == 1


# -- under a network ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["bert", "llama"])
def tower(request: pytest.FixtureRequest) -> TextTower:
    torch.manual_seed(0)
    config = TextConfig.scratch(100, (PREFIX,), (SUFFIX,), PAD, MASK if request.param == "bert" else None)
    small = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    more = {"num_key_value_heads": 2} if request.param == "llama" else {}
    shaped = TextConfig(config.model | small | more, config.prefix, config.suffix, PAD, config.mask, 16, 4)
    return TextTower(shaped).eval()


def states(tower: TextTower, texts: Texts, **told):
    with torch.inference_mode():
        return tower(texts, **told)


def some(lengths: list[int]) -> Texts:
    texts = texts_of(lengths)
    return Texts(texts.flat % 90 + 5, texts.starts, texts.lengths)


def test_a_short_text_has_the_states_of_the_bare_network(tower):
    texts = some([7])
    ids = torch.tensor([[PREFIX, *of_row(texts, 0), SUFFIX]])
    with torch.inference_mode():
        bare = tower.model(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state[0]
    found = states(tower, texts, parts=True)
    torch.testing.assert_close(found.parts[0], bare[1:-1])
    torch.testing.assert_close(found.pooled[0, 1], bare[1:-1].mean(0))
    torch.testing.assert_close(found.pooled[0, 0], bare[1:-1].mean(0) if tower.config.causal else bare[0])
    assert found.mask.tolist() == [[True] * 7]


@given(lengths=LENGTHS)
@of_hypothesis(max_examples=30)
def test_what_else_is_in_the_batch_changes_nothing(tower, lengths):
    texts = some(lengths)
    together = states(tower, texts, parts=True)
    for row, length in enumerate(lengths):
        alone = states(tower, texts[torch.tensor([row])], parts=True)
        torch.testing.assert_close(together.pooled[row], alone.pooled[0], atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(together.parts[row, : max(length, 0)], alone.parts[0], atol=1e-5, rtol=1e-5)
        assert together.mask[row].tolist() == [at < length for at in range(together.mask.shape[1])]
    torch.testing.assert_close(states(tower, texts).pooled, together.pooled)


def test_how_pieces_are_written_is_told_beside_them_and_says_nothing_at_first(tower):
    told = TextTower(replace(tower.config, cases=CASES)).eval()
    told.load_state_dict(tower.state_dict() | {"cases.weight": told.cases.weight.detach()})
    texts = some([7, -1, 40, 0, 3])
    texts = replace(texts, cases=torch.arange(len(texts.flat)) % CASES)
    plain, before = states(tower, texts, parts=True), states(told, texts, parts=True)
    torch.testing.assert_close(before.parts, plain.parts)
    with torch.no_grad():
        told.cases.weight[2] = 1.0
    after = states(told, texts, parts=True)
    assert not torch.allclose(after.parts, before.parts)
    shown = torch.full_like(texts.cases, 2)
    all_same = states(told, replace(texts, cases=torch.where(texts.cases == 2, 2, 0)), parts=True)
    torch.testing.assert_close(after.parts, all_same.parts)  # the others are still zero
    assert not torch.allclose(states(told, replace(texts, cases=shown), parts=True).parts, after.parts)


def test_the_size_of_passes_changes_nothing(tower, monkeypatch):
    texts = some([3, 50, 0, 14, 15, 29, -1])
    whole = states(tower, texts, parts=True)
    monkeypatch.setattr(TextTower, "pieces", property(lambda self: 20))
    parted = states(tower, texts, parts=True)
    for name in ("pooled", "parts"):
        torch.testing.assert_close(getattr(parted, name), getattr(whole, name), atol=1e-5, rtol=1e-5)


def test_a_long_text_is_the_mean_of_its_windows(tower):
    texts = some([31])
    windows = Windows(texts, tower.config)
    assert len(windows) == 3
    each = [texts.flat[int(b) : int(b + s)] for b, s in zip(windows.start, windows.size, strict=True)]
    alone = [states(tower, Texts(p, torch.tensor([0]), torch.tensor([len(p)]))) for p in each]
    expected = torch.stack([a.pooled[0] for a in alone]).mean(0)
    torch.testing.assert_close(states(tower, texts).pooled[0], expected, atol=1e-5, rtol=1e-5)


def test_a_batch_without_a_row_or_a_piece(tower):
    for lengths in ([], [0], [-1, 0]):
        found = states(tower, some(lengths), parts=True)
        assert found.pooled.shape == (len(lengths), 2, 16)
        assert found.parts.shape == (len(lengths), 0, 16)
        assert bool(found.pooled.isfinite().all())


def test_passes_made_again_for_a_step_back_give_the_same_one(tower, monkeypatch):
    texts, weight = some([40, 3, 25]), tower.model.get_input_embeddings().weight
    tower.train()  # what is dropped must be dropped again
    found = []
    for heavy in (False, True):
        monkeypatch.setattr(TextTower, "heavy", lambda self, windows, told=heavy: told)
        torch.manual_seed(3)
        loss = tower(texts, parts=True).parts.square().sum()
        found.append((loss.detach(), *torch.autograd.grad(loss, [weight])))
    tower.eval()
    for one, two in zip(*found, strict=True):
        torch.testing.assert_close(one, two)


def test_what_is_held_of_long_texts_is_bounded(tower, monkeypatch):
    windows, most = Windows(some([60] * 40), tower.config), tower.pieces
    assert not tower.heavy(windows)
    monkeypatch.setattr("mfgsql.backbones.text._HELD", 2**18)
    assert tower.heavy(windows)
    assert tower.pieces < most
    with torch.inference_mode():
        assert not tower.heavy(windows)
        assert tower.pieces == most


def test_gradients_flow_from_every_window(tower):
    texts = some([40])
    embeddings = tower.model.get_input_embeddings().weight
    (gradient,) = torch.autograd.grad(tower(texts, parts=True).parts.square().sum(), [embeddings])
    assert bool((gradient[texts.flat.long().unique()].abs().sum(1) > 0).all())
