"""What a pretrained folder says of itself: its kind, its licence, and what its network expects."""

from __future__ import annotations

import inspect
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mfgsql.errors import SourceError

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, where a folder doesn't say
_SIDE = 224


@dataclass(frozen=True)
class ImageFacts:
    """What a network of pictures expects.

    Attributes:
        size: height and width. channels: of a picture. mean, std: of each channel, of values from 0 to 1.
    """

    size: tuple[int, int]
    channels: int
    mean: tuple[float, ...]
    std: tuple[float, ...]


# What names code or weights that lie elsewhere.
_ELSEWHERE = frozenset(
    {"attn_implementation", "_attn_implementation", "quantization_config", "use_pretrained_backbone"}
)


def read_config(path: Path) -> dict[str, Any]:
    """The folder's ``config.json``.

    Raises:
        SourceError: there is none, it is no config, or the network needs code of its own.
    """
    file = path / "config.json"
    if not file.is_file():
        raise SourceError(f"{path} has no config.json.", remedy=_instead(path))
    config = _json(file)
    if "auto_map" in config:
        raise SourceError(
            f"{path} brings code of its own (auto_map in config.json), which is not run.",
            remedy="Take a network that transformers knows by itself.",
        )
    if (path / "adapter_config.json").is_file():
        raise SourceError(
            f"{path} holds an adapter beside its base, whose weights then have other names.",
            remedy="Merge it by peft's merge_and_unload(), and save that.",
        )
    if found := sorted(_ELSEWHERE & config.keys()):
        raise SourceError(
            f"{path} asks for more than its own files ({found[0]} in config.json), which is not fetched.",
            remedy=f"Take {found[0]} out of config.json, or take another network.",
        )
    if "model_type" not in config:
        raise SourceError(f"{file} has no model_type, by which transformers knows a network.")
    return config


def network_config(config: dict[str, Any]) -> Any:
    """The config as transformers' object.

    Raises:
        SourceError: transformers knows no such type, or values are not what it takes.
    """
    from huggingface_hub.errors import StrictDataclassError
    from transformers import AutoConfig

    from mfgsql.backbones import lite  # noqa: F401  (importing it makes transformers know its type)

    try:
        return AutoConfig.for_model(**config)
    except (ValueError, TypeError, StrictDataclassError) as error:
        told = str(error).strip().splitlines()[-1].strip()[:200]
        raise SourceError(
            f"config.json is none that transformers reads (model_type '{config['model_type']}'): {told}",
            remedy="pip install --upgrade transformers; or take another base.",
        ) from error


def network_class(config: dict[str, Any]) -> Any:
    """Transformers' class of the network without a head.

    Raises:
        SourceError: there is none.
    """
    from transformers import AutoModel

    try:
        return AutoModel._model_mapping[type(network_config(config))]
    except KeyError as error:
        raise SourceError(
            f"'{config['model_type']}' is no type of network that transformers can read as an encoder.",
            remedy="pip install --upgrade transformers; or take another base.",
        ) from error


def without_pooler(config: dict[str, Any]) -> dict[str, Any]:
    """Arguments by which a network has no pooler, where its class can do without."""
    told = inspect.signature(network_class(config).__init__).parameters
    return {"add_pooling_layer": False} if "add_pooling_layer" in told else {}


def modality(config: dict[str, Any]) -> str:
    """``text`` or ``image``.

    Raises:
        SourceError: the network reads something else, or more than one.
    """
    kind = network_class(config).input_modalities
    reads = (kind,) if isinstance(kind, str) else tuple(kind)
    if reads not in (("text",), ("image",)) or config.get("is_encoder_decoder"):
        raise SourceError(
            f"A network of type '{config['model_type']}' is no base: a base reads texts alone, or pictures alone.",
            remedy="Take a BERT, ModernBERT, ViT, Dinov2, ConvNeXt, ResNet or the like.",
        )
    return str(reads[0])


def image_facts(path: Path, config: dict[str, Any]) -> ImageFacts:
    """From ``preprocessor_config.json``, else from the config, else as networks for ImageNet have it."""
    file = path / "preprocessor_config.json"
    told, known = _json(file) if file.is_file() else {}, network_config(config)
    channels = int(getattr(known, "num_channels", 3))
    asked = (told.get("crop_size") if told.get("do_center_crop") else None) or told.get("size")
    plain = told.get("do_normalize") is False
    mean, std = ([0.0], [1.0]) if plain else (told.get("image_mean", _MEAN), told.get("image_std", _STD))
    both = [tuple(float(v) for v in (list(values) * channels)[:channels]) for values in (mean, std)]
    return ImageFacts(_size(asked or getattr(known, "image_size", None)), channels, *both)


def licence(path: Path, config: dict[str, Any]) -> str | None:
    """As the model card says, else the first line of a licence file, else what the config says."""
    card = path / "README.md"
    if card.is_file():
        text = card.read_text(encoding="utf-8", errors="replace")
        front = text.split("\n---", 1)[0] if text.startswith("---") else ""
        if found := re.search(r"^license:[ \t]*[\"']?([^\"'\n]+)", front, re.MULTILINE):
            return found[1].strip()
    for file in sorted(path.glob("LICEN[SC]E*")):
        lines = file.read_text(encoding="utf-8", errors="replace").split("\n")
        return next((line.strip()[:80] for line in lines if line.strip()), None)
    told = config.get("license")
    return str(told) if told else None


def _json(file: Path) -> dict[str, Any]:
    try:
        read = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise SourceError(f"{file} is no JSON.", remedy="Copy the folder again.") from error
    if not isinstance(read, dict):
        raise SourceError(f"{file} is no JSON object.", remedy="Copy the folder again.")
    return read


def _instead(path: Path) -> str:
    """What to do about a folder without a config."""
    if (path / "adapter_config.json").is_file():
        return "It is an adapter: merge it into its base by peft's merge_and_unload(), and save that."
    if any(path.glob("*.gguf")):
        return "GGUF is made for other programs: take the same model as safetensors."
    return "Name a folder that transformers' save_pretrained wrote."


def _size(asked: Any) -> tuple[int, int]:
    """Height and width of what a folder calls a size."""
    if isinstance(asked, dict):
        asked = [asked["height"], asked["width"]] if "height" in asked else asked.get("shortest_edge")
    if isinstance(asked, list | tuple):
        return int(asked[0]), int(asked[-1])
    return (int(asked), int(asked)) if asked else (_SIDE, _SIDE)


def hidden_width(config: dict[str, Any]) -> int:
    """Size of a hidden state of a network of such a config, or of its last map.

    Raises:
        SourceError: the config doesn't tell.
    """
    known = network_config(config)
    found = next((v for n in ("hidden_size", "hidden_sizes", "hidden_dim") if (v := getattr(known, n, None))), None)
    if found is None:
        raise SourceError(f"A network of type '{known.model_type}' doesn't tell its width; take another base.")
    return int(found[-1] if isinstance(found, list | tuple) else found)
