"""Installed, upgraded, removed and purged in a clean Debian 12 and a clean Debian 13."""

from __future__ import annotations

from pathlib import Path

from fsdaemon import __version__
from tests.package.conftest import NEWER, Debs
from tests.package.root import Root

CONF = Path("etc/fsdaemon/conf.toml")
CONTEXT = "/usr/share/fsdaemon/freeswitch/dialplan/fsdaemon.xml"
LINK = Path("etc/freeswitch/dialplan/fsdaemon.xml")
# Where apt and dpkg remember what they did.
_REMEMBERED = (
    "var/lib/dpkg",
    "var/lib/apt",
    "var/cache",
    "var/log",
    "root",
    "tmp",
    "run",
    "proc",
    "sys",
    "dev",
)
EXPLAIN = "fsdaemon explain --caller 102 --callee 100 --always 101 --name 100=Cora --name 102=Kai"


def ours(root: Root) -> list[str]:
    """Every file in the root with our name in its path."""
    return sorted(
        str(file.relative_to(root.path))
        for file in root.path.rglob("*fsdaemon*")
        if not str(file.relative_to(root.path)).startswith(_REMEMBERED)
    )


def test_install(clean: Root, debs: Debs) -> None:
    clean.apt(f"install {clean.put(*debs[__version__])}")
    assert clean.run("fsdaemon --version").stdout == f"fsdaemon {__version__}\n"
    clean.run("fsdaemon check")
    assert "Uml. fuer Cora: Kai" in clean.run(EXPLAIN).stdout
    served = clean.run(
        "fsdaemon serve & until fsdaemon explain --via 127.0.0.1:8084 --caller 102 --callee 100 --always 101;"
        " do sleep 0.2; done; kill $!"
    )
    assert "the phone shows: Uml. fuer 100: 102" in served.stdout
    for file in (
        "usr/share/man/man1/fsdaemon.1.gz",
        "usr/share/man/man5/fsdaemon.conf.5.gz",
        "usr/share/man/man7/fsdaemon-dialplan.7.gz",
        "usr/share/bash-completion/completions/fsdaemon",
        CONTEXT[1:],
        "usr/share/fsdaemon/freeswitch/dialplan/default/fsdaemon.xml",
        "usr/share/doc/fsdaemon/README.md",
        "usr/lib/systemd/system/fsdaemon@.socket",
    ):
        assert (clean.path / file).is_file(), file
    assert clean.run("find /usr/lib/fsdaemon /etc/fsdaemon ! -perm -o=r ! -type l").stdout == ""
    enabled = clean.run("systemctl is-enabled fsdaemon.service fsdaemon.socket").stdout.split()
    assert enabled == ["enabled", "enabled"]


def test_bash_completes(root: Root, debs: Debs) -> None:
    root.apt(f"install {root.put(*debs[__version__])}")
    script = (
        ". /usr/share/bash-completion/completions/fsdaemon; complete -p fsdaemon;"
        " COMP_WORDS=(fsdaemon explain --fail); COMP_CWORD=2; _shtab_fsdaemon; echo ${COMPREPLY[*]}"
    )
    assert root.run(f"bash -c '{script}'").stdout.split()[-1] == "--failed"


def test_upgrade_keeps_a_changed_configuration(root: Root, debs: Debs) -> None:
    root.apt(f"install {root.put(*debs[__version__])}")
    root.run("sed -i 's/^timeout = 2.0/timeout = 1.5/' /etc/fsdaemon/conf.toml")
    mine = (root.path / CONF).read_text()
    root.apt(f"install {root.put(*debs[NEWER])}")
    assert root.run("fsdaemon --version").stdout == f"fsdaemon {NEWER}\n"
    assert (root.path / CONF).read_text() == mine
    assert (root.path / f"{CONF}.dpkg-dist").read_text().endswith("# newer\n")
    root.run("fsdaemon check")


def test_upgrade_brings_the_new_configuration_where_nobody_changed_it(root: Root, debs: Debs) -> None:
    root.apt(f"install {root.put(*debs[__version__])}")
    root.apt(f"install {root.put(*debs[NEWER])}")
    assert (root.path / CONF).read_text().endswith("# newer\n")


def test_remove_keeps_the_configuration_and_purge_nothing(root: Root, debs: Debs) -> None:
    assert ours(root) == []
    root.apt(f"install {root.put(*debs[__version__])}")
    root.run(f"fsdaemon check && {EXPLAIN}")  # as root, who could write .pyc
    root.run("systemctl enable fsdaemon@8085.socket fsdaemon@8085.service")
    root.apt("remove fsdaemon fsdaemon-dialplan")
    assert [file for file in ours(root) if file.startswith(("usr", "etc/fsdaemon"))] == ["etc/fsdaemon"]
    assert (root.path / CONF).is_file()
    root.apt("purge fsdaemon fsdaemon-dialplan")
    assert ours(root) == []


def test_the_context_is_linked_where_freeswitch_finds_it(root: Root, debs: Debs) -> None:
    this, newer = root.put(*debs[__version__]), root.put(*debs[NEWER])
    (root.path / LINK.parent).mkdir(parents=True)
    root.apt(f"install {this}")
    assert root.run(f"readlink /{LINK} && cat /{LINK}").stdout.startswith(f"{CONTEXT}\n<!--")
    root.apt("remove fsdaemon fsdaemon-dialplan")
    root.apt(f"install {this}")
    assert (root.path / LINK).is_symlink()
    (root.path / LINK).unlink()
    said = root.run(f"apt-get -q -y install {newer}").stdout
    assert f"ln -s {CONTEXT} /{LINK}\n" in said
    assert not (root.path / LINK).is_symlink()
    root.run(f"ln -s {CONTEXT} /{LINK}")
    root.apt("purge fsdaemon fsdaemon-dialplan")
    assert ours(root) == []
    assert (root.path / LINK.parent).is_dir()


def test_a_file_of_the_administrators_stays(root: Root, debs: Debs) -> None:
    (root.path / LINK.parent).mkdir(parents=True)
    (root.path / LINK).write_text("<include/>\n")
    said = root.run(f"apt-get -q -y install {root.put(*debs[__version__])}").stdout
    assert f"/{LINK} stays as it is" in said
    root.apt("purge fsdaemon fsdaemon-dialplan")
    assert (root.path / LINK).read_text() == "<include/>\n"


def test_without_a_freeswitch_the_command_is_said(root: Root, debs: Debs) -> None:
    said = root.run(f"apt-get -q -y install {root.put(*debs[__version__])}").stdout
    assert f"ln -s {CONTEXT} /{LINK}\n" in said
