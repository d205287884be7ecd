"""Tables, records and SQL for a person's eyes, by rich."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from mfgsql.cli.rows import plain

_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
            "FLOAT", "DOUBLE", "DECIMAL")  # fmt: skip
_UNBROKEN = (*_NUMBERS, "BOOLEAN", "DATE", "TIME", "UUID")
_WIDE = 24  # cells that a column of text claims before others are hidden
_FEW = 50  # rows that are read one by one
_SENTENCE = 60  # cells from which on a text is no name
_GAP = 3  # cells between two columns
_SHORT = 16  # bytes of a BLOB that are shown
_ENDLESS = 4000  # width of a pipe


def console() -> Console:
    """Standard output; a pipe has no right margin."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else _ENDLESS)


def print_table(
    columns: list[tuple[str, str]], rows: Iterator[Sequence[Any]], *, most: int | None, hint: str = ""
) -> None:
    """Up to ``most`` rows. Where the screen is too narrow, columns in the middle give way and are named below; a few
    rows of prose stand as records instead, since their text is what is asked for.
    """
    shown = list(itertools.islice(rows, most))
    columns, shown, said = _said_once(columns, shown)
    cells = [[shown_as(value) for value in row] for row in shown]
    to = console()
    kept = _fitting(columns, cells, to.width)
    hidden = [at for at in range(len(columns)) if at not in kept]
    if len(shown) <= _FEW and any(_prose(columns[at][1], [row[at] for row in cells]) for at in hidden):
        _print_records(to, [name for name, _ in columns], cells)
        hidden = []
    else:
        to.print(_table(columns, cells, kept))
    more = sum(1 for _ in rows)
    notes = [f"{more:,} more rows{hint}"] if more else ["no rows"] if not shown else []
    names = ", ".join(clean(columns[at][0]) for at in hidden)
    notes += [f"{len(hidden)} more columns: {names} (--format json)"] if hidden else []
    if said:
        to.print(Text(clean(said), style="dim"))
    if notes:
        to.print(Text("… " + ", ".join(notes) if shown else ", ".join(notes), style="dim"))


def _said_once(
    columns: list[tuple[str, str]], rows: list[Sequence[Any]]
) -> tuple[list[tuple[str, str]], list[Sequence[Any]], str | None]:
    """Without what reasons have in common in all rows, which is then to be said below them."""
    at = next((i for i, (name, _) in enumerate(columns) if name == "ml_reason"), None)
    if at is None or len(rows) < 2:
        return columns, rows, None
    parts = [str(row[at] or "").split("; ") for row in rows]
    shared = [part for part in parts[0] if part and all(part in of_row for of_row in parts)]
    if not shared:
        return columns, rows, None
    own = ["; ".join(part for part in of_row if part not in shared) or None for of_row in parts]
    stays = any(reason is not None for reason in own)  # a column that would be empty goes
    rest: list[Sequence[Any]] = [
        [*row[:at], *[reason] * stays, *row[at + 1 :]] for row, reason in zip(rows, own, strict=True)
    ]
    return columns[: at + stays] + columns[at + 1 :], rest, f"ml_reason: {'; '.join(shared)}"


