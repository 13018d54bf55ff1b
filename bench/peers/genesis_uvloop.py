"""Genesis on uvloop, its documented option for speed. Not measured unless asked for: `--peers`."""

from __future__ import annotations

import sys

from bench.peers.genesis import main

if __name__ == "__main__":
    sys.argv.append("--uvloop")
    main()
