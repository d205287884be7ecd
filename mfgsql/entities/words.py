"""Words of a text, and between spans of characters and BIO tags of words (Ramshaw and Marcus, 1995).

A character is a code point, as Python counts them, and from 0. DuckDB's ``length``, ``substring`` and ``[a:b]`` count
code points, too (its ``length_grapheme`` doesn't), so that ``note[begin + 1:stop]`` and
``substring(note, begin + 1, stop - begin)`` are a span's text, of emoji and combining marks as well.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple

Unit = tuple[int, int]  # begin and stop of a word
OUTSIDE = "O"
_NEARLY = 0.98  # of the spans: annotators slip

# Each of these is a word of its own: ideographs, kana, bopomofo, their signs and full-width punctuation. Hangul has
# spaces, full-width letters and digits are as others.
_ALONE = (
    r"\u2e80-\u2fdf\u2ff0-\u303f\u3040-\u312f\u31a0-\u31bf\u31c0-\u4dbf\u4e00-\u9fff\uf900-\ufaff\ufe30-\ufe4f"
    r"\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff9f\U0001aff0-\U0001b16f\U0001f200-\U0001f2ff"
    r"\U00020000-\U0003ffff"
)
_WORD = re.compile(rf"[^\s{_ALONE}]+|[{_ALONE}](?<!\s)")  # U+3000, a space, lies among them


class Span(NamedTuple):
    """A labelled part of a text: ``text[begin:stop]``; the score is of who said so."""

    label: str
    begin: int
    stop: int
    score: float | None = None


def word_units(text: str) -> list[Unit]:
    """Where the words of a text lie: pieces between spaces, and each character of Chinese or Japanese alone."""
    return [match.span() for match in _WORD.finditer(text)]


def tags_of(units: Sequence[Unit], spans: Iterable[Span]) -> list[str]:
    """A tag for each word: ``B-`` and ``I-`` with the label, or ``O``.

    A word belongs to the span that has most of its characters, of equals to the first.
    """
    stops = [stop for _, stop in units]
    owners, shares = [-1] * len(units), [0] * len(units)
    ordered = sorted(spans, key=lambda span: span.begin)
    for number, span in enumerate(ordered):
        at = bisect_right(stops, span.begin)
        while at < len(units) and units[at][0] < span.stop:
            share = min(units[at][1], span.stop) - max(units[at][0], span.begin)
            if share > shares[at]:
                owners[at], shares[at] = number, share
            at += 1
    tags, before = [], -1
    for owner in owners:
        tags.append(OUTSIDE if owner < 0 else f"{'I' if owner == before else 'B'}-{ordered[owner].label}")
        before = owner
    return tags


def spans_of(units: Sequence[Unit], tags: Sequence[str], scores: Sequence[float] | None = None) -> list[Span]:
    """The spans that tags of words stand for, each with the mean score of its words.

    As seqeval reads tags unless told to be strict: an ``I-`` behind ``O`` or behind another label begins a span.
    """
    groups: list[list[int]] = []
    before = OUTSIDE
    for at, tag in enumerate(tags):
        if tag[0] == "I" and before != OUTSIDE and before[2:] == tag[2:]:
            groups[-1].append(at)
        elif tag != OUTSIDE:
            groups.append([at])
        before = tag
    return [
        Span(
            tags[words[0]][2:],
            units[words[0]][0],
            units[words[-1]][1],
            None if scores is None else sum(scores[at] for at in words) / len(words),
        )
        for words in groups
    ]


def whole_words(texts: Iterable[str], spans: Iterable[Sequence[Span] | None]) -> bool:
    """Whether (nearly) all spans begin and end where words of `word_units` do; None is an unknown row."""
    whole = seen = 0
    for text, row in zip(texts, spans, strict=True):
        if not row:
            continue
        units = word_units(text)
        begins, stops = {begin for begin, _ in units}, {stop for _, stop in units}
        whole += sum(span.begin in begins and span.stop in stops for span in row)
        seen += len(row)
    return whole >= _NEARLY * seen
