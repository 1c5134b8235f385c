"""An exchange between two formats: the provider's answer is decoded, read, and encoded for the client.

Both ends are codecs of `adapters.formats`; here is only what the relay wants to know of what passes between them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from adapters.formats.embedders import EMBED_CLIENTS
from adapters.formats.errors import FormatError, ProviderFailure
from adapters.formats.neutral.events import (
    ArgumentsDelta,
    AudioDelta,
    End,
    Failure,
    Finish,
    PartStart,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    UsageUpdate,
)
from adapters.formats.neutral.parts import Audio, Part, Reasoning, Refusal, Text, ToolCall
from adapters.formats.piece import Piece
from gateway.relay.errors import UpstreamFailed
from gateway.relay.exchange import Passed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from adapters.formats.codec import ClientSide, ProviderSide
    from adapters.formats.embedders import EmbedClient, Embedder
    from adapters.formats.embeddings import EmbeddingRequest, EmbeddingResponse
    from adapters.formats.neutral.answers import Response
    from adapters.formats.neutral.encoding import ResponseOptions
    from adapters.formats.shaping import Shaper
    from adapters.pricing.usage import Usage
    from adapters.sse import Event

T = TypeVar("T")


class Converted:
    """A provider's format to a client's."""

    def __init__(
        self,
        provider: ProviderSide,
        client: ClientSide,
        options: ResponseOptions,
        shapers: Sequence[Shaper] = (),
    ) -> None:
        self._provider = provider
        self._shapers = shapers
        self._client = client
        self._options = options
        self._decoder = provider.stream_decoder()
        self._encoder = client.stream_encoder(options)
        self._dropped: tuple[str, ...] = ()
        self._has_usage = False
        # Tokens that the provider does not tell are counted for clients that count on them.
        self._counts = provider.is_dialect or client.always_tells_tokens

    @property
    def dropped(self) -> tuple[str, ...]:
        """See `Exchange`."""
        return self._dropped or self._encoder.dropped

    trailer: bytes = b""
    """Encoders end streams themselves."""

    @property
    def trails(self) -> bool:
        """See `Exchange`."""
        return False

    def failed(self, failure: Failure) -> bytes | None:
        """See `Exchange`."""
        return self._encoder.encode(failure)

    def whole(self, body: bytes) -> Passed:
        """See `Exchange`."""
        response = read_whole(self._provider.decode_response, body)
        for shaper in self._shapers:
            response = shaper.whole(response)
        encoded = self._client.encode_response(response, self._options)
        self._dropped = encoded.dropped
        counts = self._counts and response.usage is None
        return Passed(
            encoded.body,
            _piece_of(response),
            done=True,
            with_usage=(lambda usage: self._written(response, usage)) if counts else None,
        )

    def _written(self, response: Response, usage: Usage) -> bytes:
        response.usage = usage
        return self._client.encode_response(response, self._options).body

    def _ended(self, usage: Usage) -> bytes:
        return self._encoder.encode(UsageUpdate(usage)) + self._encoder.encode(End())

    def event(self, event: Event) -> Passed:
        """See `Exchange`."""
        return self._pass(self._decoder.feed(event))

    def end(self) -> Passed:
        """See `Exchange`."""
        return self._pass(self._decoder.close())

    def _shaped(self, event: StreamEvent) -> list[StreamEvent]:
        events = [event]
        for shaper in self._shapers:
            events = [shaped for event in events for shaped in shaper.event(event)]
        return events

    def _pass(self, events: Iterable[StreamEvent]) -> Passed:
        out: list[bytes] = []
        piece = Piece()
        texts: list[str] = []
        for event in events:
            if isinstance(event, Failure):
                failure = UpstreamFailed(
                    event.message,
                    status=event.status,
                    type=event.type,
                    param=event.param or "",
                    upstream_code=event.code,
                )
                return Passed(b"".join(out), _with(piece, texts), failure=failure)
            # What the provider made is paid for, whether or not the client is shown it.
            _read(event, piece, texts)
            for shaped in self._shaped(event):
                if isinstance(shaped, UsageUpdate):
                    piece.usage = shaped.usage
                    self._has_usage = True
                elif isinstance(shaped, End) and self._counts and not self._has_usage:
                    return Passed(b"".join(out), _with(piece, texts), done=True, with_usage=self._ended)
                out.append(self._encoder.encode(shaped))
            if isinstance(event, End):
                return Passed(b"".join(out), _with(piece, texts), done=True)
        raw = b"".join(out)
        # Nothing has been delivered while a shaper holds it back.
        piece.has_content = piece.has_content and bool(raw)
        return Passed(raw, _with(piece, texts))


class ConvertedEmbeddings:
    """Vectors of a provider whose form is not the client's."""

    dropped: tuple[str, ...] = ()
    """Nothing is lost on the way back."""
    trails = False
    trailer = b""

    def __init__(
        self, embedder: Embedder, request: EmbeddingRequest, client: EmbedClient = EMBED_CLIENTS["openai_chat"]
    ) -> None:
        self._embedder = embedder
        self._client = client
        self._request = request

    def whole(self, body: bytes) -> Passed:
        """See `Exchange`."""
        response = read_whole(self._embedder.decode, body)
        piece = Piece(usage=response.usage, finishes=True, has_content=True)
        return Passed(
            self._client.encode(response, self._request),
            piece,
            done=True,
            with_usage=None if response.usage is not None else lambda usage: self._written(response, usage),
        )

    def _written(self, response: EmbeddingResponse, usage: Usage) -> bytes:
        response.usage = usage
        return self._client.encode(response, self._request)

    def failed(self, failure: Failure) -> bytes | None:
        """See `Exchange`."""
        del failure
        return None

    def event(self, event: Event) -> Passed:
        """See `Exchange`. There are no streams of vectors."""
        return self.end()

    def end(self) -> Passed:
        """See `Exchange`."""
        return Passed(failure=UpstreamFailed("the provider answered with a stream of events"))


