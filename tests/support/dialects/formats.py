"""Providers that speak one of the clients' formats, in as few words as will do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.support.dialects.rich import _calls, _chat_turns, _reason
from tests.support.dialects.said import Heard, Said, Speaker, data

if TYPE_CHECKING:
    from collections.abc import Iterator


def _parts(content: object) -> str:
    if isinstance(content, str):
        return content
    return (
        "".join(part.get("text", "") for part in content if isinstance(part, dict))
        if isinstance(content, list)
        else ""
    )


# --- Chat Completions --------------------------------------------------------------------------------------


def _chat_hears(url: str, body: dict[str, Any]) -> Heard:
    heard = _chat_turns(body["messages"])
    heard.turns = [("system" if role == "developer" else role, text) for role, text in heard.turns]
    heard.tools = [tool["function"]["name"] for tool in body.get("tools", ())]
    heard.model = body["model"]
    return heard


def _chat_usage(said: Said) -> dict[str, int]:
    prompt, answer = said.tokens
    return {"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer}


def _chat_says(said: Said) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": said.text}
    if said.calls:
        message["tool_calls"] = _calls(said)
    choice = {"index": 0, "message": message, "finish_reason": _reason(said)}
    told = {"id": "c1", "object": "chat.completion", "created": 1, "model": "x", "choices": [choice]}
    return {**told, "usage": _chat_usage(said)}


def _chat_streams(said: Said) -> Iterator[bytes]:
    def chunk(delta: dict[str, Any], reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return data({"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "x", "choices": [choice]})

    yield chunk({"role": "assistant", "content": ""})
    for piece in said.pieces:
        yield chunk({"content": piece})
    for call in _calls(said):
        yield chunk({"tool_calls": [call]})
    yield chunk({}, _reason(said))
    yield data({"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "x", "choices": [],
                "usage": _chat_usage(said)})  # fmt: skip
    yield b"data: [DONE]\n\n"


CHAT = Speaker(hear=_chat_hears, whole=_chat_says, stream=_chat_streams, calls_functions=True)

# --- Responses ---------------------------------------------------------------------------------------------


def _responses_hears(url: str, body: dict[str, Any]) -> Heard:
    heard = Heard(turns=[], model=body["model"], tools=[tool["name"] for tool in body.get("tools", ())])
    if body.get("instructions"):
        heard.turns.append(("system", body["instructions"]))
    asked = body["input"] if isinstance(body["input"], list) else [{"role": "user", "content": body["input"]}]
    for item in asked:
        if item.get("type") == "function_call":
            heard.calls.append((item["name"], json.loads(item["arguments"])))
        elif item.get("type") == "function_call_output":
            heard.turns.append(("tool", _parts(item["output"])))
        else:
            heard.turns.append((item["role"], _parts(item["content"])))
    return heard


def _responses_says(said: Said) -> dict[str, Any]:
    prompt, answer = said.tokens
    text = {"type": "output_text", "text": said.text, "annotations": []}
    output: list[dict[str, Any]] = [
        {"id": "m1", "type": "message", "role": "assistant", "status": "completed", "content": [text]}
    ]
    output += [
        {"id": f"f{place}", "type": "function_call", "call_id": f"c{place}", "name": name, "status": "completed",
         "arguments": json.dumps(given)}
        for place, (name, given) in enumerate(said.calls)
    ]  # fmt: skip
    return {
        "id": "r1", "object": "response", "created_at": 1, "model": "x", "output": output, "error": None,
        "status": "incomplete" if said.is_cut else "completed",
        "incomplete_details": {"reason": "max_output_tokens"} if said.is_cut else None,
        "usage": {"input_tokens": prompt, "output_tokens": answer, "total_tokens": prompt + answer},
    }  # fmt: skip


def _responses_streams(said: Said) -> Iterator[bytes]:
    whole = _responses_says(said)
    events: list[dict[str, Any]] = [{"type": "response.created", "response": {**whole, "output": [], "usage": None}}]
    for place, item in enumerate(whole["output"]):
        events.append({"type": "response.output_item.added", "output_index": place, "item": {**item, "content": []}})
        at = {"output_index": place, "item_id": item["id"]}
        if item["type"] == "message":
            inner = {**at, "content_index": 0}
            part = {"type": "output_text", "text": "", "annotations": []}
            events.append({"type": "response.content_part.added", **inner, "part": part})
            events += [{"type": "response.output_text.delta", **inner, "delta": piece} for piece in said.pieces]
            events.append({"type": "response.output_text.done", **inner, "text": said.text})
            events.append({"type": "response.content_part.done", **inner, "part": item["content"][0]})
        else:
            events.append({"type": "response.function_call_arguments.delta", **at, "delta": item["arguments"]})
            events.append({"type": "response.function_call_arguments.done", **at, "arguments": item["arguments"]})
        events.append({"type": "response.output_item.done", "output_index": place, "item": item})
    events.append({"type": f"response.{whole['status']}", "response": whole})
    for number, event in enumerate(events):
        yield f"event: {event['type']}\n".encode() + data({**event, "sequence_number": number})


RESPONSES = Speaker(hear=_responses_hears, whole=_responses_says, stream=_responses_streams, calls_functions=True)

# --- Messages ----------------------------------------------------------------------------------------------


def _claude_hears(url: str, body: dict[str, Any]) -> Heard:
    heard = Heard(turns=[], model=body["model"], tools=[tool["name"] for tool in body.get("tools", ())])
    if system := _parts(body.get("system", "")):
        heard.turns.append(("system", system))
    for message in body["messages"]:
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        for block in blocks:
            if block["type"] == "tool_use":
                heard.calls.append((block["name"], block["input"]))
            elif block["type"] == "tool_result":
                heard.turns.append(("tool", _parts(block["content"])))
            else:
                heard.turns.append((message["role"], block["text"]))
    return heard


def _claude_says(said: Said) -> dict[str, Any]:
    prompt, answer = said.tokens
    content: list[dict[str, Any]] = [{"type": "text", "text": said.text}]
    content += [
        {"type": "tool_use", "id": f"c{place}", "name": name, "input": given}
        for place, (name, given) in enumerate(said.calls)
    ]
    return {
        "id": "m1", "type": "message", "role": "assistant", "model": "x", "content": content, "stop_sequence": None,
        "stop_reason": _reason(said, stop="end_turn", length="max_tokens", calls="tool_use"),
        "usage": {"input_tokens": prompt, "output_tokens": answer},
    }  # fmt: skip


def _claude_streams(said: Said) -> Iterator[bytes]:
    whole = _claude_says(said)
    events: list[dict[str, Any]] = [
        {
            "type": "message_start",
            "message": {**whole, "content": [], "stop_reason": None, "usage": {**whole["usage"], "output_tokens": 1}},
        }
    ]
    for place, block in enumerate(whole["content"]):
        is_text = block["type"] == "text"
        begun = {**block, "text": ""} if is_text else {**block, "input": {}}
        events.append({"type": "content_block_start", "index": place, "content_block": begun})
        deltas = (
            [{"type": "text_delta", "text": piece} for piece in said.pieces]
            if is_text
            else [{"type": "input_json_delta", "partial_json": json.dumps(block["input"])}]
        )
        events += [{"type": "content_block_delta", "index": place, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": place})
    delta = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    events += [{"type": "message_delta", "delta": delta, "usage": whole["usage"]}, {"type": "message_stop"}]
    for event in events:
        yield f"event: {event['type']}\n".encode() + data(event)


CLAUDE = Speaker(hear=_claude_hears, whole=_claude_says, stream=_claude_streams, calls_functions=True)

# --- generateContent ---------------------------------------------------------------------------------------

_GEMINI_ROLES = {"user": "user", "model": "assistant"}


def _gemini_hears(url: str, body: dict[str, Any]) -> Heard:
    heard = Heard(turns=[], model=url.rpartition("/models/")[2].partition(":")[0])
    system = body.get("systemInstruction") or body.get("system_instruction") or {}
    if text := _parts(system.get("parts", [])):
        heard.turns.append(("system", text))
    for content in body["contents"]:
        for part in content["parts"]:
            if call := part.get("functionCall"):
                heard.calls.append((call["name"], call.get("args", {})))
            elif result := part.get("functionResponse"):
                heard.turns.append(("tool", json.dumps(result["response"])))
            elif part.get("text"):
                heard.turns.append((_GEMINI_ROLES[content.get("role", "user")], part["text"]))
    for tool in body.get("tools", ()):
        declared = tool.get("functionDeclarations") or tool.get("function_declarations") or ()
        heard.tools += [function["name"] for function in declared]
    return heard


def _gemini_says(said: Said, parts: list[dict[str, Any]], reason: str | None) -> dict[str, Any]:
    prompt, answer = said.tokens
    candidate: dict[str, Any] = {"index": 0, "content": {"role": "model", "parts": parts}}
    if reason:
        candidate["finishReason"] = reason
    usage = {"promptTokenCount": prompt, "candidatesTokenCount": answer, "totalTokenCount": prompt + answer}
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "x", "responseId": "g1"}


def _gemini_calls(said: Said) -> list[dict[str, Any]]:
    return [{"functionCall": {"name": name, "args": given}} for name, given in said.calls]


def _gemini_streams(said: Said) -> Iterator[bytes]:
    for piece in said.pieces:
        yield data(_gemini_says(said, [{"text": piece}], None))
    yield data(_gemini_says(said, [{"text": ""}, *_gemini_calls(said)], "MAX_TOKENS" if said.is_cut else "STOP"))


GEMINI = Speaker(
    hear=_gemini_hears,
    whole=lambda said: _gemini_says(
        said, [{"text": said.text}, *_gemini_calls(said)], "MAX_TOKENS" if said.is_cut else "STOP"
    ),
    stream=_gemini_streams,
    calls_functions=True,
)
