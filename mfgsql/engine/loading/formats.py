"""Which reader a file needs: by its first bytes where they tell, else by its name, else by what it looks like."""

from __future__ import annotations

from pathlib import PurePath
from typing import Literal

import pyarrow as pa

from mfgsql.engine.loading.bytes_ import compression, open_bytes
from mfgsql.errors import SourceError

Format = Literal["csv", "json", "parquet", "excel"]

_MAGIC: dict[bytes, Format] = {
    b"PAR1": "parquet",
    b"PK\x03\x04": "excel",
    b"\xd0\xcf\x11\xe0": "excel",  # the .xls of Excel 97
}
_SUFFIXES: dict[str, Format] = {
    **dict.fromkeys((".csv", ".tsv", ".txt", ".tab", ".dat", ".asc"), "csv"),
    **dict.fromkeys((".json", ".ndjson", ".jsonl"), "json"),
    **dict.fromkeys((".parquet", ".pq"), "parquet"),
    **dict.fromkeys((".xlsx", ".xls", ".xlsm", ".xlsb", ".ods"), "excel"),
}
_KNOWN = "Known are CSV, TSV, TXT, JSON, NDJSON (also .gz, .zst), Parquet and Excel."
_BOMS = (b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")


def format_of(path: str) -> Format:
    """The format of one file.

    Raises:
        SourceError: nothing this package reads, or a file that isn't what its name says.
    """
    head = _head(path)
    for magic, found in _MAGIC.items():
        if head.startswith(magic):
            return found
    named = _SUFFIXES.get(_suffix(path))
    if named in ("parquet", "excel"):
        raise SourceError(f"'{path}' is called {_suffix(path)} but does not hold that format.", remedy=_KNOWN)
    if _binary(head):
        raise SourceError(f"'{path}' holds neither text nor a format known here.", remedy=_KNOWN)
    return named or ("json" if head.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] in (b"{", b"[") else "csv")


def _head(path: str) -> bytes:
    try:
        with open_bytes(path) as stream:
            return bytes(stream.read(4096))
    except (OSError, EOFError, pa.ArrowException) as error:
        raise SourceError(
            f"'{path}' can't be unpacked: {error}.", remedy="Export or copy it again."
        ) from None


def _suffix(path: str) -> str:
    pure = PurePath(path.lower())
    return (
        pure.with_suffix("").suffix if compression(path) and pure.suffix in (".gz", ".zst") else pure.suffix
    )


def _binary(head: bytes) -> bool:
    """NULs in no pattern; UTF-16 has every second byte NUL."""
    if head.startswith(_BOMS) or b"\0" not in head:
        return False
    pairs = max(head[::2].count(0), head[1::2].count(0))
    return pairs * 5 < len(head)
