"""`python -m bench`: fsdaemon beside its peers, its memory over a long run, or calls through FreeSWITCH."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from bench import measure, report
from bench.load import Generator, verdict_command
from bench.process import Peer, cpus

_PEERS = ("fsdaemon", "greenswitch", "genesis", "minimal")


def main(argv: Sequence[str] | None = None) -> int:
    """Run what was asked for; 0 if it could be measured and every session of fsdaemon got its verdict."""
    options = _options(argv)
    with tempfile.TemporaryDirectory(prefix="fsdaemon-bench-") as name:
        directory = Path(name)
        try:
            if options.fs:
                from bench import fs

                return fs.run(directory, options.seconds, options.rounds, options.out)
            if options.dialplan:
                from bench import dialplan

                return dialplan.run(directory, options.seconds, options.rounds, options.out)
            if options.nodes:
                from bench import nodes

                return nodes.run(directory, options.seconds, options.rounds, options.out)
            if options.memory:
                return _memory(directory, options)
            return _peers(directory, options)
        except RuntimeError as error:
            print(f"bench: {error}", file=sys.stderr)
            return 1


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="per measurement (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="in each, all take their turn (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="one round, half a second: only a look")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write bench.json and bench.png there")
    parser.add_argument("--peers", type=lambda text: text.split(","), default=_PEERS, metavar="A,B,…")
    modes = parser.add_mutually_exclusive_group()
    modes.add_argument("--memory", type=int, metavar="SESSIONS", help="fsdaemon's memory over that many")
    modes.add_argument("--fs", action="store_true", help="post-dial delay through $FREESWITCH")
    modes.add_argument(
        "--dialplan", action="store_true", help="the delivered dialplan beside the stock one, on $FREESWITCH"
    )
    modes.add_argument("--nodes", action="store_true", help="one $FREESWITCH, and two on one PostgreSQL")
    options = parser.parse_args(argv)
    if options.quick:
        options.rounds, options.seconds = 1, 0.5
    if options.rounds < 1 or options.seconds <= 0:
        parser.error("--rounds and --seconds must be more than nothing")
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
    return options


def _generator(directory: Path) -> Generator:
    places = cpus()
    if places is None:
        print("bench: one CPU for server and load: the figures say little", file=sys.stderr)
    generator = Generator(directory, places[0] if places else None)
    if not generator.native:
        print(
            "bench: no C compiler (cc): the load comes from Python and may be the bottleneck; "
            "compare the ratios with care, and look at `load busy`",
            file=sys.stderr,
        )
    return generator


def _start(name: str, directory: Path) -> Peer:
    verdict = directory / "verdict"
    verdict.write_bytes(verdict_command())
    peer = Peer(name, directory, ["--verdict", str(verdict)])
    places = cpus()
    if places:
        peer.pin(places[1])
    return peer


def _peers(directory: Path, options: argparse.Namespace) -> int:
    generator = _generator(directory)
    with contextlib.ExitStack() as stack:
        peers = []
        for name in options.peers:
            try:
                peers.append(stack.enter_context(_start(name, directory)))
            except RuntimeError as error:
                print(f"bench: left out: {error}", file=sys.stderr)
        if not peers:
            raise RuntimeError("nothing to measure")
        measured = measure.rounds(
            peers, generator, options.seconds, options.rounds, lambda text: print(text, file=sys.stderr)
        )
    order = {name: at for at, name in enumerate(options.peers)}
    results = sorted(measure.medians(measured), key=lambda one: order[one.peer])
    table = report.table(results, measured)
    print(table, report.memory_table(measured), report.targets(measured), sep="\n\n")
    if options.out:
        report.write_json(options.out / "bench.json", measured, results)
        if not report.draw(options.out / "bench.png", results):
            print("bench: no bench.png, matplotlib is not installed", file=sys.stderr)
    failed = sum(one.failures for one in results if one.peer == report.OURS)
    if failed:
        print(f"bench: {failed} sessions of fsdaemon got no verdict", file=sys.stderr)
    return 1 if failed else 0


def _memory(directory: Path, options: argparse.Namespace) -> int:
    generator = _generator(directory)
    with _start(report.OURS, directory) as peer:
        result = measure.memory(peer, generator, options.memory)
    print(report.growth(result))
    if options.out:
        (options.out / "bench-memory.json").write_text(json.dumps(asdict(result), indent=1) + "\n", "utf-8")
    return 1 if result.failures else 0


if __name__ == "__main__":
    sys.exit(main())
