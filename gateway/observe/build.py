"""Put a journal together from what the composition root knows."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from gateway.observe.console import UNKNOWN_WIDTH, Console, Terminal
from gateway.observe.journal import JournalService
from gateway.observe.jsonlines import JsonLines
from gateway.observe.lane import Lane
from gateway.observe.sinks import DailyFiles, StreamSink

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from typing import TextIO

    from gateway.observe.push import AlertPusher
    from gateway.observe.records import Event
    from gateway.observe.redact import Redactor
    from gateway.observe.sinks import Renderer
    from gateway.observe.tail import Tail


def build_journal(
    *,
    stream: TextIO,
    redactor: Redactor,
    debug: bool = False,
    log_dir: Path | None = None,
    only_one_file: bool = False,
    alerts: AlertPusher | None = None,
    tail: Tail | None = None,
    watch: Callable[[Event], None] | None = None,
    colour: bool | None = None,
) -> JournalService:
    """Return a journal that writes to `stream` and, if `log_dir` is given, to files there.

    A terminal gets lines for people, anything else JSON lines. `colour` overrides the guess that a terminal has
    colours unless `NO_COLOR` is set or `TERM` is `dumb`.
    """
    descriptor = stream.fileno()
    renderer: Renderer
    if stream.isatty():

        def width() -> int:
            try:
                # 0 where nobody told the terminal's size, as under some supervisors.
                return os.get_terminal_size(descriptor).columns or UNKNOWN_WIDTH
            except OSError:  # The terminal went away.
                return UNKNOWN_WIDTH

        renderer = Console(
            Terminal(
                width=width,
                colour=_has_colour(os.environ) if colour is None else colour,
                encoding=stream.encoding or "utf-8",
            )
        )
    else:
        renderer = JsonLines()
    lanes = [Lane(StreamSink(descriptor, renderer), redactor=redactor)]
    if log_dir is not None:
        lanes.append(Lane(DailyFiles(log_dir, only_one=only_one_file), redactor=redactor))
    return JournalService(lanes, level="debug" if debug else "info", alerts=alerts, tail=tail, watch=watch)


def _has_colour(environment: Mapping[str, str]) -> bool:
    """Tell what the terminal says of itself; not a setting of the gateway, so not read with those."""
    return not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"
