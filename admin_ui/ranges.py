"""Spans of time that pages look at, and how charts cut them into buckets, in the reader's zone."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from quart import request

from admin_ui.i18n import mark

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

_HOUR, _DAY = 3600, 86_400

NAMED: dict[str, int] = {
    "15m": 900,
    "1h": _HOUR,
    "24h": _DAY,
    "7d": 7 * _DAY,
    "30d": 30 * _DAY,
    "90d": 90 * _DAY,
    "1y": 365 * _DAY,
}
"""How long each is, in seconds."""

TITLES: dict[str, str] = {
    "15m": mark("Last 15 minutes"),
    "1h": mark("Last hour"),
    "24h": mark("Last 24 hours"),
    "7d": mark("Last 7 days"),
    "30d": mark("Last 30 days"),
    "90d": mark("Last 90 days"),
    "1y": mark("Last year"),
    "custom": mark("From … to …"),
}
# Length of a range up to which buckets of a size are used: about a hundred at most.
_STEPS = (
    (1_200, 15),
    (2 * _HOUR, 60),
    (6 * _HOUR, 300),
    (36 * _HOUR, 900),
    (3 * _DAY, _HOUR),
    (10 * _DAY, 2 * _HOUR),
    (40 * _DAY, 8 * _HOUR),
)
_LONGEST = 366 * _DAY


@dataclass(frozen=True, slots=True)
class Range:
    """From `since` to `until` (Unix seconds, `until` not included). Both 0: all time."""

    name: str
    since: int = 0
    until: int = 0
    since_text: str = ""
    until_text: str = ""

    @property
    def seconds(self) -> int:
        """How long it is."""
        return self.until - self.since

    @property
    def step(self) -> int:
        """How long a bucket is by the reader's clock."""
        return next((step for longest, step in _STEPS if self.seconds <= longest), _DAY)

    @property
    def query(self) -> dict[str, str]:
        """The members of an address that stand for it."""
        if self.name == "custom":
            return {"range": "custom", "from": self.since_text, "to": self.until_text}
        return {"range": self.name}

    def before(self) -> Range:
        """Return the span of the same length that ends where this one begins."""
        return Range(self.name, self.since - self.seconds, self.since)


def read_range(zone: tzinfo, *, names: Sequence[str], default: str, now: float | None = None) -> Range:
    """Read the range of the address at hand; one that cannot be read is `default`, `""` being all time."""
    moment = int(time.time() if now is None else now)
    args = request.args
    name = args.get("range", "")
    since_text, until_text = args.get("from", "")[:16], args.get("to", "")[:16]
    if name == "custom":
        chosen = custom(since_text, until_text, zone, moment)
        if chosen is not None:
            return chosen
        name = ""
    if name not in names:
        name = default
    if not name:
        return Range("")
    # The present second belongs to it: what has just happened is what people look for.
    return Range(name, moment + 1 - NAMED[name], moment + 1)


def custom(since_text: str, until_text: str, zone: tzinfo, moment: int) -> Range | None:
    """Return the span between two times as fields have them, whichever is the earlier; `None` if neither is one."""
    since, until = _local(since_text, zone), _local(until_text, zone)
    if since is None and until is None:
        return None
    if since is not None and until is not None and until < since:
        since, until, since_text, until_text = until, since, until_text, since_text
    until = max(min(until if until is not None else moment + 1, moment + 1), 2)
    since = max(since if since is not None else until - _DAY, until - _LONGEST, 1)
    # One that has not begun holds nothing: not all that there is, as if none had been asked for.
    return Range("custom", min(since, until - 1), until, since_text, until_text)


def _local(text: str, zone: tzinfo) -> int | None:
    try:
        return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp())
    except (ValueError, OverflowError, OSError):
        return None


def iso(seconds: float, zone: tzinfo) -> str:
    """Write a time for other programs, with its distance from UTC."""
    return datetime.fromtimestamp(seconds, zone).isoformat(timespec="seconds")


def minute(seconds: float, zone: tzinfo) -> str:
    """Write a time as an address and a field for times have it."""
    return datetime.fromtimestamp(seconds, zone).strftime("%Y-%m-%dT%H:%M")


def days(since: int, until: int, zone: tzinfo) -> list[int]:
    """Return where the days of the reader's calendar begin that a span touches, and where the last one ends."""
    local = datetime.fromtimestamp(since, zone).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    found = [int(local.replace(tzinfo=zone).timestamp())]
    while found[-1] < until or len(found) < 2:
        local += timedelta(days=1)
        found.append(int(local.replace(tzinfo=zone).timestamp()))
    return found


def edges(span: Range, zone: tzinfo) -> list[int]:
    """Return where the buckets of a range begin, and where the last one ends.

    Buckets begin at whole steps of the reader's clock, so the first reaches back before the range begins. A day on
    which clocks are changed has a bucket that is an hour longer or shorter.
    """
    step = span.step
    begin = datetime.fromtimestamp(span.since, zone)
    midnight = begin.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if step <= _HOUR:
        # Clocks are changed by whole steps.
        start = int(midnight.timestamp())
        start += (span.since - start) // step * step
        return list(range(start, span.until + step, step)) if start < span.until else [start, start + step]
    found: list[int] = []
    local = midnight.replace(tzinfo=None)
    while not found or found[-1] < span.until:
        moment = int(local.replace(tzinfo=zone).timestamp())
        if moment <= span.since:
            found = [moment]
        elif moment > found[-1]:
            found.append(moment)
        local += timedelta(seconds=step)
    return found
