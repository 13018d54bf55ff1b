"""A real FreeSWITCH for one test run: our own small configuration, free ports, forwards set at will."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import ClassVar
from xml.sax.saxutils import escape

from tests.live.cast import NAMES, PARTS, Cast
from tests.live.records import TEMPLATE, log_records

ROOT = Path(__file__).parents[2]
CONF = Path(__file__).parent / "conf"
CONTEXT = ROOT / "freeswitch" / "dialplan" / "fsdaemon.xml"
DIALPLAN = CONTEXT.parent / "default"
ESL_PASSWORD = "Geheim-7:@x"
EXTENSIONS = dict(
    zip(PARTS, ("1000", "1001", "1008", "1009", "1003", "1010"))
)  # of the example configuration


def binary() -> str | None:
    """The FreeSWITCH to test with: what FREESWITCH names, else the one on PATH."""
    return os.environ.get("FREESWITCH") or shutil.which("freeswitch")


def free_ports(count: int) -> list[int]:
    """Different ones: all are held while they are looked for."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [int(probe.getsockname()[1]) for probe in probes]


def login() -> str:
    """The daemon's user of the directory, as docs/switch.md has it."""
    text = (ROOT / "docs" / "switch.md").read_text("utf-8")
    found = re.search(r"^ *<include>\n.*?^ *</include>\n", text, re.M | re.S)
    assert found
    return found[0].replace("…", ESL_PASSWORD)


def copy_dialplan(directory: Path, context: Path, daemon_port: int) -> None:
    """Our dialplan files, as delivered, but for the port of the daemon: the kit, and the context as `context`."""
    for file in DIALPLAN.glob("*.xml"):
        (directory / file.name).write_text(file.read_text("utf-8"), "utf-8")
    text = CONTEXT.read_text("utf-8").replace("127.0.0.1:8084", f"127.0.0.1:{daemon_port}")
    context.write_text(text, "utf-8")


class Process(Cast):
    """A FreeSWITCH in a directory of its own; `directory` holds its configuration."""

    esl: int
    profiles: int
    options: tuple[str, ...] = ()  # of the program, besides those for its directories
    environment: ClassVar[dict[str, str]] = {}

    def start(self) -> None:
        self.process = start_freeswitch(self.directory, self.options, self.environment)
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise

    def _wait(self) -> None:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise RuntimeError(f"FreeSWITCH ended with {self.process.returncode}; see {self.directory}")
            try:
                if self.api("sofia status").count("RUNNING") >= self.profiles:
                    return
            except OSError:
                pass
            time.sleep(0.2)
        raise RuntimeError(f"FreeSWITCH is not up after 60 s; see {self.directory}")

    def stop(self) -> None:
        stop_freeswitch(self.process)

    def api(self, command: str) -> str:
        return esl_api(self.esl, command)


