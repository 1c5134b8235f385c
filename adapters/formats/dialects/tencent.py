"""Tencent's Hunyuan (https://cloud.tencent.com/document/api/1729/105701): Chat in capitals, within `Response`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.dialects.dialect import Dialect, Told, failure
from adapters.formats.errors import FormatError, ProviderError
from adapters.formats.openai_chat import read_error as read_chat_error
from adapters.formats.reading import array, as_object, count, dump_text, is_array, is_object, load, member, text

if TYPE_CHECKING:
    from adapters.formats.dialects.asked import Asked
    from adapters.formats.neutral.terms import JsonObject
    from adapters.sse import Event

_FINISHES = {"sensitive": "content_filter"}
_STATUSES = {
    "AuthFailure": 401,
    "UnauthorizedOperation": 403,
    "RequestLimitExceeded": 429,
    "LimitExceeded": 429,
    "ResourceInsufficient": 403,
    "FailedOperation": 502,
    "InvalidParameter": 400,
    "InvalidParameterValue": 400,
    "UnsupportedOperation": 400,
    "ResourceUnavailable": 403,
    "InternalError": 500,
}
"""By the part of the code in front of a dot (https://cloud.tencent.com/document/api/1729/105711#6)."""


def _write(asked: Asked) -> JsonObject:
    body: JsonObject = {
        "Model": asked.model,
        "Messages": [_message(one) for one in asked.chat_messages(images=True)],
        "Stream": asked.request.stream,
    }
    asked.put(body, top_p="TopP", temperature="Temperature", stop="Stop", seed="Seed")
    tools: list[JsonObject] = [
        {
            "Type": "function",
            "Function": {
                "Name": tool.name,
                "Description": tool.description,
                "Parameters": dump_text(tool.parameters or {"type": "object", "properties": {}}),
            },
        }
        for tool in asked.functions()
    ]
    if tools:
        body["Tools"] = tools
        _write_choice(asked, body, tools)
    return body


def _write_choice(asked: Asked, body: JsonObject, tools: list[JsonObject]) -> None:
    choice = asked.request.tool_choice
    if choice is None:
        return
    if choice.mode in ("auto", "none"):
        asked.take("tool_choice")
        body["ToolChoice"] = choice.mode
    elif len(choice.names) == 1:
        named = [tool for tool in tools if as_object(tool["Function"], "")["Name"] == choice.names[0]]
        if named:
            asked.take("tool_choice")
            body["ToolChoice"] = "custom"
            body["CustomTool"] = named[0]


def _message(message: JsonObject) -> JsonObject:
    written: JsonObject = {"Role": message["role"]}
    content = message.get("content")
    if is_array(content):
        written["Contents"] = [_content(as_object(part, "content")) for part in content]
    else:
        written["Content"] = content or ""
    if call_id := message.get("tool_call_id"):
        written["ToolCallId"] = call_id
    calls: list[JsonObject] = []
    for item in array(message, "tool_calls"):
        call = as_object(item, "tool_calls")
        function = member(call, "function") or {}
        calls.append(
            {
                "Id": call.get("id"),
                "Type": "function",
                "Function": {"Name": function.get("name"), "Arguments": function.get("arguments")},
            }
        )
    if calls:
        written["ToolCalls"] = calls
    return written


def _content(part: JsonObject) -> JsonObject:
    image = part.get("image_url")
    if is_object(image):
        return {"Type": "image_url", "ImageUrl": {"Url": image.get("url")}}
    return {"Type": "text", "Text": part.get("text", "")}


def _read(answer: JsonObject) -> JsonObject:
    inner = member(answer, "Response")
    if inner is None:
        raise FormatError("is required", path="Response")
    raise_error(inner)
    return _told(inner, "Message", "message", id=text(inner, "RequestId") or text(inner, "Id"))


def _hear(event: Event) -> Told:
    answer = load(event.data)
    inner = member(answer, "Response") or answer
    raise_error(inner)
    one = _told(inner, "Delta", "delta", id=text(inner, "Id"))
    return Told((one,))


def _told(inner: JsonObject, source: str, name: str, **members: object) -> JsonObject:
    choices: list[JsonObject] = []
    for place, item in enumerate(array(inner, "Choices")):
        choice = as_object(item, "Choices")
        reason = text(choice, "FinishReason")
        choices.append(
            {
                "index": count(choice, "Index") or place,
                name: _said(member(choice, source, "Choices") or {}),
                "finish_reason": _FINISHES.get(reason, reason) or None,
            }
        )
    usage = member(inner, "Usage") or {}
    return {
        **members,
        "created": count(inner, "Created"),
        "choices": choices,
        "usage": {
            "prompt_tokens": count(usage, "PromptTokens"),
            "completion_tokens": count(usage, "CompletionTokens"),
        },
    }


def _said(message: JsonObject) -> JsonObject:
    calls: list[JsonObject] = []
    for place, item in enumerate(array(message, "ToolCalls")):
        call = as_object(item, "ToolCalls")
        function = member(call, "Function") or {}
        calls.append(
            {
                "index": count(call, "Index") if "Index" in call else place,
                "id": call.get("Id"),
                "type": "function",
                "function": {"name": function.get("Name"), "arguments": function.get("Arguments")},
            }
        )
    return {
        "content": text(message, "Content"),
        "reasoning_content": text(message, "ReasoningContent"),
        "tool_calls": calls,
    }


def raise_error(inner: JsonObject) -> None:
    """Raise `ProviderFailure` for an answer that tells of an error."""
    error = member(inner, "Error") or member(inner, "ErrorMsg")
    if error is None:
        return
    code = error.get("Code")
    words = text(error, "Message") or text(error, "Msg")
    status = _STATUSES.get(code.partition(".")[0], 502) if isinstance(code, str) else 502
    raise failure(words, code, status=status)


def _read_error(body: bytes, status: int) -> ProviderError:
    try:
        inner = member(load(body), "Response") or {}
        error = member(inner, "Error") or {}
        if words := text(error, "Message"):
            return ProviderError(message=words, type="", code=error.get("Code"), param="")
    except FormatError:
        pass
    return read_chat_error(body, status)


DIALECT = Dialect(write=_write, read=_read, hear=_hear, read_error=_read_error)
