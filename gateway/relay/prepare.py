"""Turn a client's request into one channel's: address, credential, headers, and the fewest edits to the body."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from adapters.formats.errors import FormatError
from adapters.formats.neutral.encoding import RequestOptions, ResponseOptions
from adapters.formats.neutral.parts import Text
from adapters.formats.neutral.requests import Request
from adapters.formats.passable import can_pass
from adapters.formats.shaping import KnownUsage, Shaper, WithoutThoughts
from adapters.formats.table import CLIENTS, PROVIDERS
from adapters.formats.think_tags import ThinkTags
from adapters.providers.provider import ALL_COUNTS, CALL_SIGNATURES, THOUGHTS_ON_DEMAND, THOUGHTS_WITH_CALLS
from adapters.providers.urls import UrlError, upstream_url
from gateway.relay import edits
from gateway.relay.betas import BETAS, betas, body_betas
from gateway.relay.body import RequestBody
from gateway.relay.convert import Converted, ConvertedEmbeddings
from gateway.relay.endpoints import Kind
from gateway.relay.errors import Invalid, RelayError
from gateway.relay.exchange import PassArray, PassCounted, PassThrough
from gateway.relay.media.pictures import ConvertedPictures
from gateway.relay.outgoing import JSON, account_of, outgoing
from gateway.relay.route import Route, find_route
from gateway.relay.signed.collect import Collector
from gateway.relay.signed.put_back import put_back, without_signatures
from gateway.relay.stored.sighting import PassResponses
from gateway.relay.vectors import client_of, embedding_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.formats.codec import ProviderSide, ReadError
    from adapters.formats.embedders import Embedder
    from adapters.formats.pictures.painter import Painter
    from adapters.transport.types import BodySource, Transport, UpstreamRequest
    from adapters.wires.wired import Wires
    from gateway.config.settings import Settings
    from gateway.registry.snapshot import ChannelView
    from gateway.relay.endpoints import Endpoint
    from gateway.relay.exchange import Exchange
    from gateway.relay.signed.kept import Kept
    from gateway.relay.state import Relay

_UNREMARKABLE = ("auto", "default", ["text"])
"""Values of parameters that ask for nothing: any provider does so."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request ready to be sent, and how its answer becomes the client's."""

    request: UpstreamRequest
    transport: Transport
    """What carries it to this provider."""
    exchange: Exchange
    read_error: ReadError
    system_prompt_reset: bool
    """The channel's own system prompt went into it."""
    dropped: tuple[str, ...] = ()
    """What of the request the provider's format cannot carry, in the client's words."""
    signed: Mapping[str, Kept] = field(default_factory=dict)
    """Fills with what of the answer is to be remembered, by tool call."""


def can_serve(channel: ChannelView, endpoint: Endpoint, model: str) -> bool:
    """Whether the channel can answer the endpoint for `model` (as the client names it), converted or not."""
    return find_route(channel, endpoint, channel.upstream_model(model)) is not None


def spoken_to(channel: ChannelView, relay: Relay) -> str:
    """Return the format in which this channel is asked, empty if it is asked in none that there is a codec for."""
    route = find_route(channel, relay.endpoint, channel.upstream_model(relay.model))
    return "" if route is None else route.spoken


def converts(channel: ChannelView, relay: Relay) -> bool:
    """Whether the request is written anew for this channel."""
    route = find_route(channel, relay.endpoint, channel.upstream_model(relay.model))
    return route is not None and route.provider is not None


def painter_of(channel: ChannelView, relay: Relay) -> Painter | None:
    """Return how this channel is asked for pictures, where it has a form of its own for that."""
    route = find_route(channel, relay.endpoint, channel.upstream_model(relay.model))
    return None if route is None else route.painter


def decoded(relay: Relay) -> Request:
    """Return the client's request in the neutral form, decoded once. Raises `Invalid`."""
    if relay.request is None:
        assert relay.endpoint.format is not None, "only chat-like requests are converted"  # noqa: S101
        try:
            relay.request = CLIENTS[relay.endpoint.format].decode_request(relay.body.raw)
        except FormatError as error:
            raise Invalid(str(error), code=relay.endpoint.invalid_code) from None
        # Gemini says both in the path.
        relay.request.stream = relay.streams
        relay.request.model = relay.model
    return relay.request


