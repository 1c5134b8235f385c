"""Thoughts in chat messages.

Chat itself has no member for them. Servers use `reasoning_content` (DeepSeek and most others), `reasoning`
(OpenRouter) or `thinking`; signatures travel in OpenRouter's `reasoning_details`
(https://openrouter.ai/docs/use-cases/reasoning-tokens): an array of `reasoning.text` with text and signature,
`reasoning.summary`, and `reasoning.encrypted` with sealed data; `format` names whose signature it is. Signatures of
Gemini's tool calls travel in `extra_content.google.thought_signature`, as Google's own Chat endpoint has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.neutral.parts import Reasoning
from adapters.formats.reading import is_array, is_object, text

if TYPE_CHECKING:
    from adapters.formats.neutral.terms import Format, JsonObject

TEXT_MEMBERS = ("reasoning_content", "reasoning", "thinking")
_TO_WIRE: dict[Format, str] = {
    "anthropic": "anthropic-claude-v1",
    "gemini": "google-gemini-v1",
    "openai_responses": "openai-responses-v1",
    "openai_chat": "unknown",
}
_FROM_WIRE: dict[str, Format] = {name: format_ for format_, name in _TO_WIRE.items()}


def read_thoughts(message: JsonObject, path: str) -> list[Reasoning]:
    """Return the thoughts of a message. Raises `FormatError`."""
    details = message.get("reasoning_details")
    if is_array(details):
        thoughts: list[Reasoning] = []
        places: list[object] = []
        for place, item in enumerate(details):
            thought = _read_detail(item, f"{path}.reasoning_details[{place}]")
            if thought is None:
                continue
            index = item.get("index") if is_object(item) else None
            # Clients that collect a stream may send its pieces back one by one.
            if thoughts and index is not None and index == places[-1] and _continues(thoughts[-1], thought):
                thoughts[-1].text += thought.text
                thoughts[-1].signature = thought.signature
                thoughts[-1].signature_format = thought.signature_format
            else:
                thoughts.append(thought)
                places.append(index)
        if thoughts:
            return thoughts
    said = thought_text(message)
    return [Reasoning(text=said)] if said else []


def _continues(before: Reasoning, after: Reasoning) -> bool:
    return bool(before.text) and not (before.signature or before.redacted or after.redacted)


def thought_text(message: JsonObject) -> str:
    """Return the thoughts as text. Servers repeat the same thoughts under several names; one of them counts."""
    for name in TEXT_MEMBERS:
        value = message.get(name)
        if isinstance(value, str) and value:
            return value
    return ""


def _read_detail(item: object, path: str) -> Reasoning | None:
    if not is_object(item):
        return None
    whose = _FROM_WIRE.get(text(item, "format", path), "openai_chat")
    if data := text(item, "data", path):
        if whose == "anthropic":
            return Reasoning(redacted=data, signature_format=whose, id=text(item, "id", path))
        return Reasoning(signature=data, signature_format=whose, id=text(item, "id", path))
    signature = text(item, "signature", path)
    said = text(item, "text", path) or text(item, "summary", path)
    if not said and not signature:
        return None
    return Reasoning(
        text=said, signature=signature, signature_format=whose if signature else None, id=text(item, "id", path)
    )


def write_detail(thought: Reasoning, index: int) -> JsonObject:
    """Return one entry of `reasoning_details`."""
    detail: JsonObject = {"index": index, "format": _TO_WIRE[thought.signature_format or "openai_chat"]}
    if thought.id:
        detail["id"] = thought.id
    if thought.redacted:
        return detail | {"type": "reasoning.encrypted", "data": thought.redacted}
    if thought.signature and not thought.text:
        return detail | {"type": "reasoning.encrypted", "data": thought.signature}
    detail |= {"type": "reasoning.text", "text": thought.text}
    if thought.signature:
        detail["signature"] = thought.signature
    return detail


def read_call_signature(call: JsonObject, path: str) -> str:
    """Return Gemini's signature on a tool call, or nothing."""
    content = call.get("extra_content")
    google = content.get("google") if is_object(content) else None
    return text(google, "thought_signature", f"{path}.extra_content.google") if is_object(google) else ""


def write_call_signature(signature: str) -> JsonObject:
    """Return `extra_content` for a tool call."""
    return {"google": {"thought_signature": signature}}
