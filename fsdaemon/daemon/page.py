"""What a person and a Prometheus look at: `/`, `/metrics`, and the same as JSON.

Rule: reads only, asks nobody, and what strangers wrote is data, never HTML.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from gevent.pywsgi import WSGIServer

from fsdaemon.daemon.metrics import Metrics
from fsdaemon.terms.numbers import is_loopback

_HTML = Path(__file__).with_name("page.html")
_TEXT = "text/plain; charset=utf-8"
_HELP = b"There is /, /metrics, /status, /verdicts and /calls/UUID.\n"
_NAMED = b"Ask by address (127.0.0.1): under another name any page in a browser could read this.\n"


class Page:
    """A WSGI application over what the daemon counted."""

    def __init__(self, metrics: Metrics, only_as: frozenset[str] | None = None) -> None:
        """Show `metrics`; if there are names `only_as`, only under those and under addresses."""
        self._metrics = metrics
        self._only_as = only_as
        self._html = _HTML.read_bytes()
        self._headers = [
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
            ("Content-Security-Policy", _policy(self._html.decode())),
        ]

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        status, kind, body = self._answer(environ)
        start(status, [("Content-Type", kind), ("Content-Length", str(len(body))), *self._headers])
        return [body]

    def _answer(self, environ: dict[str, Any]) -> tuple[str, str, bytes]:
        path = environ.get("PATH_INFO", "/")
        if not self._may_ask(environ.get("HTTP_HOST", "")):
            return "403 Forbidden", _TEXT, _NAMED
        if environ.get("REQUEST_METHOD") not in ("GET", "HEAD"):
            return "405 Method Not Allowed", _TEXT, b"GET only\n"
        if path == "/":
            return "200 OK", "text/html; charset=utf-8", self._html
        if path == "/metrics":
            return "200 OK", "text/plain; version=0.0.4; charset=utf-8", self._metrics.exposition()
        if path == "/status":
            return _json(self._metrics.status())
        if path == "/verdicts":
            after = parse_qs(environ.get("QUERY_STRING", "")).get("after", ["0"])[0]
            number = int(after) if after.isascii() and after.isdigit() and len(after) < 20 else 0
            return _json(self._metrics.newer_than(number))
        if path.startswith("/calls/"):
            called = (
                path[len("/calls/") :].encode("latin-1", "replace").decode("utf-8", "replace")
            )  # PEP 3333
            found = self._metrics.of_call(called)
            return _json(found) if found else ("404 Not Found", "application/json", b"[]")
        return "404 Not Found", _TEXT, _HELP

    def _may_ask(self, host: str) -> bool:
        """Whether the browser asked us, and not a name that somebody let point to this address.

        (DNS rebinding: a page from elsewhere would read call data.)
        """
        name = re.sub(r":\d*$", "", host).strip("[]").lower()
        if self._only_as is None or not host or name in self._only_as:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


def _policy(html: str) -> str:
    """Content-Security-Policy: this page's own script and style, requests to here, and nothing else."""
    script, style = (re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)[0] for tag in ("script", "style"))
    hashes = [base64.b64encode(hashlib.sha256(part.encode()).digest()).decode() for part in (script, style)]
    return (
        f"default-src 'none'; script-src 'sha256-{hashes[0]}'; style-src 'sha256-{hashes[1]}'; "
        "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _json(value: Any) -> tuple[str, str, bytes]:
    return "200 OK", "application/json", json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


def serve(metrics: Metrics, listener: Any, address: str) -> WSGIServer:
    """Serve the page on a listening socket, which `address` (host:port) was asked for."""
    own = is_loopback(listener.getsockname()[0])
    names = frozenset({"localhost", address.rpartition(":")[0].lower()}) if own else None
    server = WSGIServer(listener, Page(metrics, names), log=None, error_log=None)
    server.start()
    return server
