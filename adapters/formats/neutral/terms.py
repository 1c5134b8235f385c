"""Words that all of the neutral form has in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

JsonObject: TypeAlias = dict[str, object]
Format: TypeAlias = Literal["openai_chat", "openai_responses", "anthropic", "gemini"]
FORMAT_TITLES: Mapping[str, str] = {
    "openai_chat": "OpenAI Chat Completions",
    "openai_responses": "OpenAI Responses",
    "anthropic": "Claude Messages",
    "gemini": "Gemini",
}
"""What each format is called, on all pages and in the documentation."""


class CacheMark(msgspec.Struct, frozen=True):
    """Up to here the prompt may be cached (Claude's `cache_control`). `ttl` is `5m`, `1h` or empty: the default."""

    ttl: str = ""
