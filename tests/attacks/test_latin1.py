"""Latin-1, as old directories have it, in a header and in an api answer: decided, nothing breaks."""

from tests.attacks.peers import ANSWERS, OK, closes, connect, entry_answer, read_command
from tests.attacks.target import USUAL, Target
from tests.attacks.test_not_utf8 import with_name


def test_in_a_header(daemon: Target) -> None:
    mark = daemon.mark
    played = daemon.call(with_name("Jürgen Groß".encode("latin-1")))
    label = played.variables["effective_caller_id_name"]
    assert label == "Uml. fuer Cora Chefin%3A J\ufffdrgen Gro\ufffd"
    daemon.unharmed(mark)


def test_in_an_api_answer(daemon: Target) -> None:
    mark = daemon.mark
    with connect(daemon.port) as peer:
        read_command(peer)
        peer.sendall(ANSWERS[0])
        read_command(peer)
        peer.sendall(entry_answer("Cora Müßig".encode("latin-1")))
        command = read_command(peer)
        assert "=Uml. fuer Cora M\ufffd\ufffdig%3A Sina Sekretariat" in command.decode("utf-8")
        peer.sendall(OK)
        closes(peer, USUAL)
    daemon.unharmed(mark)
