"""Which of a channel's endpoints answers a client's request, and whether the answer passes or is converted.

Where client and provider speak the same format, bytes pass. Else the request is decoded and encoded in the
provider's own format; which one that is, the catalogue's row and the channel's settings say.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from adapters.formats.pictures.table import PAINTERS
from adapters.formats.table import PASSING, PROVIDERS
from adapters.providers.channel_config import supports
from adapters.providers.provider import ASKED_AT_MESSAGES
from gateway.relay.endpoints import Kind
from gateway.relay.vectors import embedder_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.formats.codec import Passing, ProviderSide, ReadError
    from adapters.formats.embedders import Embedder
    from adapters.formats.pictures.painter import Painter
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
    """How answers are read that pass."""
    read_error: ReadError
    spoken: str = ""
    """The format in which the provider is asked; empty: its usual one."""
    stream_url: Callable[[str], str] | None = None
    embedder: Embedder | None = None
    """How to ask the provider for embeddings, where it has a form of its own; then nothing passes either."""
    painter: Painter | None = None
    """The same for pictures."""
    writes_thoughts: bool = False
    """The provider's models may write their thoughts into their text, as `<think>…</think>`."""


def find_route(channel: ChannelView, endpoint: Endpoint, model: str) -> Route | None:
    """Return the way for `model` (as the provider names it), or `None` when the channel cannot serve it."""
    row = channel.provider
    if not supports(channel.config, endpoint.kind):
        return None
    passing = PASSING[endpoint.passing]
    if endpoint.format is None:
        if not row.serves(endpoint.kind):
            return None
        embedder = embedder_for(endpoint, row) if endpoint.kind is Kind.EMBEDDINGS else None
        painter = PAINTERS.get(row.pictures) if endpoint.kind in (Kind.IMAGES, Kind.IMAGE_EDITS) else None
        own = embedder or painter
        read_error = passing.read_error if own is None else own.read_error
        asked = endpoint.kind if own is not None else endpoint.passes_at or endpoint.kind
        return Route(asked, None, passing, read_error, embedder=embedder, painter=painter)
    spoken = _spoken(channel, endpoint.kind, model)
    if spoken is None or spoken not in PROVIDERS:
        return None
    side = PROVIDERS[spoken]
    at_messages = endpoint.kind is Kind.MESSAGES and ASKED_AT_MESSAGES in row.quirks
    return Route(
        Kind.MESSAGES if at_messages else side.endpoint,
        None if spoken == endpoint.format else side,
        PASSING.get(spoken, passing),
        side.read_error,
        spoken=spoken,
        stream_url=side.stream_url,
        writes_thoughts=side.is_dialect or spoken == "openai_chat",
    )


def _spoken(channel: ChannelView, kind: Kind, model: str) -> str | None:
    """Return the format in which the channel is asked, or `None` if in none."""
    row = channel.provider
    spoken = row.format_of(model)
    if spoken != "openai_chat":
        return spoken
    wanted = channel.config.get("api_format")
    if wanted == "response":
        return "openai_responses"
    may = row.speaks_responses and wanted != "chat_completion"
    if may and (kind is Kind.RESPONSES or _ONLY_RESPONSES.match(model)):
        return "openai_responses"
    return "openai_chat" if row.serves(Kind.CHAT) else None
