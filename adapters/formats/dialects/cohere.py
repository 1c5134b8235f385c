"""Cohere's chat: version 1 for bare conversations, version 2 for all that has more than texts.

Version 1 (https://docs.cohere.com/v1/reference/chat) is the one that searches the web and what clients of old
channels are used to; version 2 (https://docs.cohere.com/reference/chat) has tools, pictures, schemas and thoughts.
Answers and events tell which of the two they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.dialects import cohere_v2
from adapters.formats.dialects.ali import INTERNET
from adapters.formats.dialects.asked import last_user_text
from adapters.formats.dialects.dialect import RICH, Dialect, Told, chunk, completion, failure, tokens
from adapters.formats.neutral.parts import Image, ToolCall, ToolResult
from adapters.formats.reading import count, is_object, load, member, text

if TYPE_CHECKING:
    from adapters.formats.dialects.asked import Asked
    from adapters.formats.neutral.requests import Request
    from adapters.formats.neutral.terms import JsonObject
    from adapters.sse import Event

_ROLES = {"system": "SYSTEM", "user": "USER", "assistant": "CHATBOT"}
_FINISHES = {"MAX_TOKENS": "length", "ERROR_LIMIT": "length", "ERROR_TOXIC": "content_filter", "ERROR": "error"}
_OWN = ("connectors", "documents", "preamble", "prompt_truncation", "citation_quality", "safety_mode")


def _write(asked: Asked) -> JsonObject:
    is_searching = asked.model.endswith(INTERNET)
    if _is_rich(asked.request) and not is_searching:
        asked.endpoint = RICH
        return cohere_v2.write(asked)
    question, before = last_user_text(asked.turns())
    body: JsonObject = {"model": asked.model.removesuffix(INTERNET), "message": question}
    if before:
        body["chat_history"] = [{"role": _ROLES[turn.role], "message": turn.text} for turn in before]
    if asked.request.stream:
        body["stream"] = True
    if is_searching:
        body["connectors"] = [{"id": "web-search"}]
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
    )
    asked.put_extra(body, _OWN)
    return body


def _is_rich(request: Request) -> bool:
    wanted = request.response_format
    return (
        bool(request.tools)
        or (wanted is not None and wanted.kind != "text")
        or request.reasoning is not None
        or any(
            isinstance(part, Image | ToolCall | ToolResult) for message in request.messages for part in message.parts
        )
    )


def _read(answer: JsonObject) -> JsonObject:
    if is_object(answer.get("message")):
        return cohere_v2.read(answer)
    name = text(answer, "response_id")
    if not name:
        raise failure(text(answer, "message"), "bad_answer", status=502)
    return completion(
        {"role": "assistant", "content": text(answer, "text")}, _finish(answer), usage=_usage(answer), id=name
    )


def _hear(event: Event) -> Told:
    answer = load(event.data)
    if "type" in answer:
        return cohere_v2.hear(answer)
    match text(answer, "event_type"):
        case "stream-start":
            return Told((chunk({"role": "assistant", "content": ""}, id=text(answer, "generation_id")),))
        case "text-generation":
            return Told((chunk({"content": text(answer, "text")}),))
        case "stream-end":
            whole = member(answer, "response") or {}
            return Told((chunk({}, _finish(answer), usage=_usage(whole)),), is_last=True)
    if "event_type" not in answer:
        raise failure(text(answer, "message"), "bad_event", status=502)
    return Told()


def _finish(answer: JsonObject) -> str:
    return _FINISHES.get(text(answer, "finish_reason"), "stop")


def _usage(answer: JsonObject) -> JsonObject | None:
    meta = member(answer, "meta") or {}
    told = member(meta, "tokens", "meta") or member(meta, "billed_units", "meta")
    return None if told is None else tokens(count(told, "input_tokens"), count(told, "output_tokens"))


DIALECT = Dialect(write=_write, read=_read, hear=_hear)
