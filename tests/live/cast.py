"""Who plays in a scene, with which numbers and names, and what a scene can ask and change on a site."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import ClassVar

KINDS = ("all", "busy", "no_answer", "not_registered")
PARTS = ("boss", "secretary", "kai", "vera", "zoe", "absent")
NAMES = {
    "100": "Cora Chefin",
    "101": "Sina Sekretariat",
    "102": "Kai Kollege",
    "103": "Vera Vertrieb",
    "104": "Zoe Zentrale",
    "105": "Nie Da",
}


class Cast:
    """The site on which a scene plays; `numbers` and `names` are of those who play in it, by their part."""

    directory: Path
    domain, host = "lab.test", "127.0.0.1"
    numbers: ClassVar[dict[str, str]] = {
        **dict(zip(PARTS, NAMES)),
        "group": "2000",
        "conference": "3000",
        "announcement": "9001",
        "outside": "05551234567",
        "outside with us": "05551234567",
    }
    names: ClassVar[dict[str, str]] = dict(zip(PARTS, NAMES.values()))
    for_carrier = "INVITE sip:555"  # what the trunks dial; PJSIP hands such a call to any account
    inbound = ""  # what stands before a number that is dialled from outside
    trunk_name = ""  # what a call out of a trunk shows; empty: the caller's own name
    trunk_number = ""  # the number that goes with it
    public_number = ""  # outbound_caller_id_number of everybody in the directory
    mailbox = ""  # what the log says when a call is in the mailbox of {user}; empty: there are none
    tells_digits = False  # after the tones, when a forward is asked about: needs sound files
    callgroup = "office"  # of everybody but Zoe
    daemon_conf = ""  # what the daemon needs to be told of this site
    extra: ClassVar[dict[str, dict[str, str]]] = {}  # further variables of the directory, by number

    @property
    def log_file(self) -> Path:
        return self.directory / "freeswitch.log"

    def logged(self, since: int = 0) -> str:
        """What FreeSWITCH logged, from this byte of its log on."""
        return self.log_file.read_bytes()[since:].decode("utf-8", "replace")

    def api(self, command: str) -> str:
        raise NotImplementedError

    # --- who is who ---

    def number(self, who: str) -> str:
        """The number of somebody who plays a part; any other text is a number already."""
        part = who.replace(" from outside", "")
        return (self.inbound if part != who else "") + self.numbers.get(part, part)

    def filled(self, text: str) -> str:
        """<kai> is the number of Kai; <domain> and <callgroup> are what they are here."""
        for name, value in {**self.numbers, "domain": self.domain, "callgroup": self.callgroup}.items():
            text = text.replace(f"<{name}>", value)
        return text

    def label(self, *who: str) -> str:
        """What a forwarded call shows: who forwarded it (the first and the last of them), and the caller."""
        *diverters, caller = (self.names.get(one, one) for one in who)
        return f"Uml. fuer {' ueber '.join(diverters)}: {caller}"

    def diversion(self, **reasons: str) -> str:
        """The header of a forwarded call, the newest diverter first."""
        return ", ".join(
            f"<sip:{self.number(who)}@{self.domain}>;reason={reason};counter=1;privacy=off"
            for who, reason in reasons.items()
        )

    def trunk_diversion(self, public: str = "", **reasons: str) -> str | None:
        """The same behind a trunk, where users have public numbers; None if they have none.

        `public` is the rule in numbers.public, for users without a number in the directory.
        """
        steps = []
        for who, reason in reasons.items():
            number = self.public_number or public.replace("{extension}", self.number(who))
            if number:
                steps.append(f"<sip:{number}@invalid>;reason={reason};counter=1;privacy=off")
        return ", ".join(steps) or None

    def outside_name(self, who: str) -> str:
        """What a call of `who` shows behind a trunk."""
        return self.trunk_name or self.names[who]

    def forwards(self, **parts: dict[str, str]) -> None:
        """Who forwards what: `forwards(boss={"all": "secretary"})`; everybody else forwards nothing."""
        self.set_forwards(
            {
                self.number(who): {kind: self.number(to) for kind, to in kinds.items()}
                for who, kinds in parts.items()
            }
        )

    def lets_through(self, who: str, text: str) -> None:
        """The directory's list of those who get through to `who`; before `forwards`."""
        self.extra = {**self.extra, self.number(who): {"call_forward_except": self.filled(text)}}

    def set_forwards(self, forwards: dict[str, dict[str, str]]) -> None:
        raise NotImplementedError

    def reset(self) -> None:
        """Nobody forwards anything, and nobody is registered."""
        self.extra = {}
        self.forwards()
        self.forget_phones()

    def forget_phones(self) -> None:
        self.api("sofia profile internal flush_inbound_reg")
        time.sleep(0.3)  # what is flushed late would take a new registration with it

    def channel_of(self, who: str = "", direction: str = "inbound") -> str:
        """UUID of the channel on which `who` calls; FreeSWITCH's table of them comes a moment late."""
        end = time.monotonic() + 5
        while time.monotonic() < end:
            for row in json.loads(self.api("show channels as json")).get("rows", []):
                if row["direction"] == direction and self.number(who) in ("", row["cid_num"]):
                    return str(row["uuid"])
            time.sleep(0.1)
        raise AssertionError(f"no {direction} channel of {who}")

    def forget_codes(self) -> None:
        """Nobody has dialled a forward."""
        for domain in {self.domain, "b.test"}:
            for part in PARTS:
                for realm in ("fsdaemon", "fsdaemon.except"):
                    self.api(f"db delete/{realm}-{domain}/{self.number(part)}")
