"""AI Proxy's libraries: one question to a knowledge base. Answers come with the documents that they rest on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.dialects.asked import last_user_text
from adapters.formats.dialects.dialect import Dialect, Told, chunk, completion, failure
from adapters.formats.reading import array, as_object, load, text

if TYPE_CHECKING:
    from adapters.formats.dialects.asked import Asked
    from adapters.formats.neutral.terms import JsonObject
    from adapters.sse import Event


def _write(asked: Asked) -> JsonObject:
    question, before = last_user_text(asked.turns())
    if before:
        asked.drop("messages")
    return {
        "model": asked.model,
        "query": question,
        "libraryId": asked.setting("library_id"),
        "stream": asked.request.stream,
    }


def _read(answer: JsonObject) -> JsonObject:
    _raise_error(answer)
    return completion({"role": "assistant", "content": text(answer, "answer") + _documents(answer)}, "stop")


def _hear(event: Event) -> Told:
    answer = load(event.data)
    _raise_error(answer)
    model = text(answer, "model")
    chunks = [chunk({"content": text(answer, "content")}, model=model)]
    if answer.get("finish") is not True:
        return Told(tuple(chunks))
    if documents := _documents(answer):
        chunks.append(chunk({"content": documents}, model=model))
    return Told((*chunks, chunk({}, "stop")), is_last=True)


def _documents(answer: JsonObject) -> str:
    found = [as_object(item, "documents") for item in array(answer, "documents")]
    if not found:
        return ""
    lines = [f"{place}. [{text(one, 'title')}]({text(one, 'url')})\n" for place, one in enumerate(found, start=1)]
    return "\n\nReference Documents:\n" + "".join(lines)


def _raise_error(answer: JsonObject) -> None:
    code = answer.get("errCode")
    if not code:
        return
    # Codes begin with the status that they stand for: 400101.
    begin = str(code)[:3]
    status = int(begin) if begin.isdecimal() and 400 <= int(begin) <= 599 else 502
    raise failure(text(answer, "message"), code, status=status, type=str(code))


DIALECT = Dialect(write=_write, read=_read, hear=_hear)
