"""What every request to a provider has in common: headers, credential, deadlines."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from adapters.transport.types import UpstreamRequest
from adapters.wires.types import Account
from gateway.relay import head as heads

if TYPE_CHECKING:
    from adapters.transport.types import BodySource
    from gateway.config.settings import Settings
    from gateway.registry.snapshot import ChannelView
    from gateway.relay.head import RequestHead

USER_AGENT = (b"user-agent", b"one-api")
JSON = b"application/json"


def outgoing(
    head: RequestHead,
    channel: ChannelView,
    url: str,
    body: bytes | BodySource,
    settings: Settings,
    *,
    method: str = "POST",
    kind: bytes = JSON,
    streams: bool = False,
) -> UpstreamRequest:
    """Return a client's request as `channel`'s provider gets it; `kind` is the body's media type."""
    headers = heads.for_upstream(head, extra=settings.forward_headers, streams=streams)
    headers += [(b"content-type", kind), USER_AGENT]
    named = {name for name, _ in headers}
    headers += [(name, value) for name, value in channel_headers(channel) if name.lower() not in named]
    return UpstreamRequest(
        method=method,
        url=url,
        headers=tuple(headers),
        body=body,
        connect_timeout_s=_limit(settings.connect_timeout_sec),
        head_timeout_s=_limit(settings.head_timeout_sec),
        # A stream's silence is watched by the relay itself, together with its other deadlines.
        idle_timeout_s=math.inf if streams else _limit(settings.idle_timeout_sec),
    )


def account_of(channel: ChannelView) -> Account:
    """Return what a wire needs to know of the channel."""
    base = (channel.base_url or channel.provider.base_url).strip().rstrip("/")
    return Account(key=channel.key, base_url=base, config=channel.config)


def channel_headers(channel: ChannelView) -> list[tuple[bytes, bytes]]:
    """Return headers of every request of the channel: its credential, unless a wire makes it, and the row's."""
    headers = [] if channel.provider.is_signed else [*credential(channel)]
    row = channel.provider.headers.items()
    return headers + [(name.encode("ascii"), value.encode("latin-1")) for name, value in row]


def credential(channel: ChannelView) -> tuple[tuple[bytes, bytes], ...]:
    """Return the header that carries the channel's key."""
    name, value = channel.provider.auth_header(channel.key)
    return ((name.encode("ascii"), value.encode("utf-8")),)


def _limit(seconds: float) -> float:
    return seconds if seconds > 0 else math.inf
