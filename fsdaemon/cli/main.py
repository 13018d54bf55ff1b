"""The command line: arguments in, exit codes out (0 fine, 1 the input is wrong, 2 usage).

Rule: no traceback reaches a user. What a command does is done elsewhere.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import stat
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fsdaemon import __version__
from fsdaemon.cli import doctor, options
from fsdaemon.cli.recording import channel_data
from fsdaemon.config.reader import Config, ConfigError, Problem, default, load
from fsdaemon.core.sentences import printable
from fsdaemon.daemon import stderr
from fsdaemon.esl.protocol import ProtocolError
from fsdaemon.terms.channel import Headers
from fsdaemon.terms.kinds import KINDS, SET
from fsdaemon.terms.variables import UUID

if TYPE_CHECKING:
    from fsdaemon.cli.explain import Question

DEFAULT_PATH = Path("/etc/fsdaemon/conf.toml")
_LARGEST = 1 << 20  # bytes; a conf.toml is a few hundred


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command `fsdaemon`; returns its exit code."""
    stderr.fill_closed()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that knows no umlauts
    arguments = _parser().parse_args(argv)
    try:
        code = int(arguments.run(arguments))
        sys.stdout.flush()
        return code
    except ConfigError as error:
        for problem in error.problems:
            print(printable(f"{error.file}: {problem}"), file=sys.stderr)
        return 1
    except BrokenPipeError:  # … | head
        _last_flush()
        return 1
    except (OSError, ProtocolError) as error:
        file = getattr(error, "filename", None)
        where = f"{file}: " if file else ""
        print(printable(f"fsdaemon: {where}{getattr(error, 'strerror', None) or error}"), file=sys.stderr)
        _last_flush()
        return 1
    except KeyboardInterrupt:
        return 130


