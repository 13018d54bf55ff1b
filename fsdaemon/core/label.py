"""The label: what the phone of the one who gets a forwarded call shows.

Rule: text only, and the reason for it; how it gets to the phone is mod_sofia.py's and commands.py's.
"""

from __future__ import annotations

import re
import string
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from fsdaemon.config.reader import Config
from fsdaemon.core.call import Call
from fsdaemon.core.diversion import Diverter
from fsdaemon.core.forwards import BEYOND
from fsdaemon.core.policy import FORWARD, Verdict
from fsdaemon.core.reasons import EMPTY, KIND_OFF, LABELLED, NOT_FORWARDED, OFF_NET, LabelReason
from fsdaemon.terms.numbers import looks_outside

# Line ends, other control characters, and the marks that turn the direction of writing: a caller could
# break the header or make a name read as another. Joiners stay, emoji are made with them.
_BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_UNSEEN = re.compile("[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]")
_LONGEST_NAME = 200
_LONGEST = 600


class Label(NamedTuple):
    """What the phone shall show, and why."""

    text: str | None  #: None: nothing but the caller
    reason: LabelReason
    key: str = ""  #: the key of conf.toml that the reason is about
    kind: str = ""  #: of the last forward


def decide(call: Call, verdict: Verdict, config: Config) -> Label:
    """The text of `display.label`, or of `display.chain` from two forwards on; or why there is none."""
    path = (*call.before_us, *verdict.path)
    if not path:
        return Label(None, NOT_FORWARDED)
    kind = path[-1].kind
    if kind not in config.display.kinds:
        return Label(None, KIND_OFF, "display.kinds", kind)
    if not config.display.outside and goes_off_net(call, verdict, config):
        return Label(None, OFF_NET, "display.outside", kind)
    key = "display.chain" if len(path) > 1 else "display.label"
    names = {
        "called": _name(path[0], config),
        "diverter": _name(path[-1], config),
        "caller": _caller(call, config),
    }
    text = _fitting(config.value(key), names, config.display.max_length or _LONGEST)
    return Label(text or None, LABELLED if text else EMPTY, key, kind)


def goes_off_net(call: Call, verdict: Verdict, config: Config) -> bool:
    """Whether the call goes to an outside number next."""
    beyond = call.callee.name if call.stage == BEYOND or not call.is_user else ""
    target = verdict.target if verdict.action == FORWARD else beyond
    return looks_outside(target, config.numbers.trunk_prefix)


def _fitting(template: str, names: dict[str, str], longest: int) -> str:
    """The label in at most `longest` characters: the caller is cut first, then who was called first.

    Who forwarded is what the label is for, and is cut last.
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
