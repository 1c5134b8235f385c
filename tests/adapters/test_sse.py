"""The scanner of server-sent events."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.sse import Event, EventScanner, EventTooLong, parse_event

PIECES = st.sampled_from(
    [
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n",
        b"\r\n\r\n",
        b"data: a",
        b"data:b",
        b"data",
        b":",
        b" ",
        b"event: e",
        b"id: 1",
        b"x",
        b"data: \xc3\xa9",
        b"\xef\xbb\xbf",
    ]
)


def scan(data: bytes, *cuts: int) -> tuple[list[Event], bytes]:
    scanner = EventScanner()
    events: list[Event] = []
    edges = [0, *sorted(cuts), len(data)]
    for start, end in pairwise(edges):
        events += scanner.feed(data[start:end])
    return events, scanner.close()


@given(st.lists(PIECES, max_size=40).map(b"".join), st.data())
def test_any_cutting_gives_the_same_events_and_loses_no_byte(data: bytes, draw: st.DataObject) -> None:
    cuts = draw.draw(st.lists(st.integers(0, len(data)), max_size=8))
    whole, left = scan(data)
    assert b"".join(event.raw for event in whole) + left == data
    assert scan(data, *cuts) == (whole, left)
    assert scan(data, *range(len(data))) == (whole, left)


@given(st.lists(PIECES, max_size=40).map(b"".join))
def test_data_is_what_a_plain_reading_of_the_standard_gives(data: bytes) -> None:
    """Line by line, as the standard's text has it, against the scanner's shortcuts."""
    # A browser knows a line's end at once where the scanner waits to see whether an LF follows.
    data = data.rstrip(b"\r")
    expected: list[tuple[bytes, bytes | None]] = []
    fields: list[bytes] = []
    kind: bytes | None = None
    text = data.removeprefix(b"\xef\xbb\xbf")
    lines = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    for line in lines[:-1]:
        if not line:
            if fields:
                expected.append((b"\n".join(fields), kind))
            fields, kind = [], None
        elif line.startswith((b"data:", b"event:")):
            name, value = line.split(b":", 1)
            value = value[1:] if value.startswith(b" ") else value
            if name == b"data":
                fields.append(value)
            else:
                kind = value
        elif line == b"data":
            fields.append(b"")
    events, left = scan(data)
    found = [(e.data, e.event) for e in events if e.data]
    assert found == [pair for pair in expected if pair[0]]
    assert parse_event(left).raw == left


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_every_line_end_is_understood(end: bytes) -> None:
    data = end.join([b"event: delta", b"data: 1", b"data:2", b"", b": ping", b"", b"data: [DONE]", b"", b"x"])
    events, left = scan(data)
    assert [(e.data, e.event) for e in events] == [(b"1\n2", b"delta"), (b"", None), (b"[DONE]", None)]
    assert left == b"x"


def test_a_byte_order_mark_belongs_to_the_stream_and_not_to_the_field() -> None:
    events, _ = scan(b"\xef\xbb\xbfdata: a\n\n", 1, 2)
    assert events == [Event(b"\xef\xbb\xbfdata: a\n\n", b"a", None)]


def test_an_event_is_handed_out_with_its_last_byte() -> None:
    scanner = EventScanner()
    assert scanner.feed(b"data: a\r\n\r") == []
    assert scanner.feed(b"\n") == [Event(b"data: a\r\n\r\n", b"a", None)]
    assert len(scanner.feed(b"data: b\n\n")) == 1


def test_ten_megabytes_in_pieces_take_linear_time() -> None:
    line = b"data: " + b"x" * 10_000_000 + b"\n\n"
    scanner = EventScanner()
    started = time.process_time()
    events = [event for i in range(0, len(line), 1000) for event in scanner.feed(line[i : i + 1000])]
    assert time.process_time() - started < 1
    assert [event.raw for event in events] == [line]


def test_an_event_without_end_is_refused() -> None:
    scanner = EventScanner(max_event_bytes=100)
    scanner.feed(b"data: " + b"x" * 90)
    with pytest.raises(EventTooLong):
        scanner.feed(b"xxxxxxxxxxx")
