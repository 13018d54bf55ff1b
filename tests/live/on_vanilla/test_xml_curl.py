"""A directory behind mod_xml_curl, 30 ms away: how many requests a call costs, with our dialplan and without."""

from __future__ import annotations

import re
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bench.ringing import Caller, Phone, Place
from tests.live.switch import binary

DELAY = 0.03
NOT_FOUND = '<section name="result"><result status="not found"/></section>'
DIAL = (
    "{^^:sip_invite_domain=${dialed_domain}:presence_id=${dialed_user}@${dialed_domain}}"
    "${sofia_contact(*/${dialed_user}@${dialed_domain})}"
)
CONF = """<configuration name="xml_curl.conf"><bindings><binding name="directory">
<param name="gateway-url" value="http://127.0.0.1:{}/" bindings="directory"/>
</binding></bindings></configuration>"""


class Directory(ThreadingHTTPServer):
    """Answers with one user, out of the files of the example configuration; `asked` is what for."""

    daemon_threads = True

    def __init__(self, site):
        super().__init__(("127.0.0.1", 0), Request)
        self.site, self.asked, self.cacheable = site, [], ""

    def answer(self, form):
        self.asked.append(f"{form.get('user')} {form.get('action', '')}")
        time.sleep(DELAY)
        file = self.site.directory / "directory" / "default" / f"{form.get('user', 'nobody')}.xml"
        if form.get("section") != "directory" or not file.exists():
            return NOT_FOUND
        user = re.sub("</?include>", "", file.read_text("utf-8"))
        user = user.replace("$${default_password}", self.site.password(""))
        user = user.replace("<user ", f'<user cacheable="{self.cacheable}" ' if self.cacheable else "<user ")
        return (
            f'<section name="directory"><domain name="{form["domain"]}">'
            f'<params><param name="dial-string" value="{DIAL}"/></params>'
            f'<groups><group name="default"><users>{user}</users></group></groups></domain></section>'
        )


class Request(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        found = self.server.answer(dict(urllib.parse.parse_qsl(body)))
        text = f'<document type="freeswitch/xml">{found}</document>'.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        """Nothing."""


@pytest.fixture
def directory(site):
    """The directory; 1011 calls by our dialplan, 1012 by the example configuration's own."""
    settings, context = site.directory / "autoload_configs" / "xml_curl.conf.xml", site.directory / "dialplan"
    stock = re.sub(r"<X-PRE-PROCESS [^>]*/fsdaemon\.xml\"/>", "", site.context_file.read_text("utf-8"))
    stock = stock.replace('<context name="default">', '<context name="stock">')
    with Directory(site) as server:
        settings.write_text(CONF.format(server.server_port), "utf-8")
        (context / "stock.xml").write_text(stock, "utf-8")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        site.extra["1012"] = {"user_context": "stock"}
        site.forwards(boss={"all": "secretary"})
        said = site.api("load mod_xml_curl")
        if "+OK" not in said:
            pytest.skip(f"no mod_xml_curl in {binary()}: {said.strip()}")
        yield server
        site.api("unload mod_xml_curl")
        site.api("xml_flush_cache")
        server.shutdown()
    (context / "stock.xml").unlink()
    site.api("reloadxml")


@pytest.fixture
def requests(directory, daemon):
    """How many a call costs from its INVITE on, by who calls whom."""
    site = directory.site
    place = Place(site.host, site.sip, site.domain, site.password(""))
    phones = [Phone(place, site.number(who)) for who in ("boss", "secretary", "vera")]
    time.sleep(0.5)  # a phone that registers is told of its mailbox

    def count(caller, who):
        directory.asked.clear()
        phone = Caller(place, caller, phones)
        rung = phone.run(site.number(who), 1, 1)
        phone.sock.close()
        assert len(rung.to_ringing) == 1
        found = [asked for asked in directory.asked if "message-count" not in asked]
        print(f"{caller} calls {who}: {rung.to_ringing[0] * 1000:.0f} ms, {len(found)} requests: {found}")
        return len(found)

    yield count
    for phone in phones:
        phone.sock.close()


def test_at_most_one_more_than_stock(requests):
    assert requests("1011", "vera") <= requests("1012", "vera") + 1


def test_a_forward(requests):
    """Two users are called, and each has to be looked up for the one and for the other."""
    assert requests("1011", "boss") <= 8


def test_an_answer_that_may_be_kept(directory, requests):
    """cacheable="MILLISECONDS" in the answer: a call costs one request for each user."""
    directory.cacheable = "5000"
    assert requests("1011", "boss") <= 3
