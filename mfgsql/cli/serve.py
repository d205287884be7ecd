"""``serve``: the database for psql, BI tools and everybody else who speaks PostgreSQL's protocol."""

from __future__ import annotations

import logging
import os
import signal
import threading
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from mfgsql.cli.session import database, opened_file
from mfgsql.cli.users import asked_password

if TYPE_CHECKING:
    from mfgsql import Session
    from mfgsql.engine.users import Users
    from mfgsql.server import Options

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_HERE = ("127.0.0.1", "::1", "localhost")
_SECONDS = click.FloatRange(min=0, min_open=True)


@click.command()
@click.argument("path", required=False, metavar="[DATABASE]")
@click.option("--init", is_flag=True, help="Make the first admin where there is none; the password is asked for.")
@click.option("--admin", default="admin", show_default=True, help="The name of that admin.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 is all.")
@click.option("--port", default=5432, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option("--metrics-port", type=click.IntRange(0, 65535), help="HTTP with /healthz and /metrics (Prometheus).")
@click.option("--tls-cert", type=_FILE, help="Certificate (PEM); else one is made and kept beside the database.")
@click.option("--tls-key", type=_FILE, help="Its key (PEM).")
@click.option("--no-tls", is_flag=True, help="No encryption.")
@click.option("--plaintext", is_flag=True, help="Let clients on other machines choose to go without encryption.")
@click.option(
    "--max-connections", default=100, show_default=True, type=click.IntRange(min=1), help="Clients at a time."
)
@click.option("--statement-timeout", type=_SECONDS, metavar="SECONDS", help="Statements end after that.")
@click.option("--idle-timeout", type=_SECONDS, metavar="SECONDS", help="Clients that say nothing are sent away.")
@click.option("--drain", default=30.0, show_default=True, type=click.FloatRange(min=0), metavar="SECONDS",
              help="What statements get to end when the server is stopped.")  # fmt: skip
@click.option("--files-root", type=click.Path(exists=True, file_okay=False, path_type=Path),
              help="Folder for files that admins export and import.")  # fmt: skip
@database(required=False, served=False)
def serve(path: str | None, init: bool, admin: str, db: str | None, **told: Any) -> None:
    """Serve a DATABASE over PostgreSQL's protocol, until Ctrl-C or SIGTERM.

    One process owns the file; models stay warm in it. Users are made by 'mfgsql users add'.

    \b
    Example:
      mfgsql serve plant.duckdb --init
      mfgsql serve plant.duckdb --host 0.0.0.0 --metrics-port 9187
      psql "host=localhost dbname=plant user=admin"
    """
    place = path or db
    if not place:
        raise click.UsageError("Which database? As: mfgsql serve plant.duckdb")
    if told["tls_key"] and not told["tls_cert"]:
        raise click.UsageError("--tls-key goes with --tls-cert.")
    if told["no_tls"] and told["host"] not in _HERE and not told["plaintext"]:
        raise click.UsageError("--no-tls lets other machines in without encryption: say --plaintext, too.")
    from mfgsql.engine.users import Users

    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO)
    logging.getLogger("sqlglot").setLevel(logging.ERROR)  # it warns of statements that it can't read; DuckDB can
    with opened_file(place, create=init) as session:
        users = Users(place)
        _first_admin(users, admin, init, place)
        _run(session, users, _options(told, session), place)


def _first_admin(users: Users, name: str, init: bool, place: str) -> None:
    from mfgsql.engine.access import Role
    from mfgsql.errors import CatalogError

    known = users.list()
    if init and not any(user.role is Role.ADMIN for user in known):
        users.add(name, Role.ADMIN, asked_password())
        click.echo(f"'{name}' may log in as admin.")
    elif not known:
        raise CatalogError("Nobody may log in yet.", remedy=f"Make the first admin: mfgsql serve {place} --init")


def _options(told: dict[str, Any], session: Session) -> Options:
    from mfgsql.server import Options

    root = told["files_root"] or session.engine.settings.files_root
    return Options(
        host=told["host"],
        port=told["port"],
        metrics_port=told["metrics_port"],
        certificate=told["tls_cert"],
        key=told["tls_key"],
        tls=not told["no_tls"],
        plaintext=told["plaintext"],
        max_connections=told["max_connections"],
        statement_timeout=told["statement_timeout"],
        idle_timeout=told["idle_timeout"],
        drain=told["drain"],
        files_root=Path(root) if root else None,
    )


def _run(session: Session, users: Users, options: Options, place: str) -> None:
    from mfgsql.engine.serving import Served, noted
    from mfgsql.server import Server

    stopped = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a second one does not wait
        stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    server = Server(session, users, options)
    session.engine.warm()
    served = Served(os.getpid(), options.host, server.port, server.database, server.tls is not None)
    with noted(session.engine.folder, served):
        click.echo(f"{place} is served at {served.url}")
        if server.tls and server.tls.own:
            click.echo(f"TLS by a certificate of its own; SHA-256 {server.tls.fingerprint}")
        if server.health:
            click.echo(f"http://{options.host}:{server.health.port}/healthz and /metrics")
        while not stopped.wait(0.5):  # a library may have a signal restart the wait, without end
            pass
        click.echo("Stopping: statements are given time to end (Ctrl-C: at once).", err=True)
        server.stop()
