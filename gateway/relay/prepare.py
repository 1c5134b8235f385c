"""Turn a client's request into one channel's: address, credential, headers, and the fewest edits to the body."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from adapters.providers.urls import upstream_url
from adapters.transport.types import UpstreamRequest
from gateway.relay import head as heads
from gateway.relay.endpoints import Kind
from gateway.relay.exchange import ChatPassThrough

if TYPE_CHECKING:
    from gateway.config.settings import Settings
    from gateway.registry.snapshot import ChannelView
    from gateway.relay.body import RequestBody
    from gateway.relay.endpoints import Endpoint
    from gateway.relay.exchange import Exchange
    from gateway.relay.state import Relay

USER_AGENT = (b"user-agent", b"one-api")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request ready to be sent, and how its answer becomes the client's."""

    request: UpstreamRequest
    exchange: Exchange
    system_prompt_reset: bool
    """The channel's own system prompt went into it."""


def can_serve(channel: ChannelView, endpoint: Endpoint) -> bool:
    """Whether the channel's provider offers the endpoint in a format that we speak to it."""
    return channel.provider.serves(endpoint.kind)


def prepare(relay: Relay, channel: ChannelView, settings: Settings) -> Prepared:
    """Build the request for one attempt. Raises `Invalid` when the body cannot be edited as needed."""
    sent_model = channel.upstream_model(relay.model)
    changes, reset = _changes(relay, channel, sent_model, settings)
    url = upstream_url(channel.provider, channel.base_url, relay.endpoint.kind, sent_model, channel.config)
    headers = heads.for_upstream(relay.head, extra=settings.forward_headers, streams=relay.streams)
    headers += [(b"content-type", b"application/json"), USER_AGENT, *credential(channel)]
    named = {name for name, _ in headers}
    headers += [
        (name.encode("ascii"), value.encode("latin-1"))
        for name, value in channel.provider.headers.items()
        if name.lower().encode("ascii") not in named
    ]
    return Prepared(
        UpstreamRequest(
            method="POST",
            url=url,
            headers=tuple(headers),
            body=relay.body.edited(changes),
            connect_timeout_s=_limit(settings.connect_timeout_sec),
            head_timeout_s=_limit(settings.head_timeout_sec),
            # A stream's silence is watched by the relay itself, together with its other deadlines.
            idle_timeout_s=math.inf if relay.streams else _limit(settings.idle_timeout_sec),
        ),
        ChatPassThrough(),
        reset,
    )


def _limit(seconds: float) -> float:
    return seconds if seconds > 0 else math.inf


def credential(channel: ChannelView) -> tuple[tuple[bytes, bytes], ...]:
    """Return the header that carries the channel's key."""
    name, value = channel.provider.auth_header(channel.key)
    return ((name.encode("ascii"), value.encode("utf-8")),)


def _changes(
    relay: Relay, channel: ChannelView, sent_model: str, settings: Settings
) -> tuple[dict[str, object | None], bool]:
    body = relay.body
    changes: dict[str, object | None] = {}
    if sent_model != relay.model or "model" not in body:
        changes["model"] = sent_model
    if relay.streams and settings.enforce_include_usage and channel.provider.takes_stream_options:
        _ask_for_usage(body, changes)
    reset = False
    if relay.endpoint.kind is Kind.CHAT:
        if relay.messages is not None:
            changes["messages"] = relay.messages
        if channel.system_prompt:
            changes["messages"] = _with_system_prompt(
                relay.messages if relay.messages is not None else body.any("messages"), channel.system_prompt
            )
            reset = True
        if channel.provider.wants_max_completion_tokens(sent_model):
            _rename_output_limit(body, changes)
    return changes, reset


def _ask_for_usage(body: RequestBody, changes: dict[str, object | None]) -> None:
    options = body.any("stream_options")
    known = dict(options) if isinstance(options, dict) else {}
    if known.get("include_usage") is not True:
        changes["stream_options"] = {**known, "include_usage": True}


def _rename_output_limit(body: RequestBody, changes: dict[str, object | None]) -> None:
    """The provider refuses `max_tokens` for these models (https://platform.openai.com/docs/guides/reasoning)."""
    if "max_tokens" in body:
        if "max_completion_tokens" not in body:
            changes["max_completion_tokens"] = body.any("max_tokens")
        changes["max_tokens"] = None


def _with_system_prompt(messages: object, prompt: str) -> object:
    """Replace the text of a leading system message, or put one in front. Never changes what it is given."""
    if not isinstance(messages, list):
        return messages
    if messages and isinstance(messages[0], dict) and messages[0].get("role") == "system":
        return [{**messages[0], "content": prompt}, *messages[1:]]
    return [{"role": "system", "content": prompt}, *messages]
