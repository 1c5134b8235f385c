"""What a request used, in buckets that never overlap.

Codecs normalise every provider's figures to this form, so that the price function needs no knowledge of
providers: OpenAI counts cached tokens inside `prompt_tokens`, Anthropic outside of `input_tokens`; here a
token is in exactly one bucket.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens by bucket, all disjoint; `tool_calls` counts billable tool uses by name."""

    input: int = 0
    """Prompt text tokens that were neither read from nor written to a cache, audio and image excluded."""
    cached_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    audio_input: int = 0
    image_input: int = 0
    output: int = 0
    """Completion tokens that are neither reasoning nor audio nor image."""
    reasoning: int = 0
    audio_output: int = 0
    image_output: int = 0
    cached_image: int = 0
    """Image tokens of the prompt that were read from a cache, which image models report apart."""
    tool_calls: tuple[tuple[str, int], ...] = ()
    calls: int = 1
    """What counts as a call where a model is priced by the call: a long search is several."""
    pictures: int = 0
    """How many pictures were made, where that is fewer than were asked for; 0: all."""
    is_exact: bool = False
    """What is not in here is free: nothing is counted in its place."""

    @property
    def prompt_total(self) -> int:
        """All tokens of the prompt, as OpenAI's `prompt_tokens` counts them."""
        return (
            self.input
            + self.cached_read
            + self.cache_write_5m
            + self.cache_write_1h
            + self.audio_input
            + self.image_input
            + self.cached_image
        )

    @property
    def completion_total(self) -> int:
        """All tokens of the answer, as OpenAI's `completion_tokens` counts them."""
        return self.output + self.reasoning + self.audio_output + self.image_output
