"""A PostgreSQL of the tests' own, out of the system's packages."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from tests.daemon import free_port


def programs() -> Path | None:
    """Where the newest PostgreSQL's programs are; Debian keeps them off the PATH."""
    places = [file.parent for file in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    found = shutil.which("initdb")
    if found:
        places.append(Path(found).parent)
    return max(places, key=lambda place: (place / "postgres").stat().st_mtime, default=None)


class Postgres:
    """A PostgreSQL with data, port and socket of its own, as a user without rights (it refuses root)."""

    def __init__(self, user: str = "fsdaemon") -> None:
        """`user` owns it; a database of the same name is there for her."""
        found = programs()
        assert found
        self.programs, self.port, self.user = found, free_port(), user
        self._directory = tempfile.TemporaryDirectory(prefix="fsdaemon-pg-")
        self._data = Path(self._directory.name) / "data"
        self._as: dict[str, int] = {}
        if os.geteuid() == 0:
            who = _without_rights()
            os.chown(self._directory.name, who.pw_uid, who.pw_gid)
            self._as = {"user": who.pw_uid, "group": who.pw_gid}
        how = ("-A", "trust", "-U", user, "-N", "-E", "UTF8", "--locale=C.UTF-8")
        self._run("initdb", "-D", str(self._data), *how)
        self.start()
        self.sql(f"create database {user}", "postgres")

    @property
    def dsn(self) -> str:
        """As FreeSWITCH wants it."""
        return f"pgsql://hostaddr=127.0.0.1 port={self.port} dbname={self.user} user={self.user}"

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

    def sql(self, text: str, database: str = "") -> str:
        """Run SQL; what it selects, a line a row, columns separated by `|`."""
        command = [str(self.programs / "psql"), "-h", "127.0.0.1", "-p", str(self.port), "-U", self.user]
        command += ["-XAtq", "-v", "ON_ERROR_STOP=1", database or self.user]
        return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout.strip()

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