class Vanilla(Process):
    """FreeSWITCH's example configuration, unchanged but for the line that includes our dialplan file.

    Its users 1000 to 1019 get what an administrator writes: a forward, and a password of their own
    (with 1234 every call waits ten seconds, on purpose).
    """

    esl, sip, sip_out, profiles = 8021, 5060, 5080, 2
    numbers: ClassVar[dict[str, str]] = {
        **EXTENSIONS,
        "group": "2002",
        "conference": "3001",
        "outside": "15551234567",
        "outside with us": "15551234567",
    }
    names: ClassVar[dict[str, str]] = {part: f"Extension {number}" for part, number in EXTENSIONS.items()}
    for_carrier = "INVITE sip:1555"
    trunk_name = "FreeSWITCH"
    public_number = "0000000000"
    mailbox = "voicemail(default {domain} {user})"
    callgroup = "techsupport"

    def __init__(self, source: Path, directory: Path, included: bool = True) -> None:
        """`included`: with our dialplan in the context `default`."""
        shutil.copytree(source, directory, dirs_exist_ok=True)
        self.directory = directory
        self._users = directory / "directory" / "default"
        self._delivered = {file.stem: file.read_text("utf-8") for file in self._users.glob("10*.xml")}
        self.daemon_port, self.carrier = free_ports(2)
        if included:
            self._include(directory)
        log_records(directory / "autoload_configs" / "cdr_csv.conf.xml")
        carrier = f'<gateway name="carrier"><param name="proxy" value="127.0.0.1:{self.carrier}"/>'
        carrier += '<param name="username" value="x"/><param name="password" value="x"/>'
        carrier += '<param name="register" value="false"/></gateway>'
        (directory / "sip_profiles" / "external" / "carrier.xml").write_text(
            f"<include>\n{carrier}\n</include>\n", "utf-8"
        )
        variables = directory / "vars.xml"
        text = variables.read_text("utf-8").replace("default_password=1234", "default_password=a-better-one")
        text = text.replace("stun:stun.freeswitch.org", "$${local_ip_v4}")  # a test calls no one
        # On loopback: its user "brian" owns 192.0.2.0/24, and any phone there is taken for him.
        line = '<X-PRE-PROCESS cmd="set" data="local_ip_v4=127.0.0.1"/>'
        variables.write_text(text.replace("<include>", f"<include>\n{line}", 1), "utf-8")

    def _include(self, directory: Path) -> None:
        ours = directory / "fsdaemon"
        ours.mkdir()
        copy_dialplan(ours, directory / "dialplan" / "fsdaemon.xml", self.daemon_port)
        dialplan = directory / "dialplan" / "default.xml"
        text = dialplan.read_text("utf-8")
        place = '    <extension name="Local_Extension">'
        assert text.count(place) == 1
        line = f'<X-PRE-PROCESS cmd="include" data="{ours}/fsdaemon.xml"/>\n'
        dialplan.write_text(text.replace(place, line + place), "utf-8")

    @property
    def context_file(self) -> Path:
        """Where the users' context begins."""
        return self.directory / "dialplan" / "default.xml"

    @property
    def kit(self) -> Path:
        """Where our dialplan files are."""
        return self.directory / "fsdaemon"

    def password(self, _user: str) -> str:
        return "a-better-one"

    def start(self) -> None:
        super().start()
        self.domain = self.api("global_getvar domain").strip()
        self.host = self.api("global_getvar local_ip_v4").strip()

    def set_variables(self, user: str, **variables: str) -> None:
        """What an administrator writes into directory/default/USER.xml."""
        file = self._users / f"{user}.xml"
        file.write_text(_with_variables(file.read_text("utf-8"), variables), "utf-8")
        self.api("reloadxml")

    def set_forwards(self, forwards: dict[str, dict[str, str]]) -> None:
        """Whatever else was written is gone; phones ring for four seconds, and reach the gateway "carrier"."""
        for user, text in self._delivered.items():
            variables = {f"call_forward_{kind}": to for kind, to in forwards.get(user, {}).items()}
            variables = {
                "call_timeout": "4",
                "default_gateway": "carrier",
                **variables,
                **self.extra.get(user, {}),
            }
            (self._users / f"{user}.xml").write_text(_with_variables(text, variables), "utf-8")
        self.api("reloadxml")

    def as_delivered(self) -> None:
        """The users as the example configuration has them."""
        for user, text in self._delivered.items():
            (self._users / f"{user}.xml").write_text(text, "utf-8")
        self.api("reloadxml")

    def set_parameter(self, user: str, name: str, value: str) -> None:
        """A parameter of a user's."""
        file = self._users / f"{user}.xml"
        line = f'<params><param name="{name}" value="{value}"/>'
        file.write_text(file.read_text("utf-8").replace("<params>", line, 1), "utf-8")
        self.api("reloadxml")

    @property
    def log_file(self) -> Path:
        return self.directory / "log" / "freeswitch.log"

    def set_alias(self, user: str, alias: str) -> None:
        """A second number of a user's (number-alias)."""
        file = self._users / f"{user}.xml"
        text = file.read_text("utf-8").replace(
            f'<user id="{user}">', f'<user id="{user}" number-alias="{alias}">'
        )
        file.write_text(text, "utf-8")
        self.api("reloadxml")


def _with_variables(text: str, variables: dict[str, str]) -> str:
    for name, value in variables.items():
        text = re.sub(rf'<variable name="{name}" value="[^"]*"/>', "", text)
        line = f'<variable name="{name}" value="{value}"/>' if value else ""
        text = text.replace("<variables>", f"<variables>{line}", 1)
    return text


