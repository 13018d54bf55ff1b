"""The daemon under attack, and what every attack has to leave as it was."""

from __future__ import annotations

import os
import re
import time
import unicodedata
from collections.abc import Mapping
from pathlib import Path

from fsdaemon import switchside
from tests.daemon import Daemon

RECORDINGS = Path(__file__).parent.parent / "recordings"
TIMEOUT = 1.0  # [server] timeout of the daemon that the attacks share
CONFIG = f"[server]\ntimeout = {TIMEOUT}\n"
USUAL = 0.5  # seconds a good call may take; it takes a few milliseconds, and the machine may be busy

ASKS_NAME = "user_data 100@lab.test var effective_caller_id_name"
NAMES = {ASKS_NAME: "Cora Chefin"}

# Unicode's property Bidi_Control (PropList.txt): they turn the direction of writing.
BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def recording(name: str) -> bytes:
    """One recorded answer to `connect`, byte by byte as FreeSWITCH sent it."""
    return (RECORDINGS / f"{name}.txt").read_bytes()


def call_data(name: str = "internal_before_bridge", **variables: str) -> bytes:
    """A recording, with 100 forwarding always to 102 unless the variables say otherwise."""
    return switchside.channel_data(recording(name), {"call_forward_all": "102", **variables})


def broken_characters(line: str) -> list[str]:
    """What must not stand in a log line: control characters, line ends, turns of the direction."""
    return [ch for ch in line if unicodedata.category(ch) in ("Cc", "Zl", "Zp") or ch in BIDI]


class Target(Daemon):
    """A daemon that tells how it feels."""

    @property
    def pid(self) -> int:
        return self.process.pid

    def call(self, data: bytes, api: Mapping[str, str] | None = None) -> switchside.Played:
        """Play FreeSWITCH's part of one call with this channel data."""
        return switchside.Switch(data, NAMES if api is None else api).call("127.0.0.1", self.port)

    def good_call(self, within: float = USUAL) -> None:
        """A call of an honest FreeSWITCH is answered, in its usual time; one of each verdict."""
        started = time.monotonic()
        played = self.call(call_data(call_forward_all="101"))
        target = time.monotonic() - started
        assert _verdict(played) == ("ring", "target", ""), played
        started = time.monotonic()
        played = self.call(call_data())
        forward = time.monotonic() - started
        assert _verdict(played) == ("forward", "always", "102"), played
        label = played.variables["effective_caller_id_name"]
        assert label == "Uml. fuer Cora Chefin%3A Sina Sekretariat"
        assert target < within, f"a good call took {target:.3f} s"
        assert forward < within, f"a good call took {forward:.3f} s"

    def unharmed(self, mark: int = 0, within: float = USUAL) -> None:
        """The shared end of every attack: alive, no defect logged since `mark`, good calls as ever."""
        self.good_call(within)
        assert self.process.poll() is None
        for line in self.lines[mark:]:
            assert "defect" not in line, self.lines[mark:]
            assert "Traceback" not in line, self.lines[mark:]
            assert not broken_characters(line), repr(line)

    @property
    def mark(self) -> int:
        """How much was logged by now; to be given to `since` and `unharmed`."""
        return len(self.lines)

    def since(self, mark: int, pattern: str = "") -> list[str]:
        """The lines logged since `mark` that match."""
        return [line for line in self.lines[mark:] if re.search(pattern, line)]

    def logs(self, mark: int, pattern: str, seconds: float = 2.0) -> str:
        """The first line since `mark` that matches, as soon as it is there."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = self.since(mark, pattern)
            if found:
                return found[0]
            time.sleep(0.01)
        raise AssertionError(f"no line {pattern!r} in {self.lines[mark:]}")

    # --- what the operating system sees ------------------------------------------------------------

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def memory(self) -> int:
        """Resident bytes."""
        return self._status("VmRSS") * 1024

    def threads(self) -> int:
        return self._status("Threads")

    def _status(self, name: str) -> int:
        match = re.search(rf"^{name}:\s+(\d+)", Path(f"/proc/{self.pid}/status").read_text(), re.MULTILINE)
        assert match
        return int(match[1])

    def cpu(self) -> float:
        """Seconds of processor time used so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def back_to(self, descriptors: int, seconds: float = 3.0) -> None:
        """Wait until no more descriptors are open than `descriptors`; AssertionError if some stay."""
        end = time.monotonic() + seconds
        while self.descriptors() > descriptors:
            assert time.monotonic() < end, f"{self.descriptors()} descriptors, {descriptors} before"
            time.sleep(0.01)


def _verdict(played: switchside.Played) -> tuple[str, ...]:
    assert not played.refused
    assert not played.expanded
    return tuple(played.variables.get(f"fsdaemon_{name}", "") for name in ("verdict", "reason", "target"))
