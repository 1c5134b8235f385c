"""Asking a provider about a response that it keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlencode

from adapters.providers.urls import upstream_url
from gateway.relay.endpoints import Kind
from gateway.relay.outgoing import account_of, outgoing

if TYPE_CHECKING:
    from adapters.transport.types import UpstreamResponse
    from adapters.wires.wired import Wires
    from gateway.config.settings import Settings
    from gateway.registry.snapshot import ChannelView
    from gateway.relay.head import RequestHead
    from gateway.relay.stored.calls import StoredCall

_OURS = ("key",)
"""Parameters that are meant for this gateway."""


def keeps_responses(channel: ChannelView) -> bool:
    """Whether the channel's provider keeps responses at all."""
    row, wanted = channel.provider, channel.config.get("api_format")
    speaks = wanted == "response" or (row.speaks_responses and wanted != "chat_completion")
    return speaks and Kind.RESPONSES in row.endpoints


async def ask(
    call: StoredCall,
    channel: ChannelView,
    model: str,
    head: RequestHead,
    *,
    wires: Wires,
    settings: Settings,
    streams: bool = False,
) -> UpstreamResponse:
    """Send `call` to the provider of `channel`; `head` is the client's. Raises `UrlError`, `TransportError`."""
    sent = channel.upstream_model(model)
    url = upstream_url(channel.provider, channel.base_url, Kind.RESPONSES, sent, channel.config)
    address, _, own = url.partition("?")
    asked = [pair for pair in parse_qsl(head.query.decode("latin-1"), keep_blank_values=True) if pair[0] not in _OURS]
    query = "&".join(part for part in (own, urlencode(asked)) if part)
    address = f"{address}/{quote(call.response_id, safe='')}{call.rest}"
    request = outgoing(
        head, channel, f"{address}?{query}" if query else address, b"", settings, method=call.method, streams=streams
    )
    transport = wires.over(
        channel.provider, account_of(channel), endpoint=Kind.RESPONSES, model=sent, streams=streams
    )
    return await transport.send(request)
