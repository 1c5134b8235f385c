"""An answer in the neutral form, written as a `GenerateContentResponse` for a client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.custom_tools import wrapped
from adapters.formats.gemini.grounding import write_grounding
from adapters.formats.gemini.logprobs import write_logprobs
from adapters.formats.gemini.parts_out import write_part
from adapters.formats.gemini.usage import write_usage
from adapters.formats.gemini.wire import FORMAT, finish_reason
from adapters.formats.lossy import note_lost
from adapters.formats.names import name_of_part
from adapters.formats.neutral.answers import StopReason
from adapters.formats.neutral.encoding import Dropped, Encoded, ResponseOptions
from adapters.formats.neutral.parts import Reasoning, Refusal, Text, ToolCall
from adapters.formats.reading import dump
from adapters.formats.signatures import seal, seal_thought
from adapters.formats.tools import arguments_or_words

if TYPE_CHECKING:
    from adapters.formats.neutral.answers import Choice, Response
    from adapters.formats.neutral.parts import Part
    from adapters.formats.neutral.terms import JsonObject

_DEFAULTS = ResponseOptions()


def encode_response(response: Response, options: ResponseOptions = _DEFAULTS) -> Encoded:
    """Return the body for the client."""
    dropped = Dropped()
    body: JsonObject = {
        "candidates": [_candidate(choice, index, response, dropped) for index, choice in enumerate(response.choices)],
        "modelVersion": options.model or response.model,
        "responseId": response.id or options.request_id,
    }
    if response.usage is not None:
        body["usageMetadata"] = write_usage(response.usage)
    return Encoded(dump(body), dropped.names())


def _candidate(choice: Choice, index: int, response: Response, dropped: Dropped) -> JsonObject:
    parts: list[JsonObject] = []
    for part in choice.parts:
        note_lost(part, response.format, FORMAT, dropped)
        written = write_answer_part(part)
        if written is None:
            dropped.add(name_of_part(part, response.format))
        else:
            parts.append(written)
    candidate: JsonObject = {
        "content": {"parts": parts, "role": "model"},
        "finishReason": finish_word(choice.stop_reason, refuses=any(isinstance(p, Refusal) for p in choice.parts)),
        "index": index,
    }
    cited = [(citation, part.text) for part in choice.parts if isinstance(part, Text) for citation in part.citations]
    if any(not citation.url for citation, _ in cited):
        dropped.add("citations")
    if any(citation.url for citation, _ in cited):
        candidate["groundingMetadata"] = write_grounding(cited)
    if choice.logprobs is not None and (logprobs := write_logprobs(choice.logprobs)) is not None:
        candidate["logprobsResult"] = logprobs
    return candidate


def finish_word(reason: StopReason, *, refuses: bool) -> str:
    """Return the `finishReason`; words of refusal are a text here, so that the reason must tell."""
    return finish_reason(StopReason.CONTENT_FILTER if refuses and reason is StopReason.STOP else reason)


def write_answer_part(part: Part) -> JsonObject | None:
    """Return a part of an answer; `None` if there is no room for it."""
    match part:
        case ToolCall():
            arguments = wrapped(part.arguments) if part.custom else arguments_or_words(part)
            written: JsonObject = {"functionCall": {"id": part.id, "name": part.name, "args": arguments}}
            return _signed(written, seal(part.signature, part.signature_format, FORMAT))
        case Reasoning():
            return _signed({"text": part.text, "thought": True}, seal_thought(part, FORMAT))
        case Text():
            return _signed({"text": part.text}, seal(part.signature, part.signature_format, FORMAT))
    return write_part(part)


def _signed(written: JsonObject, signature: str) -> JsonObject:
    if signature:
        written["thoughtSignature"] = signature
    return written
