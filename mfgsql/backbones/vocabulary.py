"""The tokenizer of a pretrained folder: all of it as JSON, and which pieces are special."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mfgsql.backbones.quiet import quiet
from mfgsql.errors import SourceError

_JSON = "tokenizer.json"
_OTHERS = ("vocab.txt", "vocab.json", "tokenizer.model", "spiece.model", "sentencepiece.bpe.model")
_ENDLESS = 10**6  # pieces: transformers writes an enormous number where there is no limit


@dataclass(frozen=True)
class Vocabulary:
    """A tokenizer.

    Attributes:
        tokenizer: the library's JSON. prefix, suffix: numbers of the pieces around a text.
        pad, mask, unk: of special pieces; where there is no pad, the one that ends a text stands for it, or the first.
        longest: pieces of a text that it was made for, or None.
    """

    tokenizer: str
    prefix: tuple[int, ...]
    suffix: tuple[int, ...]
    pad: int
    mask: int | None
    unk: int | None
    longest: int | None


def read_vocabulary(folder: Path) -> Vocabulary:
    """The tokenizer of a folder.

    Raises:
        SourceError: there is none, or it can't be read.
    """
    from tokenizers import Tokenizer
    from transformers import AutoTokenizer

    if not any((folder / name).is_file() for name in (_JSON, *_OTHERS)):
        raise SourceError(
            f"{folder} has no tokenizer: neither {_JSON} nor vocab.txt.",
            remedy=f"Put the {_JSON} of the same model there: its weights know no other's pieces.",
        )
    try:
        with quiet():
            known = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        text = (folder / _JSON).read_text(encoding="utf-8") if (folder / _JSON).is_file() else _written(known)
        library = Tokenizer.from_str(text)
    except Exception as error:  # tokenizers raises nothing narrower
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise SourceError(f"The tokenizer of {folder} can't be read: {first}") from error
    library.no_truncation()
    library.no_padding()
    prefix, suffix = _around(library)
    pad = next((i for i in (known.pad_token_id, known.eos_token_id) if i is not None), 0)
    longest = known.model_max_length if known.model_max_length < _ENDLESS else None
    return Vocabulary(text, prefix, suffix, int(pad), known.mask_token_id, known.unk_token_id, longest)


def _written(known: Any) -> str:
    text: str = known.backend_tokenizer.to_str()
    return text


def _around(library: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Pieces that it puts before and behind a text."""
    encoded = library.encode("a")
    own = [place for place, special in enumerate(encoded.special_tokens_mask) if not special]
    first, last = (own[0], own[-1] + 1) if own else (len(encoded.ids), len(encoded.ids))
    return tuple(encoded.ids[:first]), tuple(encoded.ids[last:])
