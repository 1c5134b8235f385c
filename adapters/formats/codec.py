"""What a format offers to the relay: one side for clients, one for providers, each a row of functions.

A new format is one module with these functions and one row in `formats.table`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.formats.errors import ProviderError
    from adapters.formats.neutral import (
        Encoded,
        Request,
        RequestOptions,
        Response,
        ResponseOptions,
        StreamEvent,
    )
    from adapters.formats.piece import Piece
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


class ErrorBody(Protocol):
    """Writes an error in a format's own envelope."""

    def __call__(
        self, *, status: int, message: str, type: str, code: object = None, param: object = None, request_id: str = ""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSide:
    """A format that we speak to providers."""

    encode_request: Callable[[Request, str, RequestOptions], Encoded]
    """Request, the model's name for the provider, options."""
    decode_response: Callable[[bytes], Response]
    stream_decoder: Callable[[], StreamDecoder]
    read_error: Callable[[bytes, int], ProviderError]
    endpoint: str
    """The catalogue's name of the endpoint that takes such requests (`chat_completions`, `messages` …)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passing:
    """How answers of a format are read when they pass from a provider to a client of the same format."""

    read_piece: Callable[[bytes, bytes | None], Piece]
    """Data and event name. Raises `FormatError`."""
    ends: Callable[[Event], bool]
    """Whether this is the terminal event of a stream."""
    missing_end: bytes | None
    """Sent when a provider said that its answer is over and left the terminal event out; `None`: nothing is."""
