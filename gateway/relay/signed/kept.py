"""What is remembered of one tool call: the thoughts in front of it, and its own signature."""

from __future__ import annotations

import msgspec

# msgspec looks the types up when it writes and reads them.
from adapters.formats.neutral.parts import Reasoning
from adapters.formats.neutral.terms import Format


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """Of one call, and for the provider's format alone that signed it."""

    format: Format
    channel_id: int
    """Where it was made: OpenAI's sealed thoughts are of use to one account only."""
    thoughts: list[Reasoning] = []
    """Between this call and the one before it."""
    signature: str = ""
    """Of the call itself."""


_decode = msgspec.json.Decoder(Kept).decode


def encode(kept: Kept) -> bytes:
    """Return `kept` as JSON."""
    return msgspec.json.encode(kept)


def decode(raw: bytes) -> Kept | None:
    """Return what `encode` wrote, `None` for anything else."""
    try:
        return _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
