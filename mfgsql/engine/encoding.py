"""Text files of any encoding as UTF-8, which is what DuckDB reads."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from tempfile import NamedTemporaryFile
from typing import IO

from mfgsql.errors import OptionError, SourceError

_BLOCK = 2**20
_RUNS = 1000  # of bytes beyond ASCII, to tell encodings by


def never() -> None:
    """Nobody asks the work to stop."""


@contextmanager
def as_utf8(file: str, encoding: str | None, notes: list[str], check: Callable[[], None] = never) -> Iterator[str]:
    """The file itself where it is UTF-8, else a transcoded copy that is deleted afterwards.

    Args:
        encoding: as told; None: by its mark, else UTF-8 where it reads the whole file, else the first of GB18030 (where
        its bytes look like that), Windows-1252 and Latin-1 that does.
        check: called at every block; raises where the work shall stop.
    """
    found = _told(file, encoding) if encoding else _by_mark(file)
    if found is None and _is_utf8(file, check):
        found = "utf-8"
    if found in ("utf-8", "utf-8-sig"):
        yield file
        return
    with NamedTemporaryFile("wb", suffix=".csv", delete=True) as copy:
        found = _copy(file, copy, (found,) if found else _candidates(file, check), check)
        otherwise = "" if encoding else " If that is wrong, name it by --encoding."
        notes.append(f"'{file}' is read as {found}.{otherwise}")
        yield copy.name


def _told(file: str, encoding: str) -> str:
    try:
        open(file, encoding=encoding).close()  # refuses what is no encoding of text, such as base64
        return codecs.lookup(encoding).name
    except LookupError:
        raise OptionError(f"There is no encoding {encoding!r}; common are utf-8, gb18030, latin-1, utf-16.") from None


def _by_mark(file: str) -> str | None:
    with open(file, "rb") as data:
        start = data.read(4)
    if start.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    return "utf-16" if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else None


def _candidates(file: str, check: Callable[[], None]) -> tuple[str, ...]:
    """By the first bytes beyond ASCII: characters of Chinese are pairs of them, those of Western Europe stand alone.

    GB18030 reads most Western text without complaint, an umlaut and the letter behind it as one character.
    """
    runs: list[bytes] = []
    with open(file, "rb") as data:
        while len(runs) < _RUNS and (block := data.read(_BLOCK)):
            check()
            runs += re.findall(rb"[A-Za-z]?[\x80-\xff]+[A-Za-z]?", block)
    pairs = sum(len(run) % 2 == 0 and min(run) >= 0xA1 for run in runs)  # no letter touches them
    western = ("cp1252", "latin-1")
    return western if pairs <= len(runs) / 2 else ("gb18030", *western)


def _is_utf8(file: str, check: Callable[[], None]) -> bool:
    """Other encodings give themselves away in the first block that isn't ASCII, so few files are read to the end."""
    try:
        for _ in _decoded(file, "utf-8", check):
            pass
    except UnicodeDecodeError:
        return False
    return True


def _copy(file: str, copy: IO[bytes], encodings: tuple[str, ...], check: Callable[[], None]) -> str:
    """Copy as UTF-8 by the first encoding that reads the whole file, which is found out while it is copied."""
    for encoding in encodings:
        copy.seek(0)
        copy.truncate()
        try:
            for text in _decoded(file, encoding, check):
                copy.write(text.encode())
            copy.flush()
            return encoding
        except UnicodeDecodeError as error:
            failed = f"'{file}' is not {encoding}: byte {error.start} can't be read."
        except UnicodeEncodeError:
            failed = f"'{file}' is not {encoding}: it holds halves of characters."
        except UnicodeError as error:
            failed = f"'{file}' can't be read as {encoding}: {error}."
    raise SourceError(failed)


def _decoded(file: str, encoding: str, check: Callable[[], None]) -> Iterator[str]:
    """The text, block by block.

    Raises:
        UnicodeDecodeError: the file isn't of this encoding; ``start`` counts from the file's beginning.
    """
    decoder = codecs.getincrementaldecoder(encoding)()
    at = 0
    with open(file, "rb") as data:
        while True:
            check()
            block = data.read(_BLOCK)
            kept = len(decoder.getstate()[0])  # bytes of a character that the last block cut in two
            try:
                yield decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                error.start += at - kept
                raise
            at += len(block)
            if not block:
                return
