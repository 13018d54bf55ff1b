"""Real SIP phones (PJSIP) on loopback, driven step by step from one thread.

One scenario a process: after an attended transfer PJSIP wedges on a later call, and it may abort.
"""

from __future__ import annotations

import re
import time

import pjsua2 as pj

KEEP = []  # PJSIP asserts when a Call is collected after its slot is gone


class Leg(pj.Call):
    """One call of one phone."""

    def __init__(self, phone, cid=pj.PJSUA_INVALID_ID):
        super().__init__(phone, cid)
        KEEP.append(self)
        self.phone = phone
        self.states = []
        self.msg = ""
        self.heard = []  # what came in after the INVITE: responses, UPDATE, INFO
        self.code = 0

    def onCallState(self, prm):
        info = self.getInfo()
        self.states.append(info.stateText)
        self.code = info.lastStatusCode

    def onCallTsxState(self, prm):
        event = prm.e.body.tsxState
        if event.type == pj.PJSIP_EVENT_RX_MSG:
            self.heard.append(event.src.rdata.wholeMsg)

    def onCallTransferStatus(self, prm):
        prm.cont = True

    @property
    def state(self):
        return self.states[-1] if self.states else ""

    @property
    def up(self):
        return self.state == "CONFIRMED"

    @property
    def ringing(self):
        return self.state in ("EARLY", "INCOMING")

    @property
    def gone(self):
        return self.state.startswith("DISCONN")

    def header(self, name):
        """The first header `name` of the INVITE that came in, or None."""
        match = re.search(rf"^{name}:\s*(.*?)\r?$", self.msg, re.M | re.I)
        return match[1] if match else None

    def reached(self, status):
        """Who the phone shows as reached: name and number that the last message of this kind has (RPID, PAI)."""
        for message in reversed(self.heard):
            found = re.search(
                r'^(?:Remote-Party-ID|P-Asserted-Identity):\s*"(.*?)"\s*<(?:sip:)?([^@>]*)', message, re.M
            )
            if message.startswith(status) and found:
                return found[1], found[2]
        return None

    @property
    def display(self):
        """What the phone shows: the display name of From, its quoted pairs read (RFC 3261 25.1)."""
        value = self.header("From")
        quoted = re.match(r'"((?:[^"\\]|\\.)*)"', value)
        return re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else value.partition("<")[0].strip()

    def pick_up(self):
        self._answer(200)

    def busy(self):
        self._answer(486)

    def _answer(self, code):
        prm = pj.CallOpParam()
        prm.statusCode = code
        self.answer(prm)

    def send_to(self, number):
        """Blind transfer."""
        self.xfer(self.phone.address(number), pj.CallOpParam())

    def join(self, other):
        """Attended transfer: the one at the other end of this call gets the one of `other`."""
        self.xferReplaces(other, pj.CallOpParam())

    def press(self, digits):
        """DTMF, one key after the other."""
        for digit in digits:
            prm = pj.CallSendDtmfParam()
            prm.method, prm.digits = pj.PJSUA_DTMF_METHOD_SIP_INFO, digit
            self.sendDtmf(prm)
            self.phone.lab.turn(0.25)

    def end(self):
        self.hangup(pj.CallOpParam())


class Phone(pj.Account):
    """A phone of somebody who plays a part, or has this number.

    policy: ring, answer, busy, or the SIP code it answers with; redirect:NUMBER or redirect:<ADDRESS> is a 302.
    """

    def __init__(self, lab, who, register=True, policy="ring", uri=None, domain=None, site=None):
        super().__init__()
        self.site = site or lab.site
        user = self.site.number(who)
        self.lab, self.user, self.policy, self.domain = lab, user, policy, domain or self.site.domain
        self.incoming, self.reg = [], None
        config = pj.AccountConfig()
        config.idUri = uri or f"sip:{user}@{self.domain}"
        if register:
            config.regConfig.registrarUri = f"sip:{self.domain}"
            config.regConfig.timeoutSec = 600
            config.sipConfig.authCreds.append(
                pj.AuthCredInfo("digest", "*", user, 0, self.site.password(user))
            )
            config.regConfig.proxyUse = 3
        port = self.site.sip if register else self.site.sip_out
        config.sipConfig.proxies.append(f"sip:{self.site.host}:{port};lr")
        self.create(config, False)

    def onRegState(self, prm):
        self.reg = prm.code

    def onIncomingCall(self, prm):
        leg = Leg(self, prm.callId)
        leg.msg = prm.rdata.wholeMsg
        self.incoming.append(leg)
        answer = pj.CallOpParam()
        if self.site.for_carrier in leg.msg:
            answer.statusCode = 180
        elif self.policy.startswith("redirect:"):
            answer.statusCode = 302
            contact = pj.SipHeader()
            to = self.policy.partition(":")[2]
            contact.hName, contact.hValue = "Contact", to if "<" in to else f"<{self.address(to)}>"
            answer.txOption.headers.append(contact)
        else:
            codes = {"ring": 180, "answer": 200, "busy": 486}
            answer.statusCode = codes.get(self.policy) or int(self.policy)
        leg.answer(answer)

    def dial(self, number, headers=()):
        leg = Leg(self)
        leg.since = self.site.log_file.stat().st_size
        prm = pj.CallOpParam(True)
        for name, value in headers:
            header = pj.SipHeader()
            header.hName, header.hValue = name, value
            prm.txOption.headers.append(header)
        leg.makeCall(self.address(number), prm)
        return leg

    def address(self, who):
        """The SIP address of a number, or of somebody who plays a part."""
        return f"sip:{self.site.number(who)}@{self.domain}"

    @property
    def last(self):
        """The newest call that came in."""
        return self.incoming[-1]

    @property
    def rang(self):
        return bool(self.incoming)


