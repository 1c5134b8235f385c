"""Server-sent events out of bytes, for relaying.

A scanner that keeps every byte: what it hands out, joined, is what it was fed, so a stream can be passed on untouched
while it is read. It follows the WHATWG's parsing rules: lines end in LF, CRLF or CR; an empty line ends an event;
comments, unknown fields, a leading byte-order mark and a missing blank after the colon are all understood. Events
that hold no data (comments, mostly) are handed out too, since their bytes must go on.

Time is linear in the input however it is cut: a line of 10 MB in pieces is searched once and joined once.
"""

from __future__ import annotations

import re
from typing import NamedTuple

MAX_EVENT_BYTES = 64 * 1024 * 1024
"""Some events carry whole images; what is larger than this is no event but an attack, or a file."""

_BOM = b"\xef\xbb\xbf"
_CR = 13
_EVENT_END = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")
_OVERLAP = 3
"""The longest end of an event is CRLF CRLF: this many of its bytes may have come with the piece before."""


class Event(NamedTuple):
    """One event."""

    raw: bytes
    """Its exact bytes, the empty line at its end included."""
    data: bytes
    """Its `data` lines joined with LF; empty if it has none."""
    event: bytes | None
    """Its `event` field, which most formats leave out."""


class EventTooLong(ValueError):
    """An event grew past the limit without ending."""


class EventScanner:
    """Cuts a stream into events.

    An event is handed out as soon as its last byte is known. Where lines end in CR alone, that takes the first byte
    of the next event, since an LF might follow.
    """

    __slots__ = ("_is_first", "_max_event_bytes", "_pending", "_pending_bytes", "_tail")

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max_event_bytes = max_event_bytes
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._tail = b""
        self._is_first = True

    def feed(self, data: bytes) -> list[Event]:
        """Return the events that `data` completes. Raises `EventTooLong`."""
        if self._pending:
            # What came before was searched when it came.
            window = self._tail + data
            if not _has_end(window):
                self._keep(data, window)
                return []
            data = b"".join((*self._pending, data))
            self._pending.clear()
            self._pending_bytes = 0
        events, left = _split(data)
        if left:
            self._keep(left, left)
        if events and self._is_first:
            self._is_first = False
            raw = events[0].raw
            if raw.startswith(_BOM):
                events[0] = parse_event(raw[len(_BOM) :])._replace(raw=raw)
        return events

    def close(self) -> bytes:
        """Return what is left at the end of the stream: nothing, or an event that lacks its empty line.

        A browser would drop it. Some providers end like that, though: `parse_event` reads it.
        """
        left = b"".join(self._pending)
        self._pending.clear()
        self._pending_bytes = 0
        return left

    def _keep(self, piece: bytes, window: bytes) -> None:
        self._pending.append(piece)
        self._pending_bytes += len(piece)
        self._tail = window[-_OVERLAP:]
        if self._pending_bytes > self._max_event_bytes:
            raise EventTooLong(f"an event is longer than {self._max_event_bytes} bytes")


def parse_event(raw: bytes) -> Event:
    """Read the fields of one event's bytes."""
    data: list[bytes] = []
    event: bytes | None = None
    for line in raw.splitlines():
        name, _, value = line.partition(b":")
        if name == b"data":
            data.append(value.removeprefix(b" "))
        elif name == b"event":
            event = value.removeprefix(b" ")
    return Event(raw, b"\n".join(data), event)


def _has_end(window: bytes) -> bool:
    if b"\r" not in window:
        return b"\n\n" in window
    found = _EVENT_END.search(window)
    return found is not None and not _may_go_on(window, found.end())


def _may_go_on(data: bytes, end: int) -> bool:
    """Whether an LF might follow that belongs to the CR at the end of `data`."""
    return end == len(data) and data[-1] == _CR


def _split(data: bytes) -> tuple[list[Event], bytes]:
    """Cut `data`, which begins where an event begins, into events and a rest."""
    crs = data.count(b"\r")
    if not crs:
        return _split_uniform(data, b"\n\n")
    if crs == data.count(b"\n") == data.count(b"\r\n"):
        return _split_uniform(data, b"\r\n\r\n")
    events: list[Event] = []
    start = 0
    for found in _EVENT_END.finditer(data):
        if _may_go_on(data, found.end()):
            break
        events.append(parse_event(data[start : found.end()]))
        start = found.end()
    return events, data[start:]


def _split_uniform(data: bytes, end: bytes) -> tuple[list[Event], bytes]:
    """Cut `data` whose lines all end alike, which is nearly every stream: without a regular expression."""
    *blocks, left = data.split(end)
    return [
        # Nearly every event is this one line; it is not worth a call.
        Event(block + end, block[6:], None)
        if block.startswith(b"data: ") and b"\n" not in block
        else parse_event(block + end)
        for block in blocks
    ], left
