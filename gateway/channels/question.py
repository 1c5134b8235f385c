"""The question that a channel test asks, and reading the answer: each model through an endpoint that it has.

A chat goes through the codecs of the client's and of the provider's format, anything else as relays send it; wires
sign and frame as they do for relays. So a test that passes says that relays will.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from adapters.formats import embeddings
from adapters.formats.errors import FormatError, ProviderFailure
from adapters.formats.neutral.encoding import ResponseOptions
from adapters.formats.neutral.parts import Text
from adapters.formats.neutral.requests import Message, Request
from adapters.formats.pictures import painter as pictures
from adapters.formats.piece import Piece
from adapters.formats.table import CLIENTS, PROVIDERS
from adapters.pricing.charge import charge
from adapters.pricing.usage import Usage
from adapters.providers.urls import upstream_url
from gateway.channels.answer import Letter, Seen, send_stream, send_whole
from gateway.channels.kinds import ENDPOINTS, kind_of
from gateway.channels.samples import SHOWN, Sample, sample
from gateway.relay import endpoints
from gateway.relay.convert import Converted
from gateway.relay.endpoints import Kind
from gateway.relay.errors import UpstreamFailed
from gateway.relay.exchange import PassThrough
from gateway.relay.prepare import request_options
from gateway.relay.route import find_route

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from adapters.formats.codec import ReadError
    from adapters.formats.neutral.terms import Format
    from adapters.formats.pictures.painter import Painter
    from adapters.pricing.price import Price
    from gateway.registry.snapshot import ChannelView
    from gateway.relay.endpoints import Endpoint
    from gateway.relay.exchange import Exchange
    from gateway.relay.route import Route
    from gateway.services import Services

# A test is one short question; whoever needs longer than this is of no use to a relay either.
LIMIT_S = 60.0
# Images are made in one piece, and nobody is faster at it.
IMAGE_LIMIT_S = 180.0
LONGEST_TEXT = 2000
LONGEST_PROMPT = 4000
# The least that the Responses API takes as a limit (https://platform.openai.com/docs/api-reference/responses).
_LEAST_LIMIT = 16

FORMATS: Final[Mapping[Format, Endpoint]] = {
    "openai_chat": endpoints.CHAT,
    "openai_responses": endpoints.RESPONSES,
    "anthropic": endpoints.MESSAGES,
    "gemini": endpoints.GENERATE,
}
"""The formats in which clients may ask for a chat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is asked. Format and stream only count for models that chat."""

    model: str = ""
    """As clients name it; empty: whichever is best to test."""
    format: Format = "openai_chat"
    streams: bool = False
    prompt: str = ""
    """Empty: the one that is set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a test went. `text` is the answer, or what went wrong."""

    passed: bool
    text: str
    model: str
    seconds: float
    may_disable: bool = False
    """The failure proves that the channel's key or account is at fault."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    units: int = 0
    """What the provider asks for it; the channel's own prices are what clients pay."""
    status: int = 0
    """HTTP, of the provider's answer; 0: there was none."""
    first_s: float | None = None
    """When the first byte came, of a stream the first content."""
    format: str = ""
    """In which a client would have asked; empty where it is no chat."""
    streams: bool = False
    body: str = ""
    """What the provider wrote of an error, with keys masked."""


@dataclass(frozen=True, slots=True)
class _Question:
    """One request, and how its answer is read."""

    endpoint: str
    sample: Sample
    read: Callable[[bytes], Piece | None]
    """Raises `UpstreamFailed`, `FormatError`, and `ProviderFailure` for an error inside the answer."""
    read_error: ReadError
    stream: Exchange | None = None
    """How a stream is read, if it is one."""
    stream_url: Callable[[str], str] | None = None
    format: str = ""


def best_to_test(services: Services, channel: ChannelView) -> str:
    """Return the channel's model that is tested at the least cost: of the cheapest kind, then price, then by name."""

    def cost(model: str) -> tuple[int, object, str]:
        price = price_of(services, channel, model)
        kind = kind_of(channel, channel.upstream_model(model), price)
        rank = list(ENDPOINTS).index(kind) if kind else len(ENDPOINTS)
        return rank, price.rates.ratio * (1 + price.rates.completion_ratio), model

    return min(channel.models, key=cost)


def price_of(services: Services, channel: ChannelView, model: str) -> Price:
    """Return what `model` (as clients name it) costs on the channel."""
    sent = channel.upstream_model(model)
    return services.catalogue.prices.resolve(channel.type, sent, channel.model_configs.get(sent))


def limit_s(services: Services, channel: ChannelView, model: str) -> float:
    """Return how many seconds a test of `model` may take."""
    kind = kind_of(channel, channel.upstream_model(model), price_of(services, channel, model))
    return IMAGE_LIMIT_S if kind is Kind.IMAGES else LIMIT_S


