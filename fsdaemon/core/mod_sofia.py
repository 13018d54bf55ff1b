"""How a text gets through FreeSWITCH unchanged: the encoder, and a model of what mod_sofia makes of a value.

Rule: text only. `encode` is the one way into effective_caller_id_name; tests hold it to `shown_by_mod_sofia`.
"""

from __future__ import annotations

import re

_UNSAFE = re.compile(r"[^A-Za-z0-9 .\x80-\U0010ffff]")
_UNSAFE_NAME = re.compile(r"[^A-Za-z0-9 .()\-\x80-\U0010ffff]")
# Those that leg variables ([^^!…]), an expansion, a quoted string, XML or `:_:` would take for their own.
_UNSAFE_UNCUT = re.compile(r"[^A-Za-z0-9 .:/@,()+*#?\-\x80-\U0010ffff]")


def encode(text: str) -> str:
    """The value effective_caller_id_name must hold so that the phone shows exactly `text`.

    `text` must be clean. Everything in ASCII but letters, digits, blank and .()- is percent-encoded:
    that survives mod_sofia, survives inside [leg variables], and no expansion ($) can start. A
    backslash is doubled: in a From header it quotes the next character (RFC 3261 section 25.1,
    quoted-pair). Blanks at the ends are encoded, FreeSWITCH strips them.
    """
    return _trimmed(_UNSAFE_NAME.sub(_hexadecimal, text.replace("\\", "\\\\")))


def encode_uncut(text: str) -> str:
    """The same for a leg that mod_sofia made already: it cuts a name before, and decodes it after that.

    What stands there is read by people and by other programs as well, in `show channels`, in records and in
    a lamp's document (mod_sofia does not escape it for XML): so as little as possible is encoded.
    """
    return _trimmed(_UNSAFE_UNCUT.sub(_hexadecimal, text.replace("\\", "\\\\")))


def set_name(encoded: str) -> str:
    """The application that sets the name of a leg that mod_sofia made already (`encode_uncut`)."""
    return f"set_profile_var caller_id_name={encoded}"


def set_number(encoded: str) -> str:
    """The same for the number (`percent_encode`)."""
    return f"set_profile_var caller_id_number={encoded}"


def percent_encode(text: str) -> str:
    """`text` as one word that FreeSWITCH neither expands, nor splits, nor trims."""
    return _trimmed(_UNSAFE.sub(_hexadecimal, text))


def _hexadecimal(match: re.Match[str]) -> str:
    return f"%{ord(match[0]):02X}"


def _trimmed(encoded: str) -> str:
    if encoded[:1] == " ":
        encoded = "%20" + encoded[1:]
    if encoded[-1:] == " ":
        encoded = encoded[:-1] + "%20"
    return encoded


def shown_by_mod_sofia(value: str, cut: bool = True) -> str | None:
    """A model of mod_sofia: what the display name of the callee's From header says for `value`.

    With `cut` false for a value that was set on the leg after mod_sofia had made it.

    switch_utils.h switch_sanitize_number, mod_sofia.h check_decode, switch_utils.c switch_url_decode,
    then the quoted string of RFC 3261 as the phone reads it. None if the INVITE would be broken.
    """
    if not value or value.lower() == "_undef_":
        return ""
    text = _url_decode(_sanitize(value) if cut else value)
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
