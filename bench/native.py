"""Compiles the load generators, which are C so that they are never what is measured."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

_SOURCES = Path(__file__).parent


def compiler() -> str | None:
    """The C compiler: what CC names, else `cc`; None if there is none."""
    return shutil.which(os.environ.get("CC", "cc"))


def build(name: str, directory: Path) -> Path | None:
    """Compile NAME.c into `directory` and return the program; None without a compiler.

    Raises RuntimeError with what the compiler said if it fails.
    """
    program = compiler()
    if program is None:
        return None
    output = directory / name
    command = [program, "-O2", "-o", str(output), str(_SOURCES / f"{name}.c")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise RuntimeError(f"{name}.c does not compile:\n{result.stderr}")
    return output