async def ask(services: Services, channel: ChannelView, wish: Wish, seen: Seen) -> Outcome:
    """Ask the provider of a channel something short, and return how it went but for the time it took.

    Raises `UpstreamFailed`, and `UrlError` for a channel that lacks a setting; `seen` then tells how far it came.
    """
    settings, provider = services.settings, channel.provider
    sent = channel.upstream_model(wish.model)
    price = price_of(services, channel, wish.model)
    kind = kind_of(channel, sent, price)
    if kind is None:
        raise UpstreamFailed(f"a channel of type {provider.name} cannot be tested with {wish.model}", status=400)
    prompt = wish.prompt or settings.test_prompt
    if kind is Kind.CHAT:
        question = _chat(services, channel, sent, replace(wish, prompt=prompt))
    else:
        route = find_route(channel, ENDPOINTS[kind], sent)
        assert route is not None, "kinds have a route"  # noqa: S101
        body = sample(
            kind,
            sent,
            prompt=prompt,
            most_tokens=settings.test_max_tokens,
            image=price.image if provider.takes_image_shape else None,
        )
        question = _other(kind, sent, route, body)
    streams = question.stream is not None
    url = upstream_url(provider, channel.base_url, question.endpoint, sent, channel.config, streams=streams)
    letter = Letter(
        url=question.stream_url(url) if question.stream_url else url,
        endpoint=question.endpoint,
        model=sent,
        sample=question.sample,
        read_error=question.read_error,
        streams=streams,
    )
    most_s = IMAGE_LIMIT_S if kind is Kind.IMAGES else LIMIT_S
    if question.stream is not None:
        text, usage = await send_stream(services, channel, letter, seen, question.stream, most_s=most_s)
    else:
        piece = _read(question, await send_whole(services, channel, letter, seen, most_s=most_s))
        text = SHOWN.get(kind, "") or (piece.text if piece else "")
        usage = piece.usage if piece else None
    return Outcome(
        passed=True,
        text=text[:LONGEST_TEXT],
        model=wish.model,
        seconds=0.0,
        prompt_tokens=usage.prompt_total if usage else 0,
        completion_tokens=usage.completion_total if usage else 0,
        units=_cost(services, channel, sent, usage),
        status=seen.status,
        first_s=seen.first_s,
        format=question.format,
        streams=streams,
    )


def _read(question: _Question, answer: bytes) -> Piece | None:
    try:
        return question.read(answer)
    except FormatError as error:
        raise UpstreamFailed(f"the provider's answer cannot be read: {error}") from error
    except ProviderFailure as failed:
        raise UpstreamFailed(
            failed.error.message, status=failed.status, type=failed.error.type, upstream_code=failed.error.code
        ) from failed


def _cost(services: Services, channel: ChannelView, sent: str, usage: Usage | None) -> int:
    if usage is None or not (usage.prompt_total or usage.completion_total):
        return 0
    price = services.catalogue.prices.resolve(channel.type, sent)
    told = Usage(input=usage.prompt_total, output=usage.completion_total)
    return charge(price, told, Decimal(1)).units


def _chat(services: Services, channel: ChannelView, sent: str, wish: Wish) -> _Question:
    settings = services.settings
    route = find_route(channel, FORMATS[wish.format], sent)
    if route is None:
        raise UpstreamFailed(f"the channel does not serve {FORMATS[wish.format].kind}", status=400)
    side = route.provider or PROVIDERS[wish.format]
    most = settings.test_max_tokens
    request = Request(
        format=wish.format,
        model=sent,
        messages=[Message(role="user", parts=[Text(wish.prompt)])],
        max_output_tokens=max(most, _LEAST_LIMIT) if side.endpoint == "responses" else most,
        stream=wish.streams,
    )
    options = request_options(channel, sent, settings)
    try:
        encoded = side.encode_request(request, sent, options)
    except FormatError as error:
        raise UpstreamFailed(str(error), status=400) from error
    answer = ResponseOptions(model=sent, request_id="test", now_s=int(time.time()), request=request)
    exchange: Exchange = Converted(side, CLIENTS[wish.format], answer)
    if wish.streams and route.provider is None:
        exchange = PassThrough(route.passing)
    return _Question(
        encoded.endpoint or route.endpoint,
        Sample(encoded.body),
        lambda body: exchange.whole(body).piece,
        route.read_error,
        stream=exchange if wish.streams else None,
        stream_url=route.stream_url if wish.streams else None,
        format=wish.format,
    )


def _other(kind: Kind, sent: str, route: Route, body: Sample) -> _Question:
    if kind is Kind.SPEECH:
        return _Question(kind, body, _sound, route.read_error)
    if route.embedder is not None:
        embedder = route.embedder
        encoded = embedder.encode(embeddings.decode_request(body.body), sent)
        return _Question(
            kind, Sample(encoded.body), lambda answer: Piece(usage=embedder.decode(answer).usage), route.read_error
        )
    if route.painter is not None:
        painter = route.painter
        encoded = painter.encode(pictures.decode_request(body.body), sent)
        return _Question(encoded.endpoint or kind, Sample(encoded.body), _picture_of(painter), route.read_error)
    return _Question(kind, body, lambda answer: PassThrough(route.passing).whole(answer).piece, route.read_error)


def _picture_of(painter: Painter) -> Callable[[bytes], Piece]:
    def read(body: bytes) -> Piece:
        # Where the picture lies is no matter: it is made.
        if not painter.decode(body).pictures:
            raise UpstreamFailed("the provider's answer holds no picture")
        return Piece()

    return read


def _sound(body: bytes) -> None:
    if not body:
        raise UpstreamFailed("the provider's answer is empty")
