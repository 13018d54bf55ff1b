"""Forwards dialled on the phone (fsdaemon_codes.xml): what is confirmed, stored, and followed."""

from __future__ import annotations

import time

from tests.live.handset import DONE, OFF, REFUSED, Handset, dial, exceptions, line
from tests.live.scenarios import labelled, own_name_only, with_conf


def test_a_phone_dials_a_forward_and_it_survives_a_restart(codes, scene):
    def dials(lab, boss, code):
        call = boss.dial(codes.filled(code))
        lab.wait(lambda: call.gone, "ended")
        assert call.code == 200

    def before(lab):
        boss, secretary, kai = lab.register("boss", "secretary", "kai")
        dials(lab, boss, "*21*<secretary>#")
        kai.dial("boss")
        labelled(lab.rings(secretary), "kai", boss="unconditional")
        assert not boss.rang

    def after(lab):
        boss, secretary, kai = lab.register("boss", "secretary", "kai")
        kai.dial("boss")
        labelled(lab.rings(secretary), "kai", boss="unconditional")
        lab.hangup_all()
        secretary.dial("boss")
        own_name_only(lab.rings(boss), "secretary")
        lab.hangup_all()
        for count, code in enumerate(("#21#", "##002#"), 2):
            dials(lab, boss, code)
            kai.dial("boss")
            own_name_only(lab.rings(boss, count))
            lab.hangup_all()
        assert len(secretary.incoming) == 1

    stored = codes.filled(";21=on:<secretary>")
    scene(before)
    assert line(codes) == stored
    codes.stop()
    codes.start()
    assert line(codes) == stored
    scene(after)
    assert line(codes) == ""


def test_every_kind(codes, lab):
    """Dialled ones are followed, labelled and broken through; from outside nothing is dialled."""
    for who, code in (("boss", "*21*<secretary>#"), ("vera", "*67*<secretary>#")):
        assert dial(codes, code, who)[2] == DONE
    for who, code in (("zoe", "*61*<secretary>**5#"), ("absent", "*62*<secretary>#")):
        assert dial(codes, code, who)[2] == DONE
    boss, secretary, kai, vera, zoe = lab.register("boss", "secretary", "kai", "vera", "zoe")
    vera.policy = "busy"
    reasons = {"boss": "unconditional", "vera": "user-busy", "zoe": "no-answer", "absent": "unavailable"}
    for count, (who, reason) in enumerate(reasons.items(), 1):
        kai.dial(who)
        labelled(lab.rings(secretary, count, 10), "kai", **{who: reason})
        lab.hangup_all()
    assert zoe.rang
    assert not boss.rang
    secretary.dial("boss")
    own_name_only(lab.rings(boss), "secretary")
    with Handset(codes.sip_out, boss.user, codes.domain, host=codes.host) as stranger:
        assert stranger.dial("##002#").code >= 400
    assert line(codes) == codes.filled(";21=on:<secretary>")


def test_how_long_it_rings(codes, scene):
    """Four seconds by the directory, unless something else is dialled; FreeSWITCH counts whole seconds."""

    def rings(lab):
        _, kai, vera = lab.register("boss", "kai", "vera")
        start = time.monotonic()
        kai.dial("boss")
        labelled(lab.rings(vera, 1, 10), "kai", boss="no-answer")
        return time.monotonic() - start

    dial(codes, "*61*<vera>#")
    assert 2.9 < scene(rings) < 5.5
    dial(codes, "*61*<vera>**7#")
    assert line(codes) == codes.filled(";61=on:<vera>:7")
    assert 5.9 < scene(rings) < 8.5
    assert dial(codes, "#61#")[1] == "Uml. keine Antwort aus"
    assert dial(codes, "*61#")[1] == codes.filled("Uml. keine Antwort an <vera>")
    assert line(codes) == codes.filled(";61=on:<vera>:7")


def test_several_kinds_of_one_user(codes, lab):
    assert dial(codes, "*67*<secretary>#") == (200, codes.filled("Uml. besetzt an <secretary>"), DONE)
    assert dial(codes, "*61*<vera>#") == (200, codes.filled("Uml. keine Antwort an <vera>"), DONE)
    assert line(codes) == codes.filled(";67=on:<secretary>;61=on:<vera>")
    shown = codes.filled("Uml. nicht erreichbar an <secretary>")
    assert dial(codes, "*62*<secretary>#", "absent") == (200, shown, DONE)
    boss, secretary, kai, vera = lab.register("boss", "secretary", "kai", "vera")
    boss.policy = "busy"
    kai.dial("boss")
    labelled(lab.rings(secretary), "kai", boss="user-busy")
    lab.hangup_all()
    kai.dial("absent")
    labelled(lab.rings(secretary, 2), "kai", absent="unavailable")
    lab.hangup_all()
    boss.policy = "ring"
    kai.dial("boss")
    labelled(lab.rings(vera, 1, 8), "kai", boss="no-answer")