def prepare(relay: Relay, channel: ChannelView, settings: Settings, wires: Wires) -> Prepared:
    """Build the request for one attempt. Raises `RelayError` when the channel or the body do not allow it."""
    model = channel.upstream_model(relay.model)
    route = find_route(channel, relay.endpoint, model)
    assert route is not None, "only channels that can serve are chosen"  # noqa: S101
    attempt = _Attempt(relay, channel, model, route, settings, wires)
    if route.embedder is not None:
        return _embeddings(attempt, route.embedder)
    if route.painter is not None:
        return _pictures(attempt, route.painter)
    side = route.provider
    spoken = relay.endpoint.format
    if (
        side is None
        and spoken is not None
        and (relay.without_signatures or not can_pass(relay.body.raw, spoken, model))
    ):
        # A provider refuses what it did not sign: the request is written anew without it.
        side = PROVIDERS[spoken]
    if side is not None:
        return _converted(attempt, side)
    edited = edits.edited(relay, channel, model, settings)
    exchange = _passing(relay, route)
    if route.writes_thoughts and _cuts_thoughts(relay):
        # The request passes; only its answer is written anew.
        chat = PROVIDERS["openai_chat"]
        exchange = Converted(chat, CLIENTS["openai_chat"], _answer_options(attempt, chat), (ThinkTags(),))
    elif ALL_COUNTS in channel.provider.quirks and relay.endpoint.format == "openai_chat":
        exchange = PassCounted(route.passing, request_id=relay.request_id)
    return attempt.prepared(
        edited.body, exchange, system_prompt_reset=edited.system_prompt_reset, dropped=edited.dropped
    )


def _passing(relay: Relay, route: Route) -> Exchange:
    if relay.endpoint.kind is Kind.RESPONSES and relay.saw is not None:
        return PassResponses(route.passing, request_id=relay.request_id, seen=relay.saw)
    passes = PassArray if relay.as_array else PassThrough
    return passes(route.passing, request_id=relay.request_id)


@dataclass(frozen=True, slots=True)
class _Attempt:
    """What one attempt is prepared from."""

    relay: Relay
    channel: ChannelView
    model: str
    """As the provider names it."""
    route: Route
    settings: Settings
    wires: Wires

    def prepared(
        self,
        body: bytes | BodySource,
        exchange: Exchange,
        *,
        endpoint: str = "",
        system_prompt_reset: bool = False,
        dropped: tuple[str, ...] = (),
        signed: Mapping[str, Kept] | None = None,
    ) -> Prepared:
        """Put the request together. Raises `RelayError` when the channel lacks a setting."""
        relay, channel, route = self.relay, self.channel, self.route
        endpoint = endpoint or route.endpoint
        if route.spoken == "anthropic":
            dropped += tuple(f"{BETAS.decode()}.{name}" for name in betas(relay.head, channel).dropped)
        try:
            url = upstream_url(
                channel.provider, channel.base_url, endpoint, self.model, channel.config, streams=relay.streams
            )
        except UrlError as error:
            raise RelayError(str(error), status=503, code=error.code) from None
        if relay.streams and route.stream_url is not None:
            url = route.stream_url(url)
        if channel.provider.format == "openai_chat" and route.spoken in ("", "openai_chat"):
            # One-api passed it on, and some servers know words of their own.
            url = _with_query(url, relay.head.parameters())
        elif _cuts_thoughts(relay) and route.writes_thoughts:
            url = _with_query(url, [(name, relay.head.parameter(name)) for name in ("thinking", "reasoning_format")])
        tried = relay.tries[-1]
        tried.url, tried.spoken = url, route.spoken
        return Prepared(
            outgoing(
                relay.head,
                channel,
                url,
                body,
                self.settings,
                # The boundary of a form is the client's, since its parts go on as they came.
                kind=JSON if isinstance(body, bytes) else relay.head.headers[b"content-type"],
                streams=relay.streams,
                spoken=route.spoken,
                stepped=tried.step,
            ),
            self.wires.over(
                channel.provider, account_of(channel), endpoint=endpoint, model=self.model, streams=relay.streams
            ),
            exchange,
            route.read_error,
            system_prompt_reset,
            dropped,
            {} if signed is None else signed,
        )


def _cuts_thoughts(relay: Relay) -> bool:
    """Whether the client wants thoughts that stand in a text to be taken out of it (`?thinking=`)."""
    return relay.endpoint.format is not None and relay.head.flag("thinking")


def _wants_no_thoughts(request: Request) -> bool:
    """Whether it is a client of Claude's that did not ask for thoughts, which gets none from Claude either."""
    wanted = request.reasoning
    return request.format == "anthropic" and (wanted is None or wanted.enabled is False)


def _with_query(url: str, parameters: list[tuple[str, str]]) -> str:
    """Return `url` with those parameters that have a value, and that it does not hold itself."""
    given = [(name, value) for name, value in parameters if value and f"{name}=" not in url]
    return f"{url}{'&' if '?' in url else '?'}{urlencode(given)}" if given else url


