"""Figures of the server for Prometheus, and whether it is well, over HTTP on a port of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from mfgsql.errors import MissingExtraError, SourceError
from mfgsql.version import __version__

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

_SECONDS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000)


class Metrics:
    """What is counted.

    Raises:
        MissingExtraError: without prometheus_client.
    """

    def __init__(self) -> None:
        try:
            from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
        except ImportError:
            raise MissingExtraError("The server needs an extra.", remedy="pip install 'mfgsql[serve]'") from None
        self.registry: CollectorRegistry = CollectorRegistry()
        one = self.registry
        Gauge("mfgsql_info", "What runs.", ["version"], registry=one).labels(__version__).set(1)
        self.connections = Gauge("mfgsql_connections", "Clients that are logged in.", registry=one)
        self.logins = Counter("mfgsql_logins", "Logins, and those that failed.", ["result"], registry=one)
        self._statements = Counter("mfgsql_statements", "Statements that ended well, by kind.", ["kind"], registry=one)
        self._errors = Counter("mfgsql_errors", "Errors told to clients, by SQLSTATE.", ["sqlstate"], registry=one)
        self._rows = Counter("mfgsql_rows_sent", "Rows that went to clients.", registry=one)
        self.bytes = Counter("mfgsql_bytes_sent", "Bytes that went to clients.", registry=one)
        self._seconds = Histogram(
            "mfgsql_request_seconds",
            "Time for a message of a client, answers and all.",
            buckets=_SECONDS,
            registry=one,
        )
        self.models = Gauge("mfgsql_warm_models_bytes", "Memory of the models that are kept warm.", registry=one)
        self.training = Gauge("mfgsql_training", "Whether a model is being trained.", registry=one)

    def statement(self, tag: str) -> None:
        """One that ended well, by its tag: ``SELECT 3``."""
        self._statements.labels(" ".join(w for w in tag.split() if not w.isdigit()).lower()).inc()

    def error(self, sqlstate: str) -> None:
        """One that failed."""
        self._errors.labels(sqlstate).inc()

    def took(self, seconds: float) -> None:
        """Time for a client's message."""
        self._seconds.observe(seconds)

    def rows(self, count: int) -> None:
        """Rows that went out."""
        self._rows.inc(count)


class _Threads(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    timeout = 10

    def log_message(self, format: str, *args: Any) -> None:
        """Who asks every fifteen seconds need not be written down."""


class Health:
    """``GET /healthz`` and ``GET /metrics``.

    Args:
        trouble: what is wrong, or None. refresh: brings the gauges up to date.

    Raises:
        SourceError: the port is taken.
    """

    def __init__(
        self, host: str, port: int, metrics: Metrics, trouble: Callable[[], str | None], refresh: Callable[[], None]
    ) -> None:
        from prometheus_client import make_wsgi_app

        shown = make_wsgi_app(metrics.registry)

        def answer(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
            if environ["PATH_INFO"] == "/healthz":
                wrong = trouble()
                start("503 Service Unavailable" if wrong else "200 OK", [("Content-Type", "text/plain; charset=utf-8")])
                return [f"{wrong or 'ok'}\n".encode()]
            if environ["PATH_INFO"] == "/metrics":
                refresh()
                return shown(environ, start)  # type: ignore[no-any-return]
            start("404 Not Found", [("Content-Type", "text/plain")])
            return [b"/healthz, /metrics\n"]

        try:
            self._server = make_server(host, port, answer, server_class=_Threads, handler_class=_Quiet)
        except OSError as error:
            raise SourceError(
                f"{host}:{port} can't be listened on: {error.strerror}.", remedy="Choose another: --metrics-port 9188"
            ) from None
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, name="mfgsql-health", daemon=True).start()

    def close(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()
