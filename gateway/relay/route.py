"""Which of a channel's endpoints answers a client's request, and whether the answer passes or is converted.

Where client and provider speak the same format, bytes pass. Else the request is decoded and encoded in the
provider's own format; which one that is, the catalogue's row and the channel's settings say.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from adapters.formats.table import PASSING, PROVIDERS
from gateway.relay.endpoints import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.formats.codec import Passing, ProviderSide
    from gateway.registry.snapshot import ChannelView
    from gateway.relay.endpoints import Endpoint

# Models that OpenAI serves over /v1/responses and nothing else (https://platform.openai.com/docs/models).
_ONLY_RESPONSES = re.compile(
    r"^(o1-pro|o3-pro|o3-deep-research|o4-mini-deep-research|computer-use|codex-|gpt-5.*-(pro|codex))"
)


@dataclass(frozen=True, slots=True)
class Route:
    """One way from a client's format to a provider's."""

    endpoint: str
    """The catalogue's name of the endpoint whose URL takes the request."""
    provider: ProviderSide | None
    """How to speak to the provider; `None`: as the client does, bytes pass."""
    passing: Passing
    """How the provider's format is read, where it passes and where it fails."""
    stream_url: Callable[[str], str] | None = None


def find_route(channel: ChannelView, endpoint: Endpoint, model: str) -> Route | None:
    """Return the way for `model` (as the provider names it), or `None` when the channel cannot serve it."""
    row = channel.provider
    if endpoint.format is None:
        return Route(endpoint.kind, None, PASSING[endpoint.passing]) if row.serves(endpoint.kind) else None
    spoken = _spoken(channel, endpoint.kind, model)
    if spoken is None or spoken not in PROVIDERS:
        return None
    side = PROVIDERS[spoken]
    passes = spoken == endpoint.format
    return Route(side.endpoint, None if passes else side, PASSING[spoken], side.stream_url)


def _spoken(channel: ChannelView, kind: Kind, model: str) -> str | None:
    """Return the format in which the channel is asked, or `None` if in none."""
    row = channel.provider
    if row.format != "openai_chat":
        return row.format
    if channel.config.get("api_format") == "response":
        return "openai_responses"
    if row.speaks_responses and (kind is Kind.RESPONSES or _ONLY_RESPONSES.match(model)):
        return "openai_responses"
    return "openai_chat" if row.serves(Kind.CHAT) else None
