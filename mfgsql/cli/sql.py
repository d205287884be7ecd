"""``sql``: statements, and what they return."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mfgsql.cli.rows import Output, output
from mfgsql.cli.session import database, opened

if TYPE_CHECKING:
    from mfgsql import Session
    from mfgsql.cli.remote.session import Remote


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
        found = _split(session, text)
        if not found:
            raise click.UsageError("There is no statement in it.")
        for statement in found[:-1]:
            run_statement(session, statement, out if out.format == "table" else None)
        run_statement(session, found[-1], out)


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


def _split(session: Session | Remote, text: str) -> list[str]:
    """The statements. DuckDB parses them all before one runs; a server also takes what DuckDB does not."""
    from mfgsql import Session
    from mfgsql.engine.lexing import split

    if not isinstance(session, Session):
        return split(text)
    return [s.query for s in session.con.extract_statements(text) if s.query.strip(" \t\r\n;")]


def run_statement(session: Session | Remote, statement: str, out: Output | None) -> None:
    """Execute to the end; show rows, or how many rows a change touched."""
    session.execute(statement)
    if out is None:
        session.fetchall()
    elif out.format != "table" or _is_query(session, statement):
        out.result(session)
    else:
        row = session.fetchone()
        changed = row and isinstance(row[0], int)
        click.echo(f"{row[0]:,} rows changed" if changed else "done", err=True)


def _is_query(session: Session | Remote, statement: str) -> bool:
    """Whether the statement, which has just run, returned rows; a change returns DuckDB's count."""
    from mfgsql import Session

    if not isinstance(session, Session):
        return session.description is not None
    (*_, last) = session.con.extract_statements(statement)
    return str(last.expected_result_type[0]).endswith("QUERY_RESULT")
