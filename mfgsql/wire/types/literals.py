"""Values that a client wrote as text, read as PostgreSQL reads them: Python values that DuckDB takes.

Each reader raises ``ValueError`` for a text that is no value of its type.
"""

from __future__ import annotations

import re
from decimal import Decimal

_INTEGER = re.compile(r"[+-]?[0-9]+")
_FLOAT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]{1,6})?|[+-]?inf(inity)?|nan", re.IGNORECASE)
_TRUTHS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_OCTAL = re.compile(rb"\\(\\|[0-3][0-7]{2})")
_DIGITS = 38  # of DuckDB's longest decimal
_LOWEST, _HIGHEST = -(2**127), 2**128 - 1  # of HUGEINT and of UHUGEINT


def boolean(text: str) -> bool:
    """Any beginning of true, false, yes, no, on, off that only one of them has; 1 and 0."""
    word = text.strip().lower()
    found = {truth for name, truth in _TRUTHS.items() if word and name.startswith(word)}
    if len(found) != 1:
        raise ValueError(text)
    return found.pop()


def integer(text: str) -> int:
    """Decimal digits with a sign."""
    if not _INTEGER.fullmatch(text.strip()):
        raise ValueError(text)
    return int(text)


def number(text: str) -> float:
    """A float, NaN and the infinities among them."""
    if not _FLOAT.fullmatch(text.strip()):
        raise ValueError(text)
    found = float(text)
    if abs(found) == float("inf") and "inf" not in text.lower():
        raise ValueError(text)
    return found


def numeric(text: str) -> Decimal | float:
    """A decimal; an int or a float where DuckDB's 38 digits can't hold it."""
    if not _FLOAT.fullmatch(text.strip()):
        raise ValueError(text)
    return fitting(Decimal(text.strip()))


def fitting(found: Decimal) -> Decimal | float:
    """The decimal without a positive exponent, which DuckDB would misread. Of 39 digits, an int; else a float."""
    exponent = found.as_tuple().exponent
    if not isinstance(exponent, int):  # NaN and the infinities
        return float(found)
    if found and found.adjusted() >= _DIGITS:
        if found.adjusted() == _DIGITS and found == (whole := int(found)) and _LOWEST <= whole <= _HIGHEST:
            return whole
        if abs(rounded := float(found)) == float("inf"):
            raise ValueError(str(found))
        return rounded
    return Decimal(int(found)) if exponent > 0 else found


def octets(text: str) -> bytes:
    r"""``\x`` and hexadecimal digits, or the older form with octal escapes."""
    if text.startswith("\\x"):
        return bytes.fromhex(text[2:])
    parts = _OCTAL.split(text.encode())
    if b"\\" in b"".join(parts[::2]):
        raise ValueError(text)
    parts[1::2] = [b"\\" if p == b"\\" else bytes([int(p, 8)]) for p in parts[1::2]]
    return b"".join(parts)


def bits(text: str) -> str:
    """Zeros and ones."""
    if not re.fullmatch("[01]*", text):
        raise ValueError(text)
    return text
