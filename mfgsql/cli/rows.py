"""Rows on their way out: ``--format``, ``--all``, and values as JSON and CSV write them."""

from __future__ import annotations

import csv
import io
import itertools
import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from mfgsql import Session
    from mfgsql.cli.remote.session import Remote

R = TypeVar("R")
FORMATS = ("table", "json", "csv")
BATCH = 1000
MOST = 50  # rows of a table on a screen


@dataclass(frozen=True)
class Output:
    """How a command shows rows.

    Attributes:
        format: table, json or csv. everything: a table has all rows, too. most: rows of a table.
        hint: how to see the rest of them.
    """

    format: str = "table"
    everything: bool = False
    most: int = MOST
    hint: str = " (--all)"

    def result(self, session: Session | Remote) -> None:
        """The rows of what the session executed, fetched as they are written."""
        columns = [(name, str(kind)) for name, kind, *_ in session.description or []]
        self.rows(columns, iter(session.fetchone, None))

    def records(self, records: Sequence[dict[str, Any]]) -> None:
        """Dictionaries with the same keys."""
        columns = [(name, "VARCHAR") for name in (records[0] if records else ())]
        self.rows(columns, (tuple(r.values()) for r in records))

    def rows(self, columns: list[tuple[str, str]], rows: Iterable[Sequence[Any]]) -> None:
        """Rows under columns, each a name and an SQL type."""
        names = [name for name, _ in columns]
        if self.format == "json":
            _write_json(names, iter(rows))
        elif self.format == "csv":
            _write_csv(names, iter(rows))
        else:
            from mfgsql.cli.table import print_table

            print_table(columns, iter(rows), most=None if self.everything else self.most, hint=self.hint)

    def record(self, session: Session | Remote) -> dict[str, Any] | None:
        """One row: below each other in a table, else as any row. Returns it where there is one."""
        names = [name for name, *_ in session.description or []]
        row = session.fetchone()
        if row is None:
            return None
        found = dict(zip(names, row, strict=True))
        if self.format == "table":
            from mfgsql.cli.table import print_record

            print_record(found)
        else:
            self.records([found])
        return found


def output(command: Callable[..., R]) -> Callable[..., R]:
    """The options ``--format`` and ``--all`` as the argument ``out``."""

    @click.option("--format", "form", type=click.Choice(FORMATS), default="table", help="How rows are written.")
    @click.option("--all", "everything", is_flag=True, help=f"All rows; a table shows {MOST}.")
    @wraps(command)
    def wrapped(*args: Any, form: str, everything: bool, **kwargs: Any) -> R:
        return command(*args, out=Output(form, everything), **kwargs)

    return wrapped


def plain(value: Any) -> Any:
    """A value as JSON knows it; NaN and infinity, which it does not know, become null."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, date | time):
        return value.isoformat()
    return value.hex() if isinstance(value, bytes) else str(value)


def _write_json(names: list[str], rows: Iterator[Sequence[Any]]) -> None:
    before = "["
    for row in rows:
        record = dict(zip(names, map(plain, row), strict=True))
        click.echo(f"{before}\n  {json.dumps(record, ensure_ascii=False)}", nl=False)
        before = ","
    click.echo("[]" if before == "[" else "\n]")


def _write_csv(names: list[str], rows: Iterator[Sequence[Any]]) -> None:
    lines = itertools.chain([names], ([_cell(v) for v in row] for row in rows))
    while batch := list(itertools.islice(lines, BATCH)):
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(batch)
        click.echo(text.getvalue(), nl=False)


def _cell(value: Any) -> Any:
    """NULL as nothing, nested values as JSON, bytes as hexadecimal digits, as JSON has them, too."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, bytes):
        return value.hex()
    return json.dumps(plain(value), ensure_ascii=False) if isinstance(value, dict | list | tuple) else value
