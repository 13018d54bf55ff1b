"""Channel data that somebody saved, for `explain`.

Rule: decides nothing. What is not channel data is refused, with what it is instead.
"""

from __future__ import annotations

import re
from pathlib import Path

from fsdaemon.cli import peer
from fsdaemon.esl.protocol import read
from fsdaemon.terms.variables import DESTINATION

_LARGEST = 1 << 20  # bytes; channel data is some 10 000


def channel_data(path: Path) -> bytes:
    """Channel data: the answer to `connect`, or of `uuid_dump`. Raises OSError for anything else.

    A pipe is welcome, and may have nobody at its other end.
    """
    try:
        data = peer.within(lambda: _beginning(path)).replace(b"\r\n", b"\n")
    except TimeoutError as error:
        raise OSError(f"{path}: nothing more comes, and it does not end ({error})") from None
    what = _why_not_channel_data(data)
    if what:
        raise OSError(f"{path}: not channel data: {what}; save it with fs_cli -x 'uuid_dump UUID' > FILE")
    return data


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_LARGEST + 1)


_UNLIKE = {
    rb"\A\s*\Z": "the file is empty",
    rb"\A\s*[{\[]": "this is JSON, and the plain format is needed",
    rb"\A\s*<": "this is HTML or XML, and the plain format is needed",
    rb"\A-ERR": "this is an error message of FreeSWITCH",
    rb"\x1b": "there are terminal colours in it (ANSI escape sequences; fs_cli --no-color prints none)",
    rb"Unique-ID: \[": "this is what the application info logs",
    rb"\A(?!(?s:.*)Unique-ID: )": "there is no Unique-ID in it",
}


def _why_not_channel_data(data: bytes) -> str:
    """What these bytes are instead; empty if they are channel data. Raises ProtocolError beyond a limit."""
    if len(data) > _LARGEST:
        return f"it is larger than {_LARGEST} bytes"
    for mark, what in _UNLIKE.items():
        if re.search(mark, data):
            return what
    block = data.strip(b"\n")
    if DESTINATION not in read(block):
        return "it is truncated, Caller-Destination-Number is missing"
    return "" if b":" in block.rpartition(b"\n")[2] else "it is truncated in its last line"
