"""FreeSWITCH with the dialplan of a site of its own: the two of freeswitch/dialplan/examples, as delivered."""

from __future__ import annotations

import contextlib
import re
import socket
import sqlite3
import threading
from pathlib import Path
from typing import ClassVar

from tests.live.cast import NAMES
from tests.live.switch import CONTEXT, Switch

EXAMPLES = CONTEXT.parent / "examples"
BETA = {
    "100": "Bea Boss",
    "101": "Bodo Buero",
    "102": "Bert Beta",
    "103": "Britta Brief",
    "104": "Berit Bad",
    "105": "Bernd Weg",
}
DIAL = (
    "{^^:sip_h_X-Tenant=${dialed_domain}:sip_invite_domain=${dialed_domain}:presence_id=${dialed_user}@${dialed_domain}}"
    "${sofia_contact(*/${dialed_user}@${dialed_domain})}"
)
RINGS = 4  # seconds, where the examples say 20
MODULES = """<load module="mod_sndfile"/>
        <load module="mod_say_en"/>
        <load module="mod_voicemail"/>
      </modules>"""
CONFIGURATION = """<configuration name="voicemail.conf"><settings/><profiles><profile name="default">
      <param name="file-extension" value="wav"/><param name="max-login-attempts" value="1"/>
      <param name="record-silence-hits" value="0"/><param name="max-record-len" value="30"/>
    </profile></profiles></configuration>
  </section>
  <section name="dialplan">"""
GATEWAY = """<profile name="external">
          <gateways><gateway name="carrier">
            <param name="proxy" value="127.0.0.1:@CARRIER@"/><param name="username" value="x"/>
            <param name="password" value="x"/><param name="register" value="false"/>
            <param name="caller-id-in-from" value="true"/>
          </gateway><gateway name="down">
            <param name="proxy" value="127.0.0.1:9"/><param name="username" value="x"/>
            <param name="password" value="x"/><param name="register" value="false"/>
            <param name="ping" value="5"/><param name="ping-min" value="1"/><param name="ping-max" value="1"/>
          </gateway></gateways>"""


class Site(Switch):
    """A site of freeswitch/dialplan/examples. `domain` is where a scene plays if it names none."""

    example = ""
    mailbox = "voicemail(default {domain} {user})"

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        text = (directory / "freeswitch.xml").read_text("utf-8")
        text = text.replace("</modules>", MODULES, 1)
        text = text.replace('</section>\n  <section name="dialplan">', CONFIGURATION, 1)
        text = text.replace('<profile name="external">', GATEWAY.replace("@CARRIER@", str(self.carrier)), 1)
        text = re.sub(r'<context name="public">.*?</context>', "", text, count=1, flags=re.S)
        included = f'<X-PRE-PROCESS cmd="include" data="{directory}/{self.example}.xml"/>'
        text = re.sub(r'<context name="default">.*?</context>', lambda _: included, text, count=1, flags=re.S)
        (directory / "freeswitch.xml").write_text(text, "utf-8")
        (directory / f"{self.example}.xml").write_text(self.dialplan(), "utf-8")
        (directory / "scripts").mkdir(exist_ok=True)
        for script in EXAMPLES.glob("*.lua"):
            (directory / "scripts" / script.name).write_text(script.read_text("utf-8"), "utf-8")
        self.options = ("-scripts", str(directory / "scripts"))

    def dialplan(self) -> str:
        text = (EXAMPLES / f"{self.example}.xml").read_text("utf-8")
        assert "originate_timeout=20" in text
        return text.replace("originate_timeout=20", f"originate_timeout={RINGS}")

    def domain_xml(self, domain: str, users: str) -> str:
        return (
            f'<domain name="{domain}"><params><param name="dial-string" value="{DIAL}"/></params>'
            f'<groups><group name="default"><users>{users}</users></group></groups></domain>\n'
        )

    def users(
        self,
        context: str,
        names: dict[str, str],
        forwards: dict[str, dict[str, str]],
        extra: dict[str, dict[str, str]],
    ) -> str:
        own = {
            number: {
                "user_context": context,
                "effective_caller_id_name": name,
                **extra.get(number, {}),
            }
            for number, name in names.items()
        }
        return self._users(forwards, own)

    def directory_xml(self, *domains: str) -> None:
        (self.directory / "directory.xml").write_text(f"<include>\n{''.join(domains)}</include>\n", "utf-8")


