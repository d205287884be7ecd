"""DuckDB's type texts, understood: ``DECIMAL(18,3)``, ``STRUCT(a INTEGER, "b c" VARCHAR[])``, ``FLOAT[3]``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

_TOKEN = re.compile(r"""\s*("(?:[^"]|"")*"|'(?:[^']|'')*'|[\[\](),]|[^\s\[\](),"']+)""")
_SPACED = {("TIME", "WITH"): "TIME WITH TIME ZONE", ("TIMESTAMP", "WITH"): "TIMESTAMP WITH TIME ZONE"}
_NESTING = frozenset({"STRUCT", "MAP", "UNION"})


@dataclass(frozen=True)
class DuckType:
    """A type of DuckDB.

    Attributes:
        name: as DuckDB writes it, upper case, without what stands in brackets; LIST and ARRAY for ``x[]``, ``x[3]``.
        precision: of a DECIMAL, else 0.
        scale: of a DECIMAL, else 0.
        children: the element of a LIST or ARRAY; key and value of a MAP; the members of a STRUCT or UNION.
    """

    name: str
    precision: int = 0
    scale: int = 0
    children: tuple[DuckType, ...] = ()

    @property
    def nested(self) -> bool:
        """Whether it holds other types."""
        return bool(self.children) or self.name in _NESTING


@lru_cache(maxsize=1024)
def read_type(text: str) -> DuckType:
    """The type that a text names. A text that is no type is one word, and so a type that nobody knows."""
    try:
        return _Reader(text).whole()
    except (IndexError, ValueError):
        return DuckType(text.strip().upper())


class _Reader:
    """Reads tokens from left to right."""

    def __init__(self, text: str) -> None:
        self.tokens: list[str] = _TOKEN.findall(text)
        self.at = 0

    def whole(self) -> DuckType:
        found = self.type()
        if self.at < len(self.tokens):
            raise ValueError("something behind the type")
        return found

    def type(self) -> DuckType:
        found = self.base()
        while self.peek() == "[":
            self.take()
            size = "" if self.peek() == "]" else self.take()
            self.take()
            found = DuckType("ARRAY" if size else "LIST", children=(found,))
        return found

    def base(self) -> DuckType:
        name = self.take().strip('"').upper()
        if long := _SPACED.get((name, self.peek().upper())):
            self.at += 3
            return DuckType(long)
        if self.peek() != "(":
            return DuckType(name)
        if name in _NESTING:
            return DuckType(name, children=tuple(self.members(named=name != "MAP")))
        words = list(self.words())
        if name == "DECIMAL":
            return DuckType(name, int(words[0]), int(words[1]) if len(words) > 1 else 0)
        return DuckType(name)

    def members(self, *, named: bool) -> Iterator[DuckType]:
        """The types between brackets. A member has a name before its type, unless a bracket or comma follows."""
        self.take()
        while True:
            if named and self.has_name():
                self.take()
            yield self.type()
            if self.take() == ")":
                return

    def has_name(self) -> bool:
        following = self.tokens[self.at + 1]
        return following not in "[]()," and (self.tokens[self.at].upper(), following.upper()) not in _SPACED

    def words(self) -> Iterator[str]:
        self.take()
        while (word := self.take()) != ")":
            if word != ",":
                yield word

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1]
