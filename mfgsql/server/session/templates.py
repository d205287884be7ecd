"""``to_char``, ``to_date`` and ``to_timestamp`` with one of PostgreSQL's templates, by which BI tools filter times.

DuckDB has other patterns, in ``strftime`` and ``strptime``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from mfgsql.engine.lexing import Kind, Token, tokens
from mfgsql.server.session.words import TEXT
from mfgsql.wire.errors import WireError

_CALL = re.compile(r"\bto_(?:char|date|timestamp)\s*\(", re.IGNORECASE)
# A time without a zone counts as the session's where it meets one with a zone, as PostgreSQL's answer does; beside a
# column without a zone it lets DuckDB leave out rows by the smallest and the largest time that lie together.
_MADE = {"to_char": ("strftime", ""), "to_date": ("CAST(strptime", " AS DATE)"), "to_timestamp": ("strptime", "")}
_NUMBERS = {  # in any case
    "YYYY": "%Y", "YY": "%y", "IYYY": "%G", "IW": "%V", "ID": "%u", "MM": "%m", "DDD": "%j", "DD": "%d", "HH24": "%H",
    "HH12": "%I", "HH": "%I", "MI": "%M", "SS": "%S", "MS": "%g", "US": "%f",
    "FMMM": "%-m", "FMDDD": "%-j", "FMDD": "%-d", "FMHH24": "%-H", "FMHH12": "%-I", "FMHH": "%-I", "FMMI": "%-M",
    "FMSS": "%-S",
}  # fmt: skip
_WORDS = {  # as they are written
    "Mon": "%b", "Dy": "%a", "FMMonth": "%B", "FMDay": "%A", "TMMonth": "%B", "TMDay": "%A", "AM": "%p", "PM": "%p",
}  # fmt: skip
_OTHERS = "(?:FM)?(?:SSSS|IDDD)"  # not what they begin with
_PART = re.compile(
    rf'"(?P<quoted>[^"]*)"|(?P<word>{"|".join(_WORDS)})|(?!(?i:{_OTHERS}))'
    rf'(?P<number>(?i:{"|".join(sorted(_NUMBERS, key=len, reverse=True))}))(?!(?i:th|sp))|(?P<plain>[^A-Za-z"])'
)

Change = tuple[int, int, str]
"""From here, to there, what is to stand between."""


def templated(sql: str) -> str:
    """The statement with calls that have a template in DuckDB's words; the rest stays as it is written.

    Raises:
        WireError: a template has something that is not known here (0A000).
    """
    if not _CALL.search(sql):
        return sql
    found = tokens(sql)
    changes: list[Change] = []
    for i, token in enumerate(found):
        is_name = token.word in _MADE and token.kind is not Kind.TEXT and (i == 0 or found[i - 1].text != ".")
        if is_name and [t.text for t in found[i + 1 : i + 2]] == ["("]:
            changes += _call(sql, token, found[i + 1 :])
    for begin, end, text in sorted(changes, reverse=True):
        sql = sql[:begin] + text + sql[end:]
    return sql


def _call(sql: str, name: Token, rest: Sequence[Token]) -> list[Change]:
    """The changes to one call; none where its last argument is no plain text, and so no template."""
    comma, close = _places(rest)
    template = TEXT.match(sql, rest[comma + 1].begin) if comma and close == comma + 2 else None
    if template is None:
        return []
    before, after = _MADE[name.word]
    end = rest[close].begin + 1
    return [
        (name.begin, name.begin + len(name.text), before),
        (*template.span(1), _pattern(template[1], name)),
        (end, end, after),
    ]


def _places(rest: Sequence[Token]) -> tuple[int, int]:
    """Of a call's last comma, and of the parenthesis that ends it; 0: there is none."""
    depth, comma = 0, 0
    for i, token in enumerate(rest):
        if token.kind is Kind.OPERATOR:
            depth += (token.text in "([{") - (token.text in ")]}")
            if depth == 0:
                return comma, i
            if depth == 1 and token.text == ",":
                comma = i
    return 0, 0


def _pattern(template: str, name: Token) -> str:
    """A template as DuckDB's pattern; apostrophes are doubled in both."""
    made, at = [], 0
    while at < len(template):
        part = _PART.match(template, at)
        if part is None:
            raise WireError(
                "0A000",
                f"{name.word}: '{template[at:]}' in the template is not known here.",
                remedy="strftime and strptime take DuckDB's patterns, as '%Y-%m-%d'.",
                position=name.begin + 1,
            )
        plain = (part["quoted"] or part["plain"] or "").replace("%", "%%")
        made.append(_WORDS.get(part[0]) or _NUMBERS.get((part["number"] or "").upper()) or plain)
        at = part.end()
    return "".join(made)
