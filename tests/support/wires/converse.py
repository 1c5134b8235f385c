"""Amazon Bedrock's Converse API, requests checked against botocore's own description of it."""

from __future__ import annotations

import base64
import json
from functools import cache
from typing import TYPE_CHECKING, Any

import botocore.session
from botocore.validate import ParamValidator

from tests.support.frames import EVENT_STREAM, converse
from tests.support.wires.said import Asked, Call, Fails, Result, Said, Turn, Unacceptable, Used, halves, require

if TYPE_CHECKING:
    from collections.abc import Iterator

STREAM_TYPE = EVENT_STREAM
_STOPS = {"stop": "end_turn", "length": "max_tokens", "stop_sequence": "stop_sequence", "refusal": "content_filtered"}
_OPERATIONS = {"converse": False, "converse-stream": True}


@cache
def _shape(name: str) -> Any:
    return botocore.session.get_session().get_service_model("bedrock-runtime").shape_for(name)


def read(body: dict[str, Any], target: str) -> Asked:
    """Return what a request asks. Raises `Unacceptable`."""
    _, wire, kind, model, operation = target.split("/")
    require((wire, kind) == ("converse", "model") and operation in _OPERATIONS, f"no such path: {target}")
    report = ParamValidator().validate(body | {"modelId": model}, _shape("ConverseRequest"))
    if report.has_errors():
        raise Unacceptable(report.generate_report())
    # Validation overlooks members that it does not know in structures deeper down.
    _known(body, _shape("ConverseRequest"), "")
    limits = body.get("inferenceConfig") or {}
    more = body.get("additionalModelRequestFields") or {}
    asked = Asked(model=model, is_stream=_OPERATIONS[operation], limit=limits.get("maxTokens"), raw=body)
    asked.stops = limits.get("stopSequences") or []
    asked.system = "".join(block["text"] for block in body.get("system", ()) if "text" in block)
    asked.thinks = "gpt-oss" in model or "reasoning_effort" in more
    shape = (body.get("outputConfig") or {}).get("textFormat")
    asked.schema = json.loads(shape["structure"]["jsonSchema"]["schema"]) if shape else None
    for tool in (body.get("toolConfig") or {}).get("tools", ()):
        asked.tools[tool["toolSpec"]["name"]] = tool["toolSpec"]["inputSchema"]["json"]
    open_calls: list[str] = []
    for message in body["messages"]:
        require(message["content"], "The content field in the Message object is empty")
        turn = Turn(role=message["role"])
        require(not asked.turns or asked.turns[-1].role != turn.role, "roles must alternate")
        asked.turns.append(turn)
        for block in message["content"]:
            _block(block, turn)
        results = [result.call_id for result in turn.results]
        require(results == open_calls, f"Expected toolResult blocks for the following Ids: {open_calls}")
        open_calls = [call.id for call in turn.calls]
    require(asked.turns[0].role == "user", "A conversation must start with a user message.")
    used_tools = any(turn.calls or turn.results for turn in asked.turns)
    require(asked.tools or not used_tools, "The toolConfig field must be defined")
    return asked


def _known(value: Any, shape: Any, path: str) -> None:
    if shape.type_name == "structure" and isinstance(value, dict) and not getattr(shape, "is_document_type", False):
        for name, inner in value.items():
            require(name in shape.members, f"Unknown parameter in {path}: {name}")
            _known(inner, shape.members[name], f"{path}.{name}")
    elif shape.type_name == "list":
        for inner in value:
            _known(inner, shape.member, path)


def _block(block: dict[str, Any], turn: Turn) -> None:
    (kind,) = block
    inner = block[kind]
    match kind:
        case "text":
            require(inner.strip(), "The text field in the ContentBlock object is blank")
            turn.text += inner
        case "image":
            require(inner["format"] == "png", "an image of another kind")
            turn.images.append(base64.b64decode(inner["source"]["bytes"], validate=True))
        case "toolUse":
            turn.calls.append(Call(id=inner["toolUseId"], name=inner["name"], arguments=inner["input"]))
        case "toolResult":
            shown = Turn(role="user")
            for part in inner["content"]:
                _block(part, shown)
            turn.results.append(
                Result(
                    call_id=inner["toolUseId"],
                    text=shown.text,
                    images=shown.images,
                    is_error=inner.get("status") == "error",
                )
            )
        case _:
            require(False, f"nothing here sends {kind}")


def whole(said: Said, asked: Asked) -> dict[str, Any]:
    """Return the answer as one body."""
    content: list[dict[str, Any]] = []
    if said.thoughts and asked.thinks:
        content.append({"reasoningContent": {"reasoningText": {"text": "".join(said.thoughts)}}})
    if said.text:
        content.append({"text": "".join(said.text)})
    content += [
        {"toolUse": {"toolUseId": call.id, "name": call.name, "input": call.arguments}} for call in said.calls
    ]
    return {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": _stop(said),
        "usage": usage(said.used),
        "metrics": {"latencyMs": 1},
    }


def usage(used: Used) -> dict[str, Any]:
    """Return the tokens as Bedrock tells them, thoughts not apart."""
    return {
        "inputTokens": used.fresh,
        "cacheReadInputTokens": used.cached,
        "cacheWriteInputTokens": used.written,
        "outputTokens": used.output,
        "totalTokens": used.prompt + used.output,
    }


def stream(said: Said, asked: Asked) -> Iterator[bytes]:
    """Give the answer as frames."""
    yield converse("messageStart", {"role": "assistant"})
    place = 0
    pieces: list[tuple[dict[str, Any] | None, list[dict[str, Any]]]] = []
    if said.thoughts and asked.thinks:
        pieces.append((None, [{"reasoningContent": {"text": piece}} for piece in said.thoughts]))
    if said.text:
        pieces.append((None, [{"text": piece} for piece in said.text]))
    for call in said.calls:
        begun = {"toolUse": {"toolUseId": call.id, "name": call.name}}
        pieces.append((begun, [{"toolUse": {"input": part}} for part in halves(call.text)]))
    for place, (begun, deltas) in enumerate(pieces):
        if begun is not None:
            yield converse("contentBlockStart", {"contentBlockIndex": place, "start": begun})
        for delta in deltas:
            yield converse("contentBlockDelta", {"contentBlockIndex": place, "delta": delta})
            if said.cut and "text" in delta:
                return
        yield converse("contentBlockStop", {"contentBlockIndex": place})
    yield converse("messageStop", {"stopReason": _stop(said)})
    yield converse("metadata", {"usage": usage(said.used), "metrics": {"latencyMs": 1}})


def failure(fails: Fails) -> dict[str, Any]:
    """Return an error's body."""
    return {"message": fails.message}


def _stop(said: Said) -> str:
    return "tool_use" if said.calls else _STOPS[said.stop]
