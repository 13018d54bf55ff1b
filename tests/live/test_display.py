"""What the phone shows is exactly the text of conf.toml, whatever the names hold."""

from __future__ import annotations

from fsdaemon.core.label import clean
from tests.daemon import Daemon

NAMES = [
    "a:b", "a/b", "a@b", 'say "hi" now', "100% A", "50%41", "%3A", "$5", "${user_name}", "$${domain}",
    "{x}", "[y]", "back\\slash", "end\\", "\\n", "O'Neill and O'Hara", "<b>", "a, b; c | d", "^^!a", "a!b=c",
    "Jürgen Größe", "Ж漢字", "👩‍💼 Boss", "one\r\ntwo", "tab\there", "line\u2028sep", "x" * 200,
    "  ends  ", "a=b", "Uml. fuer Cora Chefin: Kai",
]  # fmt: skip


def test_names_of_users(switch, daemon, scene):
    def scenario(lab):
        # In the directory `${…}` and `$${…}` are FreeSWITCH's own, and %41 in a name is an A for it.
        expanded = {"${user_name}", "$${domain}", "50%41", "%3A"}
        _, secretary, kai = lab.register("100", "101", "102")
        wrong = []
        for name in set(NAMES) - expanded:
            switch.extra = {
                "102": {"effective_caller_id_name": name},
                "100": {"effective_caller_id_name": name},
            }
            switch.forwards(u100={"all": "101"})
            secretary.incoming.clear()
            kai.dial("100")
            leg = lab.rings(secretary)
            shown = "Kai" if name.startswith("Uml.") else clean(name)
            expected = f"Uml. fuer {clean(name)}: {shown}"
            if leg.display != expected:
                wrong.append((name, leg.display, expected))
            lab.hangup_all()
        return wrong

    wrong = scene(scenario, seconds=120)
    assert not wrong, "\n".join(map(repr, wrong))


# What FreeSWITCH itself makes of a name before any daemon sees it (sofia.c check_decode, and `${`).
BEFORE_US = {
    "100% A": "100",
    "50%41": "50A",
    "%3A": ":",
    "${user_name}": "%{user_name}",
    "$${domain}": "$%{domain}",
    'say "hi" now': "say 'hi' now",
    "Uml. fuer Cora Chefin: Kai": "Kai",
    "line\u2028sep": "line sep",
    "tab\there": "tab here",
}


def test_names_of_strangers(switch, daemon, scene):
    switch.forwards(u100={"all": "101"})

    def scenario(lab):
        (secretary,) = lab.register("101")
        wrong = []
        for name in NAMES:
            if "\r" in name or name != name.strip():
                continue  # SIP cannot carry it
            quoted = name.replace("\\", "\\\\").replace('"', '\\"')
            stranger = lab.phone("900", register=False, uri=f'"{quoted}" <sip:+491701234567@carrier.example>')
            secretary.incoming.clear()
            stranger.dial("100")
            leg = lab.rings(secretary)
            expected = f"Uml. fuer Cora Chefin: {BEFORE_US.get(name, name)}"
            if leg.display != expected:
                wrong.append((name, leg.display, expected))
            lab.hangup_all()
            stranger.shutdown()
        return wrong

    wrong = scene(scenario, seconds=120)
    assert not wrong, "\n".join(map(repr, wrong))


def test_a_label_of_the_administrators_own(switch, scene, tmp_path):
    config = tmp_path / "conf.toml"
    template = "→ 100% {diverter}/{caller} @ {{x}} $ \\\\ <y>; 'z': ${{user_name}} ä"
    config.write_text(f'[display]\nlabel = "{template}"\n', "utf-8")
    switch.forwards(u100={"all": "101"})

    def scenario(lab):
        _, secretary, kai = lab.register("100", "101", "102")
        kai.dial("100")
        return lab.rings(secretary).display

    with Daemon(switch.daemon_port, config):
        assert scene(scenario) == "→ 100% Cora Chefin/Kai Kollege @ {x} $ \\ <y>; 'z': ${user_name} ä"