def _last_flush() -> None:
    """What cannot be written any more is dropped, or Python complains of it with a traceback at its end."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def read_config(path: Path | None) -> Config:
    """The configuration of `path`, of /etc/fsdaemon/conf.toml, or the built-in one if that is not there.

    Raises ConfigError for what is wrong in the file, or with it.
    """
    if path is None and not _is_there(DEFAULT_PATH):
        return default()
    path = path or DEFAULT_PATH
    try:
        data = _content(path)
        if b"\0" not in data:
            return load(data.decode("utf-8-sig"), str(path))
        what = "a NUL character, as in UTF-16; save the file as UTF-8"
        wrong = Problem("", what, data.partition(b"\0")[0].count(b"\n") + 1)
    except OSError as error:
        wrong = Problem("", f"cannot be read: {error.strerror}")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        wrong = Problem("", "not UTF-8; save the file as UTF-8", line)
    raise ConfigError([wrong], str(path))


def _content(path: Path) -> bytes:
    kind = path.stat().st_mode
    if not stat.S_ISREG(kind) and str(path) != os.devnull:
        what = f"is {'a directory' if stat.S_ISDIR(kind) else 'a pipe or a device'}, not a file"
        raise ConfigError([Problem("", what)], str(path))
    with path.open("rb") as file:
        data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        what = f"larger than {_LARGEST} bytes; this is not a conf.toml"
        raise ConfigError([Problem("", what)], str(path))
    return data


def _is_there(path: Path) -> bool:
    """False for nothing at all; a link to nowhere and a closed folder are mistakes to be told."""
    try:
        os.lstat(path)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return True


def _serve(arguments: argparse.Namespace) -> int:
    from fsdaemon.daemon import log
    from fsdaemon.daemon.server import Server

    if stderr.was_closed():
        sys.stderr = stderr.Syslog()

    def configuration() -> Config:
        config = read_config(arguments.config)
        return config.listening(tuple(arguments.listen)) if arguments.listen else config

    config = configuration()
    if not stderr.was_closed():
        sys.stderr = stderr.Lossy(sys.stderr)
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
    from fsdaemon.cli import check
    from fsdaemon.config import render

    config = read_config(arguments.config)
    wrong, notes = check.look(config)
    for note in notes:
        print(f"{config.source}: note: {note}", file=sys.stderr)
    if wrong:
        raise ConfigError(wrong, config.source)
    print(render.text(config, arguments.print))
    return 0


def _explain(arguments: argparse.Namespace) -> int:
    from fsdaemon.cli import explain
    from fsdaemon.core import sentences as words

    if arguments.uuid:
        return _explain_call(arguments)
    if arguments.listen:
        arguments.parser.error("--listen says where --uuid asks; --via asks a daemon about another call")
    question, recording = _question(arguments)
    config = read_config(arguments.config)
    data = explain.data_of(question, recording, config.variables)
    if arguments.via:
        host, _, port = arguments.via.rpartition(":")
        facts = explain.ask_daemon(question, data, host.strip("[]"), int(port), config)
        facts["uuid"] = Headers(data).get(UUID)
    else:
        facts = explain.explain(question, data, config)
    print(_json(facts) if arguments.json else words.text(facts, saw=bool(recording)))
    return 0


def _question(arguments: argparse.Namespace) -> tuple[Question, bytes]:
    """What is asked about, and the recording behind it; usage errors end the program here."""
    from fsdaemon.cli import explain

    recording = channel_data(arguments.recording) if arguments.recording else b""
    if not recording and not (arguments.callee and arguments.caller):
        arguments.parser.error("name a call: --caller and --callee, or --recording, or --uuid")
    if arguments.outside and arguments.group:
        arguments.parser.error("--group: a caller from --outside is in no group")
    if arguments.outside and not arguments.caller:
        arguments.parser.error("--outside: whose number is --caller?")
    domain = arguments.domain or ("" if recording else "example")
    question = explain.Question(
        callee=arguments.callee or "",
        caller=arguments.caller or "",
        domain=domain,
        uuid=str(uuid.uuid4()),  # so that a call by --via can be found in the daemon's log
        outside=arguments.outside,
        withheld=arguments.withheld,
        names=dict(arguments.name),
        groups=tuple(arguments.group),
        forwards={kind: getattr(arguments, kind) for kind in SET if getattr(arguments, kind)},
        own=arguments.own,
        failed=arguments.failed or "",
        path=arguments.path,
        calls=arguments.calls,
    )
    return question, recording


def _explain_call(arguments: argparse.Namespace) -> int:
    """Ask the running daemon, at metrics.listen, about a call that it decided."""
    from fsdaemon.cli import explain
    from fsdaemon.core import sentences as words

    about = ("caller", "callee", "recording", "via", "own", "failed", "path", "calls", *SET)
    others = [name for name in about if getattr(arguments, name)]
    if others:
        option = others[0].replace("_", "-")
        arguments.parser.error(f"--uuid asks about a call that happened; --{option} is about another")
    found = explain.ask_call(_page_address(arguments), arguments.uuid)
    if not found:
        raise OSError(
            f"nothing is kept about {arguments.uuid}: not decided here, or too long ago (metrics.keep)"
        )
    print(_json(found) if arguments.json else "\n\n".join(words.text(facts, saw=True) for facts in found))
    return 0


def _page_address(arguments: argparse.Namespace) -> str:
    """Where the running daemon answers questions: what was given, else metrics.listen."""
    if arguments.listen:
        return str(arguments.listen)  # and a conf.toml that cannot be read is no hindrance
    config = read_config(arguments.config)
    address = config.metrics.listen
    if not address:
        read = config.source or f"{DEFAULT_PATH} is not there, and by default it is"
        raise OSError(
            f"metrics.listen is off ({read}), so nobody can be asked; "
            'listen = "127.0.0.1:9484" under [metrics] and a restart turn it on'
        )
    return address


def _status(arguments: argparse.Namespace) -> int:
    from fsdaemon.cli import explain, status

    address = _page_address(arguments)

    def ask() -> dict[str, Any]:
        told = explain.ask_page(address, "/status")
        verdicts = explain.ask_page(address, "/verdicts")
        if not (isinstance(told, dict) and "healthy" in told and isinstance(verdicts, list)):
            raise OSError(explain.NO_PAGE.format(address))
        return {**told, "verdicts": verdicts[-arguments.last :] if arguments.last else []}

    if arguments.json:
        told = ask()
        print(_json(told))
    else:
        told = status.show(ask, arguments.watch)
    return 0 if told["healthy"] else 1


def _json(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return "".join(ch if ch.isprintable() or ch == "\n" else json.dumps(ch)[1:-1] for ch in text)


def _explain_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--caller",
        metavar="USER",
        type=options.someone,
        help="the caller: a user, or with --outside a number",
    )
    add("--callee", metavar="USER", type=options.someone, help="the user who is dialled")
    add(
        "--domain", type=options.domain, help="the domain of users given without one (101, not 101@b.example)"
    )
    add("--outside", action="store_true", help="the caller is not a user; --caller is an external number")
    add("--withheld", action="store_true", help="the caller withholds the number")
    add("--name", type=options.pair, action="append", default=[], metavar="USER=NAME",
        help="a user's name in the directory; may be given several times")  # fmt: skip
    add("--group", action="append", default=[], help="a group the caller is in")
    for kind in SET:
        when = KINDS[kind].when
        add(f"--{kind.replace('_', '-')}", metavar="TARGET", help=f"where the callee forwards to, {when}")
    add("--own", default="", metavar="LIST",
        help="who may get through, by the callee's own list: 104,+491701234567,group:sales")  # fmt: skip
    add("--failed", choices=SET[1:], help="the callee's phone was tried, and why it did not take the call")
    add("--calls", type=options.count, default=0, metavar="N",
        help="the callee has N calls already (routing.busy)")  # fmt: skip
    add("--path", type=options.path, default=(), metavar="USERS",
        help="users who forwarded the call already, oldest first: 104,105")  # fmt: skip
    add("--recording", type=Path, metavar="FILE",
        help="channel data (fs_cli -x 'uuid_dump UUID' > FILE); other options override it")  # fmt: skip
    add("--via", type=options.address, metavar="HOST:PORT", help="ask the daemon with this server.listen")
    add("--uuid", help="a call that the running daemon decided; it is asked at metrics.listen")
    add(
        "--listen",
        type=options.page,
        metavar="HOST:PORT",
        help="with --uuid: ask here, not at metrics.listen",
    )
    add("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=_explain, parser=parser)


def _status_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--listen",
        "--url",
        type=options.page,
        metavar="HOST:PORT",
        help="ask here, not at metrics.listen",
    )
    add(
        "--last", type=options.count, default=10, metavar="N", help="number of verdicts to show (default: 10)"
    )
    add("--watch", action="store_true", help="repeat every two seconds, until Ctrl-C")
    add("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=_status)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fsdaemon", description="Call-forward exception and display for FreeSWITCH."
    )
    parser.add_argument("--version", action="version", version=f"fsdaemon {__version__}")
    commands = parser.add_subparsers(required=True, metavar="command")
    serve = commands.add_parser("serve", help="run the daemon in the foreground")
    serve.add_argument(
        "--listen",
        type=options.address,
        action="append",
        metavar="HOST:PORT",
        help="listen here, not at server.listen",
    )
    serve.set_defaults(run=_serve)
    check = commands.add_parser("check", help="check a conf.toml and print the effective configuration")
    check.add_argument(
        "--print",
        action="store_true",
        help="print all settings of each domain, not only those that differ",
    )
    check.set_defaults(run=_check)
    status = commands.add_parser("status", help="show the state of the running daemon and its last verdicts")
    _status_options(status)
    explain = commands.add_parser(
        "explain",
        help="say what would happen to a call, and why",
        epilog="example: fsdaemon explain --caller 102 --callee 100 --always 101",
    )
    _explain_options(explain)
    for command in (serve, check, status, explain, doctor.command(commands)):
        command.add_argument(
            "--config",
            type=Path,
            metavar="PATH",
            help=f"configuration file (default: {DEFAULT_PATH}, if it exists)",
        )
    return parser