def _converted(attempt: _Attempt, side: ProviderSide) -> Prepared:
    relay, channel, settings = attempt.relay, attempt.channel, attempt.settings
    assert relay.endpoint.format is not None  # noqa: S101
    request = decoded(relay)
    _refuse(request, channel)
    if channel.system_prompt:
        request = _with_system(request, channel.system_prompt)
    request = _resigned(attempt, request)
    options = request_options(channel, attempt.model, settings, thinking=relay.head.flag("thinking"))
    try:
        encoded = side.encode_request(request, attempt.model, options)
    except FormatError as error:
        raise Invalid(str(error), code=relay.endpoint.invalid_code) from None
    body = encoded.body
    if channel.provider.format == "openai_chat":
        written = RequestBody(body)
        body = written.edited(edits.sort_order(written, channel, settings) | edits.clamped(written, channel))
    elif attempt.route.spoken == "anthropic":
        written = RequestBody(body)
        body = written.edited(body_betas(relay.head, channel, written))
    collector = Collector(relay.endpoint.format, channel.id)
    shapers: list[Shaper] = [collector]
    if side.counted is not None:
        shapers.append(KnownUsage(side.counted(request)))
    if attempt.route.writes_thoughts and _cuts_thoughts(relay):
        shapers.append(ThinkTags())
    if THOUGHTS_ON_DEMAND in channel.provider.quirks and _wants_no_thoughts(request):
        shapers.append(WithoutThoughts())
    client = CLIENTS[relay.endpoint.format]
    return attempt.prepared(
        body,
        Converted(side, client, _answer_options(attempt, side, request), shapers),
        endpoint=encoded.endpoint,
        system_prompt_reset=bool(channel.system_prompt),
        dropped=encoded.dropped,
        signed=collector.kept,
    )


def _resigned(attempt: _Attempt, request: Request) -> Request:
    """Return `request` with the signatures that its provider made, as far as they are known."""
    if attempt.relay.without_signatures:
        return without_signatures(request)
    return put_back(request, attempt.route.spoken, attempt.channel.id, attempt.relay.known)


def _refuse(request: Request, channel: ChannelView) -> None:
    """Raise `Invalid` for a parameter without which the answer would be another one than was asked for."""
    for name, reason in channel.provider.refuses.items():
        value = getattr(request, name, None) or request.extra.get(name)
        if value and value not in _UNREMARKABLE:
            told = f"Unsupported parameter '{name}': {reason}"
            raise Invalid(f"convert request failed: validation failed: {told}", code="invalid_request_error")


def request_options(
    channel: ChannelView, model: str, settings: Settings, *, thinking: bool = False
) -> RequestOptions:
    """Return what a codec must know of `channel` to write a request to `model` (as the provider names it)."""
    row = channel.provider
    return RequestOptions(
        default_max_tokens=settings.default_max_token,
        thinking=thinking,
        platform=row.platform,
        reasoning_history=row.reasoning_history,
        call_signatures=CALL_SIGNATURES in row.quirks,
        reasoning_style=row.reasoning_style,
        efforts=row.efforts,
        thoughts_with_calls=THOUGHTS_WITH_CALLS in row.quirks,
        cache_marks=row.cache_marks,
        max_tokens_member="max_completion_tokens" if row.wants_max_completion_tokens(model) else "max_tokens",
        include_usage=settings.enforce_include_usage and row.takes_stream_options,
        safety_threshold=settings.gemini_safety_setting,
        fixed_sampling=row.fixes_sampling(model),
        default_effort="high" if row.thinks_hard(model) else None,
        settings=channel_settings(channel),
    )


def _answer_options(attempt: _Attempt, side: ProviderSide, request: Request | None = None) -> ResponseOptions:
    relay = attempt.relay
    # What stood in a text was always told apart under this name in streams, and under another in whole answers.
    cut = relay.streams and attempt.route.writes_thoughts and _cuts_thoughts(relay)
    return ResponseOptions(
        model=relay.model if side.is_dialect else "",
        request_id=relay.request_id,
        now_s=int(time.time()),
        reasoning_format=relay.head.reasoning_format("reasoning_content" if cut else "reasoning"),
        request=request,
        json_array=relay.as_array,
    )


def _embeddings(attempt: _Attempt, embedder: Embedder) -> Prepared:
    relay = attempt.relay
    request = embedding_of(relay)
    try:
        encoded = embedder.encode(request, attempt.model)
    except FormatError as error:
        raise Invalid(str(error), code=relay.endpoint.invalid_code) from None
    exchange = ConvertedEmbeddings(embedder, request, client_of(relay.endpoint))
    return attempt.prepared(encoded.body, exchange, dropped=encoded.dropped)


def _pictures(attempt: _Attempt, painter: Painter) -> Prepared:
    relay = attempt.relay
    assert relay.pictures is not None, "uploads are read before this"  # noqa: S101
    try:
        encoded = painter.encode(relay.pictures, attempt.model)
    except FormatError as error:
        raise Invalid(str(error), code=relay.endpoint.invalid_code) from None
    exchange = ConvertedPictures(painter, relay.pictures, now_s=int(time.time()))
    return attempt.prepared(encoded.body, exchange, endpoint=encoded.endpoint, dropped=encoded.dropped)


def channel_settings(channel: ChannelView) -> dict[str, str]:
    """Return the settings of the channel that are texts, for codecs that write them into bodies."""
    return {name: value for name, value in channel.config.items() if isinstance(value, str)}


def _with_system(request: Request, prompt: str) -> Request:
    changed = Request(**{name: getattr(request, name) for name in request.__struct_fields__})
    changed.system = [Text(prompt)]
    return changed
