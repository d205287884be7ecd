"""A served plant in a process of its own, and what is seen of that process from outside."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import psycopg

import mfgsql
from mfgsql.engine.access import Role
from mfgsql.engine.users import Users
from tests.conftest import PARTS, _finetune

PASSWORD = "a long enough one"  # noqa: S105
FEATURES = "SELECT torque, temp, shift, hot, failed FROM parts"
SCORES = "SELECT id, probability FROM ml_predict('fail', 'parts') ORDER BY id"
_PAGE = os.sysconf("SC_PAGE_SIZE")


def make_plant(folder: Path) -> Path:
    """A database with ``parts``, the model ``fail``, and the users ``reader``, ``analyst`` and ``admin``."""
    database = folder / "plant.duckdb"
    with mfgsql.connect(database, threads=2, progress="off") as s:
        s.execute(PARTS)
        s.execute(_finetune("fail", FEATURES, "failed")).fetchall()
    for role in Role:
        Users(database).add(role.value, role, PASSWORD)
    return database


class Served:
    """``mfgsql serve`` over a database, from its start until `stop` or `kill`.

    Args:
        options: of the command.
    """

    def __init__(self, database: Path, *options: str) -> None:
        self.database, self.log = database, database.with_suffix(".log")
        program = [str(Path(sys.executable).with_name("mfgsql")), "serve", str(database)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*program, "--port", "0", "--metrics-port", "0", *options],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        told = self._told("/metrics")
        self.port = int(re.findall(r"@127\.0\.0\.1:(\d+)/", told)[0])
        self._metrics = re.findall(r"http://\S+:\d+/", told)[0] + "metrics"

    def _told(self, last: str) -> str:
        assert self.process.stdout is not None
        told = ""
        while last not in told:
            line = self.process.stdout.readline()
            assert line, f"{told}\n{self.log.read_text()}"
            told += line
        return told

    def connect(self, user: str, **more: Any) -> psycopg.Connection[Any]:
        """A real client's connection; it commits each statement."""
        told = {"host": "127.0.0.1", "port": self.port, "dbname": "plant", "user": user, "password": PASSWORD}
        return psycopg.connect(**told, autocommit=True, connect_timeout=20, **more)

    # -- from outside -----------------------------------------------------------------------------------------------

    @property
    def threads(self) -> int:
        """How many threads it has."""
        return len(os.listdir(f"/proc/{self.process.pid}/task"))

    @property
    def descriptors(self) -> int:
        """How many files and sockets it has open."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    @property
    def resident(self) -> int:
        """Bytes of memory that it holds."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * _PAGE

    def metric(self, name: str) -> float:
        """A figure of its /metrics, with labels as they are written there; 0 where there is none yet."""
        with urllib.request.urlopen(self._metrics, timeout=20) as answer:
            lines = answer.read().decode().splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith(f"{name} "))

    def quiet(self, threads: int, seconds: float = 60.0) -> None:
        """Wait until nobody is logged in and connections have let their threads go; there are to be so many at most."""
        end = time.monotonic() + seconds
        while self.threads > threads or self.metric("mfgsql_connections"):
            assert time.monotonic() < end, f"{self.threads} threads, where {threads} suffice"
            time.sleep(0.05)

    def faults(self) -> str:
        """What nobody thought of: tracebacks in its log."""
        text = self.log.read_text(errors="replace")
        at = text.find("Traceback")
        return "" if at < 0 else text[max(0, at - 500) : at + 4000]

    # -- the end ----------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Ask it to end; it must, and well."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(60) == 0, self.log.read_text()

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait()
