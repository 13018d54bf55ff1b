"""What a person and a Prometheus look at: `/`, `/metrics`, and the verdicts as JSON.

Rule: reads only, asks nobody, and what strangers wrote is data, never HTML.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from gevent.pywsgi import WSGIServer

from fsdaemon.metrics import Metrics

_HTML = Path(__file__).with_name("page.html")
_HEADERS = [
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
     "connect-src 'self'; img-src data:; frame-ancestors 'none'"),
]  # fmt: skip


class Page:
    """A WSGI application over what the daemon counted."""

    def __init__(self, metrics: Metrics) -> None:
        """Show `metrics`."""
        self._metrics = metrics
        self._html = _HTML.read_bytes()

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        status, kind, body = self._answer(environ)
        start(status, [("Content-Type", kind), ("Content-Length", str(len(body))), *_HEADERS])
        return [body]

    def _answer(self, environ: dict[str, Any]) -> tuple[str, str, bytes]:
        path = environ.get("PATH_INFO", "/")
        if environ.get("REQUEST_METHOD") not in ("GET", "HEAD"):
            return "405 Method Not Allowed", "text/plain", b"GET only\n"
        if path == "/":
            return "200 OK", "text/html; charset=utf-8", self._html
        if path == "/metrics":
            return "200 OK", "text/plain; version=0.0.4; charset=utf-8", self._metrics.exposition()
        if path == "/verdicts":
            after = parse_qs(environ.get("QUERY_STRING", "")).get("after", ["0"])[0]
            number = int(after) if after.isascii() and after.isdigit() else 0
            return _json(self._metrics.newer_than(number))
        if path.startswith("/calls/"):
            found = self._metrics.of_call(path[len("/calls/") :])
            return _json(found) if found else ("404 Not Found", "application/json", b"[]")
        return "404 Not Found", "text/plain", b"There is /, /metrics, /verdicts and /calls/UUID.\n"


def _json(value: Any) -> tuple[str, str, bytes]:
    return "200 OK", "application/json", json.dumps(value, ensure_ascii=False).encode()


def serve(metrics: Metrics, listener: Any) -> WSGIServer:
    """Serve the page on a listening socket."""
    server = WSGIServer(listener, Page(metrics), log=None, error_log=None)
    server.start()
    return server
