"""PostgreSQL's array literals, read: ``{1,NULL,"a b",{...}}``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

_SPACE = " \t\n\r\v\f"  # what PostgreSQL skips; Python's idea of space is wider
_TOKEN = re.compile(
    rf'[{_SPACE}]*(?:(?P<sign>[{{}},])|"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>(?:[^{{}},"\\]|\\.)+))[{_SPACE}]*',
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_DEPTH = 6  # dimensions that PostgreSQL allows

Token = tuple[str, str | None]
"""A kind (a brace, a comma, ``value``, or nothing at the end) and the value."""


def read_array(text: str, read: Callable[[str], Any]) -> list[Any]:
    """The elements, each as ``read`` makes it of its text. Bounds in front (``[0:1]=``) are left out.

    Raises:
        ValueError: the text is no array, or an element of it is none of its type.
    """
    body = text.partition("=")[2] if text.lstrip().startswith("[") else text
    tokens = _tokens(body)
    if next(tokens)[0] != "{":
        raise ValueError(text)
    found = _elements(tokens, read, 1)
    if next(tokens)[0]:
        raise ValueError(text)
    return found


def _elements(tokens: Iterator[Token], read: Callable[[str], Any], depth: int) -> list[Any]:
    """What stands behind an opening brace, the closing one taken."""
    found: list[Any] = []
    while True:
        kind, value = next(tokens)
        if kind == "}" and not found:
            return found
        if kind == "value":
            found.append(None if value is None else read(value))
        elif kind == "{" and depth < _DEPTH:
            found.append(_elements(tokens, read, depth + 1))
        else:
            raise ValueError(kind)
        kind, _ = next(tokens)
        if kind == "}":
            return found
        if kind != ",":
            raise ValueError(kind)


def _tokens(text: str) -> Iterator[Token]:
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ValueError(text)
        at = match.end()
        if sign := match["sign"]:
            yield sign, None
        elif match["quoted"] is not None:
            yield "value", _ESCAPE.sub(r"\1", match["quoted"])
        else:
            bare = match["bare"].strip(_SPACE)
            yield "value", None if bare.upper() == "NULL" else _ESCAPE.sub(r"\1", bare)
    while True:
        yield "", None
