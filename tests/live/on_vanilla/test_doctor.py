"""`fsdaemon doctor` beside a real FreeSWITCH: with everything right it says so, and each slip is found where it is."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from fsdaemon.config.reader import default
from fsdaemon.doctor.gather import Options, gather
from tests.live.switch import ESL_PASSWORD, ROOT, binary


def fs_cli() -> str:
    program = Path(binary() or "").resolve().parent / "fs_cli"
    if not program.exists():
        pytest.skip("no fs_cli beside freeswitch")
    return str(program)


class Doctor:
    """The command, and what an administrator may do to files; afterwards they are as they were."""

    def __init__(self, site) -> None:
        self.site, self.before = site, {}
        self.conf = site.directory / "doctor.toml"
        self.write(self.conf, f'[server]\nlisten = ["127.0.0.1:{site.daemon_port}"]\n')
        self.default = site.directory / "dialplan" / "default.xml"
        self.context = site.directory / "dialplan" / "fsdaemon.xml"
        self.user = site.directory / "directory" / "default" / "1000.xml"

    def asks(self, *options: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "fsdaemon", "doctor", "--freeswitch", str(self.site.directory)]
        command += ["--config", str(self.conf), "--fs-cli", fs_cli(), *options]
        libraries = Path(fs_cli()).parents[1] / "lib"
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=ROOT, check=False, timeout=60,
            env={**os.environ, "LD_LIBRARY_PATH": str(libraries), "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        assert not done.stderr
        return done.returncode, done.stdout

    def finds(self, *options: str, reload: bool = True) -> dict[str, str]:
        """Code → where (the file's name and the line's text), of what is wrong."""
        if reload:
            self.site.api("reloadxml")
        code, out = self.asks("--json", *options)
        told = json.loads(out)
        wrong = [one for one in told["findings"] if one["wrong"]]
        assert code == int(bool(wrong)) == int(told["wrong"])
        return {one["code"]: self._line(one["file"], one["line"]) for one in wrong}

    @staticmethod
    def _line(file: str, line: int) -> str:
        if not line:
            return Path(file).name
        return Path(file).read_text("utf-8").split("\n")[line - 1].strip()

    def write(self, file: Path, text: str | None) -> None:
        if file not in self.before:
            self.before[file] = file.read_text("utf-8") if file.exists() else None
        file.unlink(missing_ok=True)
        if text is not None:
            file.write_text(text, "utf-8")

    def change(self, file: Path, old: str, new: str) -> None:
        text = file.read_text("utf-8")
        assert old in text
        self.write(file, text.replace(old, new, 1))

    def undo(self) -> None:
        for file, text in self.before.items():
            file.unlink(missing_ok=True)
            if text is not None:
                file.write_text(text, "utf-8")
        self.site.api("reloadxml")


@pytest.fixture
def doctor(site):
    one = Doctor(site)
    site.api("reloadxml")
    yield one
    one.undo()


@pytest.fixture
def line(doctor) -> str:
    """Our include line."""
    found = re.search(r"<X-PRE-PROCESS[^\n]*/fsdaemon/fsdaemon.xml\"/>\n", doctor.default.read_text("utf-8"))
    assert found
    return found[0]


def test_nothing_is_wrong(doctor, daemon):
    code, out = doctor.asks()
    assert (code, out.split("\n")[0]) == (
        0,
        "nothing is wrong between FreeSWITCH and fsdaemon, as far as could be seen",
    )
    out = " ".join(out.split())
    assert "the running FreeSWITCH 1." in out
    assert f"fsdaemon at 127.0.0.1:{doctor.site.daemon_port}" in out


def test_files_are_read_as_freeswitch_reads_them(site, monkeypatch):
    """Each context has the same extensions in the same order; the users are those that it lists."""
    monkeypatch.setenv("LD_LIBRARY_PATH", str(Path(fs_cli()).parents[1] / "lib"))
    site.api("reloadxml")
    facts = gather(Options(str(site.directory), fs_cli()), default())
    assert facts.running
    assert facts.running.contexts
    ours = {name: tuple(one.name for one in all_) for name, all_ in facts.files.contexts.items()}
    assert ours == facts.running.contexts
    assert sum(map(len, ours.values())) > 100
    rows = [row.split("|") for row in site.api("list_users").split("\n")[1:] if "|" in row]
    assert {(one.id, one.domain) for one in facts.files.users} == {(row[0], row[2]) for row in rows}
    named = {one.id: one.variable("user_context") for one in facts.files.users}
    assert all(named[row[0]] == row[1] for row in rows)


def test_nobody_listens(doctor):
    assert doctor.finds() == {
        "nobody": f'<X-PRE-PROCESS cmd="set" data="fsdaemon_socket=127.0.0.1:{doctor.site.daemon_port}"/>'
    }


def test_the_line_is_missing(doctor, daemon, line):
    doctor.change(doctor.default, line, "")
    assert doctor.finds() == {"line": '<extension name="Local_Extension">'}


def test_the_line_is_behind_local_extension(doctor, daemon, line):
    doctor.change(doctor.default, line, "")
    doctor.change(
        doctor.default,
        '<extension name="Local_Extension_Skinny">',
        f'{line}<extension name="Local_Extension_Skinny">',
    )
    found = doctor.finds()
    assert found["order"] == '<extension name="Local_Extension">'


def test_the_line_leads_nowhere(doctor, daemon, line):
    doctor.change(doctor.default, line, line.replace("fsdaemon.xml", "fsdaemom.xml"))
    assert "fsdaemom.xml" in doctor.finds()["line"]


def test_the_line_shares_its_line(doctor, daemon, line):
    """FreeSWITCH skips a line with <include> in it, all of it."""
    doctor.change(doctor.default, line, "")
    doctor.change(doctor.default, "<include>", f"<include>{line}")
    assert doctor.finds()["line"].startswith("<include><X-PRE-PROCESS")


def test_the_context_is_missing(doctor, daemon):
    doctor.write(doctor.context, None)
    assert doctor.finds() == {"context": "fsdaemon.xml"}


def test_the_context_is_a_link_to_nowhere(doctor, daemon):
    doctor.write(doctor.context, None)
    doctor.context.symlink_to("/nowhere/fsdaemon.xml")
    _, out = doctor.asks()
    assert "link to /nowhere/fsdaemon.xml" in out
    assert set(doctor.finds()) == {"context"}


def test_freeswitchs_user_may_not_read_it(doctor, daemon):
    """The directories of a test are root's only."""
    assert "closed" in doctor.finds("--user", "nobody")


