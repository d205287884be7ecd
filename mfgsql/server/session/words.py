"""The tokens of a statement, read one after the other by those who look for a command in them."""

from __future__ import annotations

import re

from mfgsql.engine.lexing import Kind, Token
from mfgsql.wire.errors import WireError

TEXT = re.compile(r"'((?:[^']|'')*)'")  # a plain constant, and what it says, with doubled quotes
_ESCAPED = re.compile(r"[eE]'((?:[^'\\]|''|\\.)*)'", re.DOTALL)
_SIGN = re.compile(r"''|\\(.)", re.DOTALL)
_SIGNS = {"t": "\t", "n": "\n", "r": "\r", "b": "\b", "f": "\f"}


def _unescaped(match: re.Match[str]) -> str:
    """Of ``E'..'``: a backslash and a letter is one sign, before any other it is nothing."""
    return "'" if match[1] is None else _SIGNS.get(match[1], match[1])


class Words:
    """The tokens of a statement, one after the other."""

    def __init__(self, sql: str, found: list[Token]) -> None:
        self.sql, self.tokens, self.at = sql, found, 0

    def peek(self) -> str:
        return self.tokens[self.at].word if self.at < len(self.tokens) else ""

    def next(self) -> str:
        word = self.peek()
        self.at += 1
        return word

    def accept(self, *words: str) -> bool:
        """All of these words next to each other, or none of them is taken."""
        if [t.word for t in self.tokens[self.at : self.at + len(words)]] != list(words):
            return False
        self.at += len(words)
        return True

    def expect(self, *words: str) -> None:
        if not self.accept(*words):
            raise self.wrong()

    def wrong(self) -> WireError:
        near = self.tokens[self.at] if self.at < len(self.tokens) else None
        where = f'syntax error at or near "{near.text}"' if near else "syntax error at end of input"
        return WireError("42601", where, position=near.begin + 1 if near else len(self.sql) + 1)

    def end(self) -> None:
        if self.at < len(self.tokens):
            raise self.wrong()

    def name(self) -> str:
        """A name: as it is where it stands in quotes, else in lower case."""
        text = self.tokens[self.at].text if self.at < len(self.tokens) else " "
        if not text[0].isidentifier() and text[0] != '"':
            raise self.wrong()
        self.at += 1
        return text[1:-1].replace('""', '"') if text[0] == '"' else text.lower()

    def names(self) -> tuple[str, ...]:
        """Names in parentheses, as they are written."""
        self.expect("(")
        found: list[str] = []
        while not found or self.accept(","):
            self.name()
            found.append(self.tokens[self.at - 1].text)
        self.expect(")")
        return tuple(found)

    def rest(self) -> str:
        """The text from here on."""
        return self.sql[self.tokens[self.at].begin :] if self.at < len(self.tokens) else ""

    def value(self) -> str:
        """A text constant, a name or a number."""
        if self.at >= len(self.tokens):
            raise self.wrong()
        token = self.tokens[self.at]
        if token.kind is Kind.TEXT:
            escaped = token.text[:1] in ("e", "E")
            match = (_ESCAPED if escaped else TEXT).match(self.sql, token.begin)
            if match is None:
                raise self.wrong()
            self.at += 1
            return _SIGN.sub(_unescaped, match[1]) if escaped else match[1].replace("''", "'")
        if token.text in ("-", "+"):
            self.at += 1
            return ("-" if token.text == "-" else "") + self.value()
        if token.kind is Kind.OPERATOR:
            raise self.wrong()
        self.at += 1
        return token.word if token.text.startswith('"') else token.text

    def span(self) -> str:
        """What stands in the parentheses that begin here."""
        self.expect("(")
        begin, depth = self.tokens[self.at - 1].begin + 1, 1
        while self.at < len(self.tokens):
            text = self.tokens[self.at].text
            depth += (text == "(") - (text == ")")
            self.at += 1
            if depth == 0:
                return self.sql[begin : self.tokens[self.at - 1].begin]
        raise self.wrong()
