"""Anthropic's Messages: the strictest of all, and the one that looks at signatures of thoughts."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any

from tests.support.wires.official import check_claude
from tests.support.wires.said import Asked, Call, Fails, Result, Said, Turn, Used, halves, require, sign

if TYPE_CHECKING:
    from collections.abc import Iterator

_STOPS = {"stop": "end_turn", "length": "max_tokens", "stop_sequence": "stop_sequence", "refusal": "refusal"}
_ID = re.compile(r"[a-zA-Z0-9_-]+")
_KINDS = {400: "invalid_request_error", 401: "authentication_error", 429: "rate_limit_error", 529: "overloaded_error"}


def read(body: dict[str, Any], target: str) -> Asked:
    """Return what a request asks. Raises `Unacceptable`."""
    require(target.partition("?")[0].endswith("/v1/messages"), f"no such path: {target}")
    check_claude(body)
    asked = Asked(model=body["model"], is_stream=body.get("stream", False), limit=body["max_tokens"], raw=body)
    system = body.get("system") or ""
    asked.system = system if isinstance(system, str) else "".join(block["text"] for block in system)
    open_calls: list[str] = []
    for message in body["messages"]:
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        require(blocks, "messages: all messages must have non-empty content")
        turn = Turn(role=message["role"])
        asked.turns.append(turn)
        results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        require(set(open_calls) <= set(results), f"`tool_use` ids without `tool_result` after them: {open_calls}")
        require(set(results) <= set(open_calls), f"unexpected `tool_use_id` in `tool_result`: {results}")
        kinds = [block["type"] == "tool_result" for block in blocks]
        require(kinds == sorted(kinds, reverse=True), "`tool_result` blocks must come first")
        for block in blocks:
            _block(block, turn)
        open_calls = [call.id for call in turn.calls]
    require(asked.turns[0].role == "user", "the first message must be the user's")
    require(not open_calls, "the conversation must not end with calls")
    for tool in body.get("tools", ()):
        asked.tools[tool["name"]] = tool.get("input_schema")
    shape = (body.get("output_config") or {}).get("format")
    asked.schema = shape["schema"] if shape else None
    asked.stops = body.get("stop_sequences") or []
    _thinking(body, asked)
    return asked


def _thinking(body: dict[str, Any], asked: Asked) -> None:
    thinking = body.get("thinking") or {"type": "disabled"}
    asked.thinks = thinking["type"] != "disabled"
    if not asked.thinks:
        return
    require(body.get("temperature", 1) == 1, "`temperature` may only be 1 when thinking is enabled")
    require("top_k" not in body, "`top_k` must be unset when thinking is enabled")
    choice = (body.get("tool_choice") or {"type": "auto"})["type"]
    require(choice in ("auto", "none"), "Thinking may not be enabled when tool_choice forces tool use.")
    if thinking["type"] != "enabled":
        return
    require(thinking["budget_tokens"] >= 1024, "thinking.budget_tokens must be at least 1024")
    require(thinking["budget_tokens"] < body["max_tokens"], "max_tokens must be greater than the budget")
    # In a loop of tools the last turn of the assistant must begin with its thoughts.
    last = body["messages"][-1]["content"]
    if not isinstance(last, str) and any(block["type"] == "tool_result" for block in last):
        first = body["messages"][-2]["content"][0]["type"]
        require(
            first in ("thinking", "redacted_thinking"),
            f"Expected `thinking` or `redacted_thinking`, but found `{first}`. When `thinking` is enabled, a final "
            "`assistant` message must start with a thinking block",
        )


def _block(block: dict[str, Any], turn: Turn) -> None:
    match block["type"]:
        case "text":
            require(block["text"], "text content blocks must be non-empty")
            turn.text += block["text"]
        case "image":
            source = block["source"]
            require(source["type"] == "base64" and source["media_type"] == "image/png", "an image of another kind")
            turn.images.append(base64.b64decode(source["data"], validate=True))
        case "tool_use":
            require(_ID.fullmatch(block["id"]), f"tool_use ids must match {_ID.pattern}")
            require(isinstance(block["input"], dict), "tool_use.input: Input should be an object")
            turn.calls.append(Call(id=block["id"], name=block["name"], arguments=block["input"]))
        case "tool_result":
            content = block.get("content", "")
            inner = [{"type": "text", "text": content}] if isinstance(content, str) else content
            shown = Turn(role="user")
            for part in inner:
                if part.get("text") != "":
                    _block(part, shown)
            turn.results.append(
                Result(
                    call_id=block["tool_use_id"],
                    text=shown.text,
                    images=shown.images,
                    is_error=block.get("is_error", False),
                )
            )
        case "thinking":
            right = block["signature"] == sign("claude", block["thinking"])
            require(right, "Invalid `signature` in `thinking` block")
            turn.thoughts.append(block["thinking"])
        case kind:
            require(False, f"nothing here sends {kind}")


def whole(said: Said, asked: Asked) -> dict[str, Any]:
    """Return the answer as one body."""
    return {
        **_envelope(asked),
        "content": _content(said, asked),
        "stop_reason": _stop(said),
        "stop_sequence": said.stop_sequence or None,
        "usage": usage(said.used),
    }


def _content(said: Said, asked: Asked) -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = []
    if said.thoughts and asked.thinks:
        thought = "".join(said.thoughts)
        content.append({"type": "thinking", "thinking": thought, "signature": sign("claude", thought)})
    if said.text:
        content.append({"type": "text", "text": "".join(said.text)})
    content += [
        {"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments} for call in said.calls
    ]
    return content


def _envelope(asked: Asked) -> dict[str, Any]:
    return {"id": "msg_mock", "type": "message", "role": "assistant", "model": asked.model}


def usage(used: Used) -> dict[str, Any]:
    """Return the tokens as Anthropic tells them."""
    return {
        "input_tokens": used.fresh,
        "cache_read_input_tokens": used.cached,
        "cache_creation_input_tokens": used.written,
        "output_tokens": used.output,
        **({"output_tokens_details": {"thinking_tokens": used.thoughts}} if used.thoughts else {}),
    }


def stream(said: Said, asked: Asked) -> Iterator[bytes]:
    """Give the answer as events."""
    begun = {**usage(said.used), "output_tokens": 1}
    begun.pop("output_tokens_details", None)
    message = {**_envelope(asked), "content": [], "stop_reason": None, "stop_sequence": None, "usage": begun}
    yield _sse({"type": "message_start", "message": message})
    yield _sse({"type": "ping"})
    for index, block in enumerate(_content(said, asked)):
        empty, deltas = _cut(said, block)
        yield _sse({"type": "content_block_start", "index": index, "content_block": empty})
        for delta in deltas:
            yield _sse({"type": "content_block_delta", "index": index, "delta": delta})
            if said.cut and delta["type"] == "text_delta":
                return
        yield _sse({"type": "content_block_stop", "index": index})
    ended = {"stop_reason": _stop(said), "stop_sequence": said.stop_sequence or None}
    yield _sse({"type": "message_delta", "delta": ended, "usage": usage(said.used)})
    yield _sse({"type": "message_stop"})


def _cut(said: Said, block: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    match block["type"]:
        case "thinking":
            deltas = [{"type": "thinking_delta", "thinking": piece} for piece in said.thoughts]
            signed = {"type": "signature_delta", "signature": block["signature"]}
            return {**block, "thinking": "", "signature": ""}, [*deltas, signed]
        case "text":
            return {**block, "text": ""}, [{"type": "text_delta", "text": piece} for piece in said.text]
    parts = ("", *halves(json.dumps(block["input"])))
    return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": part} for part in parts]


def failure(fails: Fails) -> dict[str, Any]:
    """Return an error's body."""
    kind = _KINDS.get(fails.status, "api_error")
    return {"type": "error", "error": {"type": kind, "message": fails.message}, "request_id": "req_mock"}


def _stop(said: Said) -> str:
    return "tool_use" if said.calls else _STOPS[said.stop]


def _sse(payload: dict[str, Any]) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (
        payload["type"].encode(),
        json.dumps(payload, ensure_ascii=False).encode(),
    )
