"""What one relay has delivered, and what it used: the ground for its charge on every way out.

The provider's own usage wins. Where it gave none, or the relay ended before it came, the delivered text is
counted; so the text is kept, in blocks that are counted and dropped once they are long.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from adapters.pricing.usage import Usage

if TYPE_CHECKING:
    from adapters.formats.openai_chat import Piece
    from gateway.counting.counter import Counter

# Long answers are counted in blocks of this size, so that a relay never holds more text than this.
BLOCK_CHARS = 64 * 1024
# Roughly what a token is; only for the question whether a running stream has outgrown its reservation.
BYTES_PER_TOKEN = 4


class Meter:
    """Delivered text and reported usage of one relay."""

    __slots__ = (
        "_approximate",
        "_chars",
        "_counted",
        "_counter",
        "_model",
        "_pieces",
        "_texts",
        "finished",
        "reported",
    )

    def __init__(self, counter: Counter, model: str, *, approximate: bool = False) -> None:
        """`approximate`: count by length, as the operator chose."""
        self._approximate = approximate
        self._counter = counter
        self._model = model
        self._texts: list[str] = []
        self._chars = 0
        self._counted = 0
        self._pieces = 0
        self.reported: Usage | None = None
        """The last usage that the provider reported."""
        self.finished = False
        """The provider said that the answer is over."""

    @property
    def delivered(self) -> bool:
        """Whether any content has reached the client."""
        return self._pieces > 0

    def add(self, piece: Piece) -> None:
        """Note one piece of the answer."""
        if piece.usage is not None:
            self.reported = piece.usage
        if piece.finishes:
            self.finished = True
        if piece.has_content:
            self._pieces += 1
        if piece.text:
            self._texts.append(piece.text)
            self._chars += len(piece.text)

    def add_whole(self) -> None:
        """Note that a whole answer is about to be delivered; it counts even when it holds no text (embeddings)."""
        self._pieces += 1
        self.finished = True

    def add_opaque(self, data: bytes) -> None:
        """Note delivered bytes that could not be read as their format."""
        self._pieces += 1
        text = data.decode(errors="replace")
        self._texts.append(text)
        self._chars += len(text)

    def roughly(self) -> int:
        """Return about how many tokens were delivered so far, without counting them."""
        return max(self._pieces, self._counted + self._chars // BYTES_PER_TOKEN)

    @property
    def is_long(self) -> bool:
        """Whether `fold` should be called."""
        return self._chars >= BLOCK_CHARS

    async def fold(self) -> None:
        """Count what was collected and let the text go. Cancelled: it stays, since it is still to be charged."""
        text, pieces = "".join(self._texts), len(self._texts)
        self._counted += await self._counter.count_text(self._model, text, approximate=self._approximate)
        del self._texts[:pieces]
        self._chars -= len(text)

    async def usage(self, prompt_tokens: int) -> Usage:
        """Return what is to be charged: reported, and what is missing counted, with `prompt_tokens` in.

        A provider may report one side alone (Ollama says nothing of a prompt that it knew), and one that was
        interrupted the beginning only.
        """
        reported = self.reported or Usage()
        if reported.is_exact or (self.finished and reported.prompt_total and reported.completion_total):
            return reported
        if self._texts:
            await self.fold()
        if not reported.prompt_total:
            # What counts searches and not tokens is still read.
            reported = replace(reported, input=prompt_tokens)
        if self.finished and reported.completion_total:
            return reported
        return replace(reported, output=reported.output + max(self._counted - reported.completion_total, 0))

    def about(self, prompt_tokens: int) -> Usage:
        """Return what is to be charged when nobody can count: what is missing by its length."""
        reported = self.reported or Usage()
        if not reported.prompt_total:
            reported = replace(reported, input=prompt_tokens)
        return replace(reported, output=reported.output + max(self.roughly() - reported.completion_total, 0))
