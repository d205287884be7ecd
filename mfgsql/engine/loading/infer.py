"""The types of columns of text, from all their rows: a sample only says which types are worth asking about."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from mfgsql.engine.loading.job import Job
from mfgsql.engine.loading.part import UNKNOWN, Column
from mfgsql.engine.loading.readings import COMMA, MISSING, Reading, missing

_SAMPLE_ROWS, _SAMPLE_CELLS = 2000, 64
_NEARLY = 0.9


@dataclass
class _Text:
    """One column under examination: its name, its cell as SQL, and what it may be."""

    name: str
    cell: str
    likely: list[Reading]
    cells: int = 0
    counts: list[int] = field(default_factory=list)

    @property
    def whole(self) -> list[Reading]:
        """The readings that fit every cell."""
        return [r for r, n in zip(self.likely, self.counts, strict=True) if n == self.cells]

    @property
    def best(self) -> tuple[Reading, int] | None:
        """The reading that fits most cells, if it fits half."""
        pairs = list(zip(self.likely, self.counts, strict=True))
        best = max(pairs, key=lambda pair: pair[1], default=None)
        return best if best and best[1] * 2 >= self.cells > 0 and best[1] else None


def infer(
    job: Job, path: str, relation: str, cells: Sequence[tuple[str, str]], known: Sequence[Reading]
) -> tuple[Column, ...]:
    """The columns of a relation of text; ``cells`` are their names and SQL expressions."""
    texts = _likely(job, relation, cells, known)
    _count(job, relation, texts)
    columns = tuple(_decide(job, path, relation, text) for text in texts)
    if commas := sum(column.read_as == COMMA.name for column in columns):
        job.note(f"decimal comma in {commas} column{'s' if commas > 1 else ''}", path)
    return columns


def _likely(
    job: Job, relation: str, cells: Sequence[tuple[str, str]], known: Sequence[Reading]
) -> list[_Text]:
    """The readings whose shape half of a column's first cells have."""
    shapes = [re.compile(reading.pattern) for reading in known]
    columns = ", ".join(cell for _, cell in cells)
    rows = job.rows(f"SELECT {columns} FROM {relation} LIMIT {_SAMPLE_ROWS}")
    texts = []
    for i, (name, cell) in enumerate(cells):
        sample = _sample(row[i] for row in rows)
        fitting = [r for r, s in zip(known, shapes, strict=True) if 2 * sum(map(bool, map(s.fullmatch, sample))) >= len(sample)]
        texts.append(_Text(name, cell, fitting))
    return texts


def _sample(cells: Any) -> list[str]:
    """Some different cells, the words for "no value" apart."""
    found: dict[str, None] = {}
    for cell in cells:
        if cell is not None and cell.strip().lower() not in MISSING:
            found[cell] = None
            if len(found) == _SAMPLE_CELLS:
                break
    return list(found)


def _count(job: Job, relation: str, texts: list[_Text]) -> None:
    """Counts, over all rows, the cells and those that fit each likely reading."""
    wanted = [f"count({t.cell}), {', '.join(f'count_if({r.fits(t.cell)})' for r in t.likely)}".rstrip(", ") for t in texts]
    counts = iter(job.row(f"SELECT {', '.join(wanted)} FROM {relation}"))
    for text in texts:
        text.cells = next(counts)
        text.counts = [next(counts) for _ in text.likely]


def _decide(job: Job, path: str, relation: str, text: _Text) -> Column:
    if not text.cells:
        return Column(text.name, UNKNOWN, "NULL", text.cell)
    if whole := text.whole:
        return _whole(job, path, text, whole)
    if text.best is None:
        return Column(text.name, "VARCHAR", text.cell, text.cell)
    return _with_gaps(job, path, relation, text, *text.best)


def _whole(job: Job, path: str, text: _Text, whole: list[Reading]) -> Column:
    first = whole[0]
    rivals = [r for r in whole if r.doubtful and r.type == first.type]
    if first.doubtful and len(rivals) > 1:
        formats = " or ".join(repr(reading.name.split(" as ")[1]) for reading in rivals)
        job.note(f"column '{text.name}' stays text, since its dates can be read in two ways: "
                 f"add --date-format {formats}", path)
        return Column(text.name, "VARCHAR", text.cell, text.cell)
    return Column(text.name, first.type, first.of(text.cell), text.cell, first.name)


def _with_gaps(job: Job, path: str, relation: str, text: _Text, reading: Reading, fitting: int) -> Column:
    """All cells fit but words for "no value": they are NULL. Else the column stays text."""
    cell, fits = text.cell, reading.fits(text.cell)
    gap = missing(cell)
    words, gaps, other, others = job.row(
        f"SELECT list_sort(list_slice(list(DISTINCT trim({cell})) FILTER ({gap}), 1, 3)), count_if({gap}), "
        f"min({cell}) FILTER (NOT {gap}), count_if(NOT {gap}) FROM {relation} WHERE {cell} IS NOT NULL AND NOT {fits}"
    )
    if not others:
        named = ", ".join(repr(word) for word in words)
        job.note(f"column '{text.name}': {gaps} cells read as NULL ({named})", path)
        return Column(text.name, reading.type, f"CASE WHEN {fits} THEN {reading.of(cell)} END", cell, reading.name)
    if fitting >= _NEARLY * text.cells:
        job.note(
            f"column '{text.name}' stays text: {others} of {text.cells} cells are not {reading.name}, such as {other!r}",
            path,
        )
    spelt = f"CASE WHEN {fits} THEN CAST({reading.of(cell)} AS VARCHAR) ELSE {cell} END"
    return Column(text.name, "VARCHAR", cell, cell, spelt=spelt)
