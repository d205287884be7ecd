"""``demo``: a plant of made-up machines, and what can be asked of it."""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mfgsql.cli.rows import Output
from mfgsql.cli.session import database, opened_file
from mfgsql.cli.sql import run_statement
from mfgsql.resources import resource

if TYPE_CHECKING:
    from mfgsql import Session

_KEPT = "plant.duckdb"
_MAGIC = b"DUCK"


@click.command()
@click.option("--keep", is_flag=True, help=f"Without --db: keep the plant as {_KEPT}.")
@click.option("--plant-only", is_flag=True, help="The plant's tables, which take seconds; without the examples.")
@click.option("--replace", is_flag=True, help="Replace the database file where it exists.")
@database(required=False, served=False)
def demo(keep: bool, plant_only: bool, replace: bool, db: str | None) -> None:
    """Make a plant, and run the examples on it. Without --db and --keep nothing of it stays.

    \b
    Example:
      mfgsql demo
      mfgsql demo --db plant.duckdb
      mfgsql demo --plant-only --keep
    """
    started = time.monotonic()
    with _place(db or (_KEPT if keep else None), replace) as path, opened_file(str(path), create=True) as session:
        _make(session)
        for file in [] if plant_only else sorted(resource("sql/examples").glob("*.sql")):
            _replay(session, file)
        kept = db or keep
    click.secho(f"\nAll that in {time.monotonic() - started:,.0f} seconds.", bold=True)
    click.echo("Next:")
    click.echo(f'  mfgsql sql "SHOW TABLES" --db {path}' if kept else f"  mfgsql demo --keep   # keeps it as {_KEPT}")
    click.echo(f"  mfgsql models list --db {path}" if kept else "  mfgsql load FILES --db mine.duckdb")


@contextmanager
def _place(db: str | None, replace: bool) -> Iterator[Path]:
    """The database's path: free, made free, or in a folder that goes away."""
    if db is None:
        with tempfile.TemporaryDirectory(prefix="mfgsql-demo-") as folder:
            yield Path(folder) / _KEPT
        return
    path = Path(db)
    if path.exists():
        _remove(path, replace)
    yield path


def _remove(path: Path, replace: bool) -> None:
    from mfgsql.errors import SourceError

    if not replace:
        raise SourceError(f"'{path}' exists.", remedy="Name another, or say --replace.")
    if not path.is_file() or path.read_bytes()[8:12] != _MAGIC:
        raise SourceError(f"'{path}' is no DuckDB database; it is not replaced.")
    path.unlink()
    Path(f"{path}.wal").unlink(missing_ok=True)
    shutil.rmtree(f"{path}.ml", ignore_errors=True)


def _make(session: Session) -> None:
    started = time.monotonic()
    for file in sorted(resource("sql/plant").glob("*.sql")):
        session.execute(file.read_text(encoding="utf-8")).fetchall()
    tables = [
        t for (t,) in session.execute("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'main'").fetchall()
    ]
    click.echo(f"A plant of {len(tables)} tables was made in {time.monotonic() - started:.1f} seconds:")
    click.echo(click.wrap_text(", ".join(tables), initial_indent="  ", subsequent_indent="  "))


def _replay(session: Session, file: Path) -> None:
    """Each statement: its sentence, its SQL, its rows."""
    from mfgsql.cli.table import print_sql

    text = file.read_text(encoding="utf-8")
    title = re.match(r"\s*--\s*title:\s*(.*)", text)
    click.secho(f"\n=== {title[1].strip() if title else file.stem} ===", bold=True)
    for statement in session.con.extract_statements(text):
        sentence, sql = split_comment(statement.query)
        if not sql:
            continue
        click.secho(f"\n{sentence}", fg="cyan") if sentence else click.echo()
        print_sql(f"{sql};")
        click.echo()
        run_statement(session, statement.query, Output(most=12, hint=""))


def split_comment(statement: str) -> tuple[str, str]:
    """The sentence of the comment lines above a statement, and the statement."""
    words, lines = [], statement.strip().splitlines()
    while lines and (not lines[0].strip() or lines[0].lstrip().startswith("--")):
        line = lines.pop(0).strip().lstrip("-").strip()
        if line and not line.startswith("title:"):
            words.append(line)
    return " ".join(words), "\n".join(lines).strip().rstrip(";")
