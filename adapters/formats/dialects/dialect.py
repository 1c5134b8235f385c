"""What the codec of a wire like Chat is made of.

Requests are written from the neutral form (see `asked`). Answers and events are rewritten as the chat completions
and chunks that they stand for, and read by the codec of Chat itself, so that parts, tool calls and thoughts are put
in order in one place. All functions are pure; what they raise is `FormatError`, or `ProviderFailure` where the
provider tells of an error.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from adapters.formats import openai_chat
from adapters.formats.codec import ProviderSide
from adapters.formats.dialects.asked import Asked
from adapters.formats.errors import FormatError, ProviderError, ProviderFailure
from adapters.formats.neutral.encoding import Encoded
from adapters.formats.neutral.events import Failure
from adapters.formats.openai_chat.answer_in import read_response
from adapters.formats.reading import dump, load

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.formats.codec import ReadError
    from adapters.formats.neutral.answers import Response
    from adapters.formats.neutral.encoding import RequestOptions
    from adapters.formats.neutral.events import StreamEvent
    from adapters.formats.neutral.requests import Request
    from adapters.formats.neutral.terms import JsonObject
    from adapters.pricing.usage import Usage
    from adapters.sse import Event


RICH = "rich_chat"
"""Name of the endpoint that takes what is more than texts, where a provider has another one for it."""


class Told(NamedTuple):
    """What one event of a stream says, as chunks of Chat."""

    chunks: tuple[JsonObject, ...] = ()
    is_last: bool = False
    """The wire's own end of the stream: nothing follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One wire."""

    write: Callable[[Asked], JsonObject]
    """Return the body for a provider."""
    read: Callable[[JsonObject], JsonObject]
    """Return the chat completion that a whole answer stands for."""
    hear: Callable[[Event], Told]
    """Return the chunks that an event with data stands for."""
    read_error: ReadError = openai_chat.read_error
    counted: Callable[[Request], Usage] | None = None
    """What is paid for where that is known from the request alone; `None`: the provider tells, or tokens are."""
    stream_url: Callable[[str], str] | None = None
    """Makes the URL for a stream of the one for a whole answer, where they differ."""

    def side(self) -> ProviderSide:
        """Return the codec."""
        return ProviderSide(
            encode_request=self._encode,
            decode_response=self._decode,
            stream_decoder=lambda: _Decoder(self.hear),
            read_error=self.read_error,
            endpoint="chat_completions",
            stream_url=self.stream_url,
            counted=self.counted,
            is_dialect=True,
        )

    def _encode(self, request: Request, model: str, options: RequestOptions) -> Encoded:
        asked = Asked(request, model, options)
        body = self.write(asked)
        return Encoded(dump(body), asked.dropped(), asked.endpoint)

    def _decode(self, body: bytes) -> Response:
        return read_response(self.read(load(body)))


class _Decoder:
    """Reads one stream."""

    __slots__ = ("_hear", "_inner", "_is_over")

    def __init__(self, hear: Callable[[Event], Told]) -> None:
        self._hear = hear
        self._inner = openai_chat.StreamDecoder()
        self._is_over = False

    def feed(self, event: Event) -> list[StreamEvent]:
        """See `adapters.formats.codec.StreamDecoder`."""
        if self._is_over or not (event.data or event.event):
            return []
        out: list[StreamEvent] = []
        try:
            told = self._hear(event)
            for chunk in told.chunks:
                out += self._inner.read(chunk)
        except ProviderFailure as failure:
            self._is_over = True
            error = failure.error
            return [
                Failure(
                    message=error.message, type=error.type, code=error.code, param=error.param, status=failure.status
                )
            ]
        except FormatError as error:
            self._is_over = True
            return [Failure(message=f"the provider sent an event that cannot be read: {error}", code=error.code)]
        self._is_over = bool(out) and isinstance(out[-1], Failure)
        if told.is_last:
            out += self.close()
        return out

    def close(self) -> list[StreamEvent]:
        """See `adapters.formats.codec.StreamDecoder`."""
        if self._is_over:
            return []
        self._is_over = True
        return self._inner.close()


def completion(message: JsonObject, finish: str, *, usage: JsonObject | None = None, **members: object) -> JsonObject:
    """Return a chat completion of one choice."""
    choice: JsonObject = {"index": 0, "message": message, "finish_reason": finish}
    return {**members, "choices": [choice], "usage": usage}


def chunk(
    delta: JsonObject, finish: str | None = None, *, usage: JsonObject | None = None, **members: object
) -> JsonObject:
    """Return a chunk of one choice."""
    choice: JsonObject = {"index": 0, "delta": delta, "finish_reason": finish}
    return {**members, "choices": [choice], "usage": usage}


def tokens(prompt: int, answer: int) -> JsonObject:
    """Return Chat's `usage`."""
    return {"prompt_tokens": prompt, "completion_tokens": answer}


def failure(message: str, code: object, *, status: int, type: str = "") -> ProviderFailure:  # noqa: A002
    """Return the error that an answer of status 200 tells of."""
    words = message or f"the provider reports error {code}"
    return ProviderFailure(ProviderError(message=words, type=type, code=code, param=""), status=status)


def new_call_id() -> str:
    """Return an id for a tool call, where the wire has none: clients need one for the result."""
    return f"call_{uuid.uuid4().hex[:24]}"
