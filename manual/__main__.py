"""Writes the man pages and the shell completions into a folder: python -m manual FOLDER.

fsdaemon(1) and the completions come from the parser of the command line (argparse-manpage, shtab),
fsdaemon.conf(5) from the comments of conf.toml, fsdaemon-dialplan(7) from docs/; so none of them can say what
the program does not know.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import shtab
from argparse_manpage.manpage import Manpage

from fsdaemon import __version__
from fsdaemon.cli import main as cli
from manual import dialplan
from manual.pages import COMMAND_SECTIONS, conf_page

ROOT = Path(__file__).parents[1]
SHELLS = {"bash": "fsdaemon.bash", "zsh": "_fsdaemon", "fish": "fsdaemon.fish"}


def _complete_files(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Let every option that takes a path complete file names."""
    for action in parser._actions:
        if action.type is Path:
            action.complete = shtab.FILE
        elif isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                _complete_files(command)
    return parser


def _command_page() -> str:
    page = Manpage(cli._parser(), format="single-commands-section")
    page.source = f"fsdaemon {__version__}"
    page.manual = "fsdaemon"
    page.description = "call-forward exception and display for FreeSWITCH"
    for heading, text in COMMAND_SECTIONS.items():
        page.add_section(heading, ">", text)
    return str(page)


def main(folder: Path) -> None:
    """Write all of it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "fsdaemon.1").write_text(_command_page(), "utf-8")
    conf = (ROOT / "conf.toml").read_text("utf-8")
    (folder / "fsdaemon.conf.5").write_text(conf_page(conf, __version__), "utf-8")
    (folder / "fsdaemon-dialplan.7").write_text(dialplan.page(ROOT, __version__), "utf-8")
    parser = _complete_files(cli._parser())
    for shell, name in SHELLS.items():
        (folder / name).write_text(shtab.complete(parser, shell), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
