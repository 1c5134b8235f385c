"""Amazon's frames become server-sent events, however they are cut; damaged ones end the stream."""

from __future__ import annotations

import json
import struct
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.sse import EventScanner
from adapters.transport.types import ResponseBroken
from adapters.wires.bedrock.event_stream import EventStream, EventStreamReader
from tests.support.frames import chunk, converse, exception, frame

HELLO = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hé\nllo"}}
STOP = {"type": "message_stop", "amazon-bedrock-invocationMetrics": {"inputTokenCount": 9}}


def read(*pieces: bytes) -> bytes:
    reader = EventStreamReader()
    out = b"".join(reader.feed(piece) for piece in pieces)
    reader.close()
    return out


def events(data: bytes) -> list[tuple[str, object]]:
    scanner = EventScanner()
    return [((event.event or b"").decode(), json.loads(event.data)) for event in scanner.feed(data)]


def test_chunks_come_out_as_the_models_own_events() -> None:
    assert events(read(chunk(HELLO) + chunk(STOP))) == [("content_block_delta", HELLO), ("message_stop", STOP)]


def test_events_of_converse_come_out_under_their_names() -> None:
    told = {"contentBlockIndex": 0, "delta": {"text": "Hel"}}
    assert events(read(converse("contentBlockDelta", told))) == [("contentBlockDelta", told)]


def test_every_cut_gives_the_same() -> None:
    stream = chunk(HELLO) + converse("metadata", {"usage": {}}) + chunk(STOP)
    whole = read(stream)
    assert all(read(stream[:at], stream[at:]) == whole for at in range(len(stream) + 1))
    assert read(*(stream[at : at + 1] for at in range(len(stream)))) == whole


@pytest.mark.parametrize(
    ("kind", "type_"),
    [
        ("throttlingException", "rate_limit_error"),
        ("ThrottlingException", "rate_limit_error"),
        ("serviceUnavailableException", "overloaded_error"),
        ("validationException", "invalid_request_error"),
        ("modelTimeoutException", "timeout_error"),
        ("internalServerException", "api_error"),
        ("somethingNewException", "api_error"),
    ],
)
def test_exceptions_become_errors_in_claudes_words(kind: str, type_: str) -> None:
    [(name, told)] = events(read(exception(kind, "no")))
    assert name == "error"
    assert isinstance(told, dict)
    assert told["error"] == {"type": type_, "message": "no", "code": kind}


def test_an_error_frame_says_it_in_its_headers() -> None:
    [(name, told)] = events(read(frame(b"", message_type="error", error_code="InternalFailure", error_message="oh")))
    assert (name, told["error"]["message"]) == ("error", "oh")  # type: ignore[index]


def test_an_exception_without_words_is_named() -> None:
    [(_, told)] = events(read(frame(b"", message_type="exception", exception_type="throttlingException")))
    assert told["error"]["message"] == "the provider reports throttlingException"  # type: ignore[index]


@pytest.mark.parametrize(
    "damaged",
    [
        chunk(HELLO)[:20] + b"\x00" + chunk(HELLO)[21:],
        b"HTTP/1.1 502 Bad Gateway\r\n\r\n",
        frame(b"not json", event_type="chunk", message_type="event"),
        frame(b'{"bytes": "!!!"}', event_type="chunk", message_type="event"),
        frame(b'{"bytes": "bm90IGpzb24="}', event_type="chunk", message_type="event"),
        frame(b"{}", message_type="event"),
        frame(b"{}", event_type="a\ndata: x", message_type="event"),
    ],
)
def test_a_damaged_frame_ends_the_stream(damaged: bytes) -> None:
    with pytest.raises(ResponseBroken):
        read(damaged)


def test_bytes_that_end_within_a_frame_are_a_broken_answer() -> None:
    reader = EventStreamReader()
    reader.feed(chunk(HELLO)[:-1])
    with pytest.raises(ResponseBroken):
        reader.close()


def test_an_unknown_type_of_header_ends_the_stream() -> None:
    head = b"\x01a\x63"
    prelude = struct.pack(">II", 16 + len(head), len(head))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + head
    with pytest.raises(ResponseBroken):
        read(message + struct.pack(">I", zlib.crc32(message)))


@given(st.binary(max_size=200))
def test_whatever_comes_nothing_else_is_raised(data: bytes) -> None:
    with suppress(ResponseBroken):
        read(data)


class Inner:
    """An answer in pieces."""

    def __init__(self, *pieces: bytes) -> None:
        self.status = 200
        self.headers = ((b"content-type", b"application/vnd.amazon.eventstream"), (b"x-amzn-requestid", b"r1"))
        self._pieces = list(pieces)
        self.closed = False

    async def receive_some(self) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""

    async def aclose(self) -> None:
        self.closed = True


async def test_an_answer_waits_for_whole_frames_and_says_what_it_is() -> None:
    stream = chunk(HELLO)
    inner = Inner(stream[:30], stream[30:])
    answer = EventStream(inner)
    assert dict(answer.headers) == {b"content-type": b"text/event-stream", b"x-amzn-requestid": b"r1"}
    assert events(await answer.receive_some()) == [("content_block_delta", HELLO)]
    assert await answer.receive_some() == b""
    await answer.aclose()
    assert inner.closed


async def test_an_answer_that_is_cut_is_broken() -> None:
    answer = EventStream(Inner(chunk(HELLO)[:30]))
    with pytest.raises(ResponseBroken):
        await answer.receive_some()