class Switch(Process):
    """Our own small configuration on loopback, on free ports."""

    profiles = 2
    people: ClassVar[dict[str, str]] = NAMES  # of the directory

    @property
    def context_file(self) -> Path:
        return self.directory / "freeswitch.xml"

    @property
    def kit(self) -> Path:
        return self.directory

    def password(self, user: str) -> str:
        return f"pw{user}"

    def __init__(self, directory: Path, log_levels: str = "debug,info,notice,warning,err,crit,alert") -> None:
        self.directory = directory
        self.sip, self.sip_out, self.esl, self.daemon_port, self.carrier = free_ports(5)
        copy_dialplan(directory, directory / "context.xml", self.daemon_port)
        values = {
            "DIR": directory, "SIP": self.sip, "SIP_OUT": self.sip_out, "ESL": self.esl,
            "CARRIER": self.carrier, "RTP": 20000, "RTP_END": 29000, "LOGLEVEL": log_levels,
            "RECORD": escape(TEMPLATE),
        }  # fmt: skip
        text = (CONF / "freeswitch.xml").read_text("utf-8")
        for name, value in values.items():
            text = text.replace(f"@{name}@", str(value))
        (directory / "freeswitch.xml").write_text(text, "utf-8")
        self.write_directory({}, {})

    # --- the directory ---

    def set_forwards(self, forwards: dict[str, dict[str, str]]) -> None:
        self.write_directory(forwards, self.extra)
        self.api("reloadxml")

    def write_directory(self, forwards: dict[str, dict[str, str]], extra: dict[str, dict[str, str]]) -> None:
        """Two domains with the same numbers; a directory group "board" of 102 alone."""
        dial = (
            "{^^:sip_invite_domain=${dialed_domain}:presence_id=${dialed_user}@${dialed_domain}}"
            "${sofia_contact(*/${dialed_user}@${dialed_domain})}"
        )
        daemon = f'<group name="daemons"><users>{re.sub("</?include>", "", login())}</users></group>'
        board = '<group name="board"><users><user id="102" type="pointer"/></users></group>'
        domains = "".join(
            f'<domain name="{domain}"><params><param name="dial-string" value="{dial}"/></params>'
            f'<groups><group name="default"><users>{users}</users></group>{board}{daemon}</groups></domain>\n'
            for domain, users in (
                ("lab.test", self._users(forwards, extra)),
                (
                    "b.test",
                    self._users(
                        {"100": {"all": "101"}}, {n: {"effective_caller_id_name": f"B {n}"} for n in NAMES}
                    ),
                ),
            )
        )
        (self.directory / "directory.xml").write_text(f"<include>\n{domains}</include>\n", "utf-8")

    def _users(self, forwards: dict[str, dict[str, str]], extra: dict[str, dict[str, str]]) -> str:
        users = []
        for number, name in self.people.items():
            variables = {
                "user_context": "default",
                "effective_caller_id_name": name,
                "effective_caller_id_number": number,
                "callgroup": "reception" if number == "104" else "office",
                "call_timeout": "4",
                **{f"call_forward_{kind}": target for kind, target in forwards.get(number, {}).items()},
                **extra.get(number, {}),
            }
            lines = "".join(
                f'<variable name="{k}" value="{escape(v, {chr(34): "&quot;"})}"/>'
                for k, v in variables.items()
                if v
            )
            users.append(
                f'<user id="{number}"><params><param name="password" value="pw{number}"/></params>'
                f"<variables>{lines}</variables></user>"
            )
        return "".join(users)


def start_freeswitch(
    directory: Path, options: tuple[str, ...] = (), environment: dict[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start FreeSWITCH on the configuration in `directory`, in a session of its own."""
    program = binary()
    assert program
    command = [program, "-nonat", "-nf", "-nc", "-rp", *options]
    for option in ("conf", "log", "db", "run", "storage", "recordings", "certs", "cache", "temp"):
        place = directory if option == "conf" else directory / option
        place.mkdir(exist_ok=True)
        command += [f"-{option}", str(place)]
    libraries = Path(program).resolve().parents[1] / "lib"
    path = f"{libraries}:{os.environ.get('LD_LIBRARY_PATH', '')}".rstrip(":")
    with (directory / "out.txt").open("wb") as out:
        return subprocess.Popen(
            command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, start_new_session=True,
            env={**os.environ, "LD_LIBRARY_PATH": path, **(environment or {})},
        )  # fmt: skip


def stop_freeswitch(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(8)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def esl_api(port: int, command: str, password: str = "ClueCon") -> str:
    """Ask FreeSWITCH over its inbound event socket."""
    with socket.create_connection(("127.0.0.1", port), 5) as sock:
        file = sock.makefile("rb")

        def message() -> tuple[dict[str, str], bytes]:
            headers = {}
            while line := file.readline().strip():
                name, _, value = line.decode().partition(": ")
                headers[name] = value
            return headers, file.read(int(headers.get("Content-Length", 0)))

        message()
        for text in (f"auth {password}", f"api {command}"):
            sock.sendall(text.encode() + b"\n\n")
            _, body = message()
        return body.decode("utf-8", "replace")
