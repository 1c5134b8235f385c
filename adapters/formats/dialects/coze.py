"""Coze's bots, version 2 of their API. A bot answers one query after a history; what it calls stays with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.dialects.asked import last_user_text
from adapters.formats.dialects.dialect import Dialect, Told, chunk, completion, failure
from adapters.formats.reading import array, as_object, load, member, text

if TYPE_CHECKING:
    from adapters.formats.dialects.asked import Asked
    from adapters.formats.neutral.terms import JsonObject
    from adapters.sse import Event

_STATUSES = {4000: 400, 4100: 401, 4101: 403, 4013: 429, 4028: 402, 4200: 404, 5000: 500, 700012006: 401}
"""https://www.coze.com/docs/developer_guides/coze_error_codes"""


def _write(asked: Asked) -> JsonObject:
    question, before = last_user_text(asked.turns())
    return {
        "bot_id": asked.model.removeprefix("bot-"),
        "user": asked.setting("user_id") or _user(asked),
        "query": question,
        "chat_history": [{"role": turn.role, "content": turn.text} for turn in before],
        "stream": asked.request.stream,
    }


def _user(asked: Asked) -> str:
    return str(asked.take("user") or "") or "one-api"


def _read(answer: JsonObject) -> JsonObject:
    _raise_error(answer)
    said = ""
    for item in array(answer, "messages"):
        message = as_object(item, "messages")
        if message.get("type") == "answer":
            said = text(message, "content")
            break
    return completion({"role": "assistant", "content": said}, "stop", id=text(answer, "conversation_id"))


def _hear(event: Event) -> Told:
    answer = load(event.data)
    match text(answer, "event"):
        case "done":
            return Told((chunk({}, "stop"),), is_last=True)
        case "error":
            _raise_error(member(answer, "error_information") or {"code": -1})
    _raise_error(answer)
    message = member(answer, "message") or {}
    said = text(message, "content") if message.get("type") == "answer" else ""
    return Told((chunk({"content": said}, id=text(answer, "conversation_id")),))


def _raise_error(answer: JsonObject) -> None:
    code = answer.get("code")
    if code:
        known = code if isinstance(code, int) else 0
        raise failure(text(answer, "msg"), code, status=_STATUSES.get(known, 502))


DIALECT = Dialect(write=_write, read=_read, hear=_hear)
