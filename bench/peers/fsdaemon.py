"""The daemon itself, as it is installed, with its built-in configuration. It logs a line a verdict."""

from __future__ import annotations

import os
import sys

from bench.peers.options import parse


def main() -> None:
    """Become `fsdaemon serve`: the same process, so that what is measured is the daemon alone.

    The configuration is an empty file, so that a conf.toml of this machine changes nothing.
    """
    command = [sys.executable, "-m", "fsdaemon", "serve", "--listen", f"127.0.0.1:{parse().port}"]
    os.execv(sys.executable, [*command, "--config", os.devnull])


if __name__ == "__main__":
    main()
