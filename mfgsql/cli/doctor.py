"""``doctor``: what this installation and a database are like."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mfgsql.cli.remote.address import is_url, public
from mfgsql.cli.rows import Output, output
from mfgsql.cli.session import MEMORY, database, opened

if TYPE_CHECKING:
    from mfgsql import Session
    from mfgsql.cli.remote.session import Remote

_PACKAGES = ("mfgsql", "duckdb", "torch", "transformers", "polars", "pyarrow")
_EXTRAS = (
    ("text", "peft", "adapters of bases (LoRA)"), ("image", "pillow", "pictures"), ("demand", "highspy", "allocation"),
    ("demand", "holidays", "holidays in forecasts"), ("decide", "simpy", "what-if of lines"),
)  # fmt: skip
Finding = tuple[str, str, str]


@click.command()
@database(required=False)
@output
def doctor(db: str | None, out: Output) -> None:
    """Versions, device, settings, and the state of a database, which is only read; of a server with its device.

    \b
    Example:
      mfgsql doctor --db plant.duckdb
      mfgsql doctor --url postgresql://anna@plant-server/plant
    """
    found = [*_software(), *_machine(), *(_server(db) if db and is_url(db) else _database(db))]
    out.rows([(name, "VARCHAR") for name in ("what", "state", "finding")], found)


def _software() -> Iterator[Finding]:
    yield "python", "ok", platform.python_version()
    for package in _PACKAGES:
        try:
            yield package, "ok", version(package)
        except PackageNotFoundError:
            yield package, "warn", f"not installed: pip install {package}"
    for extra, package, use in _EXTRAS:
        try:
            yield f"[{extra}]", "ok", f"{package} {version(package)}, for {use}"
        except PackageNotFoundError:
            yield f"[{extra}]", "none", f"{use} need it: pip install 'mfgsql[{extra}]'"


def _machine() -> Iterator[Finding]:
    from mfgsql.settings import load_settings

    settings = load_settings()
    yield "memory", "ok" if settings.memory >= 2 * 2**30 else "warn", f"{_size(settings.memory)} (MFGSQL_MEMORY)"
    yield "threads", "ok", f"{settings.threads} (MFGSQL_THREADS)"
    with opened(MEMORY) as session:
        yield from _devices(session)


def _devices(session: Session | Remote) -> Iterator[Finding]:
    for device, what, used, *_ in session.execute("FROM ml_devices()").fetchall():
        yield "device", "ok", f"{device}: {what}{', used' if used else ''}"


def _database(db: str | None) -> Iterator[Finding]:
    from mfgsql.errors import MfgsqlError

    if db is None:
        yield "database", "ok", "none named (--db)"
        return
    try:
        with opened(db, read_only=db != MEMORY) as session:
            yield "database", "ok", f"{db}, {_size(Path(db).stat().st_size if db != MEMORY else 0)}"
            yield from _catalog(session)
    except MfgsqlError as error:
        yield "database", "warn", str(error)
    files = [f for f in Path(f"{db}.ml").glob("*") if f.is_file()]
    size = sum(f.stat().st_size for f in files)
    yield "snapshots", "ok", f"{len(files)} files, {_size(size)}, in {db}.ml"


def _server(url: str) -> Iterator[Finding]:
    from mfgsql.errors import MfgsqlError

    try:
        with opened(url, read_only=True) as session:
            yield "server", "ok", public(url)
            for kind, what, finding in _devices(session):
                yield f"server's {kind}", what, finding
            yield from _models(session)
    except MfgsqlError as error:
        yield "server", "warn", str(error)


def _catalog(session: Session | Remote) -> Iterator[Finding]:
    steps = session.execute("SELECT count(*), max(name) FROM ml_catalog.migrations").fetchone()
    yield "migrations", "ok", f"{steps[0]} applied, the last {steps[1]}"
    yield from _models(session)


def _models(session: Session | Remote) -> Iterator[Finding]:
    """By the views, which everybody may read."""
    counts = "SELECT (SELECT count(*) FROM ml.models), (SELECT count(*) FROM ml.versions)"
    models, versions = session.execute(counts).fetchone()
    yield "models", "ok", f"{models} models, {versions} versions"
    broken = session.execute(
        "SELECT count(*) FROM ml.runs WHERE status IN ('interrupted', 'running', 'queued')"
    ).fetchone()[0]
    words = (
        f"{broken} interrupted; the same statement again goes on where one stopped" if broken else "none interrupted"
    )
    yield "runs", "warn" if broken else "ok", words


def _size(count: int) -> str:
    """Bytes as a person reads them."""
    size = float(count)
    for unit in ("bytes", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"
