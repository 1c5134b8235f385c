"""Which of Claude's betas a request takes part in: those that the client names and those that the channel does.

Anthropic and Vertex AI read them in a header, Bedrock in the body, where it refuses a request over a beta that it
does not know. So a row may list the betas that its provider knows; the client's others are left out, and named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from adapters.providers.channel_config import custom_headers

if TYPE_CHECKING:
    from gateway.registry.snapshot import ChannelView
    from gateway.relay.body import RequestBody
    from gateway.relay.head import RequestHead

BETAS = b"anthropic-beta"
_VERSION = b"anthropic-version"
IN_BODY = "anthropic_beta"
"""Bedrock's member for them."""


class Betas(NamedTuple):
    """What is sent, and what of the client's is not."""

    sent: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()


def betas(head: RequestHead, channel: ChannelView) -> Betas:
    """Return the betas for a request in Claude's format, each once."""
    known = channel.provider.betas
    asked = _names(head.header(BETAS))
    taken = [name for name in asked if not known or name in known]
    own = _names(custom_headers(channel.config).get(BETAS.decode(), ""))
    return Betas(tuple(dict.fromkeys((*taken, *own))), tuple(name for name in asked if name not in taken))


def with_betas(
    headers: list[tuple[bytes, bytes]], head: RequestHead, channel: ChannelView
) -> list[tuple[bytes, bytes]]:
    """Return the headers of a request in Claude's format, with the betas where its platform reads them there."""
    platform = channel.provider.platform
    left = [pair for pair in headers if pair[0] != BETAS and not (platform and pair[0] == _VERSION)]
    sent = () if platform == "bedrock" else betas(head, channel).sent
    return [*left, (BETAS, ",".join(sent).encode("latin-1"))] if sent else left


def body_betas(head: RequestHead, channel: ChannelView, body: RequestBody) -> dict[str, object | None]:
    """Return the change to a body in Claude's format that its platform wants; the body's own betas stay."""
    if channel.provider.platform != "bedrock":
        return {}
    inside = body.any(IN_BODY)
    own = [name for name in inside if isinstance(name, str)] if isinstance(inside, list) else []
    sent = list(dict.fromkeys([*own, *betas(head, channel).sent]))
    return {IN_BODY: sent} if sent else {}


def _names(value: str) -> list[str]:
    return [name.strip() for name in value.split(",") if name.strip()]
