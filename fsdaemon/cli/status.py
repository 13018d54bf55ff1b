"""How a running daemon is, on a terminal: the page's figures and its last verdicts.

Rule: draws what it is told; where that comes from is the caller's.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from fsdaemon.core.sentences import printable

_EVERY = 2.0  # seconds
_BARS = "▁▂▃▄▅▆▇█"
_WIDE = 120  # columns that a UUID finds room in
_COLOURS = {"ring": "green", "forward": "blue"}


def show(
    ask: Callable[[], dict[str, Any]], watch: bool = False, console: Console | None = None
) -> dict[str, Any]:
    """Print what `ask` tells (/status, with its `verdicts`), with `watch` again and again.

    Returns what was told last. Raises what `ask` raises; with `watch` only at the first time.
    """
    told = ask()
    console = console or Console(highlight=False)
    if not console.is_terminal:
        console.width = 200  # a pipe has no edge
    if not watch:
        console.print(_drawn(told, console.width))
        return told
    with Live(
        _drawn(told, console.width), console=console, screen=console.is_terminal, auto_refresh=False
    ) as live:
        while True:
            time.sleep(_EVERY)
            try:
                told = ask()
                live.update(_drawn(told, console.width), refresh=True)
            except OSError as error:
                live.update(Text(f"{datetime.now():%H:%M:%S} {error}", "red"), refresh=True)


def _drawn(told: dict[str, Any], width: int) -> Group:
    parts: list[Any] = [_figures(told)]
    if told["verdicts"]:
        parts += [Text(), _verdicts(told["verdicts"], width >= _WIDE)]
    return Group(*parts)


def _figures(told: dict[str, Any]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    up = timedelta(seconds=int(told["now"] - told["started"]))
    healthy = Text("healthy", "bold green") if told["healthy"] else Text("in trouble", "bold red")
    table.add_row("fsdaemon", healthy + Text(f", version {told['version']}, up for {up}", "default"))
    for trouble in told["troubles"]:
        table.add_row("", Text(printable(trouble), "red"))
    masked = ", numbers masked" if told["numbers"] == "masked" else ""
    table.add_row("configuration", Text((told["configuration"] or "the defaults that are built in") + masked))
    table.add_row("in flight", f"{told['in_flight']} of {told['max_sessions']}")
    rate = told["calls_a_minute"]
    table.add_row("calls a minute", Text(f"{rate['now']} now, most {rate['most']} in the last hour"))
    table.add_row("", Text(_bars([sum(minute.values()) for minute in told["minutes"]]), "cyan"))
    table.add_row("verdicts", Text(f"{told['rang']} rang, {told['forwarded']} forwarded"))
    table.add_row("no verdict", told["no_verdict"])
    took = told["milliseconds"]
    if took:
        table.add_row("decided in", f"{took['p50']} ms (half of the calls), {took['p95']} ms (95 of 100)")
    reloads = told["reloads"]
    switch = told.get("switch", {"state": "off"})  # a daemon of before an upgrade has none
    if switch["state"] != "off":
        table.add_row("event socket", Text(printable(_switch(switch))))
    table.add_row("reloads", f"{reloads['done']} done, {reloads['refused']} refused")
    return table


def _switch(told: dict[str, Any]) -> str:
    why = f": {told['why']}" if told["why"] and told["why"] not in told["state"] else ""
    counts = f"{told['reconnects']} reconnects, {told['events']} events, {told['events_dropped']} dropped"
    return f"{told['address']} {told['state']}{why}; {counts}"


def _bars(counts: list[int]) -> str:
    most = max(*counts, 1)
    return "".join(_BARS[-(-count * (len(_BARS) - 1) // most)] for count in counts)


def _verdicts(verdicts: list[dict[str, Any]], with_uuid: bool) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("time", "from", "to", "verdict", "reason", "the phone shows", "UUID")[: 6 + with_uuid]:
        table.add_column(name, no_wrap=name != "the phone shows", overflow="fold")
    for one in reversed(verdicts):
        verdict = f"forward to {one['target']}" if one["verdict"] == "forward" else "ring"
        cells = [f"{datetime.fromtimestamp(one['time']):%H:%M:%S}", one["caller"], one["callee"], verdict]
        cells += [one["reason"], one["label"], one["uuid"]]
        row = [Text(printable(cell)) for cell in cells[: 6 + with_uuid]]
        row[3].stylize(_COLOURS.get(one["verdict"], ""))
        table.add_row(*row)
    return table
