"""Pretrained networks in folders, as transformers saves them and a hub hands them out.

A folder is read, never run: weights are safetensors, and code that comes with a network is not loaded. Nothing is
fetched unless the caller says that it may be.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mfgsql.backbones.folders import (
    ImageFacts,
    image_facts,
    licence,
    modality,
    network_config,
    read_config,
    without_pooler,
)
from mfgsql.backbones.quiet import quiet
from mfgsql.backbones.vocabulary import Vocabulary, read_vocabulary
from mfgsql.backbones.weights import digest, weight_files
from mfgsql.errors import NotFoundError, SourceError

_HUB = "hf:"
_WANTED = ["*.safetensors", "*.json", "*.txt", "*.model", "README.md", "LICEN[SC]E*"]
_POSITIONS = 512  # where a config doesn't say
_AFTER_PAD = ("camembert", "longformer", "mpnet", "roberta", "xlm-roberta")  # the first position comes after the pad's


@dataclass(frozen=True)
class Checkpoint:
    """A pretrained folder.

    Attributes:
        path: of the folder. config: its ``config.json``. modality: ``text`` or ``image``.
        sha256: of the weights' files one after another. licence: as the folder tells it, or None.
        vocabulary: of texts. longest: pieces that a network of texts reads at a time. image: of pictures.
    """

    path: Path
    config: dict[str, Any]
    modality: str
    sha256: str
    licence: str | None
    vocabulary: Vocabulary | None = None
    longest: int = 0
    image: ImageFacts | None = None


def names_checkpoint(base: str) -> bool:
    """Whether a base is written as a folder or as an id of a hub, not as the name of a model."""
    return base.startswith((_HUB, ".", "~", "/", "\\")) or re.match(r"[A-Za-z]:[\\/]", base) is not None


def find(base: str, *, online: bool = False) -> Path:
    """The folder of ``./folder``, of an absolute path, or of ``hf:org/name`` (``hf:org/name@revision``).

    Args:
        online: whether the hub may be asked for what is not on this machine.

    Raises:
        NotFoundError: there is none. SourceError: it is a file, or no id.
    """
    if base.startswith(_HUB):
        return _of_hub(base, online)
    path = Path(base).expanduser()
    if not path.exists():
        raise NotFoundError(f"There is no folder '{base}'.", remedy="Write it as './folder', or as 'hf:org/name'.")
    if not path.is_dir():
        raise SourceError(f"'{base}' is a file.", remedy="Name the folder that holds config.json.")
    return path.resolve()


def _of_hub(base: str, online: bool) -> Path:
    import huggingface_hub
    from huggingface_hub.errors import HFValidationError

    name, _, revision = base.removeprefix(_HUB).partition("@")
    told: dict[str, Any] = {"revision": revision or None, "allow_patterns": _WANTED, "local_files_only": not online}
    try:
        with quiet():
            return Path(huggingface_hub.snapshot_download(name, **told))
    except HFValidationError as error:
        raise SourceError(f"'{base}' is no id of a hub.", remedy="Write it as 'hf:org/name'.") from error
    except OSError as error:
        if online:
            raise NotFoundError(f"The hub can't be reached, or has no '{name}': {_line(error)}") from error
        raise NotFoundError(
            f"'{base}' is not on this machine, and nothing is fetched unasked.",
            remedy=f"hf download {name}; or set MFGSQL_HUB=online.",
        ) from error


def read(path: Path) -> Checkpoint:
    """All that is known of a folder; its weights are hashed, not loaded.

    Raises:
        SourceError: it holds no network that can be read; the message says why, and what mends it.
    """
    config = read_config(path)
    kind = modality(config)
    shared = path, config, kind, digest(weight_files(path)), licence(path, config)
    if kind == "image":
        return Checkpoint(*shared, image=image_facts(path, config))
    vocabulary = read_vocabulary(path)
    return Checkpoint(*shared, vocabulary=vocabulary, longest=_longest(config, vocabulary))


def load_model(checkpoint: Checkpoint) -> nn.Module:
    """The network of a checkpoint without its head, in float32, not training.

    Raises:
        SourceError: the weights are damaged, or not those of the config.
    """
    from safetensors import SafetensorError
    from transformers import AutoModel

    path = checkpoint.path
    safe: dict[str, Any] = {"local_files_only": True, "use_safetensors": True, "trust_remote_code": False}
    more = without_pooler(checkpoint.config)
    try:
        with quiet():
            model, told = AutoModel.from_pretrained(path, dtype=torch.float32, output_loading_info=True, **safe, **more)
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise SourceError(f"The weights in {path} can't be read: {_line(error)}") from error
    if missing := sorted(name for name in told["missing_keys"] if "pooler" not in name):
        raise SourceError(f"The weights in {path} are not those of its config: there is no {missing[0]}.")
    loaded: nn.Module = model.eval()
    return loaded


def empty_model(config: dict[str, Any]) -> nn.Module:
    """A network of such a config without a head, in float32, freshly initialised by torch's global generator."""
    from transformers import AutoModel

    made: Any = AutoModel  # it has no types
    model: nn.Module = made.from_config(network_config(config), dtype=torch.float32, **without_pooler(config))
    return model


def _longest(config: dict[str, Any], vocabulary: Vocabulary) -> int:
    positions = getattr(network_config(config), "max_position_embeddings", None) or _POSITIONS
    if config["model_type"] in _AFTER_PAD:
        positions -= vocabulary.pad + 1
    return min(positions, vocabulary.longest or positions)


def _line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
