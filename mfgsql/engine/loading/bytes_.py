"""A file's bytes, unpacked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO, cast

import pyarrow as pa

CHUNK = 1 << 20
_PACKED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}


def compression(path: str) -> str | None:
    """``gzip`` or ``zstd`` by the first bytes, whatever the file is called."""
    with open(path, "rb") as stream:
        head = stream.read(4)
    return next((name for magic, name in _PACKED.items() if head.startswith(magic)), None)


def open_bytes(path: str) -> BinaryIO:
    """The unpacked bytes, as a stream."""
    kind: Any = compression(path)
    return cast(BinaryIO, pa.input_stream(path, compression=kind))


def chunks(path: str) -> Iterator[bytes]:
    """The unpacked bytes, a megabyte at a time."""
    with open_bytes(path) as stream:
        while chunk := stream.read(CHUNK):
            yield chunk
