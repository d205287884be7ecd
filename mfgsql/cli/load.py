"""``load``: files into a table."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mfgsql.cli.remote.address import is_url
from mfgsql.cli.rows import Output, output
from mfgsql.cli.session import database, opened, opened_file, where

if TYPE_CHECKING:
    from mfgsql.engine.intake import LoadOptions
    from mfgsql.engine.pivoting import Pivot


@click.command()
@click.argument("files", nargs=-1, required=True)
@click.option("--table", help="Table to load into; default: the first file's name.")
@click.option("--append", is_flag=True, help="Add to the table.")
@click.option("--replace", is_flag=True, help="Replace the table.")
@click.option("--encoding", help="Of text files; found by itself.")
@click.option("--delimiter", help="Of text files, such as ';' or tab; found by itself.")
@click.option("--decimal", type=click.Choice([",", "."]), help="Decimal sign; if told, the other groups thousands.")
@click.option("--epoch", metavar="A,B", help="Numeric columns that count seconds (or ms, us, ns) since 1970.")
@click.option("--timezone", help="Zone of times that name none, such as Europe/Berlin.")
@click.option("--sheet", help="Of an Excel file; default: the first.")
@click.option("--on-bad", type=click.Choice(["error", "skip"]), default="error", help="What to do with bad lines.")
@click.option("--pivot", metavar="TAG,TS,VALUE", help="Columns of a historian's long form, made wide.")
@click.option("--entity", help="With --pivot: the column of the machine.")
@click.option("--every", help="With --pivot: a row each interval, such as '1 minute'.")
@click.option("--fill", type=click.Choice(["last", "none"]), help="With --pivot: carry the last value forward, or not.")
@click.option("--fill-limit", help="With --pivot: carry it on for so long at most, such as '1 hour'.")
@database()
@output
def load(files: tuple[str, ...], table: str | None, db: str, out: Output, **given: Any) -> None:
    """Load CSV, Excel, JSON or Parquet FILES into a table, and say what was decided on the way.

    \b
    Example:
      mfgsql load presses.csv --table presses --db plant.duckdb
      mfgsql load 'tags_*.csv' --table tags --pivot tag,ts,value --every '1 minute' --db plant.duckdb
    """
    name = table or table_name(files[0])
    if not table:
        click.echo(f"--table is left out; the table is '{name}', after the first file.", err=True)
    with opened(db) if is_url(db) else opened_file(db, create=True) as session:
        loaded = session.load(files, name, _options(given))
    if out.format == "table":
        bad = f", {loaded.rejected:,} bad lines left out" if loaded.rejected else ""
        click.echo(f"{loaded.table}: {loaded.rows:,} rows, {len(loaded.columns)} columns{bad}")
        for note in loaded.notes:
            click.echo(f"- {note}")
        click.echo(f"\nNext: mfgsql check {shlex.quote(loaded.table)} --target COLUMN {where(db)}")
        return
    shown = {"table": loaded.table, "rows": loaded.rows, "columns": dict(loaded.columns)}
    out.records([shown | {"rejected": loaded.rejected, "notes": loaded.notes}])


def table_name(file: str) -> str:
    """``Presses 2024.csv.gz`` as ``presses_2024``."""
    stem = Path(file).name.split(".")[0].lower()
    name = re.sub(r"\W+", "_", stem).strip("_") or "loaded"
    return f"t_{name}" if name[0].isdigit() else name


def _options(given: dict[str, Any]) -> LoadOptions:
    from mfgsql.engine.intake import LoadOptions

    pivot = _pivot(**{name: given.pop(name) for name in ("pivot", "entity", "every", "fill", "fill_limit")})
    epoch = given.pop("epoch")
    named = tuple(c.strip() for c in epoch.split(",")) if epoch else ()
    return LoadOptions(**given, epoch=named, pivot=pivot)


def _pivot(pivot: str | None, fill: str | None, **rest: str | None) -> Pivot | None:
    from mfgsql.engine.pivoting import Pivot

    if pivot is None:
        if lost := [name for name, value in {"fill": fill, **rest}.items() if value is not None]:
            raise click.UsageError(f"--{lost[0].replace('_', '-')} needs --pivot TAG,TS,VALUE.")
        return None
    columns = [c.strip() for c in pivot.split(",")]
    if len(columns) != 3:
        raise click.UsageError(f"--pivot names three columns, as tag,ts,value, not '{pivot}'.")
    tag, ts, value = columns
    return Pivot(tag, ts, value, fill="none" if fill == "none" else "last", **rest)