# --- a table each: what is dialled, shown, heard, stored ---


def dialled(site, *steps):
    for code, shown, tones, stored in steps:
        answer, display, heard = dial(site, code)
        if site.tells_digits:
            heard = heard[: len(tones)]
        seen = (code, answer, display, heard, line(site))
        assert seen == (code, 200, site.filled(shown), tones, site.filled(stored))


def test_the_key_of_a_lamp_turns_the_forward_on_and_off(codes):
    """Many phones dial what the key watches."""
    dialled(
        codes,
        ("forward+<boss>", "Uml. abgelehnt", REFUSED, ""),
        ("forward+<boss>/<secretary>", "Uml. immer an <secretary>", DONE, ";21=on:<secretary>"),
        ("forward+<boss>/<kai>", "Uml. immer an <kai>", DONE, ";21=on:<kai>"),
        ("forward+<boss>/<kai>", "Uml. immer aus", DONE, ";21=off:<kai>"),
        ("forward+<boss>", "Uml. immer an <kai>", DONE, ";21=on:<kai>"),
        ("forward+<boss>", "Uml. immer aus", DONE, ";21=off:<kai>"),
        ("forward+<kai>/<secretary>", "Uml. abgelehnt", REFUSED, ";21=off:<kai>"),
        ("forward+<boss>/<boss>", "Uml. abgelehnt", REFUSED, ";21=off:<kai>"),
    )
    assert line(codes, "kai") == ""


def test_off_on_erase_and_ask(codes):
    dialled(
        codes,
        ("*#21#", "Uml. immer aus", OFF, ""),
        ("*21#", "Uml. abgelehnt", REFUSED, ""),  # there is none to activate
        ("#21#", "Uml. immer aus", DONE, ""),
        ("**21*<kai>#", "Uml. immer an <kai>", DONE, ";21=on:<kai>"),
        ("*21*<secretary>#", "Uml. immer an <secretary>", DONE, ";21=on:<secretary>"),
        ("*#21#", "Uml. immer an <secretary>", DONE, ";21=on:<secretary>"),
        ("#21#", "Uml. immer aus", DONE, ";21=off:<secretary>"),
        ("*#21#", "Uml. immer aus", OFF, ";21=off:<secretary>"),
        ("*21#", "Uml. immer an <secretary>", DONE, ";21=on:<secretary>"),
        ("*67*<kai>#", "Uml. besetzt an <kai>", DONE, ";21=on:<secretary>;67=on:<kai>"),
        ("##21#", "Uml. immer aus", DONE, ";67=on:<kai>"),
        ("*62*<vera>#", "Uml. nicht erreichbar an <vera>", DONE, ";67=on:<kai>;62=on:<vera>"),
        ("#002#", "Alle Uml. aus", DONE, ";67=off:<kai>;62=off:<vera>"),
        ("*67#", "Uml. besetzt an <kai>", DONE, ";62=off:<vera>;67=on:<kai>"),
        ("##002#", "Alle Uml. aus", DONE, ""),
    )


def test_stars_only(codes):
    dialled(
        codes,
        ("*21*<secretary>", "Uml. immer an <secretary>", DONE, ";21=on:<secretary>"),
        ("*21**0", "Uml. immer aus", DONE, ";21=off:<secretary>"),
        ("*21**2", "Uml. immer aus", OFF, ";21=off:<secretary>"),
        ("*21**1", "Uml. immer an <secretary>", DONE, ";21=on:<secretary>"),
        ("*21", "Uml. immer an <secretary>", DONE, ";21=on:<secretary>"),
        ("*21**2", "Uml. immer an <secretary>", DONE, ";21=on:<secretary>"),
        ("*61*<kai>**20", "Uml. keine Antwort an <kai>", DONE, ";21=on:<secretary>;61=on:<kai>:20"),
        ("*21**00", "Alle Uml. aus", DONE, ";21=off:<secretary>;61=off:<kai>:20"),
        ("*61**9", "Uml. keine Antwort aus", DONE, ";21=off:<secretary>"),
        ("*21**99", "Alle Uml. aus", DONE, ""),
    )


