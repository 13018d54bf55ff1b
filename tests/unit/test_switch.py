"""[switch]: what contradicts itself, where the password comes from, and that it is shown nowhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fsdaemon.config import render
from fsdaemon.config.reader import ConfigError, load
from fsdaemon.daemon.switch import password_of

PASSWORD = "Geheim-7:@x"
ADDRESS = 'address = "127.0.0.1:8021"\n'


def said(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(text)
    return str(caught.value)


def test_nothing_by_default() -> None:
    config = load("")
    assert config.switch.address == ""
    assert password_of(config) == ""


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (f"[switch]\n{ADDRESS}", "line 2: switch.address: needs switch.password or switch.password_file"),
        (
            '[switch]\npassword = "a"\npassword_file = "b"',
            "line 3: switch.password_file: there is switch.password, too; set only one of them",
        ),
    ],
)
def test_contradictions(text: str, wrong: str) -> None:
    assert said(text) == wrong


@pytest.mark.parametrize(
    ("address", "others", "key"),
    [
        ("127.0.0.1:8084", "", "server.listen"),
        ("localhost:8084", "", "server.listen"),
        ("127.0.0.1:8021", '[server]\nlisten = ["127.0.0.1:8084", "0.0.0.0:8021"]\n', "server.listen"),
        ("[::1]:9000", '[server]\nlisten = "[::]:9000"\n', "server.listen"),
        ("192.0.2.1:9000", '[server]\nlisten = "192.0.2.1:9000"\n', "server.listen"),
        ("[0::1]:9000", '[server]\nlisten = "[::1]:9000"\n', "server.listen"),
        ("[2001:db8::1]:9000", '[server]\nlisten = "[2001:DB8:0::1]:09000"\n', "server.listen"),
        ("127.0.0.1:9484", '[metrics]\nlisten = "127.0.0.1:9484"\n', "metrics.listen"),
        ("192.0.2.2:9000", '[server]\nlisten = "192.0.2.1:9000"\n', ""),
        ("192.0.2.2:8084", "", ""),
        ("127.0.0.1:8085", "", ""),
    ],
)
def test_not_at_ourselves(address: str, others: str, key: str) -> None:
    text = f'{others}[switch]\naddress = "{address}"\npassword = "x"'
    if not key:
        assert load(text).switch.address == address
        return
    assert f"switch.address: is {key}, where the daemon itself listens" in said(text)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1", "a b:1", "x:y", "a..b:1", ".:1"),
        *(f"{'x' * 64}.example:1", f"{'x.' * 127}x:1", "[1.2.3]:1", "[:::::]:1", "[fe80::1%eth0]:1"),
    ],
)
def test_no_address(address: str) -> None:
    text = f'[switch]\naddress = "{address}"\npassword = "x"'
    assert 'switch.address: must be "host:port", like "127.0.0.1:8021", or empty' in said(text)


@pytest.mark.parametrize(
    "written",
    [
        f'"{PASSWORD}\\n"',
        f'" {PASSWORD}"',
        f'["{PASSWORD}"]',
        f'{{ is = "{PASSWORD}" }}',
        PASSWORD,
        f'"{PASSWORD}',
        f'"{PASSWORD}\\x"',
        f'"{PASSWORD}" "{PASSWORD}"',
        f'"{PASSWORD}"\npassword = "{PASSWORD}"',
        f'"""\n{PASSWORD}\n"""',
        f'"x"\npasswort = "{PASSWORD}"',
        f'"{PASSWORD}"\naddress = 5',
    ],
)
def test_no_mistake_shows_a_password(written: str) -> None:
    assert PASSWORD not in said(f"[switch]\npassword = {written}\n")


def test_a_password_is_not_printed() -> None:
    config = load(f'[switch]\n{ADDRESS}password = "{PASSWORD}"')
    assert config.switch.password == password_of(config) == PASSWORD
    assert PASSWORD not in repr(config)
    assert PASSWORD not in render.text(config, True)
    assert 'password = "…" ' in render.text(config)
    assert 'password = "" ' in render.text(load(""))


def in_file(name: object) -> str:
    return password_of(load(f'[switch]\n{ADDRESS}password_file = "{name}"'))


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_password_in_a_file(tmp_path: Path, end: str) -> None:
    file = tmp_path / "password"
    file.write_bytes(f"{PASSWORD} ü{end}".encode())
    assert in_file(file) == f"{PASSWORD} ü"


def test_a_password_as_a_credential(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with pytest.raises(OSError, match=r"switch.password_file switch_password: there are no credentials"):
        in_file("switch_password")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    with pytest.raises(OSError, match=r"switch.password_file switch_password cannot be read: No such file"):
        in_file("switch_password")
    (tmp_path / "switch_password").write_text(PASSWORD)
    assert in_file("switch_password") == PASSWORD


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"Geheim\nGeheim", b"Geheim\xff", b"Geheim\0", b" Geheim", b"Geheim" * 200]
)
def test_what_is_no_password(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "password"
    file.write_bytes(content)
    with pytest.raises(OSError, match=r"switch.password_file") as caught:
        in_file(file)
    assert "Geheim" not in str(caught.value)
    assert str(file) in str(caught.value)


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")  # which nobody writes to
    for name in ("pipe", ""):
        with pytest.raises(OSError, match=r"cannot be read: (not a file|Is a directory)"):
            in_file(tmp_path / name)
