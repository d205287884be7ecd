"""Nested values as JSON: STRUCT and MAP as objects, lists as arrays, a UNION as an object of the member that it holds.

Built from the inside out, a whole array at a time: the texts of all members are joined by Arrow. Values that are no
number, truth or JSON become strings as PostgreSQL prints them; NaN and the infinities as well, which JSON lacks.
"""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.compute as pc

from mfgsql.wire.types.arrow import Array, binary, holds_any, under
from mfgsql.wire.types.duck import DuckType
from mfgsql.wire.types.lists import flat, join_lists
from mfgsql.wire.types.scalars import Writer, scalar_writer

_NUMBERS = frozenset({
    "TINYINT", "UTINYINT", "SMALLINT", "USMALLINT", "INTEGER", "UINTEGER", "BIGINT", "UBIGINT", "HUGEINT", "UHUGEINT",
    "DECIMAL", "FLOAT", "DOUBLE", "BIGNUM",
})  # fmt: skip
_CONTROLS = bytes(range(0x20))


def document_writer(duck: DuckType, zone: str) -> Writer:
    """The function that writes values of a type as JSON; a NULL stays a NULL."""
    write = _writer(duck, zone)
    return lambda array: under(array, write(array)) if not pa.types.is_union(array.type) else _known(write(array))


def _known(texts: Array) -> Array:
    """A UNION has no NULLs of its own: it holds one."""
    return pc.if_else(pc.equal(texts, "null"), None, texts)


def _writer(duck: DuckType, zone: str) -> Writer:
    """Writes JSON without NULLs: they are the word ``null``."""
    inner = [_writer(child, zone) for child in duck.children]
    if duck.name in ("LIST", "ARRAY"):
        return lambda array: _filled(array, _list(array, inner[0]))
    if duck.name == "STRUCT":
        return lambda array: _filled(array, _struct(array, inner))
    if duck.name == "MAP":
        key = None if duck.children[0].nested else _strings(scalar_writer(duck.children[0], zone))
        return lambda array: _filled(array, _map(array, key, inner))
    if duck.name == "UNION":
        return lambda array: _union(array, inner)
    plain = scalar_writer(duck, zone)
    if duck.name == "BOOLEAN":
        return lambda array: pc.fill_null(pc.if_else(array, "true", "false"), "null")
    if duck.name == "JSON":
        return lambda array: pc.fill_null(plain(array), "null")
    write = _finite(plain) if duck.name in _NUMBERS else _strings(plain)
    return lambda array: pc.fill_null(write(array), "null")


def _filled(array: Array, texts: Array) -> Array:
    return pc.fill_null(under(array, texts), "null")


def _list(array: Array, write: Writer) -> Array:
    elements, starts = flat(array)
    return pc.binary_join_element_wise("[", join_lists(write(elements), starts, ","), "]", "")


def _struct(array: Array, inner: list[Writer]) -> Array:
    """Members without a name are f1, f2, as those of PostgreSQL's rows."""
    parts: list[Array | str] = []
    for k, (member, write) in enumerate(zip(array.flatten(), inner, strict=True)):
        name = json.dumps(array.type.field(k).name or f"f{k + 1}", ensure_ascii=False)
        parts += [f"{',' if k else '{'}{name}:", write(member)]
    return pc.binary_join_element_wise(*parts, "}", "")


def _map(array: Array, key: Writer | None, inner: list[Writer]) -> Array:
    """An object; a list of objects with key and value where a key is nested itself."""
    entries = pa.ListArray.from_buffers(
        pa.list_(pa.struct([("key", array.type.key_type), ("value", array.type.item_type)])),
        len(array), array.buffers()[:2], offset=array.offset, children=[_entries(array)],
    )  # fmt: skip
    pairs, starts = flat(entries)
    keys, values = pairs.flatten()
    if key is not None:
        members = pc.binary_join_element_wise(key(keys), inner[1](values), ":")
        return pc.binary_join_element_wise("{", join_lists(members, starts, ","), "}", "")
    members = pc.binary_join_element_wise('{"key":', inner[0](keys), ',"value":', inner[1](values), "}", "")
    return pc.binary_join_element_wise("[", join_lists(members, starts, ","), "]", "")


def _entries(array: Array) -> Array:
    """All keys and values of the map's memory, in front of its offset as well."""
    return pa.StructArray.from_arrays([array.keys, array.items], ["key", "value"])


def _union(array: Array, inner: list[Writer]) -> Array:
    codes = array.type_codes.cast(pa.int64())
    members = []
    for k, write in enumerate(inner):
        texts, name = write(array.field(k)), json.dumps(array.type.field(k).name, ensure_ascii=False)
        held = pc.binary_join_element_wise(f"{{{name}:", texts, "}", "")
        members.append(pc.if_else(pc.equal(texts, "null"), texts, held))
    return pc.choose(codes, *members)


def _strings(write: Writer) -> Writer:
    return lambda array: pc.binary_join_element_wise('"', escaped(write(array)), '"', "")


def _finite(write: Writer) -> Writer:
    """Numbers as they are, and the words among them as strings."""

    def written(array: Array) -> Array:
        texts = write(array)
        if not holds_any(binary(texts), b"NI"):
            return texts
        words = pc.is_in(texts, pa.array(["NaN", "Infinity", "-Infinity"]))
        return pc.if_else(words, pc.binary_join_element_wise('"', texts, '"', ""), texts)

    return written


def escaped(texts: Array) -> Array:
    """The inside of a JSON string."""
    raw = binary(texts)
    if holds_any(raw, b'"\\'):
        texts = pc.replace_substring(pc.replace_substring(texts, "\\", "\\\\"), '"', '\\"')
    if holds_any(raw, _CONTROLS):
        for code in _CONTROLS:
            texts = pc.replace_substring(texts, chr(code), json.dumps(chr(code))[1:-1])
    return texts
