"""iFlytek's Spark over a websocket (https://www.xfyun.cn/doc/spark/Web.html).

One message goes out, and each message that comes back is a piece of the answer. The wire presents them as events,
or gathered in `frames`; it also adds the `app_id`, which is part of the key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.dialects.dialect import Dialect, Told, chunk, completion, failure, new_call_id, tokens
from adapters.formats.errors import FormatError
from adapters.formats.reading import array, as_object, count, load, member, text

if TYPE_CHECKING:
    from adapters.formats.dialects.asked import Asked
    from adapters.formats.neutral.terms import JsonObject
    from adapters.sse import Event

DEFAULT_VERSION = "v1.1"
_VERSIONS = {
    "Spark-Lite": "v1.1",
    "Spark-Pro": "v3.1",
    "Spark-Pro-128K": "v3.1-128K",
    "Spark-Max": "v3.5",
    "Spark-Max-32K": "v3.5-32K",
    "Spark-4.0-Ultra": "v4.0",
}
_DOMAINS = {
    "v1.1": "lite",
    "v2.1": "generalv2",
    "v3.1": "generalv3",
    "v3.1-128K": "pro-128k",
    "v3.5": "generalv3.5",
    "v3.5-32K": "max-32k",
    "v4.0": "4.0Ultra",
}
_PATHS = {"v3.1-128K": "/chat/pro-128k", "v3.5-32K": "/chat/max-32k"}
_WITH_FUNCTIONS = ("generalv3", "generalv3.5", "4.0Ultra")
_MOST_TOP_K = 6
_LAST = 2
_STATUSES = {
    10003: 400,
    10004: 400,
    10005: 400,
    10007: 429,
    10008: 503,
    10010: 503,
    10013: 400,
    10014: 400,
    10019: 400,
    10110: 503,
    10163: 400,
    10907: 400,
    11200: 403,
    11201: 429,
    11202: 429,
    11203: 429,
}
"""https://www.xfyun.cn/doc/spark/接口说明.html#错误码"""
_DEFAULT_STATUS = 502


def version_of(model: str, setting: str) -> str:
    """Return the version of the API that serves `model`; `setting` is the channel's."""
    known = _VERSIONS.get(model)
    if known is not None:
        return known
    _, dash, after = model.partition("-")
    if dash and after[:1] == "v":
        return after
    return setting or DEFAULT_VERSION


def path_of(version: str) -> str:
    """Return the path of the websocket for a version."""
    return _PATHS.get(version, f"/{version}/chat")


def is_last(message: bytes) -> bool:
    """Whether a message ends the answer, well or not; one that cannot be read is left to the codec."""
    try:
        frame = load(message)
        header = member(frame, "header") or {}
        return bool(header.get("code")) or _is_last(frame)
    except FormatError:
        return True


def _write(asked: Asked) -> JsonObject:
    version = version_of(asked.model, asked.setting("api_version"))
    domain = _DOMAINS.get(version, f"general{version}")
    top_k = asked.take("top_k") or asked.take("n") or 1
    chat: JsonObject = {"domain": domain, "top_k": min(int(str(top_k)), _MOST_TOP_K)}
    asked.put(chat, temperature="temperature", max_output_tokens="max_tokens")
    payload: JsonObject = {"message": {"text": [{"role": t.role, "content": t.text} for t in asked.turns()]}}
    if domain in _WITH_FUNCTIONS:
        functions = [
            {"name": tool.name, "description": tool.description, "parameters": tool.parameters or {}}
            for tool in asked.functions()
        ]
        if functions:
            payload["functions"] = {"text": functions}
    header: JsonObject = {}
    asked.put(header, user="uid")
    return {"header": header, "parameter": {"chat": chat}, "payload": payload}


def _read(answer: JsonObject) -> JsonObject:
    said: list[str] = []
    thought: list[str] = []
    calls: list[JsonObject] = []
    usage: JsonObject | None = None
    name = ""
    is_whole = False
    for item in array(answer, "frames"):
        frame = as_object(item, "frames")
        _raise_error(frame)
        name = name or _sid(frame)
        delta = _delta(frame)
        said.append(text(delta, "content"))
        thought.append(text(delta, "reasoning_content"))
        calls += [as_object(call, "tool_calls") for call in array(delta, "tool_calls")]
        usage = _usage(frame) or usage
        is_whole = _is_last(frame)
    if not is_whole:
        raise FormatError("the last frame is missing", path="frames")
    message: JsonObject = {"role": "assistant", "content": "".join(said)}
    if any(thought):
        message["reasoning_content"] = "".join(thought)
    if calls:
        message["tool_calls"] = calls
    return completion(message, "tool_calls" if calls else "stop", usage=usage, id=name)


def _hear(event: Event) -> Told:
    frame = load(event.data)
    _raise_error(frame)
    is_last = _is_last(frame)
    one = chunk(_delta(frame), "stop" if is_last else None, usage=_usage(frame), id=_sid(frame))
    return Told((one,), is_last)


def _delta(frame: JsonObject) -> JsonObject:
    delta: JsonObject = {}
    for item in array(_choices(frame), "text", "payload.choices"):
        piece = as_object(item, "payload.choices.text")
        delta["content"] = text(delta, "content") + text(piece, "content")
        if thought := text(piece, "reasoning_content"):
            delta["reasoning_content"] = thought
        call = member(piece, "function_call")
        if call is not None:
            delta["tool_calls"] = [{"index": 0, "id": new_call_id(), "type": "function", "function": call}]
    return delta


def _choices(frame: JsonObject) -> JsonObject:
    return member(member(frame, "payload") or {}, "choices", "payload") or {}


def _is_last(frame: JsonObject) -> bool:
    return _choices(frame).get("status") == _LAST


def _sid(frame: JsonObject) -> str:
    return text(member(frame, "header") or {}, "sid", "header")


def _usage(frame: JsonObject) -> JsonObject | None:
    usage = member(member(frame, "payload") or {}, "usage", "payload")
    told = member(usage, "text", "payload.usage") if usage is not None else None
    return None if told is None else tokens(count(told, "prompt_tokens"), count(told, "completion_tokens"))


def _raise_error(frame: JsonObject) -> None:
    header = member(frame, "header") or {}
    code = header.get("code")
    if code:
        known = code if isinstance(code, int) else 0
        raise failure(text(header, "message", "header"), code, status=_STATUSES.get(known, _DEFAULT_STATUS))


DIALECT = Dialect(write=_write, read=_read, hear=_hear)
