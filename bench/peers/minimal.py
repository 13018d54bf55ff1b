"""The floor for a gevent server in Python: it speaks the protocol, and neither parses nor decides nor logs.

The command it sends is as long as fsdaemon's, because the bench tells it fsdaemon's (--verdict).
"""

from __future__ import annotations

from typing import Any

from gevent.server import StreamServer
from gevent.socket import socket

from bench.peers.options import parse


def main() -> None:
    """Serve until killed."""
    options = parse()

    def handle(sock: socket, _address: Any) -> None:
        sock.sendall(b"connect\n\n")
        if _block(sock):
            sock.sendall(options.verdict)
            _block(sock)
        sock.close()

    StreamServer(("127.0.0.1", options.port), handle, backlog=1024).serve_forever()


def _block(sock: socket) -> bool:
    """Read up to the next empty line; False if the other side closes before."""
    data = b""
    while not data.endswith(b"\n\n"):
        more = sock.recv(65536)
        if not more:
            return False
        data += more
    return True


if __name__ == "__main__":
    main()
