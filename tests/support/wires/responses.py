"""OpenAI's Responses API."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.support.wires.official import check_responses
from tests.support.wires.said import Asked, Call, Fails, Result, Said, Turn, Used, data_of, halves, require, sign

if TYPE_CHECKING:
    from collections.abc import Iterator

SEALED = "reasoning.encrypted_content"
_LONGEST_ID = 64


def read(body: dict[str, Any], target: str) -> Asked:
    """Return what a request asks. Raises `Unacceptable`."""
    require(target.partition("?")[0].endswith("/v1/responses"), f"no such path: {target}")
    # The API has defaults for what the client's types want to be given.
    tools = [{"strict": None, **t} if t["type"] == "function" else t for t in body.get("tools", ())]
    # Codex sends it, whether the client's types know it or not.
    body = {name: value for name, value in body.items() if name != "client_metadata"}
    check_responses({**body, "input": _as_the_client_would(body["input"]), "tools": tools})
    asked = Asked(model=body["model"], is_stream=body.get("stream", False), raw=body)
    asked.system = body.get("instructions") or ""
    items = body["input"]
    if isinstance(items, str):
        items = [{"role": "user", "content": items}]
    open_calls: list[str] = []
    for item in items:
        _item(item, asked, open_calls)
    require(not open_calls, f"No tool output found for function call {open_calls}.")
    for tool in body.get("tools", ()):
        asked.tools[tool.get("name", tool["type"])] = tool.get("parameters")
    shape = (body.get("text") or {}).get("format") or {}
    if shape.get("type") == "json_schema":
        asked.schema = shape["schema"]
    asked.limit = body.get("max_output_tokens")
    asked.thinks = (body.get("reasoning") or {}).get("effort", "none") not in (None, "none")
    return asked


def _item(item: dict[str, Any], asked: Asked, open_calls: list[str]) -> None:
    match item.get("type", "message"):
        case "function_call":
            require(len(item["call_id"]) <= _LONGEST_ID, "a call_id is too long")
            require(item.get("id", "fc_").startswith("fc_"), "an item's id must begin with fc_")
            call = Call(id=item["call_id"], name=item["name"], arguments=json.loads(item["arguments"]))
            _turn(asked, "assistant").calls.append(call)
            open_calls.append(call.id)
        case "function_call_output":
            require(item["call_id"] in open_calls, f"No tool call found for call_id {item['call_id']}.")
            open_calls.remove(item["call_id"])
            output = item["output"]
            text = output if isinstance(output, str) else "".join(part.get("text", "") for part in output)
            _turn(asked, "user").results.append(Result(call_id=item["call_id"], text=text))
        case "reasoning":
            thought = "".join(part["text"] for part in item["summary"])
            require(item.get("id", "rs_").startswith("rs_"), "an item's id must begin with rs_")
            require(
                item.get("encrypted_content") == sign("responses", thought),
                "The encrypted content could not be verified.",
            )
            _turn(asked, "assistant").thoughts.append(thought)
        case "message":
            _message(item, asked)


def _message(item: dict[str, Any], asked: Asked) -> None:
    content, role = item["content"], item["role"]
    parts = [{"type": "input_text", "text": content}] if isinstance(content, str) else content
    text = "".join(part.get("text", "") for part in parts)
    if role in ("system", "developer"):
        asked.system += text
        return
    kind = "output_text" if role == "assistant" else "input_text"
    require(
        isinstance(content, str) or all(part["type"] in (kind, "input_image", "refusal") for part in parts),
        f"parts of a message of the {role} must be {kind}",
    )
    turn = _turn(asked, role)
    turn.text += text
    turn.images += [data_of(part["image_url"]) for part in parts if part["type"] == "input_image"]


def _turn(asked: Asked, role: Any) -> Turn:
    if not asked.turns or asked.turns[-1].role != role:
        asked.turns.append(Turn(role=role))
    return asked.turns[-1]


def _as_the_client_would(items: Any) -> Any:
    """Give items what the client's types want, and the API does not."""
    if isinstance(items, str):
        return items
    written = []
    for item in items:
        item = {name: value for name, value in item.items() if value is not None}
        content = item.get("content")
        if isinstance(content, list):
            item = {**item, "content": [_filled(part) for part in content]}
            if item["role"] == "assistant":
                item = {"id": "msg_0", "type": "message", "status": "completed", **item}
            else:
                item = {name: value for name, value in item.items() if name != "id"}
        elif item.get("type") == "reasoning":
            item = {"id": "rs_0", **item}
        written.append(item)
    return written


def _filled(part: dict[str, Any]) -> dict[str, Any]:
    defaults = {"output_text": {"annotations": []}, "input_image": {"detail": "auto"}}
    return {**defaults.get(part["type"], {}), **part}


def whole(said: Said, asked: Asked) -> dict[str, Any]:
    """Return the answer as one body."""
    body = _opening(asked)
    body["status"] = "completed"
    if said.stop in ("length", "refusal"):
        body["status"] = "incomplete"
        reason = "max_output_tokens" if said.stop == "length" else "content_filter"
        body["incomplete_details"] = {"reason": reason}
    body["output"] = _output(said, asked)
    body["usage"] = usage(said.used)
    return body


