"""A client's `generateContent` request, read into the neutral form.

Model and stream stand in the URL, so the caller sets them. Source: https://ai.google.dev/api/generate-content
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.errors import FormatError
from adapters.formats.gemini.parts_in import Turns, read_part
from adapters.formats.gemini.schema import json_schema
from adapters.formats.gemini.tools_in import read_tool_choice, read_tools
from adapters.formats.gemini.wire import FORMAT, camel
from adapters.formats.neutral.parts import Text
from adapters.formats.neutral.requests import ReasoningOptions, Request, ResponseFormat
from adapters.formats.reading import (
    array,
    as_object,
    flag,
    integer,
    load,
    member,
    number,
    text,
    texts,
    unknown,
)

if TYPE_CHECKING:
    from adapters.formats.neutral.requests import Effort
    from adapters.formats.neutral.terms import JsonObject

_KNOWN = frozenset(["contents", "generationConfig", "model", "systemInstruction", "toolConfig", "tools", "labels"])
_KNOWN_CONFIG = frozenset(
    [
        "candidateCount",
        "frequencyPenalty",
        "logprobs",
        "maxOutputTokens",
        "presencePenalty",
        "responseJsonSchema",
        "responseLogprobs",
        "responseMimeType",
        "responseModalities",
        "responseSchema",
        "seed",
        "speechConfig",
        "stopSequences",
        "temperature",
        "thinkingConfig",
        "topK",
        "topP",
    ]
)
_CONFIG = "generationConfig"
_THINKING = "generationConfig.thinkingConfig"
_LEVELS: dict[str, Effort] = {
    "minimal": "minimal",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "xhigh",
}


def decode_request(raw: bytes, *, model: str = "", stream: bool = False) -> Request:
    """Return what the client asks; `model` and `stream` are what the URL says. Raises `FormatError`."""
    return read_request(load(raw), model=model, stream=stream)


def read_request(raw: JsonObject, *, model: str = "", stream: bool = False) -> Request:
    """Return what a decoded request asks. Raises `FormatError`."""
    body = camel(raw)
    config = camel(member(body, _CONFIG) or {})
    extra = unknown(body, _KNOWN)
    extra.update(unknown(config, _KNOWN_CONFIG, _CONFIG))
    turns = Turns(extra)
    turns.read(body)
    if not turns.messages:
        raise FormatError("is required", path="contents")
    return Request(
        format=FORMAT,
        model=model or text(body, "model").removeprefix("models/"),
        messages=turns.messages,
        system=_system(body),
        tools=read_tools(body, extra),
        tool_choice=read_tool_choice(body, extra),
        stream=stream,
        include_usage=True,
        max_output_tokens=integer(config, "maxOutputTokens", _CONFIG),
        temperature=number(config, "temperature", _CONFIG),
        top_p=number(config, "topP", _CONFIG),
        top_k=_whole(number(config, "topK", _CONFIG)),
        stop=texts(config, "stopSequences", _CONFIG),
        seed=integer(config, "seed", _CONFIG),
        presence_penalty=number(config, "presencePenalty", _CONFIG),
        frequency_penalty=number(config, "frequencyPenalty", _CONFIG),
        n=integer(config, "candidateCount", _CONFIG),
        logprobs=flag(config, "responseLogprobs", _CONFIG),
        top_logprobs=integer(config, "logprobs", _CONFIG),
        response_format=_response_format(config),
        reasoning=_reasoning(config, extra),
        modalities=[kind.lower() for kind in texts(config, "responseModalities", _CONFIG)],
        audio=_audio(config),
        metadata=member(body, "labels"),
        service_tier=_service_tier(extra),
        extra=extra,
    )


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def _system(body: JsonObject) -> list[Text]:
    value = body.get("systemInstruction")
    if isinstance(value, str):
        return [Text(value)] if value else []
    found: list[Text] = []
    content = member(body, "systemInstruction") or {}
    for place, item in enumerate(array(content, "parts", "systemInstruction")):
        path = f"systemInstruction.parts[{place}]"
        for part in read_part(camel(as_object(item, path)), path):
            if not isinstance(part, Text):
                raise FormatError("instructions can only be text", path=path)
            found.append(part)
    return found


def _response_format(config: JsonObject) -> ResponseFormat | None:
    schema = member(config, "responseJsonSchema", _CONFIG)
    if schema is None:
        own = member(config, "responseSchema", _CONFIG)
        schema = None if own is None else json_schema(own)
    if schema is not None:
        return ResponseFormat(kind="json_schema", schema=schema)
    match text(config, "responseMimeType", _CONFIG):
        case "application/json":
            return ResponseFormat(kind="json_object")
        case "" | "text/plain":
            return None
    raise FormatError("expected text/plain or application/json", path=f"{_CONFIG}.responseMimeType")


def _reasoning(config: JsonObject, extra: JsonObject) -> ReasoningOptions | None:
    value = member(config, "thinkingConfig", _CONFIG)
    if value is None:
        return None
    thinking = camel(value)
    options = ReasoningOptions(shown=flag(thinking, "includeThoughts", _THINKING))
    budget = integer(thinking, "thinkingBudget", _THINKING)
    if budget is not None and budget < 0:
        options.enabled, options.adaptive = True, True
    elif budget is not None:
        options.enabled, options.budget_tokens = budget > 0, budget
    level = text(thinking, "thinkingLevel", _THINKING)
    if level.lower() in _LEVELS:
        options.enabled, options.effort = True, _LEVELS[level.lower()]
    elif level and level != "THINKING_LEVEL_UNSPECIFIED":
        extra[f"{_THINKING}.thinkingLevel"] = level
    return options if options != ReasoningOptions() else None


def _audio(config: JsonObject) -> JsonObject | None:
    speech = camel(member(config, "speechConfig", _CONFIG) or {})
    voice = camel(member(speech, "voiceConfig", f"{_CONFIG}.speechConfig") or {})
    built_in = camel(member(voice, "prebuiltVoiceConfig", f"{_CONFIG}.speechConfig.voiceConfig") or {})
    name = text(built_in, "voiceName", f"{_CONFIG}.speechConfig.voiceConfig.prebuiltVoiceConfig")
    return {"voice": name} if name else None


def _service_tier(extra: JsonObject) -> str:
    tier = extra.pop("serviceTier", None)
    if not isinstance(tier, str):
        return ""
    return {"standard": "default", "unspecified": ""}.get(tier.lower(), tier.lower())
