"""A Superset of its own in a process of its own, spoken to as its pages do: over HTTP."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Collection
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


class Superset:
    """Superset, from its start until `stop`.

    Args:
        python: the interpreter of its venv. home: an empty folder, for what it remembers.
    """

    def __init__(self, python: Path, home: Path) -> None:
        self.log, password = home / "superset.log", secrets.token_hex()
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        environment = os.environ | {
            "SUPERSET_CONFIG_PATH": str(HERE / "superset_config.py"), "SUPERSET_HOME": str(home), "E2E_SECRET": secrets.token_hex(),
        }  # fmt: skip
        with self.log.open("w") as log:
            program = [str(python), str(HERE / "superset_tour.py"), str(port), password]
            self.process = subprocess.Popen(program, env=environment, cwd=home, stdout=log, stderr=log)
        self.at, self._token = f"http://127.0.0.1:{port}", ""
        self._wait()
        login = {"username": "admin", "password": password, "provider": "db"}
        self._token = self.ask("POST", "/api/v1/security/login", login)["access_token"]

    def _wait(self) -> None:
        """It listens when all is made."""
        address = ("127.0.0.1", int(self.at.rpartition(":")[2]))
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(address) == 0:
                    return
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.2)

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None, *, expect: Collection[int] = (200, 201)) -> Any:
        """Its answer, which has to have an expected status."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {self._token}"} if self._token else {})
        request = urllib.request.Request(self.at + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=200) as answer:
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read()
        assert status in expect, (status, text.decode())
        return json.loads(text)

    def add_database(self, name: str, url: str, *, writes: bool = True) -> int:
        """As "+ Database" does, once the connection is tested; ``writes``: "Allow DML" and "Allow CREATE TABLE AS"."""
        told = {"database_name": name, "sqlalchemy_uri": url}
        assert self.ask("POST", "/api/v1/database/test_connection/", told)["message"] == "OK"
        allowed = {"allow_dml": writes, "allow_ctas": writes, "allow_cvas": writes}
        return int(self.ask("POST", "/api/v1/database/", told | allowed)["id"])

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)


class Lab:
    """SQL Lab over one of its databases."""

    def __init__(self, superset: Superset, database: int) -> None:
        self.superset, self.database = superset, database

    def run(self, sql: str, *, expect: int = 200, limit: int = 1000, **more: Any) -> Any:
        """What an editor's tab gets; ``limit`` is its drop-down of rows."""
        told = {"database_id": self.database, "sql": sql, "schema": "main", "runAsync": False, "queryLimit": limit}
        return self.superset.ask("POST", "/api/v1/sqllab/execute/", told | {"client_id": secrets.token_hex(5)} | more, expect=[expect])

    def rows(self, sql: str, **more: Any) -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in self.run(sql, **more)["data"]]

    def error(self, sql: str, expect: int = 500) -> str:
        return str(self.run(sql, expect=expect)["errors"][0]["message"])


class Dataset:
    """A table, a view or a query that charts are made of."""

    def __init__(self, superset: Superset, database: int, name: str, sql: str | None = None, schema: str = "main") -> None:
        told = {"database": database, "schema": schema, "table_name": name} | ({"sql": sql} if sql else {})
        self.superset = superset
        self.id = int(superset.ask("POST", "/api/v1/dataset/", told)["id"])

    def columns(self) -> dict[str, str]:
        """Names and types, after "Sync columns from source"."""
        self.superset.ask("PUT", f"/api/v1/dataset/{self.id}/refresh", {})
        found = self.superset.ask("GET", f"/api/v1/dataset/{self.id}")["result"]["columns"]
        return {column["column_name"]: column["type"] for column in found}

    def chart(self, **query: Any) -> list[tuple[Any, ...]]:
        """The rows that a chart draws."""
        told = {
            "datasource": {"id": self.id, "type": "table"}, "force": True, "queries": [{"metrics": [], "columns": []} | query],
            "result_format": "json", "result_type": "full",
        }  # fmt: skip
        (answer,) = self.superset.ask("POST", "/api/v1/chart/data", told)["result"]
        return [tuple(row.values()) for row in answer["data"]]
