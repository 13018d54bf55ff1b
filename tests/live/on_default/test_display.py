"""What the phone shows is exactly the text of conf.toml, whatever the names hold."""

from __future__ import annotations

from fsdaemon.core.label import clean

NAMES = [
    "a:b", "a/b", "a@b", 'say "hi" now', "100% A", "50%41", "%3A", "$5", "${user_name}", "$${domain}",
    "{x}", "[y]", "back\\slash", "end\\", "\\n", "O'Neill and O'Hara", "<b>", "a, b; c | d", "^^!a", "a!b=c",
    "Jürgen Größe", "Ж漢字", "👩‍💼 Boss", "one\r\ntwo", "tab\there", "line\u2028sep", "x" * 200,
    "  ends  ", "a=b", "Uml. fuer Cora Chefin: Kai",
]  # fmt: skip


def shown(lab, caller, secretary):
    """What the secretary's phone shows of a call to the boss."""
    secretary.incoming.clear()
    caller.dial("boss")
    display = lab.rings(secretary).display
    lab.hangup_all()
    return display


def test_names_of_users(site, daemon, lab):
    # In the directory `${…}` and `$${…}` are FreeSWITCH's own, and %41 in a name is an A for it.
    expanded = {"${user_name}", "$${domain}", "50%41", "%3A"}
    _, secretary, kai = lab.register("boss", "secretary", "kai")
    wrong = []
    for name in set(NAMES) - expanded:
        site.extra = {number: {"effective_caller_id_name": name} for number in ("100", "102")}
        site.forwards(boss={"all": "secretary"})
        expected = f"Uml. fuer {clean(name)}: {'Kai' if name.startswith('Uml.') else clean(name)}"
        display = shown(lab, kai, secretary)
        if display != expected:
            wrong.append((name, display, expected))
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


def test_names_of_strangers(site, daemon, lab):
    site.forwards(boss={"all": "secretary"})
    (secretary,) = lab.register("secretary")
    wrong = []
    for name in NAMES:
        if "\r" in name or name != name.strip():
            continue  # SIP cannot carry it
        stranger = lab.stranger(name=name.replace("\\", "\\\\").replace('"', '\\"'))
        expected = site.label("boss", BEFORE_US.get(name, name))
        display = shown(lab, stranger, secretary)
        if display != expected:
            wrong.append((name, display, expected))
        stranger.shutdown()
    assert not wrong, "\n".join(map(repr, wrong))
