"""OpenAI's Chat Completions, as OpenAI and its many likenesses speak it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.support.wires.official import check_chat
from tests.support.wires.said import Asked, Call, Fails, Result, Said, Turn, Used, data_of, halves, require

if TYPE_CHECKING:
    from collections.abc import Iterator

_STOPS = {"stop": "stop", "length": "length", "stop_sequence": "stop", "refusal": "content_filter"}
_KINDS = {400: "invalid_request_error", 401: "authentication_error", 429: "rate_limit_error"}
_REPEATED = ("reasoning", "reasoning_content", "parsed", "annotations")


def read(body: dict[str, Any], target: str) -> Asked:
    """Return what a request asks. Raises `Unacceptable`."""
    require(target.partition("?")[0].endswith("/v1/chat/completions"), f"no such path: {target}")
    check_chat({**body, "messages": [_without_additions(message) for message in body["messages"]]})
    asked = Asked(model=body["model"], is_stream=body.get("stream", False), raw=body)
    messages = body["messages"]
    open_calls: list[str] = []
    for message in messages:
        role = message["role"]
        if role == "tool":
            require(message["tool_call_id"] in open_calls, "a tool message answers no tool call in front of it")
            open_calls.remove(message["tool_call_id"])
            result = Result(call_id=message["tool_call_id"], text=_text(message["content"]))
            if asked.turns[-1].results:
                asked.turns[-1].results.append(result)
            else:
                asked.turns.append(Turn(role="user", results=[result]))
            continue
        require(not open_calls, f"tool calls without an answer: {open_calls}")
        if role in ("system", "developer"):
            asked.system += _text(message["content"])
        elif role == "user":
            content = message["content"]
            require(content, "a message without content")
            images = [] if isinstance(content, str) else _images(content)
            asked.turns.append(Turn(role="user", text=_text(content), images=images))
        else:
            calls = [_call(call) for call in message.get("tool_calls", ())]
            asked.turns.append(Turn(role="assistant", text=_text(message.get("content") or ""), calls=calls))
            open_calls = [call.id for call in calls]
    require(not open_calls, f"tool calls without an answer: {open_calls}")
    for tool in body.get("tools", ()):
        asked.tools[tool["function"]["name"]] = tool["function"].get("parameters")
    shape = body.get("response_format") or {}
    if shape.get("type") == "json_schema":
        asked.schema = shape["json_schema"]["schema"]
    asked.limit = body.get("max_completion_tokens") or body.get("max_tokens")
    stop = body.get("stop") or []
    asked.stops = [stop] if isinstance(stop, str) else stop
    asked.thinks = body.get("reasoning_effort", "none") != "none"
    return asked


def _without_additions(message: dict[str, Any]) -> dict[str, Any]:
    """Leave out what OpenAI's own client repeats of its answers, and servers overlook."""
    written = {name: value for name, value in message.items() if name not in _REPEATED}
    if written.get("tool_calls"):
        written["tool_calls"] = [
            {
                **{name: value for name, value in call.items() if name != "index"},
                "function": {name: value for name, value in call["function"].items() if name != "parsed_arguments"},
            }
            for call in written["tool_calls"]
        ]
    return written


def _call(call: dict[str, Any]) -> Call:
    return Call(id=call["id"], name=call["function"]["name"], arguments=json.loads(call["function"]["arguments"]))


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "".join(part["text"] for part in content if part["type"] == "text")


def _images(content: list[dict[str, Any]]) -> list[bytes]:
    return [data_of(part["image_url"]["url"]) for part in content if part["type"] == "image_url"]


def whole(said: Said, asked: Asked) -> dict[str, Any]:
    """Return the answer as one body."""
    message: dict[str, Any] = {"role": "assistant", "content": "".join(said.text) or None, "refusal": None}
    if said.thoughts:
        message["reasoning_content"] = "".join(said.thoughts)
    if said.calls:
        message["tool_calls"] = [_written(call, call.text) for call in said.calls]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _stop(said)}
    return {**_envelope(asked, "chat.completion"), "choices": [choice], "usage": usage(said.used)}


def stream(said: Said, asked: Asked) -> Iterator[bytes]:
    """Give the answer as events."""
    envelope = _envelope(asked, "chat.completion.chunk")
    wants_usage = (asked.raw.get("stream_options") or {}).get("include_usage")

    def event(delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return _sse({**envelope, "choices": [choice], **({"usage": None} if wants_usage else {})})

    yield event({"role": "assistant", "content": "", "refusal": None})
    for thought in said.thoughts:
        yield event({"reasoning_content": thought})
    for place, piece in enumerate(said.text):
        yield event({"content": piece})
        if said.cut and not place:
            return
    # Calls one after the other, as from OpenAI: its own client cannot read others.
    for index, call in enumerate(said.calls):
        yield event({"tool_calls": [{"index": index, **_written(call, "")}]})
        for half in halves(call.text):
            yield event({"tool_calls": [{"index": index, "function": {"arguments": half}}]})
    yield event({}, _stop(said))
    if wants_usage:
        yield _sse({**envelope, "choices": [], "usage": usage(said.used)})
    yield b"data: [DONE]\n\n"


def usage(used: Used) -> dict[str, Any]:
    """Return the tokens as OpenAI tells them."""
    return {
        "prompt_tokens": used.prompt,
        "completion_tokens": used.output,
        "total_tokens": used.prompt + used.output,
        "prompt_tokens_details": {"cached_tokens": used.cached, "cache_write_tokens": used.written},
        "completion_tokens_details": {"reasoning_tokens": used.thoughts},
    }


def failure(fails: Fails) -> dict[str, Any]:
    """Return an error's body."""
    kind = _KINDS.get(fails.status, "server_error")
    return {"error": {"message": fails.message, "type": kind, "param": None, "code": None}}


def _stop(said: Said) -> str:
    return "tool_calls" if said.calls else _STOPS[said.stop]


def _written(call: Call, arguments: str) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def _envelope(asked: Asked, kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-mock", "object": kind, "created": 1_700_000_000, "model": asked.model}


def _sse(payload: object) -> bytes:
    return b"data: %s\n\n" % json.dumps(payload, ensure_ascii=False).encode()
