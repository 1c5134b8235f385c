"""A provider's whole chat completion, read into the neutral form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.errors import FormatError, ProviderFailure
from adapters.formats.neutral.answers import Choice, Response, StopReason
from adapters.formats.neutral.parts import Audio, Citation, Foreign, Refusal, Text, ToolCall
from adapters.formats.openai_chat.failures import read_error
from adapters.formats.openai_chat.messages_in import arguments_text, read_image, read_tool_call
from adapters.formats.openai_chat.thoughts import read_thoughts
from adapters.formats.openai_chat.usage import read_usage
from adapters.formats.reading import (
    array,
    as_object,
    count,
    dump,
    integer,
    is_array,
    is_object,
    load,
    member,
    text,
    unknown,
)

if TYPE_CHECKING:
    from adapters.formats.neutral.parts import Part
    from adapters.formats.neutral.terms import JsonObject

_KNOWN = frozenset({"id", "object", "created", "model", "choices", "usage", "service_tier", "error"})
_STOP_REASONS = {
    "length": StopReason.LENGTH,
    "max_tokens": StopReason.LENGTH,
    "tool_calls": StopReason.TOOL_CALLS,
    "function_call": StopReason.TOOL_CALLS,
    "content_filter": StopReason.CONTENT_FILTER,
    "safety": StopReason.CONTENT_FILTER,
    "error": StopReason.ERROR,
    "insufficient_system_resource": StopReason.ERROR,
}


def decode_response(body: bytes) -> Response:
    """Return what the provider answered. Raises `FormatError`, or `ProviderFailure` for an error in disguise."""
    answer = load(body)
    raise_error(answer, body)
    return read_response(answer)


def read_response(answer: JsonObject) -> Response:
    """Return what a completion says that was decoded, or made of another wire's answer. Raises `FormatError`."""
    choices = [
        _choice(as_object(item, f"choices[{place}]"), f"choices[{place}]")
        for place, item in enumerate(array(answer, "choices"))
    ]
    if not choices:
        raise FormatError("the answer has no choices", path="choices")
    return Response(
        format="openai_chat",
        id=text(answer, "id"),
        model=text(answer, "model"),
        created=count(answer, "created"),
        choices=choices,
        usage=read_usage(answer.get("usage")),
        service_tier=text(answer, "service_tier"),
        extra=unknown(answer, _KNOWN),
    )


def raise_error(answer: JsonObject, body: bytes | None = None) -> None:
    """Raise `ProviderFailure` if `answer` tells of an error."""
    error = answer.get("error")
    if error:
        told = read_error(dump(answer) if body is None else body, status=502)
        raise ProviderFailure(told, status=told.status or 502)
    hidden = answer.get("base_resp")
    if is_object(hidden) and hidden.get("status_code") and not answer.get("choices"):
        told = read_error(dump(answer) if body is None else body, status=502)
        raise ProviderFailure(told, status=told.status or 502)


def stop_reason(value: str, *, has_calls: bool) -> StopReason:
    """Return why the model stopped. Some servers say `stop` though tools are wanted."""
    reason = _STOP_REASONS.get(value, StopReason.STOP)
    return StopReason.TOOL_CALLS if has_calls and reason is StopReason.STOP else reason


def _choice(choice: JsonObject, path: str) -> Choice:
    inner = f"{path}.message"
    message = member(choice, "message", path) or {}
    parts: list[Part] = [*read_thoughts(message, inner), *_content(message, inner)]
    if refusal := text(message, "refusal", inner):
        parts.append(Refusal(refusal))
    audio = member(message, "audio", inner)
    if audio is not None:
        parts.append(read_audio(audio, f"{inner}.audio"))
    for place, item in enumerate(array(message, "tool_calls", inner)):
        at = f"{inner}.tool_calls[{place}]"
        parts.append(read_tool_call(as_object(item, at), at, fallback_id=f"call_{place}"))
    call = member(message, "function_call", inner)
    if call is not None:
        name = text(call, "name", f"{inner}.function_call")
        parts.append(ToolCall(id=f"function_{name}", name=name, arguments=arguments_text(call.get("arguments"))))
    has_calls = any(isinstance(part, ToolCall) for part in parts)
    return Choice(
        parts=parts,
        stop_reason=stop_reason(text(choice, "finish_reason", path), has_calls=has_calls),
        logprobs=member(choice, "logprobs", path),
    )


def _content(message: JsonObject, path: str) -> list[Part]:
    content = message.get("content")
    citations = read_annotations(message, path)
    parts: list[Part] = []
    if isinstance(content, str):
        if content:
            parts.append(Text(content, citations=citations))
    elif is_array(content):
        for place, item in enumerate(content):
            parts.extend(_content_part(as_object(item, f"{path}.content[{place}]"), f"{path}.content[{place}]"))
        for part in parts:
            if isinstance(part, Text):
                # Positions count from the beginning of all that is said.
                part.citations = citations
                break
    elif content is not None:
        raise FormatError("expected a string or an array", path=f"{path}.content")
    for place, item in enumerate(array(message, "images", path)):
        parts.append(read_image(as_object(item, f"{path}.images[{place}]"), f"{path}.images[{place}]"))
    return parts


def _content_part(part: JsonObject, path: str) -> list[Part]:
    kind = text(part, "type", path)
    match kind:
        case "text":
            said = text(part, "text", path)
            return [Text(said)] if said else []
        case "refusal":
            return [Refusal(text(part, "refusal", path))]
        case "image_url":
            return [read_image(part, path)]
    return [Foreign(format="openai_chat", type=kind, value=part)]


def read_audio(audio: JsonObject, path: str) -> Audio:
    """Read `audio` of an answer or a delta. Raises `FormatError`."""
    return Audio(
        data=text(audio, "data", path),
        id=text(audio, "id", path),
        transcript=text(audio, "transcript", path),
        expires_at=count(audio, "expires_at"),
    )


def read_annotations(message: JsonObject, path: str) -> list[Citation]:
    """Return the sources named in `annotations`. Raises `FormatError`."""
    found: list[Citation] = []
    for place, item in enumerate(array(message, "annotations", path)):
        at = f"{path}.annotations[{place}]"
        annotation = as_object(item, at)
        url = member(annotation, "url_citation", at)
        if url is None:
            found.append(Citation(format="openai_chat", value=annotation))
            continue
        inner = f"{at}.url_citation"
        found.append(
            Citation(
                url=text(url, "url", inner),
                title=text(url, "title", inner),
                quote=text(url, "content", inner),
                start=integer(url, "start_index", inner),
                end=integer(url, "end_index", inner),
            )
        )
    return found
