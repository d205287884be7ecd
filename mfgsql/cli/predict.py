"""``predict``: a source's rows with predictions beside them, shown or written to a file."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mfgsql.cli.completion import model_argument
from mfgsql.cli.rows import Output, output
from mfgsql.cli.session import F, call, database, opened

if TYPE_CHECKING:
    from mfgsql import Session
    from mfgsql.cli.remote.session import Remote

_WRITERS = {".csv": "FORMAT csv, HEADER", ".parquet": "FORMAT parquet"}


def to_file(command: F) -> F:
    """The option ``--output`` as the argument ``path``."""
    kind = click.Path(dir_okay=False, path_type=Path)
    return click.option("-o", "--output", "path", type=kind, help="A .csv or .parquet file.")(command)


@click.command()
@model_argument
@click.argument("source")
@to_file
@click.option("--level", type=float, help="Share of true values that intervals (default 0.9) or prediction sets hold.")
@click.option("--explain", type=click.IntRange(min=1), metavar="K", help="The K features that move each row most.")
@click.option("--latest", is_flag=True, help="The last row of each entity only (models that read histories).")
@click.option("--since", metavar="TIME", help="Rows after that time only (models that read histories).")
@database()
@output
def predict(
    model: str,
    source: str,
    path: Path | None,
    level: float | None,
    explain: int | None,
    latest: bool,
    since: str | None,
    db: str,
    out: Output,
) -> None:
    """Score the rows of a SOURCE by a MODEL ('m', 'm@3' or 'm@candidate').

    \b
    Example:
      mfgsql predict press_failure telemetry_now --db plant.duckdb
      mfgsql predict press_failure telemetry_now --explain 3 --db plant.duckdb
      mfgsql predict press_failure telemetry_now -o risk.parquet --db plant.duckdb
      mfgsql predict pump_life telemetry --latest --db plant.duckdb
    """
    check_path(path)
    asked = histories(latest, since)
    statement = call("predict", model, source, level=level, explain=explain, **asked)
    with opened(db) as session:
        show_or_write(session, statement, path, out)


def check_path(path: Path | None) -> None:
    """Refuse what can't be written before anything runs."""
    if path and path.suffix.lower() not in _WRITERS:
        raise click.UsageError(f"'{path}' is neither .csv nor .parquet.")
    if path and not path.parent.is_dir():
        raise click.UsageError(f"'{path}' lies in no folder that exists.")


def show_or_write(session: Session | Remote, statement: str, path: Path | None, out: Output) -> None:
    """The rows on the screen, or in a file."""
    if path:
        click.echo(f"{_write(session, statement, path):,} rows written to {path}")
    else:
        out.result(session.execute(statement))


def histories(latest: bool, since: str | None) -> dict[str, object]:
    """Arguments that only models of histories take; a number orders as a number."""
    told: object = since
    if since is not None:
        with suppress(ValueError):
            told = float(since)
    return {name: value for name, value in (("latest", latest or None), ("since", told)) if value is not None}


def _write(session: Session | Remote, statement: str, path: Path) -> int:
    """All of the file or none of it; the number of rows."""
    from mfgsql import Session
    from mfgsql.engine.quoting import quote_literal

    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        how = _WRITERS[path.suffix.lower()]
        if isinstance(session, Session):
            session.execute(f"COPY ({statement}) TO {quote_literal(str(partial))} ({how})")
            rows = int(session.fetchone()[0])
        else:
            rows = session.write(statement, partial, how)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    return rows
