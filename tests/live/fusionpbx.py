"""A real FusionPBX for one test run: its own schema, import, rendering and Lua, on a PostgreSQL of our own.

What stands in for the rest: the SIP profiles (conf/fusionpbx.xml), and the rows that its pages would write.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import ClassVar
from uuid import uuid4

from tests.live.cast import KINDS, NAMES
from tests.live.postgres import Postgres, programs
from tests.live.switch import CONF, ROOT, Process, free_ports

INSTALLER = ROOT / "freeswitch" / "dialplan" / "fusionpbx" / "install.php"
COLUMNS = dict(
    zip(KINDS, ("forward_all", "forward_busy", "forward_no_answer", "forward_user_not_registered"))
)
_USED = ("app", "core", "resources")
_UNUSED = shutil.ignore_patterns("*.svg", "*.png", "*.js", "*.css", "*.wav", "*.mp3", "fontawesome", ".git")
_ELSEWHERE = [Path("/etc/fusionpbx"), Path("/usr/local/etc/fusionpbx")]  # where its code looks first


def missing() -> str:
    """What is not there that the tests need, in a word; empty if nothing is."""
    source = os.environ.get("FUSIONPBX", "")
    if not source:
        return "no FusionPBX: set FUSIONPBX to a copy of its source"
    if not (Path(source) / "app" / "dialplans").is_dir():
        return f"no FusionPBX: there is no app/dialplans in {source}"
    if any(place.exists() for place in _ELSEWHERE):
        return "a FusionPBX is installed here; its own database would be used"
    if programs() is None:
        return "no PostgreSQL: apt install postgresql"
    if not shutil.which("php"):
        return "no PHP: apt install php-cli php-pgsql php-xml"
    modules = subprocess.run(["php", "-m"], capture_output=True, text=True, check=False).stdout
    if not {"pdo_pgsql", "SimpleXML"} <= set(modules.split()):
        return "PHP has no pdo_pgsql or no SimpleXML: apt install php-pgsql php-xml"
    return ""


def quote(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


class FusionPBX(Process):
    """Two tenants with the same numbers; ring group 2000, a trunk behind 0, 4930100 from outside is user 100."""

    profiles = 2
    trunk_name, trunk_number = "Firma", "4930100"
    public_number = "4930100"
    mailbox = "voicemail_id={user}"
    daemon_conf = '[variables]\npreset = "fusionpbx"\n'
    domains: ClassVar[dict[str, str]] = {"lab.test": str(uuid4()), "b.test": str(uuid4())}

    def __init__(self, source: Path, directory: Path) -> None:
        self.directory, self.group = directory, str(uuid4())
        self.sip, self.sip_out, self.esl, self.daemon_port, self.carrier = free_ports(5)
        self.root, self.cache = directory / "fusionpbx", directory / "cache"
        for part in _USED:
            shutil.copytree(source / part, self.root / part, ignore=_UNUSED, symlinks=True)
        self.cache.mkdir()
        scripts = self.root / "app" / "switch" / "resources" / "scripts"
        self.options = ("-scripts", str(scripts))
        self.environment = {"SystemDrive": str(directory)}
        self.postgres = Postgres("fusionpbx")
        try:
            self._configure(scripts)
            self._fill()
            self.install()
        except BaseException:
            self.postgres.close()
            raise

    def stop(self) -> None:
        super().stop()
        self.postgres.close()

    def password(self, user: str) -> str:
        return f"pw{user}"

    # --- what an administrator does ---

    def php(self, *arguments: str | Path) -> str:
        """Run PHP with FusionPBX's configuration, and return what it says."""
        command = ["php", "-d", f"sys_temp_dir={self.directory}", *map(str, arguments)]
        done = subprocess.run(
            command, env={**os.environ, **self.environment}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def install(self) -> str:
        return self.php(INSTALLER, f"--socket=127.0.0.1:{self.daemon_port}", self.root)

    def remove(self) -> str:
        return self.php(INSTALLER, "--remove", self.root)

    def sql(self, text: str) -> str:
        """Change the database as a page of FusionPBX would, cache included."""
        answer = self.postgres.sql(text)
        for file in self.cache.iterdir():
            file.unlink(missing_ok=True)
        return answer

    def set_forwards(self, forwards: dict[str, dict[str, str]]) -> None:
        off = ", ".join(f"{n}_enabled = false, {n}_destination = null" for n in COLUMNS.values())
        off += ", do_not_disturb = false, follow_me_uuid = null, follow_me_enabled = false"
        lines = [f"update v_extensions set {off};"]
        lines += [self.changed(user, kinds) for user, kinds in forwards.items()]
        self.sql("\n".join(lines))

    def lets_through(self, who: str, text: str) -> None:
        """As app/extension_settings writes it."""
        where = f"extension = {quote(self.number(who))} and domain_uuid = {quote(self.domains['lab.test'])}"
        self.sql(
            "insert into v_extension_settings (extension_setting_uuid, domain_uuid, extension_uuid, "
            "extension_setting_type, extension_setting_name, extension_setting_value, "
            "extension_setting_enabled) select gen_random_uuid(), domain_uuid, extension_uuid, 'variable', "
            f"'call_forward_except', {quote(self.filled(text))}, true from v_extensions where {where};"
        )

    def reset(self) -> None:
        self.sql(
            "delete from v_extension_settings;"
            "update v_extensions set sip_bypass_media = null, number_alias = '';"
            "update v_ring_groups set ring_group_strategy = 'simultaneous', "
            "ring_group_call_forward_enabled = true;"
        )
        self.members("vera", "zoe")
        super().reset()
        self.mails()

    def changed(self, user: str, kinds: dict[str, str], domain: str = "lab.test") -> str:
        values = ", ".join(
            f"{COLUMNS[kind]}_enabled = true, {COLUMNS[kind]}_destination = {quote(to)}"
            for kind, to in kinds.items()
        )
        where = f"extension = {quote(user)} and domain_uuid = {quote(self.domains[domain])}"
        return f"update v_extensions set {values} where {where};"

    def members(self, *who: str, seconds: int = 30) -> None:
        """The ring group has these members; each rings for `seconds`."""
        uuid, domain = self.group, self.domains["lab.test"]
        lines = [f"delete from v_ring_group_destinations where ring_group_uuid = '{uuid}';"]
        lines += [
            "insert into v_ring_group_destinations (ring_group_destination_uuid, domain_uuid, ring_group_uuid, "
            "destination_number, destination_delay, destination_timeout, destination_enabled) "
            f"values ('{uuid4()}', '{domain}', '{uuid}', {quote(self.number(member))}, 0, {seconds}, true);"
            for member in who
        ]
        self.sql("\n".join(lines))

    def follow_me(self, user: str, *numbers: str, seconds: int = 30) -> None:
        """`user` has FusionPBX's follow-me to `numbers`; each rings for `seconds`."""
        uuid, domain = str(uuid4()), self.domains["lab.test"]
        lines = [
            "insert into v_follow_me (domain_uuid, follow_me_uuid, follow_me_enabled) "
            f"values ('{domain}', '{uuid}', true);",
            f"update v_extensions set follow_me_uuid = '{uuid}', follow_me_enabled = true "
            f"where extension = {quote(user)} and domain_uuid = '{domain}';",
        ]
        lines += [
            "insert into v_follow_me_destinations (domain_uuid, follow_me_uuid, follow_me_destination_uuid, "
            "follow_me_destination, follow_me_delay, follow_me_timeout, follow_me_order) "
            f"values ('{domain}', '{uuid}', '{uuid4()}', {quote(number)}, 0, {seconds}, {order});"
            for order, number in enumerate(numbers)
        ]
        self.sql("\n".join(lines))

    # --- how it is set up ---

    def _configure(self, scripts: Path) -> None:
        place = self.directory / "ProgramData" / "fusionpbx"
        place.mkdir(parents=True)
        settings = {
            "database.0.type": "pgsql",
            "database.0.host": "127.0.0.1",
            "database.0.port": str(self.postgres.port),
            "database.0.sslmode": "disable",
            "database.0.name": "fusionpbx",
            "database.0.username": "fusionpbx",
            "database.0.password": "none",
            "database.1.type": "sqlite",
            "database.1.path": str(self.directory / "db"),
            "database.1.name": "core.db",
            "document.root": str(self.root),
            "project.path": "",
            "temp.dir": str(self.directory),
            "php.dir": "/usr/bin",
            "php.bin": "php",
            "cache.method": "file",
            "cache.location": str(self.cache),
            "switch.conf.dir": str(self.directory),
            "switch.sounds.dir": str(self.directory / "sounds"),
            "switch.recordings.dir": str(self.directory / "recordings"),
            "switch.storage.dir": str(self.directory / "storage"),
            "switch.voicemail.dir": str(self.directory / "storage" / "voicemail"),
            "switch.scripts.dir": str(scripts),
            "switch.event_socket.port": str(self.esl),
            "xml_handler.number_as_presence_id": "true",
        }
        lines = "".join(f"{name} = {value}\n" for name, value in settings.items())
        (place / "config.conf").write_text(lines, "utf-8")
        values = {
            "DIR": self.directory, "SIP": self.sip, "SIP_OUT": self.sip_out, "ESL": self.esl,
            "SCRIPTS": scripts, "RTP": 20000, "RTP_END": 29000,
            "LOGLEVEL": "debug,info,notice,warning,err,crit,alert",
        }  # fmt: skip
        text = (CONF / "fusionpbx.xml").read_text("utf-8")
        for name, value in values.items():
            text = text.replace(f"@{name}@", str(value))
        (self.directory / "freeswitch.xml").write_text(text, "utf-8")

    def _fill(self) -> None:
        schema = (
            "require $argv[1] . '/resources/require.php';"
            "$schema = new schema(['database' => $database ?? new database]);"
            "method_exists($schema, 'upgrade') ? $schema->upgrade('text') : $schema->schema('text');"  # 5.4
        )
        self.php("-r", schema, "--", self.root)
        lines = []
        for domain, uuid in self.domains.items():
            lines.append(
                "insert into v_domains (domain_uuid, domain_name, domain_enabled) "
                f"values ('{uuid}', '{domain}', true);"
            )
            lines += [self._extension(number, name, domain) for number, name in NAMES.items()]
            lines += [self._mailbox(number, uuid) for number in NAMES]
        lines.append(self.changed("100", {"all": "101"}, "b.test"))
        lines += self._ring_group() + self._routes() + self._settings()
        self.sql("\n".join(lines))
        self.members("vera", "zoe")

    def _extension(self, number: str, name: str, domain: str) -> str:
        values = {
            "extension_uuid": str(uuid4()),
            "domain_uuid": self.domains[domain],
            "extension": number,
            "number_alias": "",
            "password": f"pw{number}",
            "accountcode": domain,
            "effective_caller_id_name": name if domain == "lab.test" else f"B {number}",
            "effective_caller_id_number": number,
            "outbound_caller_id_name": "Firma",
            "outbound_caller_id_number": "4930100",
            "directory_first_name": name,
            "directory_last_name": "",
            "max_registrations": "",
            "limit_max": "5",
            "limit_destination": "!USER_BUSY",
            "missed_call_app": "email",
            "missed_call_data": f"{number}@{domain}",
            "user_context": domain,
            "call_timeout": "4",
            "call_group": "reception" if number == "104" else "office",
            "auth_acl": "",
            "mwi_account": "",
            "dial_string": "",
            "enabled": "true",
        }
        return f"insert into v_extensions ({', '.join(values)}) values ({', '.join(map(quote, values.values()))});"

    def _mailbox(self, number: str, domain_uuid: str) -> str:
        return (
            "insert into v_voicemails (voicemail_uuid, domain_uuid, voicemail_id, voicemail_password, "
            "voicemail_enabled, voicemail_local_after_email, greeting_id) "
            f"values ('{uuid4()}', '{domain_uuid}', '{number}', '{number}', true, true, 1);"
        )

    def _dialplan(self, domain: str, context: str, order: int, name: str, xml: str, uuid: str = "") -> str:
        values = [
            uuid or str(uuid4()),
            self.domains[domain],
            str(uuid4()),
            context,
            name,
            "false",
            str(order),
            "true",
        ]
        return (
            "insert into v_dialplans (dialplan_uuid, domain_uuid, app_uuid, dialplan_context, dialplan_name, "
            "dialplan_continue, dialplan_order, dialplan_enabled, dialplan_xml) values "
            f"({', '.join(map(quote, [*values, xml]))});"
        )

    def _ring_group(self) -> list[str]:
        uuid, dialplan, domain = self.group, str(uuid4()), self.domains["lab.test"]
        xml = f"""<extension name="group" continue="" uuid="{dialplan}">
          <condition field="destination_number" expression="^2000$">
            <action application="ring_ready" data=""/>
            <action application="set" data="ring_group_uuid={uuid}"/>
            <action application="set" data="record_stereo=true"/>
            <action application="lua" data="app.lua ring_groups"/>
          </condition></extension>"""
        return [
            "insert into v_ring_groups (domain_uuid, ring_group_uuid, ring_group_name, ring_group_extension, "
            "ring_group_strategy, ring_group_context, ring_group_enabled, ring_group_call_timeout, dialplan_uuid, "
            "ring_group_call_forward_enabled, ring_group_missed_call_app, ring_group_missed_call_data) values "
            f"('{domain}', '{uuid}', 'Verkauf', '2000', 'simultaneous', 'lab.test', true, 30, '{dialplan}', true, "
            "'email', '2000@lab.test');",
            self._dialplan("lab.test", "lab.test", 101, "group", xml, dialplan),
        ]

    def _routes(self) -> list[str]:
        """An outbound and an inbound route, as its pages write them; the carrier is no gateway."""
        direction = """<extension name="call_direction-outbound" continue="true">
          <condition field="${user_exists}" expression="false"/>
          <condition field="${call_direction}" expression="^$"/>
          <condition field="destination_number" expression="^0(\\d+)$">
            <action application="export" data="call_direction=outbound" inline="true"/>
          </condition></extension>"""
        out = f"""<extension name="out" continue="false">
          <condition field="${{user_exists}}" expression="false"/>
          <condition field="destination_number" expression="^0(\\d+)$">
            <action application="export" data="call_direction=outbound" inline="true"/>
            <action application="unset" data="call_timeout"/>
            <action application="set" data="hangup_after_bridge=true"/>
            <action application="set" data="effective_caller_id_name=${{outbound_caller_id_name}}"/>
            <action application="set" data="effective_caller_id_number=${{outbound_caller_id_number}}"/>
            <action application="set" data="inherit_codec=true"/>
            <action application="set" data="ignore_display_updates=true"/>
            <action application="set" data="callee_id_number=$1"/>
            <action application="set" data="continue_on_fail=1,2,3,6,18,21,27,28,31,34,38,41,42,44,58,88,111"/>
            <action application="bridge" data="sofia/external/$1@127.0.0.1:{self.carrier}"/>
          </condition></extension>"""
        into = """<extension name="in" continue="false">
          <condition field="destination_number" expression="^(\\d+)$">
            <action application="export" data="call_direction=inbound" inline="true"/>
            <action application="set" data="domain_uuid={uuid}" inline="true"/>
            <action application="set" data="domain_name={domain}" inline="true"/>
            <action application="transfer" data="$1 XML {domain}"/>
          </condition></extension>"""
        here = into.replace("{domain}", "lab.test").replace("{uuid}", self.domains["lab.test"])
        there = into.replace("{domain}", "b.test").replace("{uuid}", self.domains["b.test"])
        there = there.replace("^(\\d+)$", "^4940(\\d+)$")
        # A user of one tenant dials an outside number of the other one (app/is_local transfers to "public").
        inward = """<extension name="is_local" continue="false">
          <condition field="destination_number" expression="^4940\\d+$">
            <action application="transfer" data="${destination_number} XML public"/>
          </condition></extension>"""
        # What app/call_centers/call_center_queue_edit.php writes.
        queue = """<extension name="queue" continue="">
          <condition field="destination_number" expression="^(callcenter\\+)?7000$">
            <action application="answer" data=""/>
            <action application="set" data="queue_extension=7000"/>
            <action application="set" data="cc_export_vars=${cc_export_vars},call_center_queue_uuid,sip_h_Alert-Info"/>
            <action application="set" data="hangup_after_bridge=true"/>
            <action application="callcenter" data="7000@lab.test"/>
          </condition></extension>"""
        # A consultation call that has not reached anybody yet.
        waiting = """<extension name="waiting" continue="false">
          <condition field="${sip_h_X-Wait}" expression="^yes$">
            <action application="ring_ready"/><action application="sleep" data="8000"/>
          </condition></extension>"""
        return [
            self._dialplan("lab.test", "lab.test", 9, "waiting", waiting),
            self._dialplan("lab.test", "lab.test", 22, "direction", direction),
            self._dialplan("lab.test", "lab.test", 230, "queue", queue),
            self._dialplan("lab.test", "lab.test", 36, "is_local", inward),
            self._dialplan("lab.test", "lab.test", 100, "out", out),
            self._dialplan("b.test", "public", 90, "in_b", there),
            self._dialplan("lab.test", "public", 100, "in", here),
        ]

    def _settings(self) -> list[str]:
        text = quote("${caller_id_name}|${caller_id_number}|${dialed_user}")
        return [
            "insert into v_email_templates (email_template_uuid, template_language, template_category, "
            f"template_subject, template_body, template_enabled) values ('{uuid4()}', 'en-us', 'missed', "
            f"{text}, {text}, true);",
            self.default_setting("cache", "method", "text", "file"),
            self.default_setting("cache", "location", "text", str(self.cache)),
            self.default_setting("email", "smtp_from", "text", "pbx@lab.test"),
            # The phones are silent; a message is no shorter for it.
            self.default_setting("voicemail", "message_silence_seconds", "numeric", "0"),
        ]

    def default_setting(self, *values: str) -> str:
        """Category, subcategory, name and value, as SQL."""
        return (
            "insert into v_default_settings (default_setting_category, default_setting_subcategory, "
            "default_setting_name, default_setting_value, default_setting_uuid, default_setting_enabled) "
            f"values ({', '.join(map(quote, [*values, str(uuid4())]))}, true);"
        )

    def mails(self) -> list[str]:
        """The missed-call mails in FusionPBX's queue since the last time, as `TO: BODY`."""
        found = self.sql("select email_to || ': ' || email_body from v_email_queue order by email_date")
        self.sql("delete from v_email_queue")
        return found.splitlines()
