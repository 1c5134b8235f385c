"""Words that all of the neutral form has in common."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

JsonObject: TypeAlias = dict[str, object]
Format: TypeAlias = Literal["openai_chat", "openai_responses", "anthropic", "gemini"]


class CacheMark(msgspec.Struct, frozen=True):
    """Up to here the prompt may be cached (Claude's `cache_control`). `ttl` is `5m`, `1h` or empty: the default."""

    ttl: str = ""