def _table(columns: list[tuple[str, str]], cells: list[list[Text]], kept: list[int]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for at, after in zip(kept, [*kept[1:], len(columns)], strict=True):
        name, kind = columns[at]
        number = kind.startswith(_NUMBERS)
        table.add_column(
            Text(clean(name)),
            justify="right" if number else "left",
            no_wrap=kind.startswith(_UNBROKEN),
            overflow="fold",
        )
        if after > at + 1:
            table.add_column(Text("…", style="dim"))
    for row in cells:
        table.add_row(*_with_gaps(row, kept, len(columns)))
    return table


def _prose(kind: str, cells: list[Text]) -> bool:
    """Whether a column holds sentences."""
    return kind == "VARCHAR" and any(" " in c.plain and cell_len(c.plain) > _SENTENCE for c in cells)


def _print_records(to: Console, names: list[str], cells: list[list[Text]]) -> None:
    """Each row as names and values below each other, without those that are empty."""
    width = max(cell_len(clean(name)) for name in names)
    for at, row in enumerate(cells):
        grid = _grid(width)
        for name, cell in zip(names, row, strict=True):
            if cell.plain and cell.style != "dim":
                grid.add_row(Text(clean(name)), cell)
        if at:
            to.print()
        to.print(grid)


def _grid(width: int | None = None) -> Table:
    """Names, of a width at least, beside values."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(min_width=width, no_wrap=True, style="bold")
    grid.add_column(overflow="fold")
    return grid


def print_record(record: dict[str, Any]) -> None:
    """Names and values below each other; a list is a line for each element."""
    grid = _grid()
    for name, value in record.items():
        if isinstance(value, list) and value and all(isinstance(v, str) for v in value):
            grid.add_row(Text(clean(name)), Text("- " + clean(value[0])))
            for element in value[1:]:
                grid.add_row("", Text("- " + clean(element)))
        else:
            grid.add_row(Text(clean(name)), shown_as(value))
    console().print(grid)


def print_sql(sql: str) -> None:
    """Highlighted where a person looks."""
    to = console()
    to.print(
        Syntax(sql, "sql", theme="ansi_dark", background_color="default", word_wrap=True) if to.is_terminal else sql
    )


def shown_as(value: Any) -> Text:
    """A cell."""
    if value is None:
        return Text("NULL", style="dim")
    if isinstance(value, bool):
        return Text(str(value).lower())
    if isinstance(value, float):
        return Text(f"{value:.6g}" if abs(value) < 1e6 else f"{value:,.1f}")
    if isinstance(value, datetime):
        return Text(value.isoformat(sep=" ", timespec="seconds"))
    if isinstance(value, bytes):  # of pictures the size; short ones as the other formats write them
        return Text(value.hex() if len(value) <= _SHORT else f"{len(value):,} bytes")
    nested = isinstance(value, dict | list | tuple)
    return Text(clean(json.dumps(plain(value), ensure_ascii=False) if nested else str(value)))


def clean(text: str) -> str:
    """Without control characters, by which data could rule the terminal."""
    return "".join(c if c.isprintable() or c == "\n" else "�" for c in text.replace("\r\n", "\n").replace("\t", "  "))


def _fitting(columns: list[tuple[str, str]], cells: list[list[Text]], width: int) -> list[int]:
    """Which columns have room: nested ones give way first, then empty ones, then those in the middle."""
    needs = [_need(name, kind, [row[at] for row in cells]) + _GAP for at, (name, kind) in enumerate(columns)]
    nested = {at for at, (_, kind) in enumerate(columns) if kind.endswith("]") or kind.startswith(("MAP", "STRUCT"))}
    empty = {at for at in range(len(columns)) if cells and all(row[at].style == "dim" for row in cells)}
    for hidden in (set[int](), nested, nested | empty):
        kept = [at for at in range(len(columns)) if at not in hidden]
        gaps = sum(1 for at in hidden if at - 1 not in hidden) * (_GAP + 1)
        if sum(needs[at] for at in kept) + gaps <= width + _GAP and kept:
            return kept
    return _ends(kept or list(range(len(columns))), needs, width - 3 * _GAP)


def _ends(kept: list[int], needs: list[int], left: int) -> list[int]:
    """From both ends in turn, so that keys and predictions stay; two at least."""
    room = set[int]()
    for at in itertools.chain.from_iterable(zip(kept, reversed(kept), strict=True)):
        if at in room:
            continue
        if needs[at] > left and len(room) >= 2:
            break
        room.add(at)
        left -= needs[at]
    return sorted(room)


def _need(name: str, kind: str, cells: list[Text]) -> int:
    """Width of a column: all of a number, at least a readable part of a text."""
    widest = max((max(map(cell_len, c.plain.split("\n"))) for c in cells), default=0)
    header = min(cell_len(name), _WIDE)
    return max(header, widest if kind.startswith(_UNBROKEN) else min(widest, _WIDE))


def _with_gaps(row: list[Text], kept: list[int], columns: int) -> Iterator[Text]:
    for at, after in zip(kept, [*kept[1:], columns], strict=True):
        yield row[at]
        if after > at + 1:
            yield Text("…", style="dim")
