"""What lintian of Debian 12 and 13 says of the packages, how big they are, and that nothing they need was left out."""

from __future__ import annotations

import subprocess

from fsdaemon import __version__
from tests.package.conftest import NEWER, Debs, Suite, offer
from tests.package.root import Root

MOST = 30 * 1024  # KB
# Each module of fsdaemon, and each region whose numbers may be compared.
IMPORT_ALL = """
import importlib, pkgutil, sys
sys.path = ["/usr/lib/fsdaemon", *(path for path in sys.path if not path.startswith("/usr/local/"))]
import fsdaemon, phonenumbers
for module in pkgutil.walk_packages(fsdaemon.__path__, "fsdaemon."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
from fsdaemon.terms.numbers import same
for region in phonenumbers.SUPPORTED_REGIONS:
    example = phonenumbers.example_number(region)
    international = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
    national = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.NATIONAL)
    phonenumbers.is_valid_number(phonenumbers.parse(national, region)), same
print("all", phonenumbers.__file__)
"""


def test_lintian(suite: Suite) -> None:
    """No error. Warnings are printed."""
    packages = suite.builder.put(*suite.debs[__version__])
    said = suite.builder.run(f"lintian --color never --fail-on error --info {packages}", check=False)
    print(said.stdout)
    assert said.returncode == 0, said.stdout


def test_the_version_says_for_which_debian(suite: Suite) -> None:
    """One repository can hold the packages of both releases, and the one for the newer Debian is the newer."""
    for deb in suite.debs[__version__]:
        version = subprocess.check_output(["dpkg-deb", "--field", str(deb), "Version"], text=True).strip()
        assert version == f"{__version__}-1~deb{suite.number}"
        assert deb.name.partition("_")[2] == f"{version}_all.deb"
        for than in ("0.2.0-1", "0.1.0-1"):
            subprocess.run(["dpkg", "--compare-versions", version, "gt", than], check=True)
    subprocess.run(["dpkg", "--compare-versions", "1-1~deb12", "lt", "1-1~deb13"], check=True)


def test_size_and_imports(clean: Root, debs: Debs) -> None:
    """At most 30 MB, counted as files after the installation, which compiles; with the libraries of Debian."""
    before = int(clean.run("du -skx /usr | cut -f 1").stdout)
    clean.apt("install --no-install-recommends python3")
    python = int(clean.run("du -skx /usr | cut -f 1").stdout)
    clean.apt(f"install --no-install-recommends {clean.put(*debs[__version__])}")
    after = int(clean.run("du -skx /usr | cut -f 1").stdout)
    ours = clean.run(
        "dpkg -L fsdaemon fsdaemon-dialplan | grep -E '^/(usr|etc)/.*fsdaemon' | xargs du -skc | tail -1"
    )
    print(
        f"python3 {python - before} KB, all of ours and our libraries {after - python} KB, ours {ours.stdout.split()[0]} KB"
    )
    assert after - python < MOST
    (clean.path / "root" / "all.py").write_text(IMPORT_ALL)
    assert clean.run("python3 -I /root/all.py").stdout == "all /usr/lib/fsdaemon/phonenumbers/__init__.py\n"
    unused = clean.run(
        "find /usr/lib/fsdaemon -name geodata -o -name tests -o -name '*.pyi' -o -name '*.[ch]' -o -name .gitignore"
    )
    assert unused.stdout == ""


def test_what_pip_installed_does_not_count(root: Root, debs: Debs) -> None:
    """An administrator's gevent below /usr/local is another one than the daemon was tested with."""
    root.apt(f"install {root.put(*debs[__version__])}")
    local = root.run("python3 -c 'import site; print(site.getsitepackages()[0])'").stdout.strip()
    assert local.startswith("/usr/local/")
    (root.path / local[1:]).mkdir(parents=True, exist_ok=True)
    for module in ("gevent", "loguru", "fsdaemon"):
        (root.path / local[1:] / f"{module}.py").write_text("raise ImportError('of pip')\n")
    assert root.run("cd /root && fsdaemon --version").stdout == f"fsdaemon {__version__}\n"
    root.run("fsdaemon status --help; fsdaemon explain --caller 102 --callee 100 --always 101")


def test_losing_the_daemon_keeps_the_dialplan(root: Root, debs: Debs) -> None:
    """From a repository, where apt takes the dialplan in by itself, and would take it away again."""
    offer(debs[__version__], root.path / "repository")
    (root.path / "etc/apt/sources.list.d/ours.list").write_text("deb [trusted=yes] file:/repository ./\n")
    (root.path / "etc/freeswitch/dialplan").mkdir(parents=True)
    root.run("apt-get -q update")
    root.apt("install fsdaemon")
    assert root.run("apt-mark showauto fsdaemon-dialplan").stdout == "fsdaemon-dialplan\n"
    root.apt("remove fsdaemon")
    root.apt("autoremove")
    assert not (root.path / "usr/lib/fsdaemon").exists()
    assert root.run("cat /etc/freeswitch/dialplan/fsdaemon.xml").stdout.startswith("<!--")
    assert (
        root.run("dpkg -s python3-gevent 2>/dev/null", check=False).returncode != 0
    )  # the dialplan needs none


def test_a_changed_dialplan_file_is_kept_at_an_upgrade(root: Root, debs: Debs) -> None:
    """The file of the new version is in its place, and the administrator is told where the own one is."""
    root.apt(f"install {root.put(*debs[__version__])}")
    file = root.path / "usr/share/fsdaemon/freeswitch/dialplan/default/fsdaemon.xml"
    delivered = file.read_text()
    file.write_text(delivered + "<!-- mine -->\n")
    said = root.apt(f"install {root.put(*debs[NEWER])}")
    kept = root.path / "var/backups/fsdaemon/usr/share/fsdaemon/freeswitch/dialplan/default/fsdaemon.xml"
    assert f"your file is now /{kept.relative_to(root.path)}\n" in said
    assert file.read_text() == delivered
    assert kept.read_text() == delivered + "<!-- mine -->\n"
    assert [path for path in kept.parents[6].rglob("*") if path.is_file()] == [kept]
