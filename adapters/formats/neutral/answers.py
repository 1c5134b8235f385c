"""What a provider answers, as a whole."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from adapters.formats.neutral.parts import Part
from adapters.formats.neutral.terms import Format, JsonObject
from adapters.pricing.usage import Usage


class StopReason(StrEnum):
    """Why the model stopped."""

    STOP = "stop"
    LENGTH = "length"
    """Its limit of output tokens, or the end of its context window."""
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"
    """It refused, or somebody's filter did: Claude's `refusal`, Gemini's `SAFETY` and its kin."""
    STOP_SEQUENCE = "stop_sequence"
    """Like `STOP`; known which one."""
    PAUSE = "pause"
    """Claude's `pause_turn`: send the answer back to go on."""
    ERROR = "error"


class Choice(msgspec.Struct, kw_only=True):
    """One answer."""

    parts: list[Part] = []
    stop_reason: StopReason = StopReason.STOP
    stop_sequence: str = ""
    logprobs: JsonObject | None = None
    """In Chat's shape: `content: [{token, logprob, bytes, top_logprobs}]`."""


class Response(msgspec.Struct, kw_only=True):
    """What a provider answered. `created` (Unix s) is 0 and `id` empty where its format has none."""

    format: Format
    id: str = ""
    model: str = ""
    created: int = 0
    choices: list[Choice] = []
    """By index; never empty after decoding."""
    usage: Usage | None = None
    service_tier: str = ""
    extra: JsonObject = {}
