"""Genesis as it comes (asyncio): its outbound server, and a handler that decides as fsdaemon does."""

from __future__ import annotations

import asyncio

from genesis import Outbound, Session, use_uvloop

from bench.peers.decision import verdict
from bench.peers.options import parse


async def handle(session: Session) -> None:
    """Decide and tell; Genesis has sent `connect` already and closes the session afterwards."""
    command = verdict(session.context)
    await session.sendmsg("execute", command.application, command.argument)


def main() -> None:
    """Serve until killed; no events and no linger, which would be commands more."""
    options = parse()
    if options.uvloop and not use_uvloop():
        raise SystemExit("genesis: no uvloop")
    asyncio.run(Outbound(handle, "127.0.0.1", options.port, events=False, linger=False).start())


if __name__ == "__main__":
    main()
