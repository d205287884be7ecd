"""A server in this process over a small plant of its own, for clients of every kind."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import mfgsql
from mfgsql.engine import Session
from mfgsql.engine.users import Users
from mfgsql.server import Options, Server
from tests.conftest import PARTS, _finetune

ROLES = ("admin", "analyst", "reader")
PASSWORD = "a pass-word 1"
TRAIN = _finetune("fail", "SELECT torque, temp, shift, hot, failed FROM parts", "failed")
RISK = "CREATE VIEW risk AS SELECT * FROM ml_predict('fail', 'parts')"


@dataclass
class Served:
    """A database that is served. Its users are called as their roles.

    Attributes:
        session: DuckDB itself below the server, for what a client's rows are compared with.
        files: the folder that admins reach.
    """

    server: Server
    session: Session
    files: Path
    host: str = "127.0.0.1"
    password: str = PASSWORD

    @property
    def port(self) -> int:
        return self.server.port

    @property
    def database(self) -> str:
        return self.server.database

    def url(self, role: str = "analyst", scheme: str = "postgresql", more: str = "") -> str:
        """For clients that take a URL; ``more`` goes behind the question mark."""
        password = self.password.replace(" ", "%20")
        return f"{scheme}://{role}:{password}@{self.host}:{self.port}/{self.database}{more and f'?{more}'}"

    def named(self, role: str = "analyst") -> dict[str, Any]:
        """For clients that take named arguments; ``dbname`` is the database's."""
        return {
            "host": self.host, "port": self.port, "dbname": self.database, "user": role, "password": self.password,
        }  # fmt: skip

    def environment(self, role: str = "analyst") -> dict[str, str]:
        """For clients that read libpq's variables, beside those of this process."""
        told = {"HOST": self.host, "PORT": str(self.port), "DATABASE": self.database, "USER": role}
        named = {f"PG{name}": value for name, value in told.items()} | {"PGPASSWORD": self.password}
        return {k: v for k, v in os.environ.items() if not k.startswith("PG")} | named

    def truth(self, sql: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        """What DuckDB itself answers."""
        with self.session.cursor() as cursor:
            return list(cursor.execute(sql, parameters).fetchall())


def required(name: str, found: object) -> None:
    """Skip a client that isn't here; fail where all have to be (``MFGSQL_ALL_CLIENTS=1``, as in CI)."""
    if found:
        return
    if os.environ.get("MFGSQL_ALL_CLIENTS") == "1":
        pytest.fail(f"{name} isn't installed, and MFGSQL_ALL_CLIENTS=1 asks for every client.", pytrace=False)
    pytest.skip(f"{name} isn't installed")


def serving() -> set[threading.Thread]:
    """This process's threads that serve."""
    return {t for t in threading.enumerate() if t.name.startswith("mfgsql")}


def _made(folder: Path) -> Session:
    session = mfgsql.connect(folder / "plant.duckdb", threads=2, progress="off")
    session.execute("SET TimeZone = 'UTC'")
    session.execute((Path(__file__).parent / "plant.sql").read_text(encoding="utf-8"))
    session.execute(PARTS)
    session.execute(TRAIN).fetchall()
    session.execute(RISK)
    return session


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The plant, served. What a test makes in it, it should name as nobody else does; the rest it only reads."""
    folder = tmp_path_factory.mktemp("served")
    files = folder / "files"
    files.mkdir()
    with _made(folder) as session:
        users = Users(folder / "plant.duckdb")
        for role in ROLES:
            users.add(role, role, PASSWORD)
        before = serving()
        server = Server(session, users, Options(port=0, drain=5.0, files_root=files))
        try:
            yield Served(server, session, files)
        finally:
            server.stop()
        for thread in serving() - before:
            thread.join(5.0)
        assert serving() <= before, "a thread outlived its server"


@pytest.fixture()
def truth(served: Served) -> Callable[..., list[tuple[Any, ...]]]:
    """``(sql, parameters=None)``: what DuckDB itself answers."""
    return served.truth
