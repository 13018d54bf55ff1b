"""`python -m bench.soak`: a week in an hour.

Calls through a real FreeSWITCH with random forwards, transfers and hang-ups, sessions straight at the
socket, hostile peers; each minute a reload, new forwards and a rotated log; a daemon that is killed again and
again. Afterwards no call may be lost, no channel left, and memory and descriptors must be as before.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import re
import signal
import socket
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from bench import ringing
from bench.load import Generator
from bench.ringing import Place
from bench.sip import Clock, Phone
from bench.stories import LATEST, TRUNK, Cast, Stories
from tests.attacks.peers import HOSTILE
from tests.daemon import free_port
from tests.live.switch import Switch, binary
from tests.supervisor import Supervisor

GROWS = 1024  # KB that the daemon's memory may grow by
_WARM_UP = 10_000  # sessions of one daemon, before its memory says anything
_AT_A_TIME = 16  # sessions
_OPEN = 60  # hostile peers
_KILLED_BY, _WARM_BY = 0.45, 0.6  # of the run: the last kill; from then on memory is compared
_STARTS = 3.0  # seconds that a start may take
_NEAR_KILL = 4.0  # seconds: a call that began so long before a kill may have no verdict

CONF = """[server]
timeout = 2.0
[display]
label = "{label}"
[metrics]
listen = "127.0.0.1:{metrics}"
[switch]
address = "127.0.0.1:{esl}"
password = "ClueCon"
feature_keys = "show"
"""
LABELS = ("Uml. fuer {diverter}: {caller}", "Uml. von {diverter}: {caller}")


class Site(Switch):
    """Our own small configuration with the users of the cast."""

    def __init__(self, directory: Path, cast: Cast) -> None:
        """Write it."""
        self.people = {user: f"User {user}" for user in cast.users}
        self.cast = cast
        # FreeSWITCH counts whole seconds of the clock: one may be over before the phone has said 180.
        self.extra = {user: {"call_timeout": "2"} for user in cast.roles["no_answer"]}
        super().__init__(directory, log_levels="err,crit,alert")

    def forward(self) -> None:
        """What the cast forwards now."""
        self.set_forwards(self.cast.forwards())

    def channels(self) -> int:
        """How many there are."""
        found = re.search(r"(\d+) total", self.api("show channels count"))
        return int(found[1]) if found else -1


class Health(NamedTuple):
    """What the operating system says of a daemon at a quiet moment."""

    pid: int
    rss: int  #: KB
    descriptors: int
    sessions: int  #: that were played until then


class Soak:
    """One run."""

    def __init__(self, options: argparse.Namespace, directory: Path) -> None:
        """Nothing runs yet."""
        self.options, self.directory = options, directory
        self.chance = random.Random(options.seed)
        self.cast = Cast(random.Random(options.seed + 1))
        self.clock = Clock()
        self.stories = Stories(self.clock, self.cast, random.Random(options.seed + 2))
        self.seconds = options.calls / options.rate
        self.kills: list[float] = []
        self.warm_up = 0  # sessions between the last kill and the first look
        self.sessions = self.failed = self.peers = self.reloads = self.rotations = 0
        self.problems: list[str] = []
        self.over, self.quiet = threading.Event(), threading.Event()
        self.busy = threading.Lock()  # a block of sessions, or of hostile peers, is under way

    # --- the load --------------------------------------------------------------------------------

    def run(self) -> tuple[Health, Health]:
        """All of it; how the daemon was after its warm-up and at the end."""
        (self.directory / "fs").mkdir()
        self.site = Site(self.directory / "fs", self.cast)
        self.metrics, self.label = free_port(), 0
        self.conf, self.log = self.directory / "conf.toml", self.directory / "log"
        self._configure()
        generator = Generator(self.directory, None)
        self.site.start()
        try:
            self.site.forward()
            with Supervisor(self.site.daemon_port, config=self.conf, log=self.log) as self.supervisor:
                return self._load(generator)
        finally:
            self.over.set()
            self.site.stop()

    def _load(self, generator: Generator) -> tuple[Health, Health]:
        self._register()
        threads = [threading.Thread(target=self._in_blocks, args=(work,)) for work in self._work(generator)]
        self._plan()
        for thread in threads:
            thread.start()
        for number in range(self.options.calls):
            self.clock.later(number / self.options.rate, self.stories.make)
        self.clock.turn(self.seconds * _WARM_BY)
        warm = self._look()
        self.warm_up = warm.sessions - self.warm_up
        self.clock.turn(self.seconds * (1 - _WARM_BY))
        while threads[0].is_alive():
            self.clock.turn(1)
        self._settle()
        self.over.set()
        for thread in threads:
            thread.join()
        end = self._look()
        self._rotate()
        return warm, end

    def _settle(self) -> None:
        """Until every call is over, or lost."""
        end = time.monotonic() + LATEST + 5
        while time.monotonic() < end and not all(call.done for call in self.stories.calls.values()):
            self.clock.turn(0.5)
        self.clock.turn(2)
        end = time.monotonic() + 40
        while time.monotonic() < end and self.site.channels():
            self.clock.turn(0.5)
        self.left = self.site.channels()
        if self.left:
            self.problems.append(f"{self.left} channels are left: {self.site.api('show channels')}")

    def _register(self) -> None:
        site = self.site
        for user in self.cast.phones:
            place = Place(site.host, site.sip, site.domain, site.password(user))
            sock = ringing.Phone(place, user).sock
            self.stories.phones[user] = Phone(self.clock, place, user, sock, self.stories)
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((site.host, site.carrier))
        place = Place(site.host, site.sip_out, site.domain, "")
        self.stories.phones[TRUNK] = Phone(self.clock, place, "+491701234567", sock, self.stories)

    def _work(self, generator: Generator) -> Iterator[Iterator[None]]:
        port = self.site.daemon_port
        yield self._play_sessions(generator, port)
        yield self._play_hostile(port)

    def _in_blocks(self, work: Iterator[None]) -> None:
        """One block a second, unless it shall be quiet."""
        due = time.monotonic()
        while not self.over.is_set():
            if not self.quiet.is_set():
                try:
                    next(work)
                except StopIteration:
                    return
            due = max(due + 1, time.monotonic() - 5)  # what was missed is made up for
            self.over.wait(max(0.0, due - time.monotonic()))

    def _play_sessions(self, generator: Generator, port: int) -> Iterator[None]:
        block = max(_AT_A_TIME, int(self.options.sessions / self.seconds) + 1)
        while self.sessions < self.options.sessions:
            load = generator.run(port, _AT_A_TIME, count=min(block, self.options.sessions - self.sessions))
            self.sessions += load.sessions
            self.failed += load.failures
            yield

    def _play_hostile(self, port: int) -> Iterator[None]:
        chance, opened = random.Random(self.options.seed + 3), list[socket.socket]()
        block = max(1, round(self.options.peers / self.seconds))
        while True:
            for _ in range(block):
                with contextlib.suppress(OSError, AssertionError):  # the daemon was killed meanwhile
                    opened.append(chance.choice(HOSTILE)(chance, port))
                self.peers += 1
            while len(opened) > (0 if self.quiet.is_set() else _OPEN):
                opened.pop(chance.randrange(len(opened))).close()
            yield

    # --- what happens now and then ---------------------------------------------------------------

    def _plan(self) -> None:
        every = self.options.every
        for number in range(1, int(self.seconds / every) + 1):
            self.clock.later(number * every, self._minute)
        for _ in range(self.options.kills):
            self.clock.later(self.chance.uniform(0.02, _KILLED_BY) * self.seconds, self._kill)

    def _minute(self) -> None:
        """Another configuration and a reload, other forwards, a new log; somebody looks at the page."""
        if self.kills and time.monotonic() - self.kills[-1] < _STARTS:
            self.clock.later(_STARTS, self._minute)  # a process that begins to start dies of SIGHUP
            return
        self.label = 1 - self.label
        self._configure()
        os.kill(self.supervisor.process.pid, signal.SIGHUP)
        self.reloads += 1
        self.cast.draw()
        self.site.forward()
        self._rotate()
        with contextlib.suppress(OSError):  # the daemon was killed a moment ago
            self._say()
            for path in ("metrics", ""):
                urllib.request.urlopen(f"http://127.0.0.1:{self.metrics}/{path}", timeout=2).read()

    def _say(self) -> None:
        """How far it is."""
        daemon, switch = rss_of(self.supervisor.process.pid), rss_of(self.site.process.pid)
        print(
            f"{self.stories.placed} calls, {self.sessions} sessions, {len(self.stories.failures)} failures, "
            f"{len(self.supervisor.starts)} starts; daemon {daemon} KB, FreeSWITCH {switch} KB",
            flush=True,
        )

    def _configure(self) -> None:
        text = CONF.format(label=LABELS[self.label], metrics=self.metrics, esl=self.site.esl)
        self.conf.write_text(text, "utf-8")

    def _rotate(self) -> None:
        """As logrotate does with copytruncate; what was logged is looked through."""
        text = self.log.read_text("utf-8", "replace")
        os.truncate(self.log, 0)
        self.rotations += 1
        wrong = [line for line in text.split("\n") if re.search(r"defect|Traceback|CRITICAL", line)]
        self.problems += [f"the log says: {line}" for line in wrong[:10]]

    def _kill(self) -> None:
        self.supervisor.process.kill()
        self.kills.append(time.monotonic())
        self.warm_up = self.sessions

    def _look(self) -> Health:
        """The daemon, when nothing but calls has come for a while."""
        self.quiet.set()
        self.clock.turn(min(5.0, max(3.0, self.seconds / 10)))
        pid = self.supervisor.process.pid
        seen = []
        for _ in range(40):
            seen.append((rss_of(pid), len(os.listdir(f"/proc/{pid}/fd"))))
            self.clock.turn(0.05)
        self.quiet.clear()
        return Health(pid, min(rss for rss, _ in seen), min(count for _, count in seen), self.sessions)

    # --- what came of it -------------------------------------------------------------------------

    def judge(self, warm: Health, end: Health) -> list[str]:
        """What is not as it must be."""
        problems = [*self.stories.failures, *self.problems]
        by_kill = [at for at in self.stories.unlabelled for kill in self.kills if -1 < kill - at < _NEAR_KILL]
        late = len(self.stories.unlabelled) - len(set(by_kill))
        if late:
            problems.append(f"{late} calls had no verdict, and nobody had killed the daemon")
        if self.failed > _AT_A_TIME * len(self.kills):
            problems.append(f"{self.failed} sessions had no verdict")
        if len(self.supervisor.starts) != len(self.kills) + 1:
            by_watchdog, starts = len(self.supervisor.kills), len(self.supervisor.starts)
            problems.append(f"{len(self.kills)} kills, {by_watchdog} more by the watchdog, {starts} starts")
        if warm.pid != end.pid:
            problems.append("the daemon died in the second half")
        if self.warm_up >= _WARM_UP and end.rss - warm.rss > GROWS:
            problems.append(f"memory grew from {warm.rss} KB to {end.rss} KB")
        if end.descriptors > warm.descriptors:
            problems.append(f"{warm.descriptors} descriptors became {end.descriptors}")
        return problems

    def report(self, warm: Health, end: Health) -> str:
        """The figures."""
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self.stories.counts.items()))
        return "\n".join(
            (
                f"{self.stories.placed} calls ({kinds})",
                f"{len(self.stories.unlabelled)} of them without a verdict, around {len(self.kills)} kills",
                f"{self.sessions} sessions, {self.failed} without a verdict; {self.peers} hostile peers",
                f"{self.reloads} reloads, {self.rotations} rotated logs",
                f"memory {warm.rss / 1024:.2f} MB after {warm.sessions} sessions, "
                f"{end.rss / 1024:.2f} MB at the end"
                + ("" if self.warm_up >= _WARM_UP else " (no warm-up: not compared)"),
                f"descriptors {warm.descriptors} and {end.descriptors}, channels left: {self.left}",
            )
        )


def rss_of(pid: int) -> int:
    """Resident memory in KB; 0 for a process that is no more."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text("ascii", "replace"))
    return int(found[1]) if found else 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run; 0 if nothing was wrong."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    number: Callable[[str], int] = int
    parser.add_argument("--calls", type=number, default=20_000)
    parser.add_argument("--sessions", type=number, default=1_000_000)
    parser.add_argument("--peers", type=number, default=10_000, help="hostile ones (%(default)s)")
    parser.add_argument("--kills", type=number, default=10)
    parser.add_argument("--rate", type=float, default=10.0, help="calls a second (%(default)s)")
    parser.add_argument("--every", type=float, default=60.0, help="seconds between two reloads (%(default)s)")
    parser.add_argument("--seed", type=number, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args(argv)
    if binary() is None:
        print("soak: no FreeSWITCH: set FREESWITCH=/path/to/freeswitch, or have it on PATH", file=sys.stderr)
        return 1
    print(f"soak: --seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="fsdaemon-soak-") as name:
        soak = Soak(options, Path(name))
        began = time.monotonic()
        warm, end = soak.run()
        print(f"soak: {time.monotonic() - began:.0f} s", soak.report(warm, end), sep="\n")
    problems = soak.judge(warm, end)
    for problem in problems[:50]:
        print(f"soak: {problem}", file=sys.stderr)
    print(f"soak: {len(problems)} problems" if problems else "soak: all is well")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
