"""Baidu's ERNIE, the API of 2023 (https://cloud.baidu.com/doc/WENXINWORKSHOP/s/clntwmv7t).

The system prompt stands beside the messages, functions are those of early OpenAI, errors come with status 200.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.dialects.dialect import Dialect, Told, chunk, completion, failure, new_call_id, tokens
from adapters.formats.neutral.parts import Refusal, Text, ToolCall, ToolResult
from adapters.formats.reading import count, load, member, text
from adapters.formats.tools import name_results

if TYPE_CHECKING:
    from adapters.formats.dialects.asked import Asked
    from adapters.formats.neutral.requests import Message
    from adapters.formats.neutral.terms import JsonObject
    from adapters.sse import Event

BETWEEN_TEXTS = "\n\n"
_FINISHES = {
    "normal": "stop",
    "stop": "stop",
    "length": "length",
    "content_filter": "content_filter",
    "function_call": "tool_calls",
}
_STATUSES = {
    1: 500,
    2: 503,
    3: 404,
    4: 429,
    6: 403,
    13: 401,
    14: 401,
    15: 401,
    17: 403,
    18: 429,
    19: 403,
    100: 400,
    110: 401,
    111: 401,
    336000: 500,
    336001: 400,
    336002: 400,
    336003: 400,
    336005: 500,
    336006: 400,
    336007: 400,
    336100: 503,
    336501: 429,
    336502: 429,
}
"""https://cloud.baidu.com/doc/WENXINWORKSHOP/s/tlmyncueh; 17 and 19 are limits of a day and of all time."""


def _write(asked: Asked) -> JsonObject:
    body: JsonObject = {}
    system = [part.text for part in asked.request.system]
    messages: list[JsonObject] = []
    names: dict[str, str] = {}
    for message in asked.request.messages:
        name_results(message.parts, names)
        if message.role == "system":
            system += [part.text for part in message.parts if isinstance(part, Text)]
        else:
            messages += _messages(asked, message)
    body["messages"] = messages
    if system:
        body["system"] = BETWEEN_TEXTS.join(system)
    asked.put(
        body,
        temperature="temperature",
        top_p="top_p",
        frequency_penalty="penalty_score",
        max_output_tokens="max_output_tokens",
        stop="stop",
        user="user_id",
    )
    wanted = asked.request.response_format
    if wanted is not None and wanted.kind != "json_schema":
        asked.take("response_format")
        body["response_format"] = wanted.kind
    _write_functions(asked, body)
    if asked.request.stream:
        body["stream"] = True
    return body


def _messages(asked: Asked, message: Message) -> list[JsonObject]:
    written: list[JsonObject] = []
    texts: list[str] = []
    call: ToolCall | None = None
    for part in message.parts:
        match part:
            case Text() | Refusal():
                texts.append(part.text)
            case ToolCall() if call is None:
                call = part
            case ToolResult():
                words = [inner.text for inner in part.parts if isinstance(inner, Text)]
                written.append({"role": "function", "name": part.name, "content": BETWEEN_TEXTS.join(words)})
            case _:
                asked.drop_part(part)
    if call is not None:
        function: JsonObject = {"name": call.name, "arguments": call.arguments or "{}"}
        return [{"role": "assistant", "content": BETWEEN_TEXTS.join(texts), "function_call": function}]
    if texts:
        written.append({"role": message.role, "content": BETWEEN_TEXTS.join(texts)})
    return written


def _write_functions(asked: Asked, body: JsonObject) -> None:
    functions: list[JsonObject] = [
        {
            "name": tool.name,
            "description": tool.description or tool.name,
            "parameters": tool.parameters or {"type": "object", "properties": {}},
        }
        for tool in asked.functions()
    ]
    if not functions:
        return
    choice = asked.request.tool_choice
    if choice is not None and choice.mode == "none":
        asked.take("tool_choice")
        return
    body["functions"] = functions
    if choice is None or choice.mode == "auto":
        asked.take("tool_choice")
    elif len(choice.names) == 1:
        asked.take("tool_choice")
        body["tool_choice"] = {"type": "function", "function": {"name": choice.names[0]}}


def _read(answer: JsonObject) -> JsonObject:
    raise_error(answer)
    message: JsonObject = {"role": "assistant", "content": text(answer, "result")}
    if (calls := _calls(answer)) is not None:
        message["tool_calls"] = calls
    return completion(
        message, _finish(answer), usage=_usage(answer), id=text(answer, "id"), created=count(answer, "created")
    )


def _hear(event: Event) -> Told:
    answer = load(event.data)
    raise_error(answer)
    delta: JsonObject = {"content": text(answer, "result")}
    if (calls := _calls(answer)) is not None:
        delta["tool_calls"] = calls
    is_last = answer.get("is_end") is True
    one = chunk(
        delta,
        _finish(answer) if is_last else None,
        usage=_usage(answer),
        id=text(answer, "id"),
        created=count(answer, "created"),
    )
    return Told((one,), is_last)


def _calls(answer: JsonObject) -> list[JsonObject] | None:
    call = member(answer, "function_call")
    if call is None:
        return None
    function = {"name": text(call, "name"), "arguments": call.get("arguments")}
    return [{"index": 0, "id": new_call_id(), "type": "function", "function": function}]


def _finish(answer: JsonObject) -> str:
    if answer.get("is_truncated") is True:
        return "length"
    return _FINISHES.get(text(answer, "finish_reason"), "stop")


def _usage(answer: JsonObject) -> JsonObject | None:
    usage = member(answer, "usage")
    if usage is None:
        return None
    prompt = count(usage, "prompt_tokens")
    # `completion_tokens` of a chunk may be the chunk's own; the total always counts all.
    return tokens(prompt, max(count(usage, "total_tokens") - prompt, 0))


def raise_error(answer: JsonObject) -> None:
    """Raise `ProviderFailure` for an answer that tells of an error."""
    code = answer.get("error_code")
    if code:
        known = code if isinstance(code, int) else 0
        raise failure(text(answer, "error_msg"), code, status=_STATUSES.get(known, 502), type="baidu_error")


DIALECT = Dialect(write=_write, read=_read, hear=_hear)
