"""The label: what the phone shall show, and how it gets there through FreeSWITCH unchanged.

Rule: text only. `encode` is the one way into effective_caller_id_name; `shown_by_mod_sofia` is what
FreeSWITCH makes of it, and the tests hold the first to the second.
"""

from __future__ import annotations

import re
import string
import unicodedata
from functools import lru_cache

from fsdaemon.config.reader import Config
from fsdaemon.core.call import BEYOND, Call
from fsdaemon.core.diversion import Diverter
from fsdaemon.core.policy import FORWARD, Verdict
from fsdaemon.terms.numbers import looks_outside

# Line ends, other control characters, and the marks that turn the direction of writing: a caller could
# break the header or make a name read as another. Joiners stay, emoji are made with them.
_BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_UNSEEN = re.compile("[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]")
_LONGEST_NAME = 200
_LONGEST = 600
_UNSAFE = re.compile(r"[^A-Za-z0-9 .\x80-\U0010ffff]")


def label(call: Call, verdict: Verdict, config: Config) -> str | None:
    """What the phone of the one who gets this call shall show; None if nothing but the caller.

    The text of `display.label`, or of `display.chain` from two forwards on.
    """
    path = (*call.before_us, *verdict.path)
    if not path or path[-1].kind not in config.display.kinds:
        return None
    if not config.display.outside and leaves_the_house(call, verdict, config):
        return None
    template = config.display.chain if len(path) > 1 else config.display.label
    names = {
        "called": _name(path[0], config),
        "diverter": _name(path[-1], config),
        "caller": _caller(call, config),
    }
    return _fitting(template, names, config.display.max_length or _LONGEST) or None


def leaves_the_house(call: Call, verdict: Verdict, config: Config) -> bool:
    """Whether the call goes to an outside number next."""
    beyond = call.callee.name if call.stage == BEYOND or not call.is_user else ""
    target = verdict.target if verdict.action == FORWARD else beyond
    return looks_outside(target, config.numbers.trunk_prefix)


def _fitting(template: str, names: dict[str, str], longest: int) -> str:
    """The label in at most `longest` characters: the caller is cut first, then who was called first.

    Who forwarded is what the label is for; she is cut last.
    """
    for name in ("caller", "called", "diverter"):
        text = clean(template.format(**names), _LONGEST + 1)
        excess = len(text) - longest
        if excess <= 0:
            return text
        names = {**names, name: names[name][: max(0, len(names[name]) - excess)].rstrip()}
    return clean(template.format(**names), longest)


def _caller(call: Call, config: Config) -> str:
    if call.caller.withheld:
        return config.display.anonymous
    name = _without_label(clean(call.caller.name), config)
    return name or clean(call.caller.number) or config.display.anonymous


def _name(step: Diverter, config: Config) -> str:
    if step.hidden:
        return config.display.anonymous
    return clean(step.name) or clean(step.number)


def clean(text: str, longest: int = _LONGEST_NAME) -> str:
    """`text` as one line that can be shown: no control characters, at most `longest` characters.

    A double quote becomes an apostrophe: mod_sofia keeps only what stands between two of them
    (mod_sofia.h check_decode), and in a From header it would end the name (RFC 3261 section 25.1).
    """
    if text.isascii() and text.isprintable() and '"' not in text:
        return text.strip()[:longest].strip()
    text = _UNSEEN.sub("", _BREAKS.sub(" ", text)).replace('"', "'")
    text = "".join(ch for ch in text if not unicodedata.category(ch).startswith("Cs"))
    return text.strip()[:longest].strip()


def _without_label(name: str, config: Config) -> str:
    """A caller's name without a label that it already wears, ours or a stranger's imitation."""
    for template in (config.display.chain, config.display.label):
        if not name.startswith(template.partition("{")[0]):
            continue
        pattern = _pattern(template)
        match = pattern.fullmatch(name) if pattern else None
        if match:
            return _without_label(match["caller"], config)
    return name


@lru_cache(maxsize=64)
def _pattern(template: str) -> re.Pattern[str] | None:
    """What a name looks like that is a label already; None if the template begins with no word."""
    parts = list(string.Formatter().parse(template))
    if not parts or len(parts[0][0].strip()) < 3 or sum(part[1] == "caller" for part in parts) != 1:
        return None
    fields = {"caller": "(?P<caller>.*)"}
    return re.compile(
        "".join(re.escape(text) + (fields.get(name, ".+?") if name else "") for text, name, _, _ in parts)
    )


def encode(text: str) -> str:
    """The value effective_caller_id_name must hold so that the phone shows exactly `text`.

    `text` must be clean. Everything in ASCII but letters, digits, blank and dot is percent-encoded:
    that survives mod_sofia, survives inside [leg variables], and no expansion ($) can start. A
    backslash is doubled: in a From header it quotes the next character (RFC 3261 section 25.1,
    quoted-pair). Blanks at the ends are encoded, FreeSWITCH strips them.
    """
    return percent_encode(text.replace("\\", "\\\\"))


def percent_encode(text: str) -> str:
    """`text` as one word that FreeSWITCH neither expands, nor splits, nor trims."""
    encoded = _UNSAFE.sub(lambda match: f"%{ord(match[0]):02X}", text)
    if encoded[:1] == " ":
        encoded = "%20" + encoded[1:]
    if encoded[-1:] == " ":
        encoded = encoded[:-1] + "%20"
    return encoded


def shown_by_mod_sofia(value: str) -> str | None:
    """A model of mod_sofia: what the display name of the callee's From header says for `value`.

    switch_utils.h switch_sanitize_number, mod_sofia.h check_decode, switch_utils.c switch_url_decode,
    then the quoted string of RFC 3261 as the phone reads it. None if the INVITE would be broken.
    """
    if not value or value.lower() == "_undef_":
        return ""
    text = _url_decode(_sanitize(value))
    if '"' in text:
        text = text.split('"', 1)[1]
        text = text.rsplit('"', 1)[0] if '"' in text else text
    if re.search("[\r\n\x00]", text) or re.search(r"(^|[^\\])(\\\\)*\\$", text):
        return None
    return re.sub(r"\\(.)", r"\1", text)


def _sanitize(value: str) -> str:
    if not re.search("[/:@]", value):
        return value
    value = value.split("@", 1)[0]
    return value.rsplit("/", 1)[-1].rsplit(":", 1)[-1]


def _url_decode(value: str) -> str:
    raw = value.encode("utf-8", "surrogatepass")
    # sscanf("%2x") takes white space, a sign and one digit, too: that is how "100% A" becomes a newline.
    out = re.sub(rb"%([\s][0-9A-Fa-f]|[0-9A-Fa-f][0-9A-Fa-f]?)", _one_byte, raw, flags=re.DOTALL)
    return out.decode("utf-8", "replace")


def _one_byte(match: re.Match[bytes]) -> bytes:
    return bytes([int(match[1].strip(), 16)])
