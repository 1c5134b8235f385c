"""Turn a client's request into one channel's: address, credential, headers, and the fewest edits to the body."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from adapters.formats import neutral
from adapters.formats.errors import FormatError
from adapters.formats.signatures import holds_foreign_signature
from adapters.formats.table import CLIENTS, PROVIDERS
from adapters.providers.urls import UrlError, upstream_url
from adapters.transport.types import UpstreamRequest
from gateway.relay import edits
from gateway.relay import head as heads
from gateway.relay.body import RequestBody
from gateway.relay.convert import Converted
from gateway.relay.errors import Invalid, RelayError
from gateway.relay.exchange import PassThrough
from gateway.relay.route import Route, find_route

if TYPE_CHECKING:
    from adapters.formats.codec import ReadError
    from adapters.transport.types import BodySource
    from gateway.config.settings import Settings
    from gateway.registry.snapshot import ChannelView
    from gateway.relay.endpoints import Endpoint
    from gateway.relay.exchange import Exchange
    from gateway.relay.state import Relay

USER_AGENT = (b"user-agent", b"one-api")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request ready to be sent, and how its answer becomes the client's."""

    request: UpstreamRequest
    exchange: Exchange
    read_error: ReadError
    system_prompt_reset: bool
    """The channel's own system prompt went into it."""
    dropped: tuple[str, ...] = ()
    """What of the request the provider's format cannot carry, in the client's words."""


def can_serve(channel: ChannelView, endpoint: Endpoint, model: str) -> bool:
    """Whether the channel can answer the endpoint for `model` (as the client names it), converted or not."""
    return find_route(channel, endpoint, channel.upstream_model(model)) is not None


def converts(channel: ChannelView, relay: Relay) -> bool:
    """Whether the request is written anew for this channel."""
    route = find_route(channel, relay.endpoint, channel.upstream_model(relay.model))
    return route is not None and route.provider is not None


def decoded(relay: Relay) -> neutral.Request:
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


def prepare(relay: Relay, channel: ChannelView, settings: Settings) -> Prepared:
    """Build the request for one attempt. Raises `RelayError` when the channel or the body do not allow it."""
    model = channel.upstream_model(relay.model)
    route = find_route(channel, relay.endpoint, model)
    assert route is not None, "only channels that can serve are chosen"  # noqa: S101
    try:
        url = upstream_url(channel.provider, channel.base_url, route.endpoint, model, channel.config)
    except UrlError as error:
        raise RelayError(str(error), status=503, code=error.code) from None
    if relay.streams and route.stream_url is not None:
        url = route.stream_url(url)
    if route.provider is None and holds_foreign_signature(relay.body.raw):
        # A provider refuses what it did not sign: the request is written anew without it.
        route = replace(route, provider=PROVIDERS.get(relay.endpoint.format or ""))
    if route.provider is None:
        body, reset = edits.edited(relay, channel, model, settings)
        request = _request(relay, channel, url, body, settings)
        return Prepared(request, PassThrough(route.passing), route.passing.read_error, reset)
    return _converted(relay, channel, url, model, route, settings)


def _converted(
    relay: Relay, channel: ChannelView, url: str, model: str, route: Route, settings: Settings
) -> Prepared:
    assert route.provider is not None  # noqa: S101
    assert relay.endpoint.format is not None  # noqa: S101
    request = decoded(relay)
    if channel.system_prompt:
        request = _with_system(request, channel.system_prompt)
    row = channel.provider
    options = neutral.RequestOptions(
        default_max_tokens=settings.default_max_token,
        thinking=relay.head.flag("thinking"),
        max_tokens_member="max_completion_tokens" if row.wants_max_completion_tokens(model) else "max_tokens",
        include_usage=settings.enforce_include_usage and row.takes_stream_options,
        safety_threshold=settings.gemini_safety_setting,
        fixed_sampling=row.fixes_sampling(model),
        default_effort="high" if row.thinks_hard(model) else None,
    )
    try:
        encoded = route.provider.encode_request(request, model, options)
    except FormatError as error:
        raise Invalid(str(error), code=relay.endpoint.invalid_code) from None
    body = encoded.body
    if row.format == "openai_chat" and settings.openrouter_provider_sort:
        written = RequestBody(body)
        body = written.edited(edits.sort_order(written, channel, settings))
    client = CLIENTS[relay.endpoint.format]
    answer = neutral.ResponseOptions(
        request_id=relay.request_id,
        now_s=int(time.time()),
        reasoning_format=relay.head.reasoning_format(),
        request=request,
    )
    return Prepared(
        _request(relay, channel, url, body, settings),
        Converted(route.provider, client, answer),
        route.passing.read_error,
        bool(channel.system_prompt),
        encoded.dropped,
    )


def _with_system(request: neutral.Request, prompt: str) -> neutral.Request:
    changed = neutral.Request(**{name: getattr(request, name) for name in request.__struct_fields__})
    changed.system = [neutral.Text(prompt)]
    return changed


def _request(
    relay: Relay, channel: ChannelView, url: str, body: bytes | BodySource, settings: Settings
) -> UpstreamRequest:
    headers = heads.for_upstream(relay.head, extra=settings.forward_headers, streams=relay.streams)
    # The boundary of a form is the client's, since its parts go on as they came.
    kind = b"application/json" if relay.form is None else relay.head.headers[b"content-type"]
    headers += [(b"content-type", kind), USER_AGENT, *credential(channel)]
    named = {name for name, _ in headers}
    headers += [
        (name.encode("ascii"), value.encode("latin-1"))
        for name, value in channel.provider.headers.items()
        if name.lower().encode("ascii") not in named
    ]
    return UpstreamRequest(
        method="POST",
        url=url,
        headers=tuple(headers),
        body=body,
        connect_timeout_s=_limit(settings.connect_timeout_sec),
        head_timeout_s=_limit(settings.head_timeout_sec),
        # A stream's silence is watched by the relay itself, together with its other deadlines.
        idle_timeout_s=math.inf if relay.streams else _limit(settings.idle_timeout_sec),
    )


def _limit(seconds: float) -> float:
    return seconds if seconds > 0 else math.inf


def credential(channel: ChannelView) -> tuple[tuple[bytes, bytes], ...]:
    """Return the header that carries the channel's key."""
    name, value = channel.provider.auth_header(channel.key)
    return ((name.encode("ascii"), value.encode("utf-8")),)
