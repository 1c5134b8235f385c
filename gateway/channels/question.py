"""The question that a channel test asks, and reading the answer: each model through an endpoint that it has.

A chat goes through the codec of the provider's own format, anything else as relays send it; wires sign and frame
as they do for relays. So a test that passes says that relays will.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from adapters.formats import embeddings, neutral
from adapters.formats.errors import FormatError, ProviderFailure
from adapters.formats.pictures import painter as pictures
from adapters.formats.piece import Piece
from adapters.formats.table import CLIENTS, PROVIDERS
from adapters.providers.urls import upstream_url
from adapters.transport.types import TransportError, UpstreamRequest
from adapters.wires.types import CredentialError
from gateway.channels.kinds import ENDPOINTS, kind_of
from gateway.channels.samples import SHOWN, Sample, sample
from gateway.relay.convert import Converted
from gateway.relay.endpoints import Kind
from gateway.relay.errors import UpstreamFailed
from gateway.relay.exchange import PassThrough
from gateway.relay.failures import refusal
from gateway.relay.outgoing import USER_AGENT, account_of, channel_headers
from gateway.relay.prepare import request_options
from gateway.relay.route import find_route

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.formats.codec import ReadError
    from adapters.formats.pictures.painter import Painter
    from adapters.pricing.price import Price
    from gateway.registry.snapshot import ChannelView
    from gateway.relay.route import Route
    from gateway.services import Services

# A test is one short question; whoever needs longer than this is of no use to a relay either.
LIMIT_S = 60.0
# Images are made in one piece, and nobody is faster at it.
IMAGE_LIMIT_S = 180.0
LONGEST_TEXT = 2000
_MOST_BYTES = 64 << 20
# The least that the Responses API takes as a limit (https://platform.openai.com/docs/api-reference/responses).
_LEAST_LIMIT = 16


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


@dataclass(frozen=True, slots=True)
class _Question:
    """One request, and how its answer is read."""

    endpoint: str
    sample: Sample
    read: Callable[[bytes], Piece | None]
    """Raises `UpstreamFailed`, `FormatError`, and `ProviderFailure` for an error inside the answer."""
    read_error: ReadError


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


async def ask(services: Services, channel: ChannelView, asked: str) -> Outcome:
    """Ask the provider of a channel something short of `asked`, a model as clients name it.

    Raises `UpstreamFailed`, and `UrlError` for a channel that lacks a setting.
    """
    settings, provider = services.settings, channel.provider
    sent = channel.upstream_model(asked)
    price = price_of(services, channel, asked)
    kind = kind_of(channel, sent, price)
    if kind is None:
        raise UpstreamFailed(f"a channel of type {provider.name} cannot be tested with {asked}", status=400)
    route = find_route(channel, ENDPOINTS[kind], sent)
    assert route is not None, "kinds have a route"  # noqa: S101
    question = _chat(services, channel, sent, route) if kind is Kind.CHAT else None
    if question is None:
        body = sample(
            kind,
            sent,
            prompt=settings.test_prompt,
            most_tokens=settings.test_max_tokens,
            image=price.image if provider.takes_image_shape else None,
        )
        question = _other(kind, sent, route, body)
    answer = await _send(services, channel, sent, question, IMAGE_LIMIT_S if kind is Kind.IMAGES else LIMIT_S)
    try:
        piece = question.read(answer)
    except FormatError as error:
        raise UpstreamFailed(f"the provider's answer cannot be read: {error}") from error
    except ProviderFailure as failed:
        raise UpstreamFailed(
            failed.error.message, status=failed.status, type=failed.error.type, upstream_code=failed.error.code
        ) from failed
    return _outcome(asked, SHOWN.get(kind, ""), piece)


def _chat(services: Services, channel: ChannelView, sent: str, route: Route) -> _Question:
    settings = services.settings
    side = route.provider or PROVIDERS["openai_chat"]
    request = neutral.Request(
        format="openai_chat",
        model=sent,
        messages=[neutral.Message(role="user", parts=[neutral.Text(settings.test_prompt)])],
        max_output_tokens=max(settings.test_max_tokens, _LEAST_LIMIT) if side.endpoint == "responses" else
        settings.test_max_tokens,
    )  # fmt: skip
    options = request_options(channel, sent, settings)
    try:
        encoded = side.encode_request(request, sent, options)
    except FormatError as error:
        raise UpstreamFailed(str(error), status=400) from error
    answer = neutral.ResponseOptions(model=sent, request_id="test", now_s=int(time.time()), request=request)
    exchange = Converted(side, CLIENTS["openai_chat"], answer)
    return _Question(
        encoded.endpoint or route.endpoint,
        Sample(encoded.body),
        lambda body: exchange.whole(body).piece,
        route.read_error,
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


async def _send(services: Services, channel: ChannelView, sent: str, question: _Question, most_s: float) -> bytes:
    """Return the answer. Raises `UpstreamFailed`."""
    provider, account = channel.provider, account_of(channel)
    request = UpstreamRequest(
        method="POST",
        url=upstream_url(provider, channel.base_url, question.endpoint, sent, channel.config),
        headers=((b"content-type", question.sample.content_type), USER_AGENT, *channel_headers(channel)),
        body=question.sample.body,
        connect_timeout_s=services.settings.connect_timeout_sec or most_s,
        head_timeout_s=most_s,
        idle_timeout_s=most_s,
    )
    transport = services.wires.over(provider, account, endpoint=question.endpoint, model=sent, streams=False)
    try:
        response = await transport.send(request)
        try:
            if not 200 <= response.status < 300:
                raise await refusal(response, question.read_error)
            content = bytearray()
            while data := await response.receive_some():
                content += data
                if len(content) > _MOST_BYTES:
                    raise UpstreamFailed("the provider's answer is too large")
        finally:
            await response.aclose()
    except CredentialError as error:
        services.wires.refused(provider, account)
        raise UpstreamFailed(
            error.message, status=error.status, type="authentication_error", upstream_code=error.code
        ) from error
    except TransportError as error:
        raise UpstreamFailed(str(error) or "the provider could not be reached") from error
    except UpstreamFailed as error:
        if error.status in (401, 403):
            # A token that was taken for it is fetched anew the next time.
            services.wires.refused(provider, account)
        raise
    return bytes(content)


def _outcome(asked: str, shown: str, piece: Piece | None) -> Outcome:
    usage = piece.usage if piece else None
    return Outcome(
        passed=True,
        text=(shown or (piece.text if piece else ""))[:LONGEST_TEXT],
        model=asked,
        seconds=0.0,
        prompt_tokens=usage.prompt_total if usage else 0,
        completion_tokens=usage.completion_total if usage else 0,
    )
