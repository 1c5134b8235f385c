"""Bedrock's Converse API, one form for the models of many makers
(https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html).

The model stands in the URL. Streams are frames, which the wire presents as events under their own names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.anthropic.failures import error_status, read_error
from adapters.formats.dialects.converse_request import write
from adapters.formats.dialects.dialect import Dialect, Told, chunk, completion, failure
from adapters.formats.reading import array, as_object, count, dump_text, load, member, text

if TYPE_CHECKING:
    from adapters.formats.neutral.terms import JsonObject
    from adapters.sse import Event

_FINISHES = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "content_filtered": "content_filter",
    "guardrail_intervened": "content_filter",
    "malformed_model_output": "error",
    "malformed_tool_use": "error",
}
_SIGNED_BY = "anthropic-claude-v1"
"""Only Claude signs its thoughts here; they are the same that Claude's own format carries."""
_LONG = "1h"


def _read(answer: JsonObject) -> JsonObject:
    message = member(member(answer, "output") or {}, "message", "output") or {}
    said: list[str] = []
    thoughts: list[JsonObject] = []
    calls: list[JsonObject] = []
    for item in array(message, "content", "output.message"):
        block = as_object(item, "output.message.content")
        said += _words(block)
        if (reasoning := member(block, "reasoningContent")) is not None:
            thoughts.append(_thought(reasoning, len(thoughts)))
        if (use := member(block, "toolUse")) is not None:
            calls.append(_call(use, dump_text(use.get("input") or {})))
    written: JsonObject = {"role": "assistant", "content": "".join(said)}
    if thoughts:
        written["reasoning_details"] = thoughts
    if calls:
        written["tool_calls"] = calls
    return completion(written, _finish(answer), usage=_usage(answer), id="")


def _hear(event: Event) -> Told:
    answer = load(event.data)
    name = b"" if event.event is None else event.event
    match name.decode("utf-8", "replace"):
        case "messageStart":
            return Told((chunk({"role": "assistant", "content": ""}),))
        case "contentBlockStart":
            if (use := member(member(answer, "start") or {}, "toolUse", "start")) is not None:
                return Told((chunk({"tool_calls": [_call(use, "") | {"index": _place(answer)}]}),))
        case "contentBlockDelta":
            return Told((chunk(_delta(answer)),))
        case "messageStop":
            return Told((chunk({}, _finish(answer)),))
        case "metadata":
            # The last event: usage comes behind the end.
            return Told(({"choices": [], "usage": _usage(answer)},), is_last=True)
        case "error":
            error = member(answer, "error") or {}
            kind = text(error, "type")
            raise failure(text(error, "message"), error.get("code"), status=error_status(kind), type=kind)
    return Told()


def _delta(answer: JsonObject) -> JsonObject:
    delta = member(answer, "delta") or {}
    if (use := member(delta, "toolUse", "delta")) is not None:
        return {"tool_calls": [{"index": _place(answer), "function": {"arguments": text(use, "input")}}]}
    if (reasoning := member(delta, "reasoningContent", "delta")) is not None:
        return {"reasoning_details": [_thought({"reasoningText": reasoning} | reasoning, _place(answer))]}
    return {"content": "".join(_words(delta))}


def _words(block: JsonObject) -> list[str]:
    """Return what a block says; citations stand around their texts."""
    said = [text(block, "text")]
    cited = member(block, "citationsContent") or {}
    said += [text(as_object(item, "citationsContent"), "text") for item in array(cited, "content")]
    return said


def _thought(reasoning: JsonObject, place: int) -> JsonObject:
    if sealed := text(reasoning, "redactedContent"):
        return {"type": "reasoning.encrypted", "data": sealed, "format": _SIGNED_BY, "index": place}
    told = member(reasoning, "reasoningText") or {}
    written: JsonObject = {"type": "reasoning.text", "text": text(told, "text"), "index": place}
    if signature := text(told, "signature"):
        written |= {"signature": signature, "format": _SIGNED_BY}
    return written


def _call(use: JsonObject, arguments: str) -> JsonObject:
    function: JsonObject = {"name": text(use, "name"), "arguments": arguments}
    return {"id": text(use, "toolUseId"), "type": "function", "function": function}


def _place(answer: JsonObject) -> int:
    return count(answer, "contentBlockIndex")


def _finish(answer: JsonObject) -> str:
    return _FINISHES.get(text(answer, "stopReason"), "stop")


def _usage(answer: JsonObject) -> JsonObject | None:
    """Cached tokens are not part of `inputTokens`, as with Claude."""
    usage = member(answer, "usage")
    if usage is None:
        return None
    cached, written = count(usage, "cacheReadInputTokens"), count(usage, "cacheWriteInputTokens")
    kept_long = 0
    for item in array(usage, "cacheDetails", "usage"):
        detail = as_object(item, "usage.cacheDetails")
        if text(detail, "ttl") == _LONG:
            kept_long += count(detail, "inputTokens")
    return {
        "prompt_tokens": count(usage, "inputTokens") + cached + written,
        "completion_tokens": count(usage, "outputTokens"),
        "prompt_tokens_details": {
            "cached_tokens": cached,
            "cache_write_tokens": written,
            "cache_write_1h_tokens": kept_long,
        },
    }


DIALECT = Dialect(write=write, read=_read, hear=_hear, read_error=read_error)
