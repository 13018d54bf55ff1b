"""`fsdaemon doctor`: its options, its time limit, and its exit code.

Rule: finds nothing itself; whatever the machine has in store, there is a report and no traceback.
"""

from __future__ import annotations

import argparse
import json
import signal
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fsdaemon.config.reader import Config
    from fsdaemon.doctor.facts import Facts
    from fsdaemon.doctor.finding import Finding

_SECONDS = 30


class _TooLong(BaseException):  # nothing that tolerates errors may tolerate it
    """The time is over."""


def command(commands: Any) -> argparse.ArgumentParser:
    """Add the command to the others, and return its parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "doctor", help="say what is wrong between FreeSWITCH and fsdaemon on this machine, and how to mend it"
    )
    add = parser.add_argument
    add(
        "--freeswitch",
        type=Path,
        metavar="DIR",
        help="FreeSWITCH's configuration (default: /etc/freeswitch or /usr/local/freeswitch/conf)",
    )
    add(
        "--fs-cli",
        metavar="COMMAND",
        help='how to ask the running FreeSWITCH: "fs_cli -H 127.0.0.1 -P 8021"; empty: do not ask',
    )
    add("--user", default="", help="the user FreeSWITCH runs as (default: that of the running process)")
    add("--fusionpbx", type=Path, metavar="DIR", help="FusionPBX (default: /var/www/fusionpbx)")
    add(
        "--timeout",
        type=_seconds,
        default=_SECONDS,
        metavar="SECONDS",
        help=f"give up after this time (default: {_SECONDS})",
    )
    add("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=_run)
    return parser


def _seconds(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 3600:
        raise argparse.ArgumentTypeError(f"must be a number of seconds from 1 to 3600, not {text}")
    return int(text)


def _run(arguments: argparse.Namespace) -> int:
    from fsdaemon.doctor import report, rules

    config, found = _config(arguments.config)
    facts = _looked(arguments, config, found)
    found = rules.in_order(found)
    show = report.values if arguments.json else report.text
    told = show(facts, found, config)
    print(json.dumps(told, indent=2) if arguments.json else told)
    return 1 if any(one.wrong for one in found) else 0


def _config(path: Path | None) -> tuple[Config, list[Finding]]:
    """The configuration; a bad one is a finding, and the rest is judged by the defaults."""
    from fsdaemon.cli.main import DEFAULT_PATH, read_config
    from fsdaemon.config.reader import ConfigError, default
    from fsdaemon.doctor.facts import Place
    from fsdaemon.doctor.finding import Finding

    try:
        return read_config(path), []
    except ConfigError as error:
        one, more = error.problems[0], len(error.problems) - 1
        what = f"conf.toml has a mistake: {one}" + (f" (and {more} more)" if more else "")
        place = Place(str(path or DEFAULT_PATH), one.line or 0)
        mend = "fsdaemon check prints every mistake. The rest is judged by the defaults."
        return default(), [Finding("conf.toml", what, place, mend)]


def _looked(arguments: argparse.Namespace, config: Config, found: list[Finding]) -> Facts:
    """The facts; what is wrong is added to `found`, also if the time does not suffice for all of it."""
    from fsdaemon.doctor import rules
    from fsdaemon.doctor.facts import Facts
    from fsdaemon.doctor.finding import Finding
    from fsdaemon.doctor.gather import Options, gather

    options = Options(
        str(arguments.freeswitch or ""), arguments.fs_cli, arguments.user, str(arguments.fusionpbx or "")
    )
    now = ["nothing"]
    facts = Facts()

    def over(*_: object) -> None:
        raise _TooLong

    previous = signal.signal(signal.SIGALRM, over)
    signal.alarm(arguments.timeout)
    try:
        facts = gather(options, config, now.append)
        facts = replace(facts, daemon=_version(config))
        now.append("the checks")
        rules.collect(facts, config, found)
    except _TooLong:
        what = f"Not finished within {arguments.timeout} s; the last was: {now[-1]}."
        mend = "fsdaemon doctor --timeout SECONDS, or --fs-cli '' if it hangs."
        found.append(Finding("timeout", what, None, mend))
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)
    return facts


def _version(config: Config) -> str:
    """The version of the daemon that runs, if it can be asked."""
    from fsdaemon.cli.explain import ask_page

    if not config.metrics.listen:
        return ""
    try:
        return str(ask_page(config.metrics.listen, "/status")["version"])[:20]
    except (OSError, KeyError, TypeError):
        return ""
