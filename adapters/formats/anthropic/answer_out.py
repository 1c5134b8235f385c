"""An answer in the neutral form, written as Claude would answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.anthropic.usage import write_usage
from adapters.formats.lossy import note_lost
from adapters.formats.names import name_of_part
from adapters.formats.neutral.answers import StopReason
from adapters.formats.neutral.encoding import Dropped, Encoded, ResponseOptions
from adapters.formats.neutral.parts import Foreign, Reasoning, Refusal, Text, ToolCall
from adapters.formats.reading import dump
from adapters.formats.signatures import seal
from adapters.formats.tools import arguments_or_words
from adapters.pricing.usage import Usage

if TYPE_CHECKING:
    from adapters.formats.neutral.answers import Response
    from adapters.formats.neutral.parts import Citation, Part
    from adapters.formats.neutral.terms import Format, JsonObject

_DEFAULTS = ResponseOptions()
_STOP_REASONS: dict[StopReason, str] = {
    StopReason.STOP: "end_turn",
    StopReason.STOP_SEQUENCE: "stop_sequence",
    StopReason.LENGTH: "max_tokens",
    StopReason.TOOL_CALLS: "tool_use",
    StopReason.CONTENT_FILTER: "refusal",
    StopReason.PAUSE: "pause_turn",
    StopReason.ERROR: "end_turn",
}


def encode_count_response(tokens: int) -> bytes:
    """Return the answer to who asks how long a prompt is."""
    return dump({"input_tokens": tokens})


def encode_response(response: Response, options: ResponseOptions = _DEFAULTS) -> Encoded:
    """Return the body for the client; of several choices it is the first. Raises `FormatError`."""
    dropped = Dropped()
    if len(response.choices) > 1:
        dropped.add("choices")
    choice = response.choices[0]
    content: list[JsonObject] = []
    refused = False
    for part in choice.parts:
        refused = refused or isinstance(part, Refusal)
        note_lost(part, response.format, "anthropic", dropped)
        block = write_block(part, response.format)
        if block is None:
            dropped.add(name_of_part(part, response.format))
        else:
            content.append(block)
    body: JsonObject = {
        "id": response.id or f"msg_{options.request_id}",
        "type": "message",
        "role": "assistant",
        "model": options.model or response.model,
        "content": content,
        "stop_reason": stop_reason(choice.stop_reason, refused=refused),
        "stop_sequence": choice.stop_sequence or None,
        "usage": write_usage(response.usage or Usage()),
    }
    if choice.logprobs is not None:
        dropped.add("choices.logprobs")
    if response.format == "anthropic":
        body |= {name: value for name, value in response.extra.items() if "." not in name and "[" not in name}
    else:
        dropped.update(response.extra)
    return Encoded(dump(body), dropped.names())


def stop_reason(reason: StopReason, *, refused: bool) -> str:
    """Return Claude's word for why the model stopped. `refused`: the answer holds a refusal."""
    return "refusal" if refused and reason is StopReason.STOP else _STOP_REASONS[reason]


def write_block(part: Part, source: Format) -> JsonObject | None:
    """Return the block for a part of an answer, or `None` where Claude has none."""
    match part:
        case Text():
            block: JsonObject = {"type": "text", "text": part.text}
            if part.citations:
                block["citations"] = [write_citation(citation) for citation in part.citations]
            return block
        case Refusal():
            return {"type": "text", "text": part.text}
        case ToolCall():
            return {"type": "tool_use", "id": part.id, "name": part.name, "input": arguments_or_words(part)}
        case Reasoning() if part.redacted:
            return {"type": "redacted_thinking", "data": part.redacted}
        case Reasoning():
            signature = seal(part.signature, part.signature_format or source, "anthropic")
            if signature and not part.text and part.signature_format != "anthropic":
                return {"type": "redacted_thinking", "data": signature}
            # Clients demand the member; empty, it tells that nothing vouches for these thoughts.
            return {"type": "thinking", "thinking": part.text, "signature": signature}
        case Foreign(format="anthropic"):
            return part.value
    return None


def write_citation(citation: Citation) -> JsonObject:
    """Return a source of a text."""
    if citation.format == "anthropic":
        return citation.value
    return {
        "type": "web_search_result_location",
        "url": citation.url,
        "title": citation.title or None,
        "cited_text": citation.quote,
        "encrypted_index": "",
    }