class OneTenant(Site):
    """one_tenant.xml; forwards are in the directory."""

    example = "one_tenant"
    numbers: ClassVar[dict[str, str]] = {**Site.numbers, "outside with us": "95551234567"}

    def dialplan(self) -> str:
        """As delivered, and what docs/dialplan.md says besides.

        2001 is a group that passes on to the trunk what nobody takes, 2002 one with the leg before each phone;
        behind 9 is a trunk with `beyond`; the codes can be dialled. 2003 is a group that goes on by itself when
        nobody takes the call, 51 and 52 are trunks by a gateway that is down and by one that there is not.
        """
        text = super().dialplan()
        codes = f'<X-PRE-PROCESS cmd="include" data="{self.directory}/fsdaemon_codes.xml"/>'
        text = text.replace('<context name="office">', f'<context name="office">\n{codes}', 1)
        place = '  <extension name="trunk">'
        assert place in text
        own = """  <extension name="night">
   <condition field="destination_number" expression="^2001$">
    <action application="set" data="continue_on_fail=true"/>
    <action application="bridge" data="user/105@$${domain}"/>
    <action application="transfer" data="${night} XML office"/>
   </condition>
  </extension>
  <extension name="group_of_legs">
   <condition field="destination_number" expression="^2002$">
    <action application="execute_extension" data="beyond/2002@$${domain}/office XML fsdaemon"/>
    <action application="bridge" data="${fsdaemon_leg}user/102@$${domain},${fsdaemon_leg}user/103@$${domain}"/>
   </condition>
  </extension>
  <extension name="group_that_goes_on">
   <condition field="destination_number" expression="^2003$">
    <action application="set" data="continue_on_fail=true"/>
    <action application="bridge" data="user/105@$${domain}"/>
    <action application="hangup" data="CALL_REJECTED"/>
   </condition>
  </extension>
  <extension name="trunk_that_is_down">
   <condition field="destination_number" expression="^51$">
    <action application="bridge" data="sofia/gateway/down/1"/>
   </condition>
  </extension>
  <extension name="trunk_that_there_is_not">
   <condition field="destination_number" expression="^52$">
    <action application="bridge" data="sofia/gateway/nowhere/1"/>
   </condition>
  </extension>
  <extension name="careful_trunk">
   <condition field="destination_number" expression="^9(\\d+)$">
    <action application="execute_extension" data="beyond/$1@$${domain}/office XML fsdaemon"/>
    <action application="bridge" data="sofia/gateway/carrier/$1"/>
   </condition>
  </extension>
"""
        return text.replace(place, own + place, 1)

    def write_directory(self, forwards: dict[str, dict[str, str]], extra: dict[str, dict[str, str]]) -> None:
        users = self.users("office", NAMES, forwards, extra)
        self.directory_xml(self.domain_xml("lab.test", users))


class TwoTenants(Site):
    """two_tenants.xml; forwards are in a database, and what the directory says of them is a trap."""

    example, domain, inbound = "two_tenants", "alpha.test", "30"

    def dialplan(self) -> str:
        """As delivered, and behind 7 the way to beta of an administrator who sets domain_name."""
        text = super().dialplan()
        place = '  <extension name="other_tenant">'
        assert place in text
        own = """  <extension name="sets_domain_name">
   <condition field="destination_number" expression="^7(1\\d\\d)$">
    <action application="set" data="domain_name=beta.test"/>
    <action application="transfer" data="$1 XML beta"/>
   </condition>
  </extension>
"""
        return text.replace(place, own + place, 1)

    def write_directory(self, forwards: dict[str, dict[str, str]], extra: dict[str, dict[str, str]]) -> None:
        """Alpha's forwards go into the database; only `extra` goes into the directory."""
        self.directory_xml(
            self.domain_xml("alpha.test", self.users("alpha", NAMES, {}, extra)),
            self.domain_xml("beta.test", self.users("beta", BETA, {}, {})),
        )
        self.store(alpha=forwards)

    def store(self, **tenants: dict[str, dict[str, str]]) -> None:
        """The forwards of both tenants."""
        file = self.directory / "db" / "forwards.db"
        file.parent.mkdir(exist_ok=True)
        with contextlib.closing(sqlite3.connect(file, timeout=5)) as database, database:
            database.execute(
                "create table if not exists forwards (domain text, user text, kind text, target text,"
                " primary key (domain, user, kind))"
            )
            database.execute("delete from forwards")
            for tenant, users in tenants.items():
                rows = [
                    (f"{tenant}.test", user, kind, target)
                    for user, kinds in users.items()
                    for kind, target in kinds.items()
                ]
                database.executemany("insert into forwards values (?, ?, ?, ?)", rows)


class Mortal:
    """Stands before the daemon, lets `questions` of FreeSWITCH through, and then is gone, as a dead daemon is."""

    def __init__(self, port: int, daemon: int, questions: int) -> None:
        self.daemon, self.left = daemon, questions
        self.listener = socket.create_server(("127.0.0.1", port))
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # stopped before
            for left in range(self.left, 0, -1):
                asking, _ = self.listener.accept()
                if left == 1:
                    self._gone()
                with asking, socket.create_connection(("127.0.0.1", self.daemon)) as answering:
                    back = threading.Thread(target=_pass_on, args=(answering, asking), daemon=True)
                    back.start()
                    _pass_on(asking, answering)
                    back.join()

    def _gone(self) -> None:
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)  # the fork that plays the scene has it open, too

    def __enter__(self) -> Mortal:
        return self

    def __exit__(self, *exc: object) -> None:
        self._gone()
        self.thread.join(5)
        self.listener.close()


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)
        other.shutdown(socket.SHUT_WR)
