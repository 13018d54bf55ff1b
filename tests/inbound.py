"""FreeSWITCH's inbound event socket, and peers that are none, for tests: each connection is a script in a thread."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Mapping
from itertools import count

PASSWORD = "Geheim-7:@x"
USER = "fsdaemon@lab.test"


class Peer:
    """One connection, from FreeSWITCH's side."""

    def __init__(self, sock: socket.socket, switch: Fake) -> None:
        self.sock, self.switch = sock, switch
        self._buffer = b""

    def say(self, text: str | bytes) -> None:
        self.sock.sendall(text.encode() if isinstance(text, str) else text)

    def greet(self) -> None:
        self.say("Content-Type: auth/request\n\n")

    def reply(self, text: str) -> None:
        self.say(f"Content-Type: command/reply\nReply-Text: {text}\n\n")

    def answer(self, text: str) -> None:
        body = text.encode()
        self.say(b"Content-Type: api/response\nContent-Length: %d\n\n%b" % (len(body), body))

    def event(self, **headers: str) -> None:
        body = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in headers.items()).encode()
        self.say(b"Content-Length: %d\nContent-Type: text/event-plain\n\n%b\n" % (len(body) + 1, body))

    def leave(self) -> None:
        text = "Disconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n"
        self.say(f"Content-Type: text/disconnect-notice\nContent-Length: {len(text)}\n\n{text}")

    def command(self) -> str:
        """The next command; ConnectionError when there are no more."""
        while b"\n\n" not in self._buffer:
            data = self.sock.recv(65536)
            if not data:
                raise ConnectionError
            self._buffer += data
        command, _, self._buffer = self._buffer.partition(b"\n\n")
        self.switch.commands.append(command.decode())
        return command.decode()

    def log_in(self) -> None:
        """Greeting, login and subscription, as FreeSWITCH does it."""
        self.greet()
        if self.command() not in (f"auth {PASSWORD}", f"userauth {USER}:{PASSWORD}"):
            self.reply("-ERR invalid")
            self.leave()
            raise ConnectionError
        self.reply("+OK accepted")

    def obey(self) -> None:
        """Answer one command."""
        command = self.command()
        word, _, rest = command.partition(" ")
        if word == "api":
            self.answer(self.switch.answers.get(rest, "-ERR no reply\n"))
        elif word == "sendevent":
            self.reply(f"+OK {next(self.switch.numbers)}")
        elif word == "event":
            self.reply("+OK event listener enabled plain")
        elif word == "nolog":
            self.reply("-ERR not loging")
        else:
            self.reply("-ERR command not found")


def good(peer: Peer) -> None:
    """FreeSWITCH."""
    peer.log_in()
    while True:
        peer.obey()


class Fake:
    """Listens; `script` plays each connection."""

    def __init__(
        self, script: Callable[[Peer], None] = good, answers: Mapping[str, str] | None = None, port: int = 0
    ) -> None:
        self.script, self.answers = script, dict(answers or {})
        self.commands: list[str] = []
        self.numbers = count()
        self.connections = 0
        self.over = threading.Event()
        self._peers: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", port))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                self.connections += 1
                self._peers.append(sock)
                threading.Thread(target=self._play, args=(sock,), daemon=True).start()

    def _play(self, sock: socket.socket) -> None:
        with sock, contextlib.suppress(OSError):
            self.script(Peer(sock, self))

    def hang_up(self) -> None:
        """Break every connection."""
        for sock in self._peers:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Fake:
        return self

    def __exit__(self, *exc: object) -> None:
        self.over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.hang_up()
