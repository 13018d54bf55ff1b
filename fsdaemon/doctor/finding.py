"""A finding: what is wrong, where, and how to mend it.

Rule: a value; each of its texts is one or two lines that a person can act on.
"""

from __future__ import annotations

from typing import NamedTuple

from fsdaemon.doctor.facts import Place

RELOAD = "fs_cli -x reloadxml"


class Finding(NamedTuple):
    """Something that is wrong, or worth a look."""

    code: str  #: the same for all findings of one kind; docs/troubleshooting.md lists them
    what: str
    where: Place | None
    mend: str
    wrong: bool = True  #: False: it may be meant so

    def __str__(self) -> str:
        """In one line, for a log."""
        return f"{self.where}: {self.what}" if self.where else self.what
