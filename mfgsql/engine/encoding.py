"""Text files of any encoding as UTF-8, which is what DuckDB reads."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import NamedTemporaryFile

from mfgsql.errors import OptionError, SourceError

_SAMPLE = 2**20


@contextmanager
def as_utf8(file: str, encoding: str | None, notes: list[str]) -> Iterator[str]:
    """The file itself where it is UTF-8, else a transcoded copy that is deleted afterwards."""
    found = _encoding(file, encoding)
    if found in ("utf-8", "utf-8-sig"):
        yield file
        return
    notes.append(f"'{file}' is read as {found}.")
    with NamedTemporaryFile("w", suffix=".csv", encoding="utf-8", newline="", delete=True) as copy:
        try:
            with open(file, encoding=found, newline="") as text:
                while part := text.read(_SAMPLE):
                    copy.write(part)
        except UnicodeDecodeError as error:
            raise SourceError(f"'{file}' is not {found}: byte {error.start} can't be read.") from None
        copy.flush()
        yield copy.name


def _encoding(file: str, told: str | None) -> str:
    """The encoding: as told, by its mark, or the first of UTF-8 and GB18030 that reads the whole file, else Latin-1."""
    if told:
        try:
            return codecs.lookup(told).name
        except LookupError:
            raise OptionError(f"There is no encoding {told!r}; common are utf-8, gb18030, latin-1, utf-16.") from None
    with open(file, "rb") as data:
        start = data.read(4)
    if start.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return next((e for e in ("utf-8", "gb18030") if _reads(file, e)), "latin-1")


def _reads(file: str, encoding: str) -> bool:
    try:
        with open(file, encoding=encoding, newline="") as text:
            while text.read(_SAMPLE):
                pass
    except UnicodeDecodeError:
        return False
    return True
