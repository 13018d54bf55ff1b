"""The options that every peer has."""

from __future__ import annotations

import argparse
from pathlib import Path

# What `minimal` says when nobody tells it anything better.
_VERDICT = (
    b"sendmsg\ncall-command: execute\nexecute-app-name: multiset\n"
    b"execute-app-arg: fsdaemon_verdict=forward\n\n"
)


class Options(argparse.Namespace):
    """A peer's command line."""

    port: int
    verdict: bytes
    uvloop: bool


def parse() -> Options:
    """Read the command line of a peer."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument(
        "--verdict", type=lambda name: Path(name).read_bytes(), default=_VERDICT, help="a file (minimal only)"
    )
    parser.add_argument("--uvloop", action="store_true", help="genesis only")
    return parser.parse_args(namespace=Options())
