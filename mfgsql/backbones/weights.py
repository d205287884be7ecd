"""The files that hold a pretrained folder's weights: safetensors only, for anything else may run code when read."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from mfgsql.errors import SourceError

_ONE, _INDEX = "model.safetensors", "model.safetensors.index.json"
_PICKLED = (".bin", ".pth", ".pt", ".ckpt", ".pkl")
_OURS = "pytorch_model"  # how transformers named its pickles, of one part or many
_AT_ONCE = 2**20  # bytes


def weight_files(folder: Path) -> list[Path]:
    """The one file, or all shards in order of name.

    Raises:
        SourceError: there are none, they are of another kind, or a shard is missing.
    """
    if (folder / _ONE).is_file():
        return [folder / _ONE]
    if (folder / _INDEX).is_file():
        return _shards(folder)
    raise _refusal(folder)


def digest(files: list[Path]) -> str:
    """Hex SHA-256 of the files one after another; of one file what ``sha256sum`` says."""
    told = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            while block := file.read(_AT_ONCE):
                told.update(block)
    return told.hexdigest()


def _shards(folder: Path) -> list[Path]:
    try:
        names = sorted(set(json.loads((folder / _INDEX).read_text(encoding="utf-8"))["weight_map"].values()))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SourceError(f"{folder / _INDEX} is damaged.", remedy="Copy the folder again.") from error
    for name in names:
        if Path(name).name != name or Path(name).suffix != ".safetensors":
            raise SourceError(f"{folder / _INDEX} names '{name}', which is no safetensors file of the folder.")
        if not (folder / name).is_file():
            raise SourceError(f"{folder} lacks {name}, a part of its weights.", remedy="Copy the folder again.")
    return [folder / name for name in names]


def _refusal(folder: Path) -> SourceError:
    names = sorted(path.name for path in folder.iterdir() if path.is_file())
    if pickled := [name for name in names if name.endswith(_PICKLED)]:
        name = next((name for name in pickled if name.startswith(_OURS)), pickled[0])
        return SourceError(
            f"{folder} has its weights in {name}, a pickle, which may run any code when it is read.",
            remedy=_conversion(folder, name),
        )
    if gguf := [name for name in names if name.endswith(".gguf")]:
        return SourceError(
            f"{folder} has its weights in {gguf[0]}, which is made for other programs.",
            remedy=f"Where you trust it, convert it once (needs: pip install gguf accelerate): "
            f"python -c \"from transformers import AutoModel; AutoModel.from_pretrained('{folder}', "
            f"gguf_file='{gguf[0]}').save_pretrained('{folder}-safetensors')\", and copy the tokenizer's files there.",
        )
    held = ", ".join(names[:5]) or "nothing"
    return SourceError(f"{folder} has no {_ONE}; it holds {held}.", remedy="Name the folder that has one.")


def _conversion(folder: Path, name: str) -> str:
    if name.startswith(_OURS):
        return (
            f'Where you trust it, convert it once: python -c "from transformers import AutoModel; '
            f"AutoModel.from_pretrained('{folder}', use_safetensors=False).save_pretrained('{folder}')\"."
        )
    return (
        "Where it holds weights under the names that transformers gives them, convert it once: "
        f'python -c "import torch; from safetensors.torch import save_file; '
        f"w = torch.load('{folder / name}', weights_only=True, map_location='cpu'); "
        "save_file({k: v.clone() for k, v in w.get('state_dict', w).items()}, "
        f"'{folder / _ONE}', metadata={{'format': 'pt'}})\"."
    )
