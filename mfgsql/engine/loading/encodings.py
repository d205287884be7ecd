"""Which letters a text file's bytes stand for.

A byte order mark decides; else UTF-8 if every byte agrees; else GB18030 against Latin-1. Those two need no library:
charset-normalizer and chardet were measured on short exports of both (see tests) and took many of them for
something else, because they choose among a hundred encodings with too little text.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from mfgsql.engine.loading.bytes_ import CHUNK, chunks
from mfgsql.engine.loading.job import Job
from mfgsql.errors import OptionError, ResourceError, SourceError

_BOMS = (  # UTF-32's begins like UTF-16's
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LABELS = {"gb18030": "GB18030", "latin-1": "Latin-1", "cp1252": "Windows-1252 (Latin-1)"}
_UTF8 = ("utf-8", "utf-8-sig")


@dataclass(frozen=True)
class Encoding:
    """A codec's name, and whether it was guessed from the letters."""

    codec: str
    guessed: bool = False

    @property
    def label(self) -> str:
        return _LABELS.get(self.codec, self.codec.upper().removesuffix("-SIG"))


def as_utf8(job: Job, path: str, *, strip_bom: bool = False) -> str:
    """The path itself when its bytes are UTF-8, else that of a copy that is.

    Raises:
        OptionError: the encoding named is unknown.
        SourceError: the file is not in the encoding named.
    """
    encoding = _named(job.options.encoding) or detect(path)
    if encoding.codec not in _UTF8:
        guessed = " (guessed from its letters; say --encoding if it is another)" if encoding.guessed else ""
        job.note(f"encoding {encoding.label}{guessed}", path)
    elif not (strip_bom and encoding.codec == "utf-8-sig"):
        return path
    return copy(job, path, encoding.codec)


def copy(job: Job, path: str, codec: str = "utf-8", *, newlines: bool = False) -> str:
    """Path of a temporary UTF-8 copy; ``newlines`` makes all line ends ``\\n``."""
    decoder = codecs.getincrementaldecoder(codec)()
    decode = _Newlines(decoder) if newlines else decoder
    target = job.file("text")
    try:
        with target.open("wb") as out:
            for chunk in chunks(path):
                out.write(decode.decode(chunk).encode())
            out.write(decode.decode(b"", True).encode())
    except UnicodeDecodeError as error:
        raise SourceError(
            f"'{path}' is not {codec.upper()}: {error.reason} at {error.object[error.start : error.end]!r}.",
            remedy="Leave out --encoding to let it be found, or name another.",
        ) from None
    except OSError as error:
        raise ResourceError(
            f"No room for a copy of '{path}' in UTF-8 at {target.parent}: {error.strerror}.",
            remedy="Point TMPDIR to a larger disk.",
        ) from None
    return str(target)


class _Newlines(codecs.IncrementalDecoder):
    """Makes ``\\r\\n`` and ``\\r`` one ``\\n``, also where a chunk ends between the two."""

    def __init__(self, inner: codecs.IncrementalDecoder) -> None:
        super().__init__()
        self._inner = inner
        self._held = ""

    def decode(self, input: bytes, final: bool = False) -> str:
        text = self._held + self._inner.decode(input, final)
        self._held = "\r" if text.endswith("\r") and not final else ""
        return text.removesuffix(self._held).replace("\r\n", "\n").replace("\r", "\n")


def detect(path: str) -> Encoding:
    """The encoding by the rules at the top of this file."""
    head = next(chunks(path), b"")
    for mark, codec in _BOMS:
        if head.startswith(mark):
            return Encoding(codec)
    if wide := _utf16(head[:4096]):
        return Encoding(wide, guessed=True)
    if _decodes(path, "utf-8") or _damaged_utf8(sample := _letters(path)):
        return Encoding("utf-8")
    if _decodes(path, "gb18030") and looks_chinese(sample.decode("gb18030", errors="replace")):
        return Encoding("gb18030", guessed=True)
    windows = re.search(rb"[\x80-\x9f]", sample) and _decodes(path, "cp1252")
    return Encoding("cp1252" if windows else "latin-1", guessed=True)


def looks_chinese(text: str) -> bool:
    """Whether text decoded as GB18030 reads like it, rather than like Latin-1 taken for it.

    Chinese is mostly of the 3,755 frequent characters (lead bytes B0-D7, both bytes high) and full-width signs. A
    Latin letter with an accent stands beside ASCII, so that it decodes to a pair with a low second byte, or to a
    rare character; and it stands inside a word. Rare characters of the second level (F6DF is 'öß') count for neither.
    """
    score = 0
    for run in re.finditer(r"[^\x00-\x7f]+", text):
        inside = text[run.start() - 1 : run.start()].isalpha() and text[run.end() : run.end() + 1].isalpha()
        score += sum(_weight(character, inside) for character in run[0])
    return score > 0


def _weight(character: str, inside_word: bool) -> int:
    pair = character.encode("gb18030", errors="replace")
    if len(pair) != 2 or pair[1] < 0xA1 or inside_word:
        return -1
    return 1 if pair[0] <= 0xA3 or 0xB0 <= pair[0] <= 0xD7 else 0


def _named(name: str | None) -> Encoding | None:
    if name is None or name.lower() == "auto":
        return None
    try:
        info = codecs.lookup(name)
        "".encode(name)  # refuses codecs that aren't of text, such as base64
    except LookupError:
        raise OptionError(
            f"encoding = {name!r} is unknown.", remedy="Write auto, utf-8, gb18030, latin-1, cp1252, utf-16 or such."
        ) from None
    return Encoding("latin-1" if info.name == "iso8859-1" else info.name)


def _utf16(head: bytes) -> str | None:
    """Text of mostly ASCII letters in UTF-16 has NULs on one side of each pair only."""
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) * 5 < len(head) or min(even, odd) * 10 > max(even, odd):
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def _decodes(path: str, codec: str) -> bool:
    decoder = codecs.getincrementaldecoder(codec)()
    try:
        for chunk in chunks(path):
            decoder.decode(chunk)
        decoder.decode(b"", True)
    except UnicodeDecodeError:
        return False
    return True


def _letters(path: str) -> bytes:
    """Up to a megabyte of the lines that have other bytes than ASCII."""
    found = b""
    for chunk in chunks(path):
        found += b"\n".join(line for line in chunk.split(b"\n") if not line.isascii())
        if len(found) > CHUNK:
            break
    return found


def _damaged_utf8(sample: bytes) -> bool:
    """UTF-8 with a few broken bytes: the reader then names their lines, which a wrong guess would hide."""
    text = sample.decode("utf-8", errors="replace")
    broken = text.count("�")
    return sum(not c.isascii() for c in text) - broken > 10 * broken
