"""What a relay reads in one event, or one whole answer, that it passes on unchanged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adapters.pricing.usage import Usage


@dataclass(slots=True)
class Piece:
    """What one chunk, or a whole answer, says. `text` is all that the model wrote, for counting."""

    text: str = ""
    has_content: bool = False
    is_empty: bool = False
    """Neither choices, usage nor error: Azure opens its streams with such a chunk."""
    finishes: bool = False
    """The answer is complete; in some formats a terminal event still follows."""
    usage: Usage | None = None
    """Totals so far: the last one of a stream counts."""
    error: bytes | None = None
    """The JSON of the error object, where the answer is one."""
    is_odd: bool = False
    """The error is told in a way that clients of the format do not know."""