def test_another_port(doctor, daemon):
    port = doctor.site.daemon_port
    doctor.change(doctor.context, f"fsdaemon_socket=127.0.0.1:{port}", "fsdaemon_socket=127.0.0.1:9")
    assert "fsdaemon_socket=127.0.0.1:9" in doctor.finds()["port"]
    assert f"Write 127.0.0.1:{port} there" in doctor.asks()[1]


def test_somebody_else_listens(doctor, daemon):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        doctor.change(doctor.context, f"127.0.0.1:{doctor.site.daemon_port}", f"127.0.0.1:{port}")
        assert f"fsdaemon_socket=127.0.0.1:{port}" in doctor.finds()["address"]


def test_full_is_missing(doctor, daemon):
    doctor.change(doctor.context, 'data="$${fsdaemon_socket} full"', 'data="$${fsdaemon_socket}"')
    assert doctor.finds() == {"full": '<action application="socket" data="$${fsdaemon_socket}"/>'}


@pytest.mark.parametrize("target", ["1001 or mobile", "4711", "1000"])
def test_a_forward_that_nobody_follows(doctor, daemon, target):
    variable = f'<variable name="call_forward_busy" value="{target}"/>'
    doctor.change(doctor.user, "<variables>", f"<variables>\n{variable}\n")
    assert doctor.finds() == {"target": variable}


@pytest.mark.parametrize("target", ["1001", "2000", "3001", "9195", "5000", "+49 170 1234567"])
def test_forwards_that_are_followed(doctor, daemon, target):
    """To a user, a group, a conference, an echo, a menu, and off-net."""
    doctor.change(
        doctor.user, "<variables>", f'<variables>\n<variable name="call_forward_all" value="{target}"/>'
    )
    assert doctor.finds() == {}


def test_a_user_who_cannot_be_dialled(doctor, daemon):
    entry = '<user id="anna müller">'
    doctor.change(doctor.user, '<user id="1000">', entry)
    assert doctor.finds() == {"user": entry}


def test_a_list_of_exceptions_that_cannot_be_read(doctor, daemon):
    variable = '<variable name="call_forward_except" value="1001, ${evil}"/>'
    doctor.change(doctor.user, "<variables>", f"<variables>\n{variable}\n")
    assert doctor.finds() == {"except": variable}


