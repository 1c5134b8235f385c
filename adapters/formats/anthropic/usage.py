"""Claude's `usage`, and our disjoint buckets.

`input_tokens` counts neither what was read from a cache nor what was written to one; `output_tokens` includes
thinking. In a stream `message_start` tells the prompt, `message_delta` running totals, perhaps without the prompt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.reading import count, is_object
from adapters.pricing.usage import Usage

if TYPE_CHECKING:
    from adapters.formats.neutral.terms import JsonObject

_SEARCHES = "web_search_requests"


def read_usage(value: object, before: Usage | None = None) -> Usage | None:
    """Return the buckets of `usage`; what it does not tell is as in `before`. `None` if nothing was told at all."""
    if not is_object(value):
        return before
    known = before or Usage()
    written = value.get("cache_creation")
    total = count(value, "cache_creation_input_tokens")
    if is_object(written):
        write_1h = count(written, "ephemeral_1h_input_tokens")
        write_5m = max(count(written, "ephemeral_5m_input_tokens"), total - write_1h)
    elif value.get("cache_creation_input_tokens") is not None:
        # Only the total: it cannot have shrunk, and what was known to be kept for an hour stays so.
        write_1h = min(known.cache_write_1h, total)
        write_5m = total - write_1h
    else:
        write_5m, write_1h = known.cache_write_5m, known.cache_write_1h
    output = count(value, "output_tokens") if _told(value, "output_tokens") else known.output + known.reasoning
    details = value.get("output_tokens_details")
    thinking = count(details, "thinking_tokens") if is_object(details) else known.reasoning
    thinking = min(thinking, output)
    usage = Usage(
        input=count(value, "input_tokens") if _told(value, "input_tokens") else known.input,
        cached_read=count(value, "cache_read_input_tokens")
        if _told(value, "cache_read_input_tokens")
        else known.cached_read,
        cache_write_5m=write_5m,
        cache_write_1h=write_1h,
        output=output - thinking,
        reasoning=thinking,
        tool_calls=_searches(value) or known.tool_calls,
    )
    return before if usage == Usage() else usage


def _told(value: JsonObject, name: str) -> bool:
    return value.get(name) is not None


def _searches(value: JsonObject) -> tuple[tuple[str, int], ...]:
    used = value.get("server_tool_use")
    searches = count(used, _SEARCHES) if is_object(used) else 0
    return (("web_search", searches),) if searches else ()


def write_usage(usage: Usage) -> JsonObject:
    """Return `usage` as Claude writes it; audio and pictures of a prompt are part of its input."""
    written: JsonObject = {
        "input_tokens": usage.input + usage.audio_input + usage.image_input,
        "cache_creation_input_tokens": usage.cache_write_5m + usage.cache_write_1h,
        "cache_read_input_tokens": usage.cached_read,
        "output_tokens": usage.completion_total,
    }
    if usage.cache_write_1h:
        written["cache_creation"] = {
            "ephemeral_5m_input_tokens": usage.cache_write_5m,
            "ephemeral_1h_input_tokens": usage.cache_write_1h,
        }
    if usage.reasoning:
        written["output_tokens_details"] = {"thinking_tokens": usage.reasoning}
    searches = dict(usage.tool_calls).get("web_search", 0)
    if searches:
        written["server_tool_use"] = {_SEARCHES: searches, "web_fetch_requests": 0}
    return written
