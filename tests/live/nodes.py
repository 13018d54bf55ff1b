"""Several FreeSWITCHes on one PostgreSQL: a database of the test's own, and nodes on it, each on its own address."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from tests.daemon import free_port
from tests.live.switch import Switch, Vanilla, binary

_PROFILE = '<profile name="internal">\n          <settings>'
_SWITCH = '<configuration name="switch.conf">\n      <settings>'


def missing() -> str:
    """What several nodes on one database need and is not here, in a word; empty: all is here."""
    if _programs() is None:
        return "no PostgreSQL: on Debian, apt install postgresql"
    program = binary()
    if program is None:
        return "no FreeSWITCH"
    places = [Path(program).resolve().parents[1] / "lib/freeswitch/mod", Path("/usr/lib/freeswitch/mod")]
    if not any((place / "mod_pgsql.so").exists() for place in places):
        return "this FreeSWITCH has no mod_pgsql"
    return ""


def _programs() -> Path | None:
    """Where the newest PostgreSQL's programs are; Debian keeps them off the PATH."""
    places = [file.parent for file in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    found = shutil.which("initdb")
    if found:
        places.append(Path(found).parent)
    return max(places, key=lambda place: (place / "postgres").stat().st_mtime, default=None)


class Postgres:
    """A PostgreSQL with data, port and socket of its own, as a user without rights (it refuses root)."""

    def __init__(self) -> None:
        programs = _programs()
        assert programs
        self.programs, self.port = programs, free_port()
        self._directory = tempfile.TemporaryDirectory(prefix="fsdaemon-pg-")
        self._data = Path(self._directory.name) / "data"
        self._as: dict[str, int] = {}
        if os.geteuid() == 0:
            user = _without_rights()
            os.chown(self._directory.name, user.pw_uid, user.pw_gid)
            self._as = {"user": user.pw_uid, "group": user.pw_gid}
        self._run("initdb", "-D", str(self._data), "-A", "trust", "-U", "fsdaemon", "-N", "--no-locale")
        self.start()

    @property
    def dsn(self) -> str:
        """As FreeSWITCH wants it."""
        return f"pgsql://hostaddr=127.0.0.1 port={self.port} dbname=postgres user=fsdaemon"

    def start(self) -> None:
        options = ["-p", str(self.port), "-k", self._directory.name, "-h", "127.0.0.1", "-c", "fsync=off"]
        self.process = subprocess.Popen(
            [str(self.programs / "postgres"), "-D", str(self._data), *options],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
            cwd=self._directory.name, **self._as,
        )  # fmt: skip
        end = time.monotonic() + 20
        while time.monotonic() < end:
            if self._run("pg_isready", "-h", "127.0.0.1", "-p", str(self.port), check=False) == 0:
                return
            time.sleep(0.1)
        self.stop()
        raise RuntimeError("PostgreSQL is not up after 20 s")

    def sql(self, statement: str) -> str:
        """Run a statement; what it selects, a line a row, columns separated by `|`."""
        command = [str(self.programs / "psql"), "-h", "127.0.0.1", "-p", str(self.port), "-U", "fsdaemon"]
        done = subprocess.run(
            [*command, "-d", "postgres", "-XAtqc", statement], check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def _run(self, program: str, *arguments: str, check: bool = True) -> int:
        done = subprocess.run(
            [str(self.programs / program), *arguments],
            capture_output=True,
            cwd=self._directory.name,
            **self._as,
        )
        if check and done.returncode:
            raise RuntimeError(done.stderr.decode("utf-8", "replace"))
        return done.returncode

    def stop(self) -> None:
        self.process.send_signal(2)  # "fast": open connections do not keep it
        self.process.wait(20)

    def close(self) -> None:
        if self.process.poll() is None:
            self.stop()
        self._directory.cleanup()


def _without_rights() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


class Node(Switch):
    """One FreeSWITCH of several: same domain, same profile names, an address and a name of its own."""

    def __init__(self, directory: Path, host: str, name: str, dsn: str, **options: str) -> None:
        super().__init__(directory, **options)
        self.host, self.name = host, name
        database = f'<param name="odbc-dsn" value="{dsn}"/>'
        changes = {
            "<modules>": '<modules>\n        <load module="mod_pgsql"/>',
            _SWITCH: f'{_SWITCH}<param name="switchname" value="{name}"/>',
            _PROFILE: f"{_PROFILE}{database}",
            '<configuration name="db.conf"><settings/>': f'<configuration name="db.conf"><settings>{database}</settings>',
            'name="sip-ip" value="127.0.0.1"': f'name="sip-ip" value="{host}"',
            'name="rtp-ip" value="127.0.0.1"': f'name="rtp-ip" value="{host}"',
        }
        rewrite(directory / "freeswitch.xml", changes)


class VanillaNode(Vanilla):
    """FreeSWITCH's example configuration with what docs/scaling.md says to change on each node."""

    def __init__(self, source: Path, directory: Path, host: str, name: str, dsn: str, esl: int) -> None:
        super().__init__(source, directory)
        self.esl = esl
        database = f'<settings><param name="odbc-dsn" value="{dsn}"/>'
        changes = {
            "vars.xml": {"local_ip_v4=127.0.0.1": f"local_ip_v4={host}", "domain=$${local_ip_v4}": "domain=office.test"},
            "autoload_configs/event_socket.conf.xml": {'value="8021"': f'value="{esl}"'},
            "autoload_configs/db.conf.xml": {"<settings>": database},
            "sip_profiles/internal.xml": {"<settings>": database},
            "autoload_configs/switch.conf.xml": {"<settings>": f'<settings><param name="switchname" value="{name}"/>'},
        }  # fmt: skip
        for file, texts in changes.items():
            rewrite(directory / file, texts)


def rewrite(file: Path, changes: dict[str, str]) -> None:
    """Replace texts that must be in it."""
    text = file.read_text("utf-8")
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    file.write_text(text, "utf-8")
