"""``sql``: statements, and what they return."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mfgsql.cli.rows import Output, output
from mfgsql.cli.session import database, opened

if TYPE_CHECKING:
    from mfgsql import Session


@click.command()
@click.argument("statements", required=False)
@click.option("-f", "--file", type=click.Path(exists=True, dir_okay=False), help="A file with the statements.")
@click.option("--read-only", is_flag=True, help="Change nothing.")
@database()
@output
def sql(statements: str | None, file: str | None, read_only: bool, db: str, out: Output) -> None:
    """Run SQL STATEMENTS ('-': from standard input). A table shows every result, json and csv the last one.

    \b
    Example:
      mfgsql sql "SELECT * FROM ml.models" --db plant.duckdb
      mfgsql sql -f report.sql --format csv --db plant.duckdb > report.csv
    """
    text = _text(statements, file)
    with opened(db, read_only=read_only) as session:
        parsed = [s for s in session.con.extract_statements(text) if s.query.strip(" \t\r\n;")]
        if not parsed:
            raise click.UsageError("There is no statement in it.")
        for statement in parsed[:-1]:
            run_statement(session, statement, out if out.format == "table" else None)
        run_statement(session, parsed[-1], out)


def _text(statements: str | None, file: str | None) -> str:
    if file and statements:
        raise click.UsageError("Write the statements, or name a file with -f, not both.")
    if file:
        return Path(file).read_text(encoding="utf-8-sig")
    if statements == "-" or (statements is None and not sys.stdin.isatty()):
        return sys.stdin.read()
    if statements is None:
        raise click.UsageError('No statement. Write it: mfgsql sql "SELECT 1", name a file with -f, or pipe it in.')
    return statements


def run_statement(session: Session, statement: Any, out: Output | None) -> None:
    """Execute to the end; show rows, or how many rows a change touched."""
    session.execute(statement.query)
    kinds = [str(kind).rpartition(".")[2] for kind in statement.expected_result_type]
    if out is None:
        session.fetchall()
    elif kinds[0] == "QUERY_RESULT" or out.format != "table":
        out.result(session)
    else:
        row = session.fetchone()
        changed = kinds[0] == "CHANGED_ROWS" and row and isinstance(row[0], int)
        click.echo(f"{row[0]:,} rows changed" if changed else "done", err=True)
