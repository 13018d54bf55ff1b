"""The command line: arguments in, exit codes out (0 fine, 1 the input is wrong, 2 usage).

Rule: no traceback reaches a user. What a command does is done elsewhere.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from fsdaemon import __version__
from fsdaemon.call import KINDS
from fsdaemon.config import OVERRIDABLE, SCHEMA, Config, ConfigError, Problem, Wrong, default, host_port, load
from fsdaemon.esl import ProtocolError

DEFAULT_PATH = Path("/etc/fsdaemon/conf.toml")
_LARGEST = 1 << 20  # bytes; a conf.toml is a few hundred


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command `fsdaemon`; returns its exit code."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except ConfigError as error:
        for problem in error.problems:
            print(f"{arguments.config or DEFAULT_PATH}: {problem}", file=sys.stderr)
        return 1
    except (OSError, ProtocolError) as error:
        print(f"fsdaemon: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def read_config(path: Path | None) -> Config:
    """The configuration of `path`, of /etc/fsdaemon/conf.toml, or the built-in one if that is not there.

    Raises ConfigError for what is wrong in the file, or with it.
    """
    if path is None and not DEFAULT_PATH.exists():
        return default()
    path = path or DEFAULT_PATH
    try:
        if path.is_dir():
            raise ConfigError([Problem("", "is a directory; a file is wanted")])
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise ConfigError([Problem("", f"cannot be read: {error.strerror}")]) from None
    if len(data) > _LARGEST:
        raise ConfigError([Problem("", f"larger than {_LARGEST} bytes: that is no conf.toml")])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ConfigError([Problem("", "not UTF-8; save the file as UTF-8", line)]) from None
    return load(text, path.name)


def _serve(arguments: argparse.Namespace) -> int:
    from fsdaemon import log
    from fsdaemon.server import Server

    def configuration() -> Config:
        config = read_config(arguments.config)
        return config.listening(tuple(arguments.listen)) if arguments.listen else config

    config = configuration()
    log.configure(config.log)
    _raise_descriptor_limit()
    Server(config, configuration).run()
    return 0


def _raise_descriptor_limit() -> None:
    """Allow as many connections as the system does; the usual soft limit is 1024."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _check(arguments: argparse.Namespace) -> int:
    config = read_config(arguments.config)
    for section, keys in SCHEMA.items():
        print(f"[{section}]")
        for key in keys:
            print(f"{key} = {_shown(config, section, key)}  # {config.origin[f'{section}.{key}']}")
        print()
    for domain, changed in config.domains.items():
        for section in OVERRIDABLE:
            own = config.overrides[domain]
            different = [key for key in SCHEMA[section] if f"{section}.{key}" in own]
            if different:
                print(f'[domains."{domain}".{section}]')
            for key in different:
                print(f"{key} = {_shown(changed, section, key)}  # {changed.origin[f'{section}.{key}']}")
    return 0


def _explain(arguments: argparse.Namespace) -> int:
    from fsdaemon import explain

    if arguments.uuid:
        return _explain_call(arguments)
    recording = b""
    if arguments.recording:
        recording = arguments.recording.read_bytes()
        if b"Unique-ID:" not in recording:
            raise OSError(f"{arguments.recording}: no channel data (the answer to `connect`)")
    elif not (arguments.callee and arguments.caller):
        arguments.parser.error("name a call: --caller and --callee, or --recording")
    question = explain.Question(
        callee=arguments.callee or "",
        caller=arguments.caller or "",
        domain=arguments.domain if arguments.domain or recording else "example",
        outside=arguments.outside,
        withheld=arguments.withheld,
        names=dict(arguments.name),
        groups=tuple(arguments.group),
        forwards={kind: getattr(arguments, kind) for kind in KINDS if getattr(arguments, kind)},
        failed=arguments.failed or "",
        path=tuple(arguments.path.split(",")) if arguments.path else (),
    )
    config = read_config(arguments.config)
    data = explain.data_of(question, recording, config.variables)
    if arguments.via:
        host, _, port = arguments.via.rpartition(":")
        facts = explain.ask_daemon(question, data, host.strip("[]"), int(port))
    else:
        facts = explain.explain(question, data, config)
    print(json.dumps(facts, ensure_ascii=False, indent=2) if arguments.json else explain.text(facts))
    return 0


def _explain_call(arguments: argparse.Namespace) -> int:
    """Ask the running daemon, at metrics.listen, about a call that it decided."""
    from fsdaemon import explain

    address = read_config(arguments.config).metrics.listen
    if not address:
        raise OSError("metrics.listen is off, so no verdicts are kept to ask about")
    found = explain.ask_page(address, arguments.uuid)
    if not found:
        raise OSError(f"nothing is kept about {arguments.uuid}: not decided here, or too long ago")
    print(
        json.dumps(found, ensure_ascii=False, indent=2)
        if arguments.json
        else "\n\n".join(map(explain.text, found))
    )
    return 0


def _pair(text: str) -> tuple[str, str]:
    user, equals, name = text.partition("=")
    if not (user and equals):
        raise argparse.ArgumentTypeError(f"must be USER=NAME, not {text}")
    return user, name


def _explain_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--caller", metavar="USER", help="who calls: a user, or with --outside a number")
    add("--callee", metavar="USER", help="who is dialled")
    add("--domain", help="whose domain (of the callee, and of a caller who is a user)")
    add("--outside", action="store_true", help="the caller is no user; --caller is her number")
    add("--withheld", action="store_true", help="she withholds her number")
    add("--name", type=_pair, action="append", default=[], metavar="USER=NAME")
    add("--group", action="append", default=[], help="a group the caller is in")
    for kind in KINDS:
        add(f"--{kind.replace('_', '-')}", metavar="TARGET", help=f"the callee's forward: {kind}")
    add("--failed", choices=KINDS[1:], help="her phone was tried, and this was the matter")
    add("--path", metavar="USERS", help="who forwarded the call already, oldest first: 104,105")
    add("--recording", type=Path, metavar="FILE", help="channel data of a real call")
    add("--via", type=_address, metavar="HOST:PORT", help="ask the daemon that runs there")
    add("--uuid", help="a call that really happened: ask the running daemon (metrics.listen)")
    add("--json", action="store_true")
    parser.set_defaults(run=_explain, parser=parser)


def _shown(config: Config, section: str, key: str) -> str:
    """A value as it stands in conf.toml."""
    if section != "variables":
        return json.dumps(getattr(getattr(config, section), key), ensure_ascii=False)
    if key == "preset":
        return json.dumps(config.preset)
    return json.dumps([header.variable for header in getattr(config.variables, key)], ensure_ascii=False)


def _address(text: str) -> str:
    try:
        return host_port(text)
    except Wrong as wrong:
        raise argparse.ArgumentTypeError(str(wrong)) from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fsdaemon", description="Call-forward exception and display for FreeSWITCH."
    )
    parser.add_argument("--version", action="version", version=f"fsdaemon {__version__}")
    commands = parser.add_subparsers(required=True, metavar="command")
    serve = commands.add_parser("serve", help="run the daemon in the foreground")
    serve.add_argument(
        "--listen", type=_address, action="append", metavar="HOST:PORT", help="instead of server.listen"
    )
    serve.set_defaults(run=_serve)
    check = commands.add_parser("check", help="check a conf.toml and print the effective configuration")
    check.set_defaults(run=_check)
    explain = commands.add_parser("explain", help="say what would happen to a call, and why")
    _explain_options(explain)
    for command in (serve, check, explain):
        command.add_argument(
            "--config", type=Path, metavar="PATH", help=f"instead of {DEFAULT_PATH}, if that exists"
        )
    return parser
