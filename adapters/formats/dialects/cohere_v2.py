"""Version 2 of Cohere's chat (https://docs.cohere.com/reference/chat), for `cohere`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.dialects.dialect import Told, chunk, completion, tokens
from adapters.formats.openai_chat.request_out import write_tools
from adapters.formats.reading import array, as_object, count, is_object, member, text

if TYPE_CHECKING:
    from adapters.formats.dialects.asked import Asked
    from adapters.formats.neutral.terms import JsonObject

_FINISHES = {
    "MAX_TOKENS": "length",
    "TOOL_CALL": "tool_calls",
    "ERROR": "error",
    "TIMEOUT": "error",
}
_OWN = ("documents", "citation_options", "safety_mode", "strict_tools")


def write(asked: Asked) -> JsonObject:
    """Return the body for a provider."""
    request = asked.request
    body: JsonObject = {"model": asked.model, "messages": asked.chat_messages(images=True)}
    if request.stream:
        body["stream"] = True
    asked.put(
        body,
        max_output_tokens="max_tokens",
        temperature="temperature",
        top_p="p",
        top_k="k",
        seed="seed",
        stop="stop_sequences",
        frequency_penalty="frequency_penalty",
        presence_penalty="presence_penalty",
        logprobs="logprobs",
    )
    _write_tools(asked, body)
    wanted = request.response_format
    asked.take("response_format")
    if wanted is not None and wanted.kind != "text":
        shape: JsonObject = {"type": "json_object"}
        if wanted.schema is not None:
            shape["json_schema"] = wanted.schema
        body["response_format"] = shape
    reasoning = request.reasoning
    asked.take("reasoning")
    if reasoning is not None:
        is_wanted = reasoning.enabled is not False and reasoning.effort != "none"
        thinking: JsonObject = {"type": "enabled" if is_wanted else "disabled"}
        if is_wanted and reasoning.budget_tokens and reasoning.budget_tokens > 0:
            thinking["token_budget"] = reasoning.budget_tokens
        body["thinking"] = thinking
    asked.put_extra(body, _OWN)
    return body


def _write_tools(asked: Asked, body: JsonObject) -> None:
    asked.take("tools")
    written: JsonObject = {}
    write_tools(written, asked.request, asked.lost)
    if "tools" not in written:
        return
    body["tools"] = written["tools"]
    choice = asked.request.tool_choice
    if choice is None:
        return
    if not choice.names:
        asked.take("tool_choice")
        if choice.mode != "auto":
            body["tool_choice"] = choice.mode.upper()
    elif choice.mode == "required":
        # One of these: no other is offered.
        asked.take("tool_choice")
        offered = [as_object(tool, "tools") for tool in array(written, "tools")]
        body["tools"] = [
            tool for tool in offered if (member(tool, "function") or {}).get("name") in choice.names
        ] or offered
        body["tool_choice"] = "REQUIRED"


def read(answer: JsonObject) -> JsonObject:
    """Return the chat completion that a whole answer stands for."""
    message = member(answer, "message") or {}
    said: list[str] = []
    thought: list[str] = []
    for item in array(message, "content", "message"):
        block = as_object(item, "message.content")
        said.append(text(block, "text"))
        thought.append(text(block, "thinking"))
    written: JsonObject = {
        "role": "assistant",
        "content": "".join(said),
        "reasoning_content": "".join(thought) or text(message, "tool_plan"),
        "tool_calls": array(message, "tool_calls", "message"),
    }
    return completion(written, _finish(answer), usage=_usage(answer), id=text(answer, "id"))


def hear(answer: JsonObject) -> Told:
    """Return the chunks that one event stands for."""
    delta = member(answer, "delta") or {}
    message = member(delta, "message", "delta") or {}
    match text(answer, "type"):
        case "message-start":
            return Told((chunk({"role": "assistant", "content": ""}, id=text(answer, "id")),))
        case "content-start" | "content-delta":
            block = member(message, "content", "delta.message") or {}
            said = {"content": text(block, "text"), "reasoning_content": text(block, "thinking")}
            return Told((chunk({**said}),))
        case "tool-plan-delta":
            return Told((chunk({"reasoning_content": text(message, "tool_plan", "delta.message")}),))
        case "tool-call-start" | "tool-call-delta":
            call = message.get("tool_calls")
            if is_object(call):
                return Told((chunk({"tool_calls": [{**call, "index": count(answer, "index")}]}),))
        case "message-end":
            return Told((chunk({}, _finish(delta), usage=_usage(delta)),), is_last=True)
    return Told()


def _finish(source: JsonObject) -> str:
    return _FINISHES.get(text(source, "finish_reason"), "stop")


def _usage(source: JsonObject) -> JsonObject | None:
    usage = member(source, "usage") or {}
    told = member(usage, "tokens", "usage") or member(usage, "billed_units", "usage")
    return None if told is None else tokens(count(told, "input_tokens"), count(told, "output_tokens"))
