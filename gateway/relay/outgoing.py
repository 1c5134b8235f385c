"""What every request to a provider has in common: headers, credential, deadlines."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from adapters.providers.channel_config import custom_headers
from adapters.transport.types import UpstreamRequest
from adapters.wires.types import Account
from gateway.relay import head as heads
from gateway.relay.betas import BETAS, with_betas

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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
    spoken: str = "",
    stepped: Callable[[str], None] | None = None,
) -> UpstreamRequest:
    """Return a client's request as `channel`'s provider gets it.

    `kind` is the body's media type, `spoken` the format that it is written in, if not the provider's usual one.
    `stepped`: see `UpstreamRequest`.
    """
    written_in = spoken or channel.provider.format
    headers = heads.for_upstream(head, extra=settings.forward_headers, streams=streams, spoken=written_in)
    headers += [(b"content-type", kind), USER_AGENT]
    own = custom_headers(channel.config)
    if written_in == "anthropic":
        headers = with_betas(headers, head, channel)
        # The channel's betas are among them.
        own.pop(BETAS.decode(), None)
    named = {name for name, _ in headers}
    headers += [(name, value) for name, value in channel_headers(channel) if name.lower() not in named]
    return UpstreamRequest(
        method=method,
        url=url,
        headers=tuple(replaced(headers, own)),
        body=body,
        connect_timeout_s=_limit(settings.connect_timeout_sec),
        head_timeout_s=_limit(settings.head_timeout_sec),
        # A stream's silence is watched by the relay itself, together with its other deadlines.
        idle_timeout_s=math.inf if streams else _limit(settings.idle_timeout_sec),
        stepped=stepped,
    )


def account_of(channel: ChannelView) -> Account:
    """Return what a wire needs to know of the channel."""
    base = (channel.base_url or channel.provider.base_url).strip().rstrip("/")
    return Account(key=channel.key, base_url=base, config=channel.config)


def channel_headers(channel: ChannelView) -> list[tuple[bytes, bytes]]:
    """Return headers of every request of the channel: its credential, unless a wire makes it, the row's, its own."""
    headers = [] if channel.provider.is_signed else [*credential(channel)]
    headers += [(name.encode("ascii"), value.encode("latin-1")) for name, value in channel.provider.headers.items()]
    return replaced(headers, custom_headers(channel.config))


def replaced(headers: list[tuple[bytes, bytes]], own: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Return `headers` with those of a channel, by names in lower case, in the place of others of the same name."""
    added = {name.encode("latin-1"): value.encode("latin-1") for name, value in own.items()}
    return [pair for pair in headers if pair[0].lower() not in added] + list(added.items())


def credential(channel: ChannelView) -> tuple[tuple[bytes, bytes], ...]:
    """Return the header that carries the channel's key."""
    name, value = channel.provider.auth_header(channel.key)
    return ((name.encode("ascii"), value.encode("utf-8")),)


def _limit(seconds: float) -> float:
    return seconds if seconds > 0 else math.inf
