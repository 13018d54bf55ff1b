"""What `fsdaemon check` finds beyond the text of a conf.toml."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from fsdaemon.cli import check
from fsdaemon.config.doubts import overlap
from fsdaemon.config.reader import load
from tests.unit.test_cli import run

ALWAYS = 'an address always works, like "127.0.0.1:8084"'
NO_EFFECT = 'has no effect with preset = "fusionpbx": FusionPBX does this itself'
FUSIONPBX = '[variables]\npreset = "fusionpbx"\n'


def found(text: str) -> tuple[list[str], list[str]]:
    wrong, notes = check.look(load(text))
    return [str(one) for one in wrong], [str(one) for one in notes]


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("127.0.0.1:8084", "127.0.0.1:8084", True),
        ("127.0.0.1:8084", "127.0.0.1:8085", False),
        ("127.0.0.1:8084", "127.0.0.2:8084", False),
        ("0.0.0.0:8084", "127.0.0.1:8084", True),
        ("192.0.2.1:8084", "0.0.0.0:8084", True),
        ("0.0.0.0:8084", "[::1]:8084", False),
        ("0.0.0.0:8084", "[::]:8084", True),
        ("[::]:8084", "127.0.0.1:8084", True),
        ("[::]:8084", "[::1]:8084", True),
        ("[::1]:8084", "127.0.0.1:8084", False),
        ("localhost:8084", "127.0.0.1:8084", True),
        ("localhost:8084", "LOCALHOST:8084", True),
        ("localhost:8084", "pbx.example:8084", False),
        ("127.0.0.1:0", "127.0.0.1:0", False),
        ("127.0.0.1:8084", "127.0.0.1:08084", True),
        ("[::0]:8084", "127.0.0.1:8084", True),
        ("[0:0:0:0:0:0:0:1]:8084", "[::1]:8084", True),
        ("[::ffff:127.0.0.1]:8084", "127.0.0.1:8084", True),
        ("[::ffff:0.0.0.0]:8084", "127.0.0.1:8084", True),
    ],
)
def test_two_addresses_that_cannot_both_be_listened_at(one: str, other: str, both: bool) -> None:
    assert overlap(one, other) is overlap(other, one) is both
    if not any(name in one + other for name in ("pbx", "192.0.2.1", "127.0.0.2", "8085")):
        assert _the_kernel_refuses(one, other) is both


def _the_kernel_refuses(*addresses: str) -> bool:
    """Whether Linux lets us listen at both, opened as the daemon does it, at a free port for the 8084."""
    from fsdaemon.daemon.listener import open_socket

    opened: list[socket.socket] = []
    port = "0"
    try:
        for address in addresses:
            host, _, wanted = address.rpartition(":")
            opened.append(open_socket(f"{host.lower()}:{port if int(wanted) else 0}"))
            port = str(opened[0].getsockname()[1])
    except OSError:
        return True
    finally:
        for one in opened:
            one.close()
    return False


def test_the_page_where_calls_come_in() -> None:
    page = 'give the page another port, like "127.0.0.1:9484"'
    said = f'line 2: metrics.listen: "127.0.0.1:8084" is where calls come in (server.listen "127.0.0.1:8084"); {page}'
    assert found('[metrics]\nlisten = "127.0.0.1:8084"\n') == ([said], [])
    assert found('[metrics]\nlisten = "127.0.0.1:9484"\n') == ([], [])
    twice = 'line 2: server.listen: "[::]:8084" and "127.0.0.1:8084" cannot both be listened at; leave one of them out'
    assert found('[server]\nlisten = ["127.0.0.1:8084", "[::]:8084"]\n') == ([twice], [])


def test_a_name_that_is_none(monkeypatch) -> None:
    def unknown(error: int, text: str):
        def look_up(*args, **kwargs):
            raise socket.gaierror(error, text)

        return look_up

    monkeypatch.setattr(socket, "getaddrinfo", unknown(socket.EAI_NONAME, "Name or service not known"))
    said = 'the host name "pbx" cannot be resolved (Name or service not known); ' + ALWAYS
    switch = '[switch]\naddress = "pbx:8084"\npassword = "x"\n[metrics]\nlisten = ""\n'
    for section, key in (("server", "listen"), ("metrics", "listen")):
        wrong, _ = found(f'[{section}]\n{key} = "pbx:8084"\n')
        assert f"line 2: {section}.{key}: {said}" in wrong
    assert f"line 2: switch.address: {said}" in found(switch)[0]
    monkeypatch.setattr(socket, "getaddrinfo", unknown(socket.EAI_AGAIN, "Temporary failure"))
    said = 'the host name "pbx" cannot be resolved now (Temporary failure); ' + ALWAYS
    assert found('[server]\nlisten = "pbx:8084"\n') == ([], [f"line 2: server.listen: {said}"])


def test_other_spellings_of_one_address(monkeypatch) -> None:
    for one in ("127.1", "0", "2130706433"):
        (wrong,), _ = found(f'[server]\nlisten = ["127.0.0.1:8084", "{one}:8084"]\n')
        assert f'"{one}:8084" and "127.0.0.1:8084" cannot both be listened at' in wrong
        (wrong,), _ = found(f'[metrics]\nlisten = "{one}:8084"\n')
        assert wrong.startswith(f'line 2: metrics.listen: "{one}:8084" is where calls come in')
    look_up = socket.getaddrinfo

    def named(host: str, port, family=0, *others):
        address = {"pbx": "127.0.0.1", "other": "127.0.0.9"}.get(host, host)
        return look_up(address, port, family, *others)

    monkeypatch.setattr(socket, "getaddrinfo", named)
    assert found('[server]\nlisten = ["127.0.0.1:8084", "other:8084"]\n') == ([], [])
    (wrong,), _ = found('[server]\nlisten = ["127.0.0.1:8084", "pbx:8084"]\n')
    assert "cannot both be listened at" in wrong


def test_a_name_with_an_ipv6_address_only(monkeypatch) -> None:
    """The daemon listens at IPv4 where the address has no colon."""

    def only_ipv6(host: str, port, family=0, kind=0, *others):
        if family == socket.AF_INET:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET6, kind, 0, "", ("::1", 0, 0, 0))]

    monkeypatch.setattr(socket, "getaddrinfo", only_ipv6)
    (wrong,), _ = found('[server]\nlisten = "pbx6:8084"\n[metrics]\nlisten = ""\n')
    assert 'the host name "pbx6" cannot be resolved' in wrong
    assert (
        found('[server]\nlisten = "[::1]:8084"\n[switch]\naddress = "pbx6:8021"\npassword = "x"\n')[0] == []
    )


def test_an_address_of_another_machine() -> None:
    said = 'line 2: server.listen: "192.0.2.9" is not an address of this machine; "0.0.0.0" stands for all that it has'
    assert found('[server]\nlisten = "192.0.2.9:8084"\n') == ([], [said])
    assert found('[switch]\naddress = "192.0.2.9:8084"\npassword = "x"\n') == ([], [])


def test_files_that_are_not_there(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    text = f'[switch]\naddress = "127.0.0.1:8021"\npassword_file = "{secret}"\ndatabase = "{tmp_path}"\n'
    assert found(text) == (["line 3: switch.password_file: cannot be read: No such file or directory"], [])
    secret.write_text("Geheim\n")
    assert found(text) == ([], [])
    assert found(text.replace(f'database = "{tmp_path}"', f'database = "{secret}"'))[0] == [
        "line 4: switch.database: cannot be read: Not a directory"
    ]
    assert found(text.replace(str(secret), "credential")) == ([], [])


def test_what_does_nothing_on_fusionpbx() -> None:
    keys = '[routing]\nbusy = 1\nmailbox = "called"\nmissed = "completed_elsewhere"\n[codes]\nexceptions = false\nown = "x"\n'
    assert found(keys) == ([], [])
    names = {
        2: "routing.busy",
        3: "routing.mailbox",
        4: "routing.missed",
        6: "codes.exceptions",
        7: "codes.own",
    }
    assert found(keys + FUSIONPBX) == (
        [],
        [f"line {line}: {key}: {NO_EFFECT}" for line, key in names.items()],
    )
    assert found(FUSIONPBX) == ([], [])
    assert found(f'{FUSIONPBX}[routing]\nbusy = "phone"\nmax_hops = 3\n[display]\nring = "1"\n') == ([], [])
    own = f'{FUSIONPBX}[domains."b.example".routing]\nmailbox = "called"\n'
    assert found(own) == ([], [f'line 4: domains."b.example".routing.mailbox: {NO_EFFECT}'])


def test_a_mistake_ends_it_and_a_note_does_not(capsys, tmp_path: Path) -> None:
    file = tmp_path / "conf.toml"
    file.write_text('[metrics]\nlisten = "127.0.0.1:8084"\n')
    code, out, err = run(capsys, "check", "--config", str(file))
    assert (code, out) == (1, "")
    assert err.startswith(f'{file}: line 2: metrics.listen: "127.0.0.1:8084" is where calls come in')
    file.write_text(f"{FUSIONPBX}[routing]\nbusy = 1\n")
    code, out, err = run(capsys, "check", "--config", str(file))
    assert (code, err) == (0, f"{file}: note: line 4: routing.busy: {NO_EFFECT}\n")
    assert out.startswith(f"# {file}\n")
