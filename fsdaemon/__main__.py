"""`python -m fsdaemon` is the command `fsdaemon`."""

import sys

from fsdaemon.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
