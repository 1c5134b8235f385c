"""The operator's view: one line per relay, made to be scanned while it scrolls by.

Colour only underlines what the text says already (a mark at the start of each line, the status, the level), so
nothing is lost without it. Lines are built with plain format strings: rich takes milliseconds for what takes
microseconds here, and is used for the start-up panel only. `docs/console.md` describes the columns, and a test
compares that page with `COLUMNS`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size

from gateway.observe.records import UNITS_PER_USD, Event, Relayed, relay_level

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gateway.observe.records import Record
    from gateway.observe.types import Level, RelaySummary

COLUMNS = ("mark", "time", "id", "user", "model → channel", "st", "first", "total", "in", "out", "cache", "cost")
"""Names of the columns, in order, as the heading shows them; the mark has no heading."""

NARROWEST = 80
UNKNOWN_WIDTH = 100
INDENT = 11
"""Where second lines begin: under the request id."""

_NUMBERS_WIDTH = 3 + 1 + 5 + 1 + 5 + 1 + 17 + 1 + 9
_MARKS: dict[Level, str] = {"debug": "·", "info": " ", "warning": "!", "error": "✗"}
_PLAIN = str.maketrans({"→": ">", "✗": "x", "·": ".", "…": "~", "↳": "\\"})
_RESET, _DIM, _BOLD = "\x1b[0m", "\x1b[2m", "\x1b[1m"
_COLOURS: dict[Level, str] = {"debug": _DIM, "info": "\x1b[32m", "warning": "\x1b[33m", "error": "\x1b[31m"}


@dataclass(frozen=True, slots=True)
class Terminal:
    """What the terminal can do."""

    width: Callable[[], int]
    """Asked for every batch, since windows are resized."""
    colour: bool = True
    encoding: str = "utf-8"


class Console:
    """Renders records for a person. Used by one thread at a time."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._width = NARROWEST
        self._id_width = self._user_width = self._route_width = 0
        self._headed_width = 0
        self._second = -1
        self._second_text = ""

    def render(self, records: Iterable[Record]) -> bytes:
        """Return `records` as lines."""
        self._measure()
        text = "".join([self._lines(record) for record in records])
        encoding = self._terminal.encoding
        if encoding.lower().replace("_", "-") not in ("utf-8", "utf8"):
            text = text.translate(_PLAIN)
        return text.encode(encoding, errors="replace")

    def _measure(self) -> None:
        self._width = max(self._terminal.width(), NARROWEST)
        roomy = self._width >= 120
        self._id_width, self._user_width = (8, 14) if roomy else (6, 8)
        # mark, time, id, user and the numbers, with a blank after each
        taken = 2 + 9 + self._id_width + 1 + self._user_width + 1 + 1 + _NUMBERS_WIDTH
        self._route_width = min(max(self._width - taken, 10), 60)

    def _lines(self, record: Record) -> str:
        if isinstance(record, Relayed):
            return self._heading() + self._relay(record.at_s, record.summary)
        if isinstance(record, Event):
            return self._event(record)
        self._headed_width = 0
        # Where no terminal is, there is no panel: what draws it is loaded for those who see it.
        from gateway.observe.startup import startup_panel  # noqa: PLC0415

        return startup_panel(
            record.facts, width=self._width, colour=self._terminal.colour, encoding=self._terminal.encoding
        )

    def _heading(self) -> str:
        if self._headed_width == self._width:
            return ""
        self._headed_width = self._width
        _, moment, number, user, route, status, first, total, taken, given, cached, cost = COLUMNS
        line = (
            f"  {moment:<8} {number:<{self._id_width}} {user:<{self._user_width}} {route:<{self._route_width}} "
            f"{status:>3} {first:>5} {total:>5} {taken:>5} {given:>5} {cached:>5} {cost:>9}"
        )
        return self._painted(line, _DIM)

    def _relay(self, at_s: float, s: RelaySummary) -> str:
        level = relay_level(s)
        route = f"{s.model} → {s.channel}" if s.channel else s.model
        first = "-" if s.first_content_s is None else _seconds(s.first_content_s)
        head = (
            f"{self._clock(at_s)} {s.request_id[-self._id_width :]:<{self._id_width}} "
            f"{_fitted(s.user, self._user_width)} {_fitted(route, self._route_width)}"
        )
        numbers = (
            f"{first:>5} {_seconds(s.duration_s):>5} {_count(s.prompt_tokens):>5} {_count(s.completion_tokens):>5} "
            f"{_count(s.cached_tokens) if s.cached_tokens else '-':>5} {_dollars(s.units):>9}"
        )
        status = f"{s.status:>3}"
        if self._terminal.colour:
            status = f"{_COLOURS[level]}{status}{_RESET}"
        mark = "~" if s.outcome == "client_gone" else _MARKS[level]
        lines = f"{mark} {head} {status} {numbers}\n"
        remarks = []
        if s.attempts > 1:
            remarks.append(f"{s.attempts} attempts")
        if s.outcome != "ok":
            remarks.append(s.outcome.replace("_", " "))
        if s.error:
            remarks.append(s.error)
        if remarks:
            lines += self._second_line(": ".join(remarks), level)
        return lines

    def _event(self, record: Event) -> str:
        fields = record.fields
        trace = str(fields.get("traceback", ""))
        details = " ".join([f"{name}={value}" for name, value in fields.items() if name != "traceback"])
        if record.name.startswith("relay."):
            # Belongs to a relay that still runs: a remark above its line, not a line of its own.
            text = f"{record.name.removeprefix('relay.')}: {record.message} {details}"
            return self._second_line(text, record.level) + self._traceback(trace)
        text = f"{_MARKS[record.level]} {self._clock(record.at_s)} {record.name}  {_clean(record.message)}"
        if details:
            text += f"  {_clean(details)}"
        colour = "" if record.level == "info" else _COLOURS[record.level]
        return self._painted(text, colour) + self._traceback(trace)

    def _second_line(self, text: str, level: Level) -> str:
        colour = _COLOURS[level] if level in ("warning", "error") else _DIM
        return self._painted(f"{' ' * INDENT}↳ {_cut(_clean(text), self._width - INDENT - 2)}", colour)

    def _traceback(self, text: str) -> str:
        return "".join([self._painted(f"  | {_clean(line)}", _DIM) for line in text.splitlines()])

    def _painted(self, text: str, colour: str) -> str:
        return f"{colour}{text}{_RESET}\n" if colour and self._terminal.colour else f"{text}\n"

    def _clock(self, at_s: float) -> str:
        second = int(at_s)
        if second != self._second:
            self._second, self._second_text = second, time.strftime("%H:%M:%S", time.localtime(second))
        return self._second_text


