"""A provider's whole answer: read as a stream of one chunk, so that both ways say the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.assembly import assemble
from adapters.formats.gemini.stream_in import StreamDecoder
from adapters.formats.reading import load

if TYPE_CHECKING:
    from adapters.formats.neutral.answers import Response
    from adapters.formats.neutral.events import StreamEvent


def decode_response(body: bytes) -> Response:
    """Return what the provider answered. Raises `FormatError`, and `ProviderFailure` where it refused or failed."""
    decoder = StreamDecoder(is_whole=True)
    events: list[StreamEvent] = []
    decoder.chunk(load(body), events)
    events += decoder.close()
    return assemble(events)
