"""The request that opens a provider's websocket."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from adapters.providers.channel_config import custom_headers
from adapters.providers.urls import UrlError, upstream_url
from adapters.transport.types import UpstreamRequest
from gateway.relay import head as heads
from gateway.relay.endpoints import Kind
from gateway.relay.errors import RelayError
from gateway.relay.outgoing import USER_AGENT, channel_headers, replaced

if TYPE_CHECKING:
    from gateway.config.settings import Settings
    from gateway.registry.snapshot import ChannelView
    from gateway.relay.state import Relay

_BETA = (b"openai-beta", b"realtime=v1")
# Models of the preview speak its events only when asked; for later ones the header would bring the old events back.
_PREVIEW = "realtime-preview"
_KEYS = ("key", "api_key", "api-key", "access_token")


def session_request(relay: Relay, channel: ChannelView, settings: Settings) -> UpstreamRequest:
    """Return the request for one attempt. Raises `RelayError` when the channel lacks a setting."""
    model = channel.upstream_model(relay.model)
    try:
        url = upstream_url(channel.provider, channel.base_url, Kind.REALTIME, model, channel.config)
    except UrlError as error:
        raise RelayError(str(error), status=503, code=error.code) from None
    headers = heads.for_upstream(relay.head, extra=settings.forward_headers, streams=False)
    named = {name for name, _ in headers}
    if _PREVIEW in model and _BETA[0] not in named:
        headers.append(_BETA)
    own = custom_headers(channel.config)
    headers += [USER_AGENT, *(pair for pair in channel_headers(channel) if pair[0].lower() not in named)]
    url = _with_query(url, relay.head.query, model)
    tried = relay.tries[-1]
    tried.url = url
    return UpstreamRequest(
        method="GET",
        url=url,
        headers=tuple(replaced(headers, own)),
        body=b"",
        connect_timeout_s=settings.connect_timeout_sec or math.inf,
        head_timeout_s=settings.head_timeout_sec or math.inf,
        idle_timeout_s=settings.idle_timeout_sec or math.inf,
        stepped=tried.step,
    )


def _with_query(url: str, query: bytes, model: str) -> str:
    """Add the client's parameters with the provider's name for the model, less what is secret or there already."""
    path, _, own = url.partition("?")
    fixed = parse_qsl(own, keep_blank_values=True)
    taken = {name for name, _ in fixed} | set(_KEYS)
    if "deployment" in taken:
        # Azure names the model so, and knows no `model` in this place.
        taken.add("model")
    asked = parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=100)
    wanted = [(name, model if name == "model" else value) for name, value in asked if name not in taken]
    return f"{path}?{urlencode(fixed + wanted)}"
