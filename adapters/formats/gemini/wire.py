"""What Gemini's JSON is like: names in two spellings, reasons, models that differ.

Google reads `generation_config` as well as `generationConfig`, and so do we. Sources:
https://ai.google.dev/api/generate-content, https://ai.google.dev/gemini-api/docs/thinking
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from adapters.formats.neutral.answers import StopReason

if TYPE_CHECKING:
    from adapters.formats.neutral.terms import JsonObject

FORMAT: Final = "gemini"
SKIP_SIGNATURE = "skip_thought_signature_validator"
"""Gemini 3 demands a signature on calls; this word, documented for that, stands for one that was never made."""
_SIGNED_SINCE = (3, 0)
_VERSION = re.compile(r"gemini-(\d+)(?:\.(\d+))?")

_REASONS: dict[str, StopReason] = {
    "STOP": StopReason.STOP,
    "FINISH_REASON_UNSPECIFIED": StopReason.STOP,
    "CONTINUATION": StopReason.PAUSE,
    "MAX_TOKENS": StopReason.LENGTH,
    "SAFETY": StopReason.CONTENT_FILTER,
    "RECITATION": StopReason.CONTENT_FILTER,
    "LANGUAGE": StopReason.CONTENT_FILTER,
    "BLOCKLIST": StopReason.CONTENT_FILTER,
    "PROHIBITED_CONTENT": StopReason.CONTENT_FILTER,
    "SPII": StopReason.CONTENT_FILTER,
    "IMAGE_SAFETY": StopReason.CONTENT_FILTER,
    "IMAGE_PROHIBITED_CONTENT": StopReason.CONTENT_FILTER,
    "IMAGE_RECITATION": StopReason.CONTENT_FILTER,
    "MODEL_ARMOR": StopReason.CONTENT_FILTER,
    "ESCALATION": StopReason.CONTENT_FILTER,
}
_WORDS: dict[StopReason, str] = {
    StopReason.LENGTH: "MAX_TOKENS",
    StopReason.CONTENT_FILTER: "SAFETY",
    StopReason.ERROR: "OTHER",
}


def stop_reason(word: str) -> StopReason:
    """Return what a `finishReason` means; what is neither known nor harmless is an error."""
    return _REASONS.get(word, StopReason.ERROR)


def finish_reason(reason: StopReason) -> str:
    """Return the `finishReason` for a neutral one. Calls and stop sequences are nothing special here."""
    return _WORDS.get(reason, "STOP")


def camel(source: JsonObject) -> JsonObject:
    """Return `source` with its own members (not those deeper down) in Google's first spelling."""
    if not any("_" in name for name in source):
        return source
    return {_camel_name(name): value for name, value in source.items()}


def _camel_name(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word[:1].upper() + word[1:] for word in rest) if head else name


def wants_signatures(model: str) -> bool:
    """Whether `model` refuses calls of its history that are not signed."""
    return version_of(model) >= _SIGNED_SINCE


def version_of(model: str) -> tuple[int, int]:
    """Return major and minor version of a Gemini model, (0, 0) if the name tells none."""
    found = _VERSION.search(model)
    return (int(found[1]), int(found[2] or 0)) if found and len(found[0]) < len("gemini-999.999") else (0, 0)


def is_gemma(model: str) -> bool:
    """Whether this is one of the open models, which know neither system instructions nor thinking."""
    return "gemma" in model


def makes_images(model: str) -> bool:
    """Whether the model answers in pictures as well."""
    return "-image" in model


def stream_url(url: str) -> str:
    """Return the URL of a stream for that of a whole answer."""
    return url.replace(":generateContent", ":streamGenerateContent") + ("&" if "?" in url else "?") + "alt=sse"
