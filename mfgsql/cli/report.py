"""``report`` and ``page``: all about a model, or what a verb suggests, as one HTML page."""

from __future__ import annotations

import os
import re
import uuid
from pathlib import Path

import click

from mfgsql.cli.completion import model_argument
from mfgsql.cli.session import database, opened


@click.command()
@model_argument
@click.option("-o", "--output", metavar="FILE", help="The page; default: MODEL.html; - writes to the screen.")
@database()
def report(model: str, output: str | None, db: str) -> None:
    """All about a MODEL as one HTML page that needs nothing else: figures, curves, examples, limits, lineage.

    An earlier page of that name is replaced; a file that is no HTML page is not.

    \b
    Example:
      mfgsql report press_failure -o press_failure.html --db plant.duckdb
    """
    output = output or re.sub(r"[^\w@.-]+", "_", model) + ".html"
    if output != "-":
        _check_page(Path(output))
    with opened(db) as session:
        page = session.report(model)
    if output == "-":
        click.echo(page)
        return
    _told(output, page)


@click.command()
@click.argument("query")
@click.option("-o", "--output", metavar="FILE", required=True, help="The page; - writes to the screen.")
@click.option("--title", help="Of the page.")
@click.option("--x", metavar="COL", help="Column that a Pareto front is drawn by, from left to right.")
@click.option("--y", metavar="COL", help="Another one, from below.")
@database()
def page(query: str, output: str, title: str | None, x: str | None, y: str | None, db: str) -> None:
    """What a QUERY over ml_bottlenecks, ml_whatif, ml_recommend or ml_generate suggests, as one HTML page.

    A QUERY may be the name of a table that holds such rows, too.

    \b
    Example:
      mfgsql page "FROM ml_bottlenecks('states', station := 'machine_id', order_by := 'ts', state := 'state', \\
        each := INTERVAL 1 DAY)" -o line.html --db plant.duckdb
    """
    if output != "-":
        _check_page(Path(output))
    with opened(db) as session:
        rows = f'(\n{_statement(query)}\n) AS "__ml rows"'  # no column of them is called so
        asked = f'SELECT ml_page(list("__ml rows"), ?, ?, ?) FROM {rows}'
        text = str(session.execute(asked, [title, x, y]).fetchone()[0])
    if output == "-":
        click.echo(text)
        return
    _told(output, text)


def _statement(query: str) -> str:
    """The query without what ends it; of a table's name all of its rows."""
    text = query.strip().rstrip(";").rstrip()
    return text if re.search(r"[\s(]", text) and not re.fullmatch(r'("[^"]*"|[\w.])+', text) else f"FROM {text}"


def _told(output: str, page: str) -> None:
    size = _write(Path(output), page)
    click.echo(f"{output} ({size / 1024:,.0f} KiB)")


def _check_page(path: Path) -> None:
    """Raise before seconds of work where the page can't be written."""
    from mfgsql.errors import SourceError

    if path.is_dir() or not path.parent.is_dir():
        what = "is a folder" if path.is_dir() else "lies in no folder that exists"
        raise SourceError(f"'{path}' {what}.", remedy="Name a file: -o report.html")
    if path.exists() and (not path.is_file() or not _is_page(path)):
        raise SourceError(f"The file '{path}' exists, and is no HTML page.", remedy="Name another file.")


def _is_page(path: Path) -> bool:
    with path.open("rb") as file:
        begin = file.read(1024).lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return begin == b"" or begin.startswith((b"<!doctype html", b"<html"))


def _write(path: Path, page: str) -> int:
    """Put the page in its place, whole or not at all; its size in bytes."""
    data = page.encode()
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        partial.write_bytes(data)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    return len(data)
