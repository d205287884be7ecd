"""Values of COPY in text and in CSV: what PostgreSQL escapes, quotes, and writes for NULL. Whole arrays at a time."""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

from mfgsql.wire.types.arrow import Array, binary, holds_any
from mfgsql.wire.types.copying.layout import CopyLayout

_LETTERS = {"\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t", "\v": "v"}
_PAIR = "\0"  # stands for two backslashes; PostgreSQL has no NUL in a text
_CODE = re.compile(rb"\\(?:x([0-9A-Fa-f]{1,2})|([0-7]{1,3})|(.))|\0", re.DOTALL)


def text_values(texts: Array, layout: CopyLayout) -> Array:
    """As COPY's text format has them."""
    special = "\\" + "".join(_LETTERS)
    if holds_any(binary(texts), (special + layout.delimiter).encode()):
        texts = pc.replace_substring(texts, "\\", "\\\\")
        for character, letter in _LETTERS.items():
            texts = pc.replace_substring(texts, character, f"\\{letter}")
        if layout.delimiter not in special:
            texts = pc.replace_substring(texts, layout.delimiter, f"\\{layout.delimiter}")
    return pc.fill_null(texts, layout.marker)


def csv_values(texts: Array, layout: CopyLayout, *, force: bool, alone: bool) -> Array:
    """As CSV: in quotes what could be read as something else. ``alone`` is a table of one column."""
    special = layout.delimiter + layout.quote + "\r\n"
    confusing = pc.equal(texts, layout.marker)
    if alone:
        confusing = pc.or_(confusing, pc.equal(texts, "\\."))
    quoted, escaped = confusing, texts
    if holds_any(binary(texts), special.encode()):
        quoted = pc.or_(confusing, pc.match_substring_regex(texts, f"[{re.escape(special)}]"))
    if holds_any(binary(texts), (layout.quote + layout.escape).encode()):
        for character in dict.fromkeys([layout.escape, layout.quote]):
            escaped = pc.replace_substring(escaped, character, layout.escape + character)
    if force or pc.any(quoted).as_py():
        bound = pc.binary_join_element_wise(layout.quote, escaped, layout.quote, "")
        texts = bound if force else pc.if_else(quoted, bound, texts)
    return pc.fill_null(texts, layout.marker)


def protect(data: bytes, layout: CopyLayout) -> bytes:
    """Text data in which no backslash stands before a delimiter or an end of line, nor for itself."""
    data = data.replace(b"\\\\", _PAIR.encode())
    for character, code in (("\r", "\\r"), ("\n", "\\n"), (layout.delimiter, f"\\x{ord(layout.delimiter):02x}")):
        data = data.replace(b"\\" + character.encode(), code.encode())
    return data


def unescaped(texts: Array) -> Array:
    """The values of protected text data. Value by value where a column has octal or hexadecimal codes.

    Raises:
        UnicodeDecodeError: such codes make no UTF-8.
    """
    if not holds_any(binary(texts), b"\\\0"):
        return texts
    if pc.any(pc.match_substring_regex(texts, r"\\(x[0-9A-Fa-f]|[0-7])")).as_py():
        return _decoded(texts)
    for character, letter in _LETTERS.items():
        texts = pc.replace_substring(texts, f"\\{letter}", character)
    texts = pc.replace_substring_regex(texts, r"(?s)\\(.)", r"\1")
    return pc.replace_substring(texts, _PAIR, "\\")


def _decoded(texts: Array) -> Array:
    characters = {letter.encode(): character.encode() for character, letter in _LETTERS.items()}

    def meant(match: re.Match[bytes]) -> bytes:
        hexadecimal, octal, other = match.groups()
        if hexadecimal or octal:
            return bytes([int(hexadecimal or octal, 16 if hexadecimal else 8) & 0xFF])
        return characters.get(other, other) if other else b"\\"

    values = [None if v is None else _CODE.sub(meant, v.encode()).decode() for v in texts.to_pylist()]
    return pa.array(values, pa.string())