def test_as_phones_print_them_in_their_help(codes):
    dialled(
        codes,
        ("**61*<secretary>*11*20#", "Uml. keine Antwort an <secretary>", DONE, ";61=on:<secretary>:20"),
        ("*21*<secretary>*11#", "Uml. immer an <secretary>", DONE, ";61=on:<secretary>:20;21=on:<secretary>"),
        ("*#61*11#", "Uml. keine Antwort an <secretary>", DONE, ";61=on:<secretary>:20;21=on:<secretary>"),
        (
            "*#002#",
            "Uml. immer an <secretary>, Uml. keine Antwort an <secretary>",
            DONE,
            ";61=on:<secretary>:20;21=on:<secretary>",
        ),
        ("#21*11#", "Uml. immer aus", DONE, ";61=on:<secretary>:20;21=off:<secretary>"),
        (
            "**004*<kai>#",
            "Uml. bedingt an <kai>",
            DONE,
            ";21=off:<secretary>;67=on:<kai>;61=on:<kai>;62=on:<kai>",
        ),
        ("*#004#", "Uml. bedingt an <kai>", DONE, ";21=off:<secretary>;67=on:<kai>;61=on:<kai>;62=on:<kai>"),
        ("#004#", "Uml. bedingt aus", DONE, ";21=off:<secretary>;67=off:<kai>;61=off:<kai>;62=off:<kai>"),
        ("*#004#", "Uml. bedingt aus", OFF, ";21=off:<secretary>;67=off:<kai>;61=off:<kai>;62=off:<kai>"),
        ("##004#", "Uml. bedingt aus", DONE, ";21=off:<secretary>"),
        ("*#002#", "Alle Uml. aus", OFF, ";21=off:<secretary>"),
    )


def test_with_and_without_the_hash(codes):
    """Raw as some phones send it, percent-encoded as others do, not at all where "#" means "send"."""
    stored = codes.filled(";21=on:<secretary>")
    for on in (
        "*21*<secretary>#",
        "*21*<secretary>%23",
        "%2a21%2A<secretary>%23",
        "*21*<secretary>",
        "**21*<secretary>",
    ):
        assert (on, *dial(codes, on)) == (on, 200, codes.filled("Uml. immer an <secretary>"), DONE)
        assert line(codes) == stored
        codes.forget_codes()
    for off in ("##21#", "%23%2321%23", "##21", "*21**9"):
        codes.api(f"db insert/fsdaemon-{codes.domain}/{codes.number('boss')}/{stored}")
        assert (off, *dial(codes, off)) == (off, 200, "Uml. immer aus", DONE)
        assert line(codes) == ""


def test_the_directory_comes_second(codes, scene):
    codes.forwards(boss={"all": "secretary", "busy": "vera"})

    def rings(target, other):
        def story(lab):
            phone, never, kai = lab.register(target, other, "kai")
            kai.dial("boss")
            lab.rings(phone)
            assert not never.rang
            lab.hangup_all()

        scene(story)
        codes.forget_phones()

    dialled(codes, ("*#21#", "Uml. immer an <secretary>", DONE, ""))
    rings("secretary", "boss")
    dialled(codes, ("#21#", "Uml. immer aus", DONE, ";21=off"))
    rings("boss", "secretary")
    dialled(
        codes,
        ("*21#", "Uml. immer an <secretary>", DONE, ""),
        ("*21*<zoe>#", "Uml. immer an <zoe>", DONE, ";21=on:<zoe>"),
    )
    rings("zoe", "secretary")
    dialled(codes, ("##21#", "Uml. immer an <secretary>", DONE, ""))
    rings("secretary", "zoe")
    dialled(
        codes,
        ("#002#", "Alle Uml. aus", DONE, ";21=off;67=off"),
        ("##002#", "Alle Uml. aus", DONE, ";21=off;67=off"),
    )
    rings("boss", "secretary")
    dialled(
        codes,
        ("*62*<zoe>#", "Uml. nicht erreichbar an <zoe>", DONE, ";21=off;67=off;62=on:<zoe>"),
        ("#002#", "Alle Uml. aus", DONE, ";21=off;67=off;62=off:<zoe>"),
    )


# --- who may still get through ---


def test_a_user_dials_who_gets_through(codes, daemon, lab):
    """Until that user says otherwise, and by an attended transfer, too; nobody else, and to nobody else."""
    dial(codes, "*21*<secretary>#")
    dial(codes, "*21*<secretary>#", "zoe")
    shown = codes.filled("Ausnahmen <kai>")
    assert dial(codes, "*64*<kai>#") == (200, shown, DONE)
    boss, secretary, kai, vera = lab.register("boss", "secretary", "kai", "vera")

    def forwarded(count, who="boss"):
        kai.dial(who)
        labelled(lab.rings(secretary, count), "kai", **{who: "unconditional"})
        lab.hangup_all()

    kai.dial("boss")
    own_name_only(lab.rings(boss))
    lab.hangup_all()
    vera.dial("boss")
    labelled(lab.rings(secretary), "vera", boss="unconditional")
    lab.hangup_all()
    forwarded(2, "zoe")
    assert dial(codes, "#64*<kai>#") == (200, "Keine Ausnahmen", DONE)
    forwarded(3)
    dial(codes, "*64*<vera>#")
    dial(codes, "*64*<kai>#")
    kai.dial("boss")
    own_name_only(lab.rings(boss, 2))
    lab.hangup_all()
    assert dial(codes, "##64#") == (200, "Keine Ausnahmen", DONE)
    forwarded(4)
    daemon.says(r"ring {boss} for {kai}: own \({boss} forwards always to {secretary}\)")