def read_whole(decode: Callable[[bytes], T], body: bytes) -> T:
    """Return what `decode` reads in a whole answer. Raises `UpstreamFailed` for what it cannot, and for errors."""
    try:
        return decode(body)
    except FormatError as error:
        raise UpstreamFailed(
            f"the provider's answer cannot be read: {error}", upstream_code="unmarshal_response_body_failed"
        ) from None
    except ProviderFailure as failure:
        raise _failure(failure) from None


def _failure(failure: ProviderFailure) -> UpstreamFailed:
    error = failure.error
    return UpstreamFailed(
        error.message,
        status=failure.status,
        type=error.type or "upstream_error",
        param=error.param,
        upstream_code=error.code,
    )


def _with(piece: Piece, texts: list[str]) -> Piece:
    piece.text = "".join(texts)
    return piece


def _read(event: StreamEvent, piece: Piece, texts: list[str]) -> None:
    match event:
        case TextDelta(text=text) | ReasoningDelta(text=text) | ArgumentsDelta(json=text):
            if text:
                texts.append(text)
                piece.has_content = True
        case PartStart(part=part):
            _read_part(part, piece, texts)
        case AudioDelta():
            piece.has_content = True
        case UsageUpdate(usage=usage):
            piece.usage = usage
        case Finish():
            piece.finishes = True
            piece.has_content = True
        case _:
            pass


def _read_part(part: Part, piece: Piece, texts: list[str]) -> None:
    match part:
        case Text(text=text) | Reasoning(text=text) | Refusal(text=text):
            if text:
                texts.append(text)
                piece.has_content = True
        case ToolCall(name=name, arguments=arguments):
            texts += (name, arguments)
            piece.has_content = True
        case Audio(data="", transcript=""):
            pass
        case _:
            piece.has_content = True


def _piece_of(response: Response) -> Piece:
    piece = Piece(usage=response.usage, finishes=True, has_content=True)
    texts: list[str] = []
    for choice in response.choices:
        for part in choice.parts:
            _read_part(part, piece, texts)
    return _with(piece, texts)