class Lab:
    """One PJSIP endpoint with its phones."""

    def __init__(self, site):
        self.site = site
        self.ep = pj.Endpoint()
        self.ep.libCreate()
        config = pj.EpConfig()
        config.uaConfig.threadCnt = 0
        config.uaConfig.mainThreadOnly = True
        config.uaConfig.maxCalls = 30
        config.logConfig.level = 1
        config.logConfig.consoleLevel = 1
        config.medConfig.noVad = True
        self.ep.libInit(config)
        transport = pj.TransportConfig()
        transport.port = site.carrier
        transport.boundAddress = transport.publicAddress = site.host
        self.ep.transportCreate(pj.PJSIP_TRANSPORT_UDP, transport)
        self.ep.libStart()
        self.ep.audDevManager().setNullDev()
        self.phones = []

    def phone(self, who, **options):
        phone = Phone(self, who, **options)
        self.phones.append(phone)
        return phone

    def stranger(self, number="+491701234567", name="Max", domain="carrier.example"):
        """Somebody outside, who calls in at the profile that asks nobody who is calling."""
        number = self.site.number(number)
        return self.phone(number, register=False, uri=f'"{name}" <sip:{number}@{domain}>')

    def register(self, *users, **options):
        """Registered phones for `users`."""
        phones = [self.phone(user, **options) for user in users]
        self.wait(lambda: all(phone.reg == 200 for phone in phones), "registered", 8)
        # FreeSWITCH answers 200 before its database knows.
        self.wait(lambda: all(map(self._known, phones)), "known to FreeSWITCH", 8)
        return phones

    def turn(self, seconds):
        """Let the phones live for a while."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.ep.libHandleEvents(10)

    def _known(self, phone):
        return "sip:" in phone.site.api(f"sofia_contact */{phone.user}@{phone.domain}")

    def wait(self, condition, what, seconds=6.0):
        """Let the phones live until `condition` holds; AssertionError with `what` if it never does."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                seen = {p.user: (p.reg, [leg.states for leg in p.incoming]) for p in self.phones}
                raise AssertionError(f"not {what} within {seconds} s; phones: {seen}")
            self.ep.libHandleEvents(10)

    def rings(self, phone, count=1, seconds=6.0):
        """Wait until `phone` was called `count` times, and return the newest call."""
        self.wait(lambda: len(phone.incoming) >= count, f"ringing at {phone.user}", seconds)
        return phone.last

    def talk(self, *legs):
        """Wait until all `legs` are connected, and FreeSWITCH has bridged them too."""
        self.wait(lambda: all(leg.up for leg in legs), "connected")
        self.turn(0.2)

    def connect(self, caller, number, phone):
        """`caller` dials `number`, `phone` rings and picks up: both ends of the call."""
        call, count = caller.dial(number), len(phone.incoming) + 1
        leg = self.rings(phone, count)
        leg.pick_up()
        self.talk(call, leg)
        return call, leg

    def carried(self):
        """The calls that came to the carrier."""
        return [leg for phone in self.phones for leg in phone.incoming if self.site.for_carrier in leg.msg]

    def at_carrier(self, count=1):
        """Wait until the carrier was called `count` times, and return the newest call."""
        self.wait(lambda: len(self.carried()) >= count, "a call at the carrier")
        return self.carried()[-1]

    def ends(self, call):
        """Wait until nobody takes the call any more; where there are mailboxes, one does."""
        if self.site.mailbox:
            self.wait(lambda: call.up, "the mailbox", 12)
        else:
            self.wait(lambda: call.gone, "ended", 12)

    def unanswered(self, call, who, code):
        """The same, and it is the mailbox of `who`; where there are none, the caller gets `code`."""
        self.ends(call)
        if self.site.mailbox:
            text = self.site.mailbox.format(domain=self.site.domain, user=self.site.number(who))
            self.wait(lambda: text in self.site.logged(call.since), f"{text} in the log")
        else:
            assert call.code == code

    def hangup_all(self):
        self.ep.hangupAllCalls()
        self.turn(0.5)
