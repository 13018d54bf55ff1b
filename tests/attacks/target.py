"""The daemon under attack, and what every attack has to leave as it was."""

from __future__ import annotations

import os
import re
import time
import unicodedata
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path

from fsdaemon.esl import fake_switch as switchside
from tests.daemon import Daemon

RECORDINGS = Path(__file__).parent.parent / "recordings"
TIMEOUT = 4.0  # [server] timeout of the daemon that the attacks share
CONFIG = f"[server]\ntimeout = {TIMEOUT}\n"
# What takes milliseconds may take seconds on a busy machine; what waits for the time limit takes longer still.
USUAL = 0.9 * TIMEOUT
PATIENCE = 20.0  # seconds for what has to happen some time

GOOD = "600dca11"  # begins the UUID of every good call, so that its lines can be told from the others
_numbers = count()

ASKS_NAME = "user_data 100@lab.test var effective_caller_id_name"
NAMES = {ASKS_NAME: "Cora Chefin"}

# Unicode's property Bidi_Control (PropList.txt): they turn the direction of writing.
BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def recording(name: str) -> bytes:
    """One recorded answer to `connect`, byte by byte as FreeSWITCH sent it."""
    return (RECORDINGS / f"{name}.txt").read_bytes()


def call_data(name: str = "internal_before_bridge", **variables: str) -> bytes:
    """A recording, with 100 forwarding always to 102 unless the variables say otherwise."""
    forward = {"fsdaemon_forward_all": "102", "fsdaemon_forward_except": "109"}
    return switchside.channel_data(recording(name), {**forward, **variables})


def broken_characters(line: str) -> list[str]:
    """What must not stand in a log line: control characters, line ends, turns of the direction."""
    return [ch for ch in line if unicodedata.category(ch) in ("Cc", "Zl", "Zp") or ch in BIDI]


class Target(Daemon):
    """A daemon that tells how it feels."""

    def __init__(self, config: Path) -> None:
        super().__init__(config=config)
        # The heartbeat's thread begins a moment after "listening".
        try:
            self._wait(lambda: self.threads() >= 2, "no heartbeat")
        except BaseException:
            self.stop()
            raise

    @property
    def pid(self) -> int:
        return self.process.pid

    def call(self, data: bytes, api: Mapping[str, str] | None = None) -> switchside.Played:
        """Play FreeSWITCH's part of one call with this channel data."""
        return switchside.Switch(data, NAMES if api is None else api).call("127.0.0.1", self.port, PATIENCE)

    def good_call(self, within: float = USUAL) -> None:
        """A call of an honest FreeSWITCH is answered, in its usual time; one of each verdict."""
        played = self._timed_call("101", within)
        assert _verdict(played) == ("ring", "target", ""), played
        played = self._timed_call("102", within)
        assert _verdict(played) == ("forward", "always", "102"), played
        label = played.variables["effective_caller_id_name"]
        assert label == "Uml. fuer Cora Chefin%3A Sina Sekretariat"

    def _timed_call(self, target: str, within: float) -> switchside.Played:
        mark, uuid = self.mark, f"{GOOD}-{next(_numbers)}"
        started = time.monotonic() - self._waited_for_cpu()
        played = self.call(call_data(**{"fsdaemon_forward_all": target, "Unique-ID": uuid}))
        seconds = time.monotonic() - self._waited_for_cpu() - started
        assert seconds < within, f"a good call took {seconds:.3f} s"
        # It is logged after the connection was closed; nothing of ours may come late into another test.
        self._wait(lambda: any(uuid in line for line in self.lines[mark:]), f"no line for {uuid}")
        return played

    def unharmed(self, mark: int, within: float = USUAL) -> None:
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
        """The lines logged since `mark` that match, without those of the good calls."""
        return [line for line in self.lines[mark:] if re.search(pattern, line) and GOOD not in line]

    def verdicts(self, mark: int) -> list[str]:
        """What was decided since `mark`, good calls aside.

        A verdict is logged after its connection was closed: a good call first lets the log catch up.
        """
        self.good_call()
        return self.since(mark, r" (ring|forward) .*: \w+( \(.*\))?$")

    def logs(self, mark: int, pattern: str, seconds: float = PATIENCE) -> str:
        """The first line since `mark` that matches, as soon as it is there."""
        self._wait(lambda: bool(self.since(mark, pattern)), f"no line {pattern!r}", seconds)
        return self.since(mark, pattern)[0]

    def _wait(self, condition: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"{what} in {self.lines[-20:]}"
            time.sleep(0.001)

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

    def _waited_for_cpu(self) -> float:
        """Seconds that the daemon and this test were ready to run, and others did (sched-stats.rst of Linux)."""
        try:
            files = [Path(f"/proc/{process}/schedstat") for process in (self.pid, "self")]
            return sum(int(file.read_text().split()[1]) for file in files) / 1e9
        except OSError:
            return 0.0

    def back_to(self, descriptors: int, seconds: float = PATIENCE) -> None:
        """Wait until no more descriptors are open than `descriptors`; AssertionError if some stay."""
        self._wait(lambda: self.descriptors() <= descriptors, f"more than {descriptors} descriptors", seconds)


def _verdict(played: switchside.Played) -> tuple[str, ...]:
    assert not played.refused
    assert not played.expanded
    return tuple(played.variables.get(f"fsdaemon_{name}", "") for name in ("verdict", "reason", "target"))
