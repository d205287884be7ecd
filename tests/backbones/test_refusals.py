"""Folders that are no base: each is refused, with a way out that works."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from transformers import AutoModel, CLIPConfig, T5Config, ViTConfig

from mfgsql.backbones.checkpoints import find, load_model, read
from mfgsql.errors import NotFoundError, SourceError
from tests.checkpoints import small_text


@pytest.fixture
def bert(tmp_path: Path) -> Path:
    return small_text(tmp_path / "bert", ["pump leaks oil", "oil changed"])


def small_vit(folder: Path) -> Path:
    shape = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    AutoModel.from_config(ViTConfig(image_size=32, patch_size=8, **shape)).save_pretrained(folder)
    return folder


def test_where_nothing_is(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="There is no folder"):
        find(str(tmp_path / "none"))
    (tmp_path / "file").touch()
    with pytest.raises(SourceError, match="is a file"):
        find(str(tmp_path / "file"))
    with pytest.raises(SourceError, match=r"has no config\.json"):
        read(tmp_path)
    (tmp_path / "adapter_config.json").write_text("{}")
    with pytest.raises(SourceError, match="merge_and_unload"):
        read(tmp_path)


def test_parts_lie_in_the_folder(bert: Path) -> None:
    (bert / "model.safetensors").rename(bert.parent / "outside.safetensors")
    index = {"weight_map": {"a": "../outside.safetensors"}}
    (bert / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(SourceError, match="no safetensors file of the folder"):
        read(bert)


def test_a_tokenizer_that_is_damaged(bert: Path) -> None:
    (bert / "tokenizer.json").write_text("{}")
    with pytest.raises(SourceError, match="tokenizer of .* can't be read"):
        read(bert)


def test_a_pickle_is_refused_and_the_way_out_works(bert: Path) -> None:
    model = AutoModel.from_pretrained(bert)
    torch.save(model.state_dict(), bert / "pytorch_model.bin")
    torch.save({}, bert / "optimizer.pt")
    wanted = load_model(read(bert)).state_dict()
    (bert / "model.safetensors").unlink()
    with pytest.raises(SourceError, match=r"pytorch_model\.bin, a pickle") as refused:
        read(bert)
    _run_the_remedy(refused.value.remedy)
    assert all(torch.equal(v, wanted[k]) for k, v in load_model(read(bert)).state_dict().items())


@pytest.mark.parametrize("name", ["weights.pth", "last.ckpt"])
def test_other_pickles_are_refused_and_the_way_out_works(name: str, tmp_path: Path) -> None:
    folder = small_vit(tmp_path / "vit")
    wanted = load_model(read(folder)).state_dict()
    saved = AutoModel.from_pretrained(folder).state_dict()
    torch.save(saved if name == "weights.pth" else {"state_dict": saved, "epoch": 3}, folder / name)
    (folder / "model.safetensors").unlink()
    with pytest.raises(SourceError, match="a pickle") as refused:
        read(folder)
    _run_the_remedy(refused.value.remedy)
    assert all(torch.equal(v, wanted[k]) for k, v in load_model(read(folder)).state_dict().items())


def _run_the_remedy(remedy: str) -> None:
    code = remedy.split('python -c "', 1)[1].rsplit('"', 1)[0]
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=120)


def test_gguf_is_refused(bert: Path) -> None:
    (bert / "model.safetensors").rename(bert / "bert-q4.gguf")
    with pytest.raises(SourceError, match=r"bert-q4\.gguf"):
        read(bert)
    (bert / "config.json").unlink()
    with pytest.raises(SourceError, match="take the same model as safetensors"):
        read(bert)


def _rewrite(folder: Path, **changes) -> None:
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_code_of_its_own_is_refused(bert: Path) -> None:
    _rewrite(bert, auto_map={"AutoModel": "modeling.Net"})
    with pytest.raises(SourceError, match="code of its own"):
        read(bert)


@pytest.mark.parametrize("changes", [{"model_type": "never-heard-of"}, {"hidden_size": "wide"}, {"model_type": 7}])
def test_a_config_that_transformers_does_not_read(changes: dict, bert: Path) -> None:
    _rewrite(bert, **changes)
    with pytest.raises(SourceError, match="none that transformers reads"):
        read(bert)


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"hidden_size": 4}', "\ud800".encode("utf-16", "surrogatepass").hex()]
)
def test_a_config_that_is_none(text: str, bert: Path) -> None:
    (bert / "config.json").write_text(text)
    with pytest.raises(SourceError, match=r"config\.json"):
        read(bert)


@pytest.mark.parametrize("config", [CLIPConfig(), T5Config()])
def test_networks_that_read_more_than_one_thing_are_refused(config, tmp_path: Path) -> None:
    config.save_pretrained(tmp_path)
    with pytest.raises(SourceError, match="is no base"):
        read(tmp_path)


def test_weights_that_are_damaged_or_of_another_network(bert: Path) -> None:
    checkpoint = read(bert)
    _rewrite(bert, num_hidden_layers=3)
    with pytest.raises(SourceError, match="not those of its config"):
        load_model(read(bert))
    _rewrite(bert, num_hidden_layers=2, hidden_size=32)
    with pytest.raises(SourceError, match="can't be read"):
        load_model(read(bert))
    whole = (bert / "model.safetensors").read_bytes()
    (bert / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SourceError, match="can't be read"):
        load_model(checkpoint)