def test_a_variable_that_nothing_sets(doctor, daemon):
    doctor.write(doctor.conf, doctor.conf.read_text("utf-8") + '[variables]\nalways = ["my_forward"]\n')
    assert doctor.finds() == {"variable": 'always = ["my_forward"]'}
    doctor.change(
        doctor.default,
        '<context name="default">',
        """<context name="default">
        <extension name="mine" continue="true"><condition>
          <action application="set" data="my_forward=1001"/></condition></extension>""",
    )
    assert doctor.finds() == {}


def test_the_preset_of_fusionpbx(doctor, daemon):
    doctor.write(doctor.conf, doctor.conf.read_text("utf-8") + '[variables]\npreset = "fusionpbx"\n')
    assert doctor.finds() == {"preset": 'preset = "fusionpbx"'}


def test_a_mistake_in_conf_toml(doctor, daemon):
    doctor.write(doctor.conf, "[routing]\nmax_hopps = 5\n")
    assert doctor.finds()["conf.toml"] == "max_hopps = 5"


@pytest.mark.parametrize("module", ["mod_hash", "mod_db", "mod_loopback"])
def test_a_module_is_not_loaded(doctor, daemon, module):
    assert doctor.site.api(f"unload {module}").startswith("+OK")
    try:
        assert doctor.finds() == {"module": f'<load module="{module}"/>'}
    finally:
        assert "+OK" in doctor.site.api(f"load {module}")


def test_a_module_is_not_in_the_list_of_a_switch_that_does_not_run(doctor, daemon):
    modules = doctor.site.directory / "autoload_configs" / "modules.conf.xml"
    doctor.change(modules, '<load module="mod_event_socket"/>', '<!--<load module="mod_event_socket"/>-->')
    assert doctor.finds("--fs-cli", "") == {"module": "modules.conf.xml"}


def test_a_forgotten_reload(doctor, daemon, line):
    doctor.change(doctor.default, line, "")
    doctor.site.api("reloadxml")
    doctor.change(
        doctor.default, '<extension name="Local_Extension">', f'{line}<extension name="Local_Extension">'
    )
    assert set(doctor.finds(reload=False)) == {"reload"}
    assert doctor.finds() == {}


def test_broken_xml(doctor, daemon, line):
    doctor.change(doctor.context, "</context>", "</kontext>")
    assert doctor.finds() == {"xml": "</kontext>"}
    assert doctor.site.api("reloadxml").startswith("+OK [[error")  # 1.10.12 says so


def test_what_only_freeswitch_takes_is_not_wrong(doctor, daemon):
    doctor.change(
        doctor.default,
        '<context name="default">',
        r"""<context name="default">
        <extension name="mine"><condition field="destination_number" expression="^(?<a>77)(?:&|<)$">
          <action application="hangup"/></condition></extension>""",
    )
    assert doctor.finds() == {}


def test_a_comment_with_two_dashes_in_it(doctor, daemon):
    """FreeSWITCH does not read on, and keeps what it had."""
    doctor.change(doctor.default, '<context name="default">', '<context name="default">\n<!-- a -- b -->')
    assert doctor.finds() == {"xml": "<!-- a -- b -->"}
    assert doctor.site.api("reloadxml").startswith("+OK [[error")


def test_codes_are_not_included(doctor, daemon):
    doctor.write(doctor.site.kit / "fsdaemon_codes.xml", None)
    _, out = doctor.asks("--json")
    assert [(one["code"], one["wrong"]) for one in json.loads(out)["findings"] if one["code"] == "codes"] == [
        ("codes", False)
    ]


def test_fs_cli_hangs_fails_and_is_not_there(doctor, daemon, tmp_path):
    hangs = tmp_path / "hangs"
    hangs.write_text("#!/bin/sh\nsleep 60\n")
    hangs.chmod(0o755)
    for command, why in (
        (str(hangs), "did not answer within"),
        (f"{fs_cli()} -P 9", "fs_cli failed"),
        ("/nowhere/fs_cli", "cannot be run"),
        (f"{fs_cli()} -p {ESL_PASSWORD}", "fs_cli failed"),
    ):
        code, out = doctor.asks("--fs-cli", command)
        assert code == 0, out
        assert why in out.split("not looked at")[1]