def _opening(asked: Asked) -> dict[str, Any]:
    return {
        "id": "resp_mock",
        "object": "response",
        "created_at": 1_700_000_000,
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "instructions": asked.raw.get("instructions"),
        "model": asked.model,
        "output": [],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": asked.raw.get("tools", []),
        "usage": None,
        "metadata": {},
    }


def _output(said: Said, asked: Asked) -> list[dict[str, Any]]:
    output: list[dict[str, Any]] = []
    if said.thoughts:
        thought = "".join(said.thoughts)
        shown = (asked.raw.get("reasoning") or {}).get("summary")
        item: dict[str, Any] = {
            "id": "rs_1",
            "type": "reasoning",
            "summary": [{"type": "summary_text", "text": thought}] if shown else [],
        }
        if SEALED in (asked.raw.get("include") or ()):
            item["encrypted_content"] = sign("responses", thought if shown else "")
        output.append(item)
    if said.text:
        output.append(_message_item("".join(said.text)))
    output += [
        {
            "id": f"fc_{call.id}",
            "type": "function_call",
            "status": "completed",
            "call_id": call.id,
            "name": call.name,
            "arguments": call.text,
        }
        for call in said.calls
    ]
    return output


def _message_item(text: str) -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    return {"id": "msg_1", "type": "message", "status": "completed", "role": "assistant", "content": [part]}


def usage(used: Used) -> dict[str, Any]:
    """Return the tokens as OpenAI tells them."""
    return {
        "input_tokens": used.prompt,
        "input_tokens_details": {"cached_tokens": used.cached, "cache_write_tokens": used.written},
        "output_tokens": used.output,
        "output_tokens_details": {"reasoning_tokens": used.thoughts},
        "total_tokens": used.prompt + used.output,
    }


def stream(said: Said, asked: Asked) -> Iterator[bytes]:
    """Give the answer as events."""
    final = whole(said, asked)
    for number, event in enumerate(_events(said, asked, final)):
        kind = event["type"]
        yield b"event: %s\ndata: %s\n\n" % (
            kind.encode(),
            json.dumps({**event, "sequence_number": number}, ensure_ascii=False).encode(),
        )
        if said.cut and kind == "response.output_text.delta":
            return


def _events(said: Said, asked: Asked, final: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield {"type": "response.created", "response": _opening(asked)}
    yield {"type": "response.in_progress", "response": _opening(asked)}
    for index, item in enumerate(final["output"]):
        where = {"output_index": index, "item_id": item["id"]}
        begun = {**item, **({"status": "in_progress"} if "status" in item else {})}
        match item["type"]:
            case "reasoning":
                yield _added(index, {**item, "summary": []})
                yield from _summary(said, item, where)
            case "message":
                yield _added(index, {**begun, "content": []})
                yield from _text(said, item, where)
            case "function_call":
                yield _added(index, {**begun, "arguments": ""})
                for half in halves(item["arguments"]):
                    yield {"type": "response.function_call_arguments.delta", **where, "delta": half}
                yield {
                    "type": "response.function_call_arguments.done",
                    **where,
                    "name": item["name"],
                    "arguments": item["arguments"],
                }
        yield {"type": "response.output_item.done", "output_index": index, "item": item}
    yield {"type": f"response.{final['status']}", "response": final}


def _added(index: int, item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "response.output_item.added", "output_index": index, "item": item}


def _summary(said: Said, item: dict[str, Any], where: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if not item["summary"]:
        return
    where = {**where, "summary_index": 0}
    kind = "response.reasoning_summary"
    yield {"type": f"{kind}_part.added", **where, "part": {"type": "summary_text", "text": ""}}
    for piece in said.thoughts:
        yield {"type": f"{kind}_text.delta", **where, "delta": piece}
    (part,) = item["summary"]
    yield {"type": f"{kind}_text.done", **where, "text": part["text"]}
    yield {"type": f"{kind}_part.done", **where, "part": part}


def _text(said: Said, item: dict[str, Any], where: dict[str, Any]) -> Iterator[dict[str, Any]]:
    where = {**where, "content_index": 0}
    (part,) = item["content"]
    yield {"type": "response.content_part.added", **where, "part": {**part, "text": ""}}
    for piece in said.text:
        yield {"type": "response.output_text.delta", **where, "delta": piece, "logprobs": []}
    yield {"type": "response.output_text.done", **where, "text": part["text"], "logprobs": []}
    yield {"type": "response.content_part.done", **where, "part": part}


def failure(fails: Fails) -> dict[str, Any]:
    """Return an error's body."""
    kind = {400: "invalid_request_error", 401: "authentication_error", 429: "rate_limit_error"}
    told = kind.get(fails.status, "server_error")
    return {"error": {"message": fails.message, "type": told, "param": None, "code": None}}
