"""What the fuzzers start from: the recordings, the answers that follow them, and nasty text."""

from __future__ import annotations

from pathlib import Path

from hypothesis import strategies as st

from fsdaemon.terms import variables as v
from fsdaemon.terms.variables import Header

RECORDINGS = {
    path.stem: path.read_bytes()
    for path in sorted((Path(__file__).parent.parent / "tests" / "recordings").glob("*.txt"))
}
assert RECORDINGS, "no recordings: run it from the repository"

OK = b"Content-Type: command/reply\nReply-Text: %2BOK\n\n"
REFUSED = b"Content-Type: command/reply\nReply-Text: -ERR%20invalid%0Asession\n\n"
ANSWER = b"Content-Type: api/response\nContent-Length: 11\n\nCora Chefin"
GONE = b"Content-Type: text/disconnect-notice\nContent-Length: 4\n\nbye\n"
EVENT = b"Content-Type: text/event-plain\nContent-Length: 23\n\nEvent-Name: HEARTBEAT\n\n"
MESSAGES = (OK, REFUSED, ANSWER, GONE, EVENT)

# Pieces that mean something to one of the grammars a value goes through: the socket's lines, percent
# encoding, multiset, expansion, leg variables, SIP, the log.
TOKENS = (
    *("\n", "\r", "\r\n", "\n\n", "\x00", "\x1b[31m", "\x1f", "\x01", "\x7f", "\x85", "\x9b"),
    *("\u061c", "\u200b", "\u200d", "\u2028", "\u2029", "\u202e", "\u2066", "\ufeff", "\ufffd", "ü", "😀"),
    *("%", "%%", "%0A", "%0a", "%00", "%3A", "%22", "%24%7B", "% A", "%ED%A0%80", "%FF"),
    *("${", "${x}", "$${", "$", "{", "}", "[", "]", "^^!", "^^", "!", ";", ",", "'", '"', "\\", "\\n", "\\s"),
    *(":", "/", "@", "=", "<", ">", " ", "|", "&", "(", ")", "\t", "<sip:1@x>", "+49", "-ERR", "_undef_"),
    *("100", "101", "102", "103", "lab.test", "true", "false", "x", "A", "103@lab.test", "*98", "#"),
    *(
        "always",
        "busy",
        "redirect",
        "before",
        "after",
        "once",
        "leg",
        "inbound",
        "outbound",
        "USER_BUSY",
        "SUCCESS",
        "NO_ANSWER",
        "CALL_REJECTED",
        "ORIGINATOR_CANCEL",
    ),
    *("sip:486", "sip:603", "ARRAY::", "|:", "a-b;USER_BUSY", "ARRAY::a;NO_ANSWER|:b;USER_BUSY", "0", "2"),
    *("Uml. fuer ", "Uml. fuer A ueber B: C", "variable_user_name: 101", "sendmsg", "fsdaemon_verdict=ring"),
)

# Headers that the daemon reads, by their names; whoever writes them.
READ = tuple(sorted({str(value) for value in vars(v).values() if isinstance(value, Header)}))

#: A value as strangers would write it: mostly our tokens, sometimes anything.
text = st.one_of(
    st.lists(st.sampled_from(TOKENS), min_size=0, max_size=5).map("".join),
    st.sampled_from(TOKENS),
    st.text(max_size=30),
)
#: The same as raw bytes of a header line, percent-encoded or not, UTF-8 or not.
raw = st.one_of(
    st.binary(max_size=20), st.lists(st.sampled_from(TOKENS), max_size=4).map("".join).map(str.encode)
)

recording = st.sampled_from(sorted(RECORDINGS))


@st.composite
def mutated(draw: st.DrawFn, source: st.SearchStrategy[bytes]) -> bytes:
    """Bytes from `source`, with a few places replaced, inserted, doubled or cut away."""
    data = draw(source)
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        end = min(len(data), at + draw(st.integers(0, 40)))
        data = data[:at] + draw(raw) + data[end:]
    return data


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    """`data` cut at these places (taken modulo its length)."""
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:end] for start, end in zip(edges, edges[1:])]
