"""How a server is set up."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """How a server is set up.

    Attributes:
        host, port: to listen on; port 0 takes a free one.
        metrics_port: for /healthz and /metrics; None: there are none.
        certificate, key: of TLS, PEM files; else one is made and kept beside the database.
        tls: whether connections may be encrypted. plaintext: whether those from other machines need not be.
        max_connections: clients at a time; three more are kept for admins.
        statement_timeout, idle_timeout, transaction_timeout: seconds that a statement may take, that a client may say
            nothing, and that it may do so inside a transaction; None: for ever.
        drain: seconds that statements get to end when the server is asked to stop.
        files_root: below it lie the files that admins export and import.
    """

    host: str = "127.0.0.1"
    port: int = 5432
    metrics_port: int | None = None
    certificate: Path | None = None
    key: Path | None = None
    tls: bool = True
    plaintext: bool = False
    max_connections: int = 100
    statement_timeout: float | None = None
    idle_timeout: float | None = None
    transaction_timeout: float | None = 3600.0
    drain: float = 30.0
    files_root: Path | None = None
