"""OpenAI's `usage`, and our disjoint buckets.

OpenAI counts inclusively: cached, written, audio and image tokens are part of `prompt_tokens`; reasoning, audio and
image tokens are part of `completion_tokens`.
"""

from __future__ import annotations

import msgspec

from adapters.pricing.usage import Usage


class _PromptDetails(msgspec.Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    cache_write_1h_tokens: int | None = None
    """The part of them that is kept for an hour. No server says so; wires that know it are read as Chat."""
    audio_tokens: int | None = None
    image_tokens: int | None = None


class _CompletionDetails(msgspec.Struct):
    reasoning_tokens: int | None = None
    audio_tokens: int | None = None
    image_tokens: int | None = None


class WireUsage(msgspec.Struct):
    """`usage` as providers send it; every member may be missing or null."""

    prompt_tokens: int | float | None = None
    completion_tokens: int | float | None = None
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _CompletionDetails | None = None
    prompt_cache_hit_tokens: int | None = None
    """DeepSeek's name for the cached part (https://api-docs.deepseek.com/guides/kv_cache)."""

    def normalised(self) -> Usage | None:
        """Return the disjoint buckets, or `None` when nothing was reported."""
        prompt = max(int(self.prompt_tokens or 0), 0)
        completion = max(int(self.completion_tokens or 0), 0)
        if not prompt and not completion:
            return None
        before = self.prompt_tokens_details or _PromptDetails()
        after = self.completion_tokens_details or _CompletionDetails()
        left = prompt
        audio_in = min(max(before.audio_tokens or 0, 0), left)
        left -= audio_in
        image_in = min(max(before.image_tokens or 0, 0), left)
        left -= image_in
        cached = min(max(before.cached_tokens or self.prompt_cache_hit_tokens or 0, 0), left)
        left -= cached
        written = min(max(before.cache_write_tokens or 0, 0), left)
        written_1h = min(max(before.cache_write_1h_tokens or 0, 0), written)
        audio_out = min(max(after.audio_tokens or 0, 0), completion)
        image_out = min(max(after.image_tokens or 0, 0), completion - audio_out)
        reasoning = min(max(after.reasoning_tokens or 0, 0), completion - audio_out - image_out)
        return Usage(
            input=left - written,
            cached_read=cached,
            cache_write_5m=written - written_1h,
            cache_write_1h=written_1h,
            audio_input=audio_in,
            image_input=image_in,
            output=completion - reasoning - audio_out - image_out,
            reasoning=reasoning,
            audio_output=audio_out,
            image_output=image_out,
        )


def read_usage(value: object) -> Usage | None:
    """Return the buckets of a decoded `usage`; figures that are no sensible numbers count as absent."""
    try:
        return msgspec.convert(value, WireUsage).normalised() if isinstance(value, dict) else None
    except (msgspec.ValidationError, OverflowError, ValueError):
        return None


def write_usage(usage: Usage, service_tier: str = "") -> dict[str, object]:
    """Return `usage` as OpenAI writes it. `service_tier` is the provider's own word, if it told one."""
    prompt, completion = usage.prompt_total, usage.completion_total
    written: dict[str, object] = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {
            "cached_tokens": usage.cached_read,
            "cache_write_tokens": usage.cache_write_5m + usage.cache_write_1h,
            "audio_tokens": usage.audio_input,
            "image_tokens": usage.image_input,
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning,
            "audio_tokens": usage.audio_output,
            "image_tokens": usage.image_output,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
    if service_tier:
        written["service_tier"] = service_tier
    return written
