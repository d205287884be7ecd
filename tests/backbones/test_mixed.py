"""Rows with texts, pictures, numbers and words under one trunk."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest
import torch

from mfgsql.backbones.image import default_image_config
from mfgsql.backbones.mixed import MixedBackbone, MixedConfig
from mfgsql.backbones.tabular import TabularBackbone, TabularConfig
from mfgsql.backbones.text import TextConfig
from mfgsql.features.fields import Pictures, Texts

SMALL = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
BERT = TextConfig.scratch(60, (2,), (3,), 0, 4)
TEXT = replace(BERT, model=BERT.model | SMALL, window=16, overlap=4)
IMAGE = default_image_config(None, (16, 16), 1)
NUMBERS = {"continuous": (("temp", 1), ("speed", 1)), "categorical": (("shift", 5),)}
TRUNK = {"width": 12, "layers": 1, "heads": 2}
ALL = MixedConfig(**NUMBERS, texts=("note",), images=("photo",), text=TEXT, image=IMAGE, **TRUNK)


def texts(lengths) -> Texts:
    told = torch.tensor(lengths)
    sizes = told.clamp(min=0)
    flat = torch.arange(int(sizes.sum()), dtype=torch.int32) % 50 + 5
    return Texts(flat, sizes.cumsum(0) - sizes, told)


def pictures(n: int, missing=()) -> Pictures:
    there = torch.tensor([row not in missing for row in range(n)])
    pixels = torch.randint(0, 256, (n, 1, 16, 16), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    return Pictures(torch.where(there[:, None, None, None], pixels, 0).to(torch.uint8), there)


def numbers(n: int) -> tuple[torch.Tensor, torch.Tensor]:
    drawn = torch.Generator().manual_seed(1)
    return torch.randn(n, 2, generator=drawn), torch.randint(0, 5, (n, 1), generator=drawn)


def built(config: MixedConfig) -> MixedBackbone:
    torch.manual_seed(0)
    return MixedBackbone(config).eval()


def seen(backbone: MixedBackbone, *args, **told):
    with torch.inference_mode():
        return backbone(*args, **told)


# -- one trunk ----------------------------------------------------------------------------------------------------------


def test_a_text_or_picture_is_two_tokens_beside_the_others():
    found = seen(built(ALL), *numbers(3), [texts([4, 0, 30]), pictures(3)])
    assert ALL.columns == ["temp", "speed", "shift", "note", "photo"]
    assert not ALL.alone
    assert found.pooled.shape == (3, 1 + 3 + 2 + 2, 12)
    assert MixedConfig.from_dict(asdict(ALL)) == ALL


def test_what_is_missing_is_not_looked_at():
    backbone = built(ALL)
    continuous, codes = numbers(4)
    whole = seen(backbone, continuous, codes, [texts([4, 5, 6, 7]), pictures(4)])
    gaps = seen(backbone, continuous, codes, [texts([4, 5, 6, 7]).without(torch.tensor([0, 1, 0, 1]).bool()),
                                              pictures(4, missing=(2, 3))])  # fmt: skip
    torch.testing.assert_close(gaps.pooled[0], whole.pooled[0])
    other = seen(backbone, continuous, codes, [texts([4, -1, 6, -1]), pictures(4, missing=(2, 3))])
    torch.testing.assert_close(gaps.pooled[3], other.pooled[3])
    assert not torch.allclose(gaps.pooled[1], whole.pooled[1])


def test_a_batch_in_which_all_is_missing():
    for backbone in (built(ALL), built(ALL).train()):
        found = backbone(*numbers(2), [texts([-1, -1]), pictures(2, missing=(0, 1))])
        assert bool(found.pooled.isfinite().all())


def test_what_else_is_in_the_batch_changes_nothing():
    backbone = built(ALL)
    continuous, codes = numbers(5)
    fields = [texts([3, -1, 0, 40, 7]), pictures(5, missing=(4,))]
    together = seen(backbone, continuous, codes, fields).pooled
    for row in range(5):
        one = torch.tensor([row])
        alone = seen(backbone, continuous[one], codes[one], [field[one] for field in fields]).pooled
        torch.testing.assert_close(together[row], alone[0], atol=1e-5, rtol=1e-5)


def test_many_pictures_with_some_missing_are_seen_in_passes():
    alone = built(MixedConfig((), (), (), ("photo",), None, IMAGE, **TRUNK))
    none = torch.zeros(150, 0)
    missing = (0, 70, 149)
    found = seen(alone, none, none.long(), [pictures(150, missing)])
    told = seen(alone, none, none.long(), [pictures(150, missing)], parts=True)
    torch.testing.assert_close(found.pooled, told.pooled)
    for row in (1, 69, 148):
        one = torch.tensor([row])
        single = seen(alone, none[one], none[one].long(), [pictures(150)[one]])
        torch.testing.assert_close(found.pooled[row], single.pooled[0], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found.pooled[0], alone.missing[0])


def test_training_hides_some_texts_and_pictures():
    backbone = built(ALL)
    continuous, codes = numbers(200)
    fields = [texts([5] * 200), pictures(200)]
    shown = [backbone._shown(field) for field in fields]
    assert all(field.there.all() for field in shown)
    backbone.train()
    hidden = [1 - backbone._shown(field).there.float().mean().item() for field in fields]
    assert all(0.05 < share < 0.3 for share in hidden)
    backbone(continuous, codes, fields).pooled.sum().backward()
    assert all(bool(missing.grad.abs().sum() > 0) for missing in backbone.missing)


def test_two_texts_share_a_tower():
    config = MixedConfig((), (), ("note", "remark"), (), TEXT, None, **TRUNK)
    backbone = built(config)
    none = torch.zeros(2, 0)
    found = seen(backbone, none, none.long(), [texts([4, 9]), texts([4, 9])])
    assert found.pooled.shape == (2, 1 + 4, 12)
    assert not torch.allclose(found.pooled[:, 1:3], found.pooled[:, 3:5])  # each is told by its name


# -- one column ---------------------------------------------------------------------------------------------------------


def test_a_text_alone_needs_no_trunk():
    backbone = built(MixedConfig((), (), ("note",), (), TEXT, None, **TRUNK))
    none = torch.zeros(3, 0)
    assert backbone.config.alone
    assert backbone.width == 16
    found = seen(backbone, none, none.long(), [texts([4, -1, 0])], parts=True)
    assert found.pooled.shape == (3, 2, 16)
    torch.testing.assert_close(found.pooled[1], backbone.missing[0])
    # The first part speaks of the whole, so that there is one of an empty text, too.
    torch.testing.assert_close(found.parts[:, 0], found.pooled[:, 0])
    assert found.mask.tolist() == [[True] * 5, [True, *[False] * 4], [True, *[False] * 4]]


# -- on a base ----------------------------------------------------------------------------------------------------------


def learnt(config: MixedConfig) -> MixedBackbone:
    backbone = built(config)
    with torch.no_grad():
        for parameter in backbone.parameters():
            parameter.add_(torch.randn_like(parameter))
    return backbone


def same(mine: torch.nn.Module, theirs: torch.nn.Module) -> bool:
    pairs = zip(mine.state_dict().values(), theirs.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_a_base_of_texts_gives_its_tower():
    base = learnt(MixedConfig((), (), ("Note",), (), TEXT, None, **TRUNK))
    backbone = built(ALL)
    assert backbone.adopt(base) == ["note"]
    assert same(backbone.text, base.text)
    assert not same(backbone.trunk, learnt(ALL).trunk)


def test_a_base_of_another_shape_gives_nothing():
    other = replace(TEXT, model=TEXT.model | {"num_hidden_layers": 2})
    backbone = built(ALL)
    before = {name: value.clone() for name, value in backbone.state_dict().items()}
    assert backbone.adopt(learnt(MixedConfig((), (), ("note",), (), other, None, **TRUNK))) == []
    assert all(torch.equal(value, before[name]) for name, value in backbone.state_dict().items())


def test_a_base_of_rows_gives_its_columns():
    torch.manual_seed(5)
    base = TabularBackbone(TabularConfig((("speed", 1), ("load", 1)), (("shift", 5),), **TRUNK))
    backbone = built(ALL)
    assert backbone.adopt(base) == ["speed", "shift"]
    assert same(backbone.trunk.blocks, base.blocks)
    assert torch.equal(backbone.trunk.tokenizer.bias[1], base.tokenizer.bias[0])
    alone = built(MixedConfig((), (), ("note",), (), TEXT, None, **TRUNK))
    assert alone.adopt(base) == []


def test_a_base_of_everything_gives_all_that_is_shared():
    base = learnt(ALL)
    fewer = replace(ALL, continuous=(("speed", 1),), images=(), image=None)
    backbone = built(fewer)
    assert sorted(backbone.adopt(base)) == ["note", "shift", "speed"]
    assert same(backbone.text, base.text)
    assert same(backbone.lifts[0], base.lifts[0])
    assert torch.equal(backbone.missing[0], base.missing[0])
    assert torch.equal(backbone.names[0], base.names[0])


@pytest.mark.parametrize("parts", [False, True])
def test_all_of_it_is_saved_by_name(parts):
    backbone = learnt(ALL)
    again = built(ALL)
    again.load_state_dict(backbone.state_dict())
    row = (*numbers(2), [texts([4, -1]), pictures(2)])
    torch.testing.assert_close(seen(again, *row, parts=parts).pooled, seen(backbone.eval(), *row, parts=parts).pooled)
