"""greenswitch as it comes: its OutboundESLServer, and an application that decides as fsdaemon does."""

from __future__ import annotations

from greenswitch.esl import OutboundESLServer, OutboundSession

from bench.peers.decision import verdict
from bench.peers.options import parse


class Application:
    """What greenswitch's users write."""

    def __init__(self, session: OutboundSession) -> None:
        """greenswitch has sent `connect` already."""
        self.session = session

    def run(self) -> None:
        """Decide and tell; greenswitch closes the session afterwards."""
        command = verdict(self.session.session_data)
        self.session.call_command(command.application, command.argument)


def main() -> None:
    """Serve until killed. The limit of sessions is fsdaemon's; its own (100) would turn calls away."""
    OutboundESLServer("127.0.0.1", parse().port, Application, max_connections=1000).listen()


if __name__ == "__main__":
    main()
