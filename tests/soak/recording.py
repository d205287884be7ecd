"""What real clients say after their login, recorded as they say it."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import psycopg

from tests.soak.raw import split
from tests.soak.served import PASSWORD, Served

_TEMP = "CREATE TEMP TABLE mine(a INTEGER, b VARCHAR, c DOUBLE, d TIMESTAMP)"
_PSQL = r"""
\d
\d parts
\df ml_predict
SELECT torque, 'a;b' AS "odd name" FROM parts WHERE shift = 'A' ORDER BY id LIMIT 3;
SELECT 1/0; SELECT nothing; BEGIN; SELECT 1; SAVEPOINT s; SELECT x; ROLLBACK TO s; COMMIT;
CREATE TEMP TABLE mine(a INTEGER, b VARCHAR);
COPY mine FROM STDIN;
1	one
2	\N
\.
\copy mine TO '/dev/null' (FORMAT csv, HEADER)
\copy (SELECT id, probability FROM ml_predict('fail', 'parts')) TO '/dev/null' BINARY
\set FETCH_COUNT 100
SELECT id, probability, ml_status FROM ml_predict('fail', 'parts') WHERE probability > 0.0001;
SHOW search_path; SET application_name = 'x'; RESET ALL; SHOW ALL;
"""
_JDBC = """
import java.sql.*;
public class Recorded {
  public static void main(String[] a) throws Exception {
    try (Connection c = DriverManager.getConnection(a[0], "analyst", a[1])) {
      c.createStatement().execute("CREATE TEMP TABLE mine(a INTEGER, b VARCHAR, c DOUBLE, d TIMESTAMP)");
      PreparedStatement p = c.prepareStatement("INSERT INTO mine VALUES (?, ?, ?, ?)");
      for (int i = 0; i < 20; i++) {
        p.setInt(1, i); p.setString(2, "x" + i); p.setDouble(3, i / 7.0); p.setTimestamp(4, new Timestamp(i * 1000L));
        p.addBatch();
      }
      p.executeBatch();
      c.setAutoCommit(false);
      PreparedStatement q = c.prepareStatement("SELECT * FROM mine WHERE a < ? ORDER BY a");
      for (int i = 0; i < 8; i++) {
        q.setFetchSize(3); q.setInt(1, 10);
        try (ResultSet r = q.executeQuery()) { while (r.next()) r.getString(2); }
      }
      c.commit();
      try (ResultSet r = c.getMetaData().getColumns(null, null, "parts", null)) { while (r.next()) r.getString(4); }
    }
  }
}
"""


class Recorder:
    """A proxy before a server; it keeps what each client says.

    Attributes:
        said: the bytes of each connection.
    """

    def __init__(self, port: int) -> None:
        self._to, self.said = port, list[bytearray]()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._to))
            self.said.append(bytearray())
            threading.Thread(target=_pump, args=(client, server, self.said[-1]), daemon=True).start()
            threading.Thread(target=_pump, args=(server, client, bytearray()), daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def _pump(source: socket.socket, target: socket.socket, kept: bytearray) -> None:
    try:
        while piece := source.recv(1 << 16):
            kept += piece
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return  # either of them has gone


def record(served: Served) -> dict[str, list[bytes]]:
    """Messages of each client that is installed, by its name."""
    return {name: _one(served, client) for name, client in _CLIENTS.items() if _installed(name)}


def _installed(name: str) -> bool:
    if name == "jdbc":
        return shutil.which("javac") is not None and _jar().exists()
    return name != "psql" or shutil.which("psql") is not None


def _one(served: Served, client: Callable[[int], None]) -> list[bytes]:
    recorder = Recorder(served.port)
    try:
        client(recorder.port)
    finally:
        recorder.close()
    said = bytes(max(recorder.said, key=len))
    messages = split(said[int.from_bytes(said[:4]) :])
    return [m for m in messages if m[:1] != b"p"]


def _psycopg(port: int) -> None:
    told = f"host=127.0.0.1 port={port} dbname=plant user=analyst password='{PASSWORD}' sslmode=disable"
    with psycopg.connect(told) as c:
        c.execute(_TEMP)
        rows = [(n, f"it's {n}", n / 7, None) for n in range(10)]
        with c.cursor() as cursor:
            cursor.executemany("INSERT INTO mine VALUES (%s, %s, %s, %s)", rows)
            with cursor.copy("COPY mine FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            with cursor.copy("COPY mine TO STDOUT (FORMAT binary)") as copy:
                assert list(copy)
        c.commit()
        with c.cursor("named") as cursor:
            cursor.itersize = 50
            assert len(cursor.execute("SELECT id, probability FROM ml_predict('fail', 'parts')").fetchall()) == 600
        for _ in range(3):
            c.execute(
                "SELECT %s::INT + a, b FROM mine WHERE b LIKE %s", (1, "it%"), prepare=True, binary=True
            ).fetchall()
        c.commit()
        with c.pipeline(), c.cursor() as cursor:
            for n in range(5):
                cursor.execute("SELECT count(*) FROM mine WHERE a = %b", (n,))
        try:
            with c.transaction():
                c.execute("SELECT * FROM nothing")
        except psycopg.Error:
            c.rollback()


def _psql(port: int) -> None:
    told = f"host=127.0.0.1 port={port} dbname=plant user=analyst password='{PASSWORD}' sslmode=disable"
    subprocess.run(["psql", told, "-X"], input=_PSQL, text=True, capture_output=True, check=True, timeout=60)


def _asyncpg(port: int) -> None:
    import asyncpg

    async def talk() -> None:
        told = {"host": "127.0.0.1", "port": port, "database": "plant", "user": "analyst", "password": PASSWORD}
        c = await asyncpg.connect(**told, ssl=False)
        await c.execute(_TEMP)
        await c.executemany("INSERT INTO mine VALUES ($1, $2, $3, NULL)", [(n, str(n), n / 3) for n in range(10)])
        await c.copy_records_to_table("mine", records=[(n, "copied", 0.5, None) for n in range(10)])
        prepared = await c.prepare("SELECT * FROM mine WHERE a > $1 AND c < $2")
        assert await prepared.fetch(3, 100.0)
        async with c.transaction():
            async for _ in c.cursor("SELECT id, ts, hot FROM parts WHERE id < $1", 120):
                pass
        await c.close()

    asyncio.run(talk())


def _jar() -> Path:
    return Path("/usr/share/java/postgresql.jar")


def _jdbc(port: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "Recorded.java"
        source.write_text(_JDBC)
        subprocess.run(["javac", "-d", folder, str(source)], check=True)
        url = f"jdbc:postgresql://127.0.0.1:{port}/plant?sslmode=disable"
        run = ["java", "-cp", f"{folder}:{_jar()}", "Recorded", url, PASSWORD]
        subprocess.run(run, check=True, capture_output=True, timeout=60)


_CLIENTS: dict[str, Callable[[int], None]] = {
    "psycopg": _psycopg, "psql": _psql, "asyncpg": _asyncpg, "jdbc": _jdbc,
}  # fmt: skip
