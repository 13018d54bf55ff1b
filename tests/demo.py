"""`make demo`: the real daemon, the recorded calls over its real socket, and what the phone shows."""

from __future__ import annotations

import itertools
import re
import sys
import tempfile
from pathlib import Path

from fsdaemon.core.mod_sofia import shown_by_mod_sofia
from fsdaemon.esl.fake_switch import Switch
from tests.daemon import Daemon
from tests.recorded import Recording, recordings

HEAD = ("who calls", "whom", "who forwards to", "verdict", "reason", "the phone shows", "the story")


def row(recording: Recording, port: int) -> tuple[str, ...]:
    played = Switch(recording.data, recording.api).call("127.0.0.1", port)
    after = played.variables
    headers = recording.headers
    forwards = [
        name
        for name in headers.names()
        if re.match(r"variable_(fsdaemon_forward_\w+|forward_\w+_destination)$", name)
    ]
    forward = next(filter(None, map(headers.get, forwards)), "–")
    name = (
        after.get("fsdaemon_label")
        or after.get("effective_caller_id_name")
        or headers.get("Caller-Caller-ID-Name")
    )
    caller = headers.get("variable_user_name") or headers.get("variable_dialed_user")
    outside = "withheld" if headers.get("variable_sip_Privacy") else headers.get("Caller-Caller-ID-Number")
    verdict = after["fsdaemon_verdict"]
    return (
        caller or f"{outside} (outside)",
        headers.get("Caller-Destination-Number"),
        forward,
        verdict + (f" to {after['fsdaemon_target']}" if verdict == "forward" else ""),
        after["fsdaemon_reason"],
        shown_by_mod_sofia(name) or "",
        recording.title,
    )


def main() -> int:
    rows, logged = [HEAD], []
    by_config = sorted(recordings(), key=lambda recording: recording.config)
    for config, group in itertools.groupby(by_config, key=lambda recording: recording.config):
        with tempfile.TemporaryDirectory() as directory:
            file = Path(directory) / "conf.toml"
            file.write_text(config, "utf-8")
            with Daemon(config=file) as daemon:
                rows += [row(recording, daemon.port) for recording in group]
                logged += [line for line in daemon.lines if " ring " in line or " forward " in line]
    widths = [max(len(cells[column]) for cells in rows) for column in range(len(HEAD))]
    for number, cells in enumerate(rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(cells, widths)).rstrip())
        if number == 0:
            print("  ".join("─" * width for width in widths))
    print(
        f"\n{len(rows) - 1} calls recorded on a real FreeSWITCH, decided by the daemon; its log of the last one:"
    )
    print(logged[-1])
    return 0


if __name__ == "__main__":
    sys.exit(main())
