"""Texts as numbers of pieces of words, by a tokenizer that came with a checkpoint or was trained on a column.

The work is that of the library tokenizers; here lies what a model needs to know of one, and how it is saved.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from mfgsql.entities import word_units
from mfgsql.features.fields import MISSING, Texts

PIECES = 6_000  # of a tokenizer that is trained on a column, at most
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_LONGEST = 32  # characters that a piece has at most, about: what lies further back can't be among the first pieces
SPACES, WORDS = "spaces", "words"  # where a word begins: behind blanks, or where the tokenizer parts words
_READ, _READ_OF_ALL = 10_000, 50_000_000  # characters of a text, and of all, that a tokenizer is trained on
CASES = 5  # ways to write a piece, see `_case`
_LONG = re.compile(rf"\S{{{_LONGEST}}}")
Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Tokenizer:
    """A tokenizer as it is saved.

    Attributes:
        json: all of it, as the library writes it. prefix, suffix: pieces around what a network reads at a time.
        pad, mask: numbers of those pieces; a tokenizer for texts told from left to right has no mask.
    """

    json: str = field(repr=False)
    prefix: tuple[int, ...]
    suffix: tuple[int, ...]
    pad: int
    mask: int | None

    @classmethod
    def train(cls, texts: Iterable[str], pieces: int = PIECES) -> Tokenizer:
        """One for these texts: byte pair encoding (Sennrich et al., ACL 2016) of words in lower case.

        Characters of Chinese stand alone first. Equal texts in the same order give the same tokenizer, which the
        library's WordPiece does not.
        """
        from tokenizers import Tokenizer as Library
        from tokenizers import models, normalizers, pre_tokenizers, trainers

        made: Any = Library(models.BPE(unk_token=_SPECIAL[1]))
        made.normalizer = normalizers.BertNormalizer(lowercase=True, strip_accents=False)
        made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        trainer = trainers.BpeTrainer(
            vocab_size=pieces, special_tokens=list(_SPECIAL), min_frequency=2, limit_alphabet=4_000, show_progress=False
        )
        made.train_from_iterator(_learnable(texts), trainer)
        pad, _, first, last, mask = (made.token_to_id(token) for token in _SPECIAL)
        return cls(made.to_str(), (first,), (last,), pad, mask)

    @cached_property
    def library(self) -> Any:
        """The library's object; thread-safe."""
        from tokenizers import Tokenizer as Library

        made = Library.from_str(self.json)
        made.no_truncation()  # a checkpoint's file may ask for both, and would cut or fill up without a word
        made.no_padding()
        made.encode_special_tokens = True  # a note that says "[MASK]" says these letters
        return made

    @cached_property
    def folds_case(self) -> bool:
        """Whether it reads capitals as small letters."""
        upper, lower = (self.library.encode(text, add_special_tokens=False).ids for text in ("VALVE", "valve"))
        return bool(upper == lower)

    @property
    def size(self) -> int:
        """Pieces known."""
        return int(self.library.get_vocab_size())

    def encode(self, texts: Sequence[str | None], most: int, words: str | None = None) -> tuple[Texts, Array]:
        """Pieces of texts, the first ``most`` of each, and which texts were cut, bool [n].

        Args:
            words: `SPACES` or `WORDS` where it is asked in which piece words begin, where pieces lie, and how they are
                written.
        """
        known = np.array([text is not None for text in texts], bool)
        whole = [text for text in texts if text is not None]
        read = [text[: most * _LONGEST] for text in whole]
        run = self.library.encode_batch_fast if words is None else self.library.encode_batch
        encoded = run(read, add_special_tokens=False)
        found = np.array([len(one) for one in encoded], np.int64)
        lengths = np.full(len(texts), MISSING, np.int64)
        lengths[known] = np.minimum(found, most)
        cut = np.zeros(len(texts), bool)
        behind = [len(some) < len(text.rstrip()) for some, text in zip(read, whole, strict=True)]
        cut[known] = (found > most) | np.array(behind, bool)
        flat = np.concatenate([np.empty(0, np.int32), *(np.array(one.ids[:most], np.int32) for one in encoded)])
        starts = np.cumsum(np.maximum(lengths, 0)) - np.maximum(lengths, 0)
        found_words = () if words is None else _all_words(encoded, read, most, words)
        return Texts(torch.from_numpy(flat), torch.from_numpy(starts), torch.from_numpy(lengths), *found_words), cut

    def to_dict(self) -> dict[str, Any]:
        """All but the JSON, as JSON can hold it."""
        return {"prefix": self.prefix, "suffix": self.suffix, "pad": self.pad, "mask": self.mask}

    @classmethod
    def from_dict(cls, saved: dict[str, Any], json: str) -> Tokenizer:
        """What `to_dict` saved, and the JSON."""
        return cls(json, tuple(saved["prefix"]), tuple(saved["suffix"]), saved["pad"], saved["mask"])


def _learnable(texts: Iterable[str]) -> Iterator[str]:
    """Beginnings of texts, until there is enough; in parts what is no word, as base64, which would take minutes."""
    left = _READ_OF_ALL
    for text in texts:
        if left <= 0:
            return
        left -= min(len(text), _READ)
        yield _LONG.sub(r"\g<0> ", text[:_READ])


def _all_words(
    encoded: Sequence[Any], texts: Sequence[str], most: int, words: str
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Whether a word begins with each piece, bool [pieces], the characters of each, int32 [pieces, 2], and its case."""
    each = [_words(one, text, most, words) for one, text in zip(encoded, texts, strict=True)]
    begins = np.concatenate([np.empty(0, bool), *(found for found, _ in each)])
    places = np.concatenate([np.empty((0, 2), np.int32), *(found for _, found in each)])
    told = [_case(text[i:j]) for text, (_, of) in zip(texts, each, strict=True) for i, j in of.tolist()]
    return torch.from_numpy(begins), torch.from_numpy(places), torch.tensor(told, dtype=torch.long)


def _case(piece: str) -> int:
    """Of a piece's letters, a number below `CASES`: none has one, all are small, the first is a capital, all are, or
    some within.
    """
    if piece.islower():
        return 1
    if not piece.isupper():
        return 0 if piece.lower() == piece else 2 if piece.istitle() else 4
    return 2 if len(piece) == 1 else 3


def _words(encoded: Any, text: str, most: int, words: str) -> tuple[Array, Array]:
    """The same of one text. Some tokenizers take blanks into their pieces: these are no part of a piece's place, and
    a piece of nothing else ends where the word before it does, and begins behind that.
    """
    offsets = np.array(encoded.offsets[:most], np.int32).reshape(-1, 2)
    solid = np.flatnonzero(np.array([not character.isspace() for character in text], bool))
    begin = np.append(solid, len(text))[np.searchsorted(solid, offsets[:, 0])]
    stop = np.append(0, solid + 1)[np.searchsorted(solid, offsets[:, 1])]
    inside = begin < stop
    number = _by_spaces(text)[begin[inside]] if words == SPACES else _numbers(encoded.word_ids[:most])[inside]
    begins = np.zeros(len(offsets), bool)
    begins[inside] = np.diff(number, prepend=-2) != 0
    return begins, np.stack([begin, stop], axis=1).astype(np.int32)


def _numbers(words: Sequence[int | None]) -> Array:
    return np.array([-1 if word is None else word for word in words], np.int64)


def _by_spaces(text: str) -> Array:
    """For each character the number of its word, [characters]; characters that stand alone are words of their own."""
    number = np.zeros(len(text), np.int64)
    for word, (begin, stop) in enumerate(word_units(text), start=1):
        number[begin:stop] = word
    return number
