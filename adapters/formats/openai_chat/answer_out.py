"""An answer in the neutral form, written as a chat completion for a client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.custom_tools import custom_names, unwrapped
from adapters.formats.data_url import data_url
from adapters.formats.lossy import note_lost
from adapters.formats.names import name_of_part
from adapters.formats.neutral.answers import StopReason
from adapters.formats.neutral.encoding import Dropped, Encoded, ResponseOptions
from adapters.formats.neutral.parts import Audio, Image, Reasoning, Refusal, Text, ToolCall
from adapters.formats.openai_chat.thoughts import write_call_signature, write_detail
from adapters.formats.openai_chat.usage import write_usage
from adapters.formats.reading import dump

if TYPE_CHECKING:
    from adapters.formats.neutral.answers import Choice, Response
    from adapters.formats.neutral.parts import Citation
    from adapters.formats.neutral.terms import Format, JsonObject

_DEFAULTS = ResponseOptions()
_TIERS = {"auto", "default", "flex", "scale", "priority"}
_FINISH: dict[StopReason, str] = {
    StopReason.STOP: "stop",
    StopReason.STOP_SEQUENCE: "stop",
    StopReason.PAUSE: "stop",
    StopReason.LENGTH: "length",
    StopReason.TOOL_CALLS: "tool_calls",
    StopReason.CONTENT_FILTER: "content_filter",
    StopReason.ERROR: "stop",
}


def encode_response(response: Response, options: ResponseOptions = _DEFAULTS) -> Encoded:
    """Return the body for the client. Raises `FormatError` where a number has no place in JSON."""
    dropped = Dropped()
    body: JsonObject = {
        "id": answer_id(response.id, response.format, options),
        "object": "chat.completion",
        "created": response.created or options.now_s,
        "model": options.model or response.model,
        "choices": [
            _choice(place, choice, response, options, dropped) for place, choice in enumerate(response.choices)
        ],
    }
    own = is_openai(response.format)
    if response.service_tier in _TIERS and own:
        body["service_tier"] = response.service_tier
    if response.usage is not None:
        # Chat has no room for another provider's word on its tier; one-api's clients know it from here.
        body["usage"] = write_usage(response.usage, "" if own else response.service_tier)
    if response.format == "openai_chat":
        body |= response.extra
    else:
        dropped.update(response.extra)
    return Encoded(dump(body), dropped.names())


def answer_id(given: str, source: Format, options: ResponseOptions) -> str:
    """Return the id of an answer: OpenAI's as it is, another provider's behind `chatcmpl-`."""
    if given:
        return given if is_openai(source) else f"chatcmpl-{given}"
    return f"chatcmpl-{options.request_id}"


def is_openai(source: Format) -> bool:
    """Whether `source` is a format of OpenAI's."""
    return source in {"openai_chat", "openai_responses"}


def finish_reason(reason: StopReason) -> str:
    """Return Chat's word for why the model stopped."""
    return _FINISH[reason]


def _choice(place: int, choice: Choice, response: Response, options: ResponseOptions, dropped: Dropped) -> JsonObject:
    return {
        "index": place,
        "message": _message(choice, response.format, options, dropped),
        "logprobs": choice.logprobs,
        "finish_reason": finish_reason(choice.stop_reason),
    }


def _message(choice: Choice, source: Format, options: ResponseOptions, dropped: Dropped) -> JsonObject:
    message: JsonObject = {"role": "assistant", "content": None, "refusal": None}
    said: list[Text | Image] = []
    thoughts: list[Reasoning] = []
    calls: list[JsonObject] = []
    refusals: list[str] = []
    custom = custom_names(options.request)
    for part in choice.parts:
        note_lost(part, source, "openai_chat", dropped)
        match part:
            case Text() | Image():
                said.append(part)
            case Reasoning():
                thoughts.append(part)
            case ToolCall():
                calls.append(tool_call(part, custom))
            case Refusal():
                refusals.append(part.text)
            case Audio():
                message["audio"] = {
                    "id": part.id,
                    "data": part.data,
                    "expires_at": part.expires_at,
                    "transcript": part.transcript,
                }
            case _:
                dropped.add(name_of_part(part, source))
    _write_said(message, said)
    if refusals:
        message["refusal"] = "".join(refusals)
    if thoughts:
        if words := "".join(thought.text for thought in thoughts):
            message[options.reasoning_format] = words
        if any(thought.signature or thought.redacted for thought in thoughts):
            message["reasoning_details"] = [write_detail(thought, place) for place, thought in enumerate(thoughts)]
    if calls:
        message["tool_calls"] = calls
    return message


def _write_said(message: JsonObject, said: list[Text | Image]) -> None:
    annotations: list[JsonObject] = []
    start = 0
    for part in said:
        if isinstance(part, Text):
            annotations.extend(annotation(source, start) for source in part.citations)
            start += len(part.text)
    if any(isinstance(part, Image) for part in said):
        # Pictures have no place in a string; one-api's clients know this array.
        message["content"] = [
            {"type": "text", "text": part.text} if isinstance(part, Text) else image_part(part) for part in said
        ]
    elif said:
        message["content"] = "".join(part.text for part in said if isinstance(part, Text))
    if annotations:
        message["annotations"] = annotations


def image_part(image: Image) -> JsonObject:
    """Return a picture as a part of content."""
    return {"type": "image_url", "image_url": {"url": image.url or data_url(image.media_type, image.data)}}


def annotation(source: Citation, offset: int) -> JsonObject:
    """Return a source of a text that begins `offset` characters into the content."""
    if source.format == "openai_chat":
        return source.value
    return {
        "type": "url_citation",
        "url_citation": {
            "url": source.url,
            "title": source.title,
            "start_index": offset + (source.start or 0),
            "end_index": offset + (source.end or 0),
        },
    }


def tool_call(call: ToolCall, custom: frozenset[str] = frozenset()) -> JsonObject:
    """Return an entry of `tool_calls`. `custom` names tools of free text, which another format made functions."""
    written: JsonObject = {"id": call.id}
    if call.custom or call.name in custom:
        said = call.arguments if call.custom else unwrapped(call.arguments)
        written |= {"type": "custom", "custom": {"name": call.name, "input": said}}
    else:
        written |= {"type": "function", "function": {"name": call.name, "arguments": call.arguments or "{}"}}
    if call.signature and call.signature_format == "gemini":
        written["extra_content"] = write_call_signature(call.signature)
    return written
