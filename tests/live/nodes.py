"""Several FreeSWITCHes on one PostgreSQL: a database of the test's own, and nodes on it, each on its own address."""

from __future__ import annotations

from pathlib import Path

from tests.live.postgres import programs
from tests.live.switch import Switch, Vanilla, binary

_PROFILE = '<profile name="internal">\n          <settings>'
_SWITCH = '<configuration name="switch.conf">\n      <settings>'


def missing() -> str:
    """What several nodes on one database need and is not here, in a word; empty: all is here."""
    if programs() is None:
        return "no PostgreSQL: on Debian, apt install postgresql"
    program = binary()
    if program is None:
        return "no FreeSWITCH"
    places = [Path(program).resolve().parents[1] / "lib/freeswitch/mod", Path("/usr/lib/freeswitch/mod")]
    if not any((place / "mod_pgsql.so").exists() for place in places):
        return "this FreeSWITCH has no mod_pgsql"
    return ""


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