def _clean(text: str) -> str:
    """Return `text` on one line and without control characters, which could redraw the operator's terminal."""
    if text.isprintable():
        return text
    return "".join([c if c.isprintable() else " " for c in text])


def _cut(text: str, width: int) -> str:
    """Return `text` in at most `width` cells."""
    if text.isascii():
        return text if len(text) <= width else f"{text[: width - 1]}…"
    return text if cell_len(text) <= width else f"{set_cell_size(text, width - 1)}…"


def _fitted(text: str, width: int) -> str:
    """Return `text` in exactly `width` cells."""
    text = _clean(text)
    if text.isascii():
        return f"{text:<{width}}" if len(text) <= width else f"{text[: width - 1]}…"
    return set_cell_size(text, width) if cell_len(text) <= width else f"{set_cell_size(text, width - 1)}…"


def _seconds(seconds: float) -> str:
    """Return a duration in at most five characters."""
    if seconds < 9.995:
        return f"{seconds:.2f}s"
    if seconds < 99.95:
        return f"{seconds:.1f}s"
    return f"{seconds:.0f}s" if seconds < 9999.5 else f"{seconds / 3600:.0f}h"


def _count(tokens: int) -> str:
    """Return a number of tokens in at most five characters."""
    if tokens < 100_000:
        return str(tokens)
    return f"{tokens // 1000}k" if tokens < 10_000_000 else f"{tokens // 1_000_000}M"


def _dollars(units: int) -> str:
    """Return quota units as US dollars in at most nine characters, to the sixth decimal while there is room."""
    dollars = units / UNITS_PER_USD
    if abs(dollars) < 9.9999995:
        return f"${dollars:.6f}"
    return f"${dollars:.2f}" if abs(dollars) < 99_999 else f"${dollars:.1e}"
