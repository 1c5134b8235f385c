"""Amazon's event streams, presented as server-sent events.

Frames are cut and checked by botocore (https://smithy.io/2.0/aws/amazon-eventstream.html). `InvokeModel` wraps each
event of the model's own format in base64; those come out as they were. Events of `Converse` come out under their
name. An exception becomes an error event in Claude's words, which the codecs of both know.
"""

from __future__ import annotations

import binascii
import struct
from base64 import b64decode
from typing import TYPE_CHECKING, Protocol, cast

import msgspec
from botocore.eventstream import EventStreamBuffer, ParserError

from adapters.formats.anthropic.failures import error_event, error_type
from adapters.transport.types import ResponseBroken
from adapters.wires.framing import event_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.transport.types import UpstreamResponse

EVENT_STREAM = b"application/vnd.amazon.eventstream"
_CHUNK = "chunk"
_EVENTS = ((b"content-type", b"text/event-stream"),)
_STATUSES = {
    "accessDeniedException": 403,
    "internalServerException": 500,
    "modelStreamErrorException": 502,
    "modelTimeoutException": 504,
    "resourceNotFoundException": 404,
    "serviceQuotaExceededException": 429,
    "serviceUnavailableException": 503,
    "throttlingException": 429,
    "validationException": 400,
}


class Prelude(Protocol):
    """The head of a frame."""

    total_length: int


class Frame(Protocol):
    """What botocore's parser hands out; its stubs take headers and prelude for numbers."""

    prelude: Prelude
    headers: Mapping[str, object]
    payload: bytes


class _Part(msgspec.Struct):
    bytes: str = ""


class _Type(msgspec.Struct):
    type: str = ""


class _Exception(msgspec.Struct):
    message: str = ""
    original_message: str = msgspec.field(default="", name="originalMessage")
    Message: str = ""


_decode_part = msgspec.json.Decoder(_Part).decode
_decode_type = msgspec.json.Decoder(_Type).decode
_decode_exception = msgspec.json.Decoder(_Exception).decode


class EventStreamReader:
    """Turns the bytes of one event stream into server-sent events. Pure; not reusable."""

    def __init__(self) -> None:
        self._buffer = EventStreamBuffer()
        self._unread = 0

    def feed(self, data: bytes) -> bytes:
        """Return the events that `data` completes, perhaps none. Raises `ResponseBroken` for a damaged frame."""
        self._buffer.add_data(data)
        self._unread += len(data)
        out: list[bytes] = []
        try:
            for message in self._buffer:
                frame = cast("Frame", message)
                self._unread -= frame.prelude.total_length
                out.append(event_from(frame))
        except (ParserError, KeyError, ValueError, struct.error) as error:
            # The parser checks sums, not types of headers: garbage there comes out as it hits.
            raise ResponseBroken("the provider sent a frame that cannot be read") from error
        return b"".join(out)

    def close(self) -> None:
        """The bytes are over. Raises `ResponseBroken` when they end within a frame."""
        if self._unread:
            raise ResponseBroken("the provider's answer ends within a frame")


def event_from(frame: Frame) -> bytes:
    """Return one frame as an event. Raises `ValueError` for content that cannot be read."""
    headers = frame.headers
    payload = frame.payload
    match headers.get(":message-type"):
        case "exception":
            told = _exception(payload)
            return _failure(str(headers.get(":exception-type", "")), told)
        case "error":
            return _failure(str(headers.get(":error-code", "")), str(headers.get(":error-message", "")))
    name = headers.get(":event-type")
    if not isinstance(name, str) or "\n" in name:
        raise ValueError("a frame has no event type")
    if name != _CHUNK:
        return b"event: %s\n" % name.encode() + event_of(payload)
    try:
        data = b64decode(_decode_part(payload).bytes, validate=True)
        kind = _decode_type(data).type
    except (msgspec.DecodeError, binascii.Error) as error:
        raise ValueError("a chunk holds no event") from error
    named = b"event: %s\n" % kind.encode() if kind and "\n" not in kind else b""
    return named + event_of(data)


def _exception(payload: bytes) -> str:
    try:
        told = _decode_exception(payload)
    except msgspec.DecodeError:
        return ""
    return told.message or told.Message or told.original_message


def _failure(kind: str, message: str) -> bytes:
    status = _STATUSES.get(kind[:1].lower() + kind[1:], 502)
    words = message or f"the provider reports {kind or 'an error'}"
    return error_event(status=status, message=words, type=error_type(status), code=kind or None)


class EventStream:
    """An answer whose event stream is read as server-sent events."""

    def __init__(self, inner: UpstreamResponse) -> None:
        self.status = inner.status
        self.headers = (
            *(pair for pair in inner.headers if pair[0] not in (b"content-type", b"content-length")),
            *_EVENTS,
        )
        self._inner = inner
        self._reader = EventStreamReader()

    async def receive_some(self) -> bytes:
        """See `adapters.transport.types.UpstreamResponse`."""
        while data := await self._inner.receive_some():
            if events := self._reader.feed(data):
                return events
        self._reader.close()
        return b""

    async def aclose(self) -> None:
        """See `adapters.transport.types.UpstreamResponse`."""
        await self._inner.aclose()