def test_a_list_of_those_who_get_through(codes):
    """What is dialled, shown, heard, stored; the forwards stay as they are."""
    dial(codes, "*21*<secretary>#")
    for code, shown, tones, stored in (
        ("*#64#", "Keine Ausnahmen", OFF, ""),
        ("*64*<kai>#", "Ausnahmen <kai>", DONE, "<kai>"),
        ("*64*<vera>", "Ausnahmen <vera>, <kai>", DONE, "<vera>,<kai>"),
        (
            "**64*+491701234567*11#",
            "Ausnahmen +491701234567, <vera>, <kai>",
            DONE,
            "+491701234567,<vera>,<kai>",
        ),
        ("*64*<kai>%23", "Ausnahmen <kai>, +491701234567, <vera>", DONE, "<kai>,+491701234567,<vera>"),
        ("#64*<vera>#", "Ausnahmen <kai>, +491701234567", DONE, "<kai>,+491701234567"),
        ("#64*<vera>#", "Uml. abgelehnt", REFUSED, "<kai>,+491701234567"),
        ("*64*<boss>#", "Uml. abgelehnt", REFUSED, "<kai>,+491701234567"),
        ("*64*4321#", "Uml. abgelehnt", REFUSED, "<kai>,+491701234567"),
        ("*64*%24%7Bdomain%7D%23", "Uml. abgelehnt", REFUSED, "<kai>,+491701234567"),
        ("*64*<vera>%2C<zoe>%23", "Uml. abgelehnt", REFUSED, "<kai>,+491701234567"),
        ("*64#", "Uml. abgelehnt", REFUSED, "<kai>,+491701234567"),
        ("*64**2", "Ausnahmen <kai>, +491701234567", DONE, "<kai>,+491701234567"),
        ("*64*+491701234567**0", "Ausnahmen <kai>", DONE, "<kai>"),
        ("*#64#", "Ausnahmen <kai>", DONE, "<kai>"),
        ("*64**9", "Keine Ausnahmen", DONE, ""),
    ):
        answer, display, heard = dial(codes, code)
        if codes.tells_digits:
            heard = heard[: len(tones)]
        seen = (code, answer, display, heard, exceptions(codes))
        assert seen == (code, 200, codes.filled(shown), tones, codes.filled(stored))
    assert line(codes) == codes.filled(";21=on:<secretary>")


def test_a_full_list(codes, daemon):
    """Twenty entries, and what FreeSWITCH's db gives back: 255 characters."""
    full = ",".join(f"55512{count}" for count in range(10, 29))
    codes.api(f"db insert/fsdaemon.except-{codes.domain}/{codes.number('boss')}/{full}")
    assert dial(codes, "*64*<kai>#")[1].count(",") == 19
    assert dial(codes, "*64*<vera>#") == (200, "Uml. abgelehnt", REFUSED)
    assert exceptions(codes) == codes.filled(f"<kai>,{full}")
    assert daemon.says(r"code \*64\*{vera}# of {boss}@\S+: refused, the list is full \(at most 20 entries")
    long = ",".join(f"{count}" * 31 for count in range(2, 9))  # 223 characters
    codes.api(f"db insert/fsdaemon.except-{codes.domain}/{codes.number('boss')}/{long}")
    assert dial(codes, "*64*" + "9" * 32 + "#") == (200, "Uml. abgelehnt", REFUSED)
    assert dial(codes, "*64*" + "9" * 31 + "#")[2][:2] == DONE
    assert exceptions(codes) == f"{'9' * 31},{long}"


@with_conf("[codes]\nexceptions = false\n")
def test_lists_of_users_are_forbidden(codes, daemon, lab):
    """What was dialled before has no effect; what the administrator wrote has."""
    codes.api(codes.filled("db insert/fsdaemon.except-<domain>/<boss>/<kai>"))
    codes.lets_through("boss", "<vera>")
    codes.forwards()
    dial(codes, "*21*<secretary>#")
    for code in ("*64*<zoe>#", "#64*<kai>#", "##64#", "*#64#"):
        assert dial(codes, code) == (200, "Uml. abgelehnt", REFUSED)
    assert exceptions(codes) == codes.number("kai")
    boss, secretary, kai, vera = lab.register("boss", "secretary", "kai", "vera")
    kai.dial("boss")
    labelled(lab.rings(secretary), "kai", boss="unconditional")
    lab.hangup_all()
    vera.dial("boss")
    own_name_only(lab.rings(boss), "vera")
