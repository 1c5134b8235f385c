"""Gemini's `usageMetadata`, and our disjoint buckets.

`promptTokenCount` includes what came from the cache, but not what hosted tools added to the prompt;
`candidatesTokenCount` leaves out the thoughts. Audio and pictures are told apart by modality.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.gemini.wire import version_of
from adapters.formats.reading import array, count, is_array, is_object
from adapters.pricing.usage import Usage

if TYPE_CHECKING:
    from adapters.formats.neutral.terms import JsonObject

_BY_QUERY_SINCE = (3, 0)
"""From this version on a search is billed by query, before by answer that searched."""


def read_usage(answer: JsonObject, searches: int = 0) -> Usage | None:
    """Return the buckets of an answer or a chunk, or `None` when it reports nothing."""
    told = answer.get("usageMetadata")
    if not is_object(told):
        return None
    prompt, visible = count(told, "promptTokenCount"), count(told, "candidatesTokenCount")
    thoughts, added = count(told, "thoughtsTokenCount"), count(told, "toolUsePromptTokenCount")
    if not (prompt or visible or thoughts):
        return None
    cached = min(count(told, "cachedContentTokenCount"), prompt)
    before, kept = _modalities(told, "promptTokensDetails"), _modalities(told, "cacheTokensDetails")
    left = prompt - cached
    audio_in = min(max(before.get("AUDIO", 0) - kept.get("AUDIO", 0), 0), left)
    image_in = min(max(before.get("IMAGE", 0) - kept.get("IMAGE", 0), 0), left - audio_in)
    after = _modalities(told, "candidatesTokensDetails")
    audio_out = min(after.get("AUDIO", 0), visible)
    image_out = min(after.get("IMAGE", 0), visible - audio_out)
    return Usage(
        input=left - audio_in - image_in + added,
        cached_read=cached,
        audio_input=audio_in,
        image_input=image_in,
        output=visible - audio_out - image_out,
        reasoning=thoughts,
        audio_output=audio_out,
        image_output=image_out,
        tool_calls=(("web_search", searches),) if searches else (),
    )


def _modalities(told: JsonObject, name: str) -> dict[str, int]:
    found: dict[str, int] = {}
    details = told.get(name)
    for item in details if is_array(details) else ():
        if is_object(item) and isinstance(kind := item.get("modality"), str):
            found[kind] = found.get(kind, 0) + count(item, "tokenCount")
    return found


def count_searches(grounding: JsonObject, model: str) -> int:
    """Return how many searches `groundingMetadata` tells of, as the model's provider bills them."""
    queries = grounding.get("webSearchQueries")
    if not is_array(queries) or not queries:
        return 0
    return len(queries) if version_of(model) >= _BY_QUERY_SINCE else 1


def write_usage(usage: Usage) -> JsonObject:
    """Return `usage` as Gemini writes it."""
    visible = usage.output + usage.audio_output + usage.image_output
    written: JsonObject = {
        "promptTokenCount": usage.prompt_total,
        "candidatesTokenCount": visible,
        "totalTokenCount": usage.prompt_total + usage.completion_total,
    }
    if usage.cached_read:
        written["cachedContentTokenCount"] = usage.cached_read
    if usage.reasoning:
        written["thoughtsTokenCount"] = usage.reasoning
    prompt_text = usage.prompt_total - usage.audio_input - usage.image_input
    written["promptTokensDetails"] = _details(prompt_text, usage.audio_input, usage.image_input)
    if visible:
        written["candidatesTokensDetails"] = _details(usage.output, usage.audio_output, usage.image_output)
    return written


def _details(text: int, audio: int, image: int) -> list[JsonObject]:
    return [
        {"modality": kind, "tokenCount": tokens}
        for kind, tokens in (("TEXT", text), ("AUDIO", audio), ("IMAGE", image))
        if tokens
    ]


def token_total(answer: JsonObject) -> int:
    """Return the result of `countTokens`. Raises `FormatError` if it is something else."""
    array(answer, "promptTokensDetails")
    return count(answer, "totalTokens")
