"""What a format offers to the relay: one side for clients, one for providers, each a row of functions.

A new format is one module with these functions and one row in `formats.table`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.formats.errors import ProviderError
    from adapters.formats.neutral.answers import Response
    from adapters.formats.neutral.encoding import Encoded, RequestOptions, ResponseOptions
    from adapters.formats.neutral.events import Failure, StreamEvent
    from adapters.formats.neutral.requests import Request
    from adapters.formats.piece import Piece
    from adapters.pricing.usage import Usage
    from adapters.sse import Event


class StreamDecoder(Protocol):
    """Turns a provider's events into neutral ones. Not reusable."""

    def feed(self, event: Event) -> list[StreamEvent]:
        """Return what one event says. An unreadable one becomes a `Failure`."""

    def close(self) -> list[StreamEvent]:
        """The provider closed its stream: what is still open ends; without the format's end, a `Failure`."""


class StreamEncoder(Protocol):
    """Turns neutral events into a client's. Not reusable."""

    def encode(self, event: StreamEvent) -> bytes:
        """Return whole events of the format, perhaps none."""

    @property
    def dropped(self) -> tuple[str, ...]:
        """What the format could not carry so far."""


class ReadError(Protocol):
    """Reads the body of an answer with an error status; never raises."""

    def __call__(self, body: bytes, status: int) -> ProviderError:
        """Return the provider's own words."""


class ErrorBody(Protocol):
    """Writes an error in a format's own envelope."""

    def __call__(
        self,
        *,
        status: int,
        message: str,
        type: str,  # noqa: A002 - the member's name in every envelope
        code: object = None,
        param: object = None,
        request_id: str = "",
    ) -> bytes:
        """Return the JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSide:
    """A format that clients speak to us."""

    decode_request: Callable[[bytes], Request]
    encode_response: Callable[[Response, ResponseOptions], Encoded]
    stream_encoder: Callable[[ResponseOptions], StreamEncoder]
    error_body: ErrorBody
    error_event: ErrorBody
    """The same as the terminal event of a stream."""
    heartbeat: bytes = b": keep-alive\n\n"
    """What keeps a stream awake and says nothing; may stand between any two events."""
    stream_type: bytes = b"text/event-stream"
    """The media type of its streams."""
    always_tells_tokens: bool = False
    """Its answers tell how many tokens they took, whatever the client asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountSide:
    """How clients of a format ask for the number of a prompt's tokens, and are told."""

    decode: Callable[[bytes], Request]
    encode: Callable[[int], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSide:
    """A format that we speak to providers."""

    encode_request: Callable[[Request, str, RequestOptions], Encoded]
    """Request, the model's name for the provider, options."""
    decode_response: Callable[[bytes], Response]
    stream_decoder: Callable[[], StreamDecoder]
    read_error: ReadError
    endpoint: str
    """The catalogue's name of the endpoint that takes such requests (`chat_completions`, `messages` …)."""
    stream_url: Callable[[str], str] | None = None
    """Makes the URL for a stream of the one for a whole answer, where they differ."""
    counted: Callable[[Request], Usage] | None = None
    """What is paid for where the request alone decides it; `None`: the provider tells, or tokens are counted."""
    is_dialect: bool = False
    """A wire that answers as Chat does, and often without naming its model."""


class FailPassing(Protocol):
    """Ends a stream badly that passed so far."""

    def __call__(self, failure: Failure, last: bytes, request_id: str) -> bytes:
        """Return the event; `last` is the data of the last one that went out, empty if none did."""


class Reader(Protocol):
    """Reads the events of one stream that passes, or one whole answer."""

    def read(self, data: bytes, event: bytes | None = None) -> Piece:
        """Return what data, with its event name, say. Raises `FormatError`."""


class Stateless:
    """A `Reader` of a format whose events speak for themselves."""

    __slots__ = ("_read_piece",)

    def __init__(self, read_piece: Callable[[bytes, bytes | None], Piece]) -> None:
        self._read_piece = read_piece

    def read(self, data: bytes, event: bytes | None = None) -> Piece:
        """See `Reader`."""
        return self._read_piece(data, event)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passing:
    """How answers of a format are read when they pass from a provider to a client of the same format."""

    reader: Callable[[], Reader]
    ends: Callable[[Event], bool]
    """Whether this is the terminal event of a stream."""
    missing_end: bytes | None
    """Sent when a provider said that its answer is over and left the terminal event out; `None`: nothing is."""
    read_error: ReadError
    trailer: bytes = b""
    """Sent after the terminal event, where the provider has no such last word of its own."""
    fail: FailPassing | None = None
    """Writes the event that ends a stream badly, where it depends on what went before; `None`: as clients have it."""
