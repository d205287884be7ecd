"""Lists as PostgreSQL's arrays of one dimension, in text and in binary; also the joining of lists that JSON needs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mfgsql.wire.types.arrow import Array, Numbers, binary, contents, holds_any, of_bytes, offsets, under, validity
from mfgsql.wire.types.pieces import Piece, as_array, joined, with_length

_SPECIAL = b'"\\{}, \t\n\r\v\f'
_QUOTED = r'(?i)["\\{}, \t\n\r\v\f]|^null$|^$'
_EMPTY = 12  # bytes of the header of an array without elements
_HEADER = np.dtype([(name, ">i4") for name in ("dimensions", "nulls", "oid", "size", "first")])


def flat(array: Array) -> tuple[Array, Numbers]:
    """The elements of all lists, and where each list begins among them, with the end of the last."""
    sizes = pc.list_value_length(array).fill_null(0).to_numpy(zero_copy_only=False)
    return array.flatten(), np.concatenate([[0], np.cumsum(sizes, dtype=np.int32)]).astype(np.int32)


def join_lists(elements: Array, starts: Numbers, separator: str) -> Array:
    """Texts without NULLs, one for each list, with the separator between."""
    of_lists = pa.ListArray.from_arrays(pa.array(starts, pa.int32()), elements)
    return pc.binary_join(of_lists, separator)


def array_text(array: Array, write: Callable[[Array], Array]) -> Array:
    """``{1,NULL,"a b"}``; ``write`` prints the elements."""
    elements, starts = flat(array)
    texts = pc.fill_null(_quoted(write(elements)), "NULL")
    inner = join_lists(texts, starts, ",")
    return under(array, pc.binary_join_element_wise("{", inner, "}", ""))


def array_binary(array: Array, oid: int, write: Callable[[Array], Piece]) -> Array:
    """The header, then each element behind its length; ``oid`` is the elements' type."""
    elements, starts = flat(array)
    valid = validity(elements)
    body = binary(as_array(joined(with_length(write(elements), valid), len(elements))))
    sizes = np.diff(starts)
    missing = np.zeros(len(starts), np.int64) if valid is None else np.concatenate([[0], np.cumsum(~valid)])[starts]
    header = np.zeros(len(array), _HEADER)
    header["dimensions"], header["nulls"], header["oid"] = sizes > 0, np.diff(missing) > 0, oid
    header["size"], header["first"] = sizes, 1
    heads = _shortened(header, np.where(sizes > 0, _HEADER.itemsize, _EMPTY))
    ends = offsets(body)
    inner = of_bytes(contents(body), (ends - ends[0])[starts])  # one list's elements lie side by side already
    return under(array, pc.binary_join_element_wise(heads, inner, pa.scalar(b"", pa.binary())))


def _quoted(texts: Array) -> Array:
    """In quotes what an array could not hold bare."""
    raw = binary(texts)
    if len(texts) == 0 or not (holds_any(raw, _SPECIAL) or _any_word(texts)):
        return texts
    escaped = pc.replace_substring(pc.replace_substring(texts, "\\", "\\\\"), '"', '\\"')
    return pc.if_else(
        pc.match_substring_regex(texts, _QUOTED), pc.binary_join_element_wise('"', escaped, '"', ""), texts
    )


def _any_word(texts: Array) -> bool:
    """Whether a text is empty or may be the word NULL."""
    sizes = pc.binary_length(texts)
    return bool(pc.any(pc.or_(pc.equal(sizes, 0), pc.equal(sizes, 4))).as_py())


def _shortened(rows: Numbers, sizes: Numbers) -> Array:
    """The first bytes of each row, as many as ``sizes`` says."""
    matrix = rows.view(np.uint8).reshape(len(rows), rows.dtype.itemsize)
    kept = matrix[np.arange(matrix.shape[1]) < sizes[:, None]]
    return of_bytes(kept, np.concatenate([[0], np.cumsum(sizes)]))
