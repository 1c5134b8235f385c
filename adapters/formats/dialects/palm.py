"""Google's PaLM 2 (https://ai.google.dev/palm_docs, retired by Google in 2024). Whole answers only; no usage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.dialects.dialect import Dialect, Told
from adapters.formats.openai_chat.answer_in import raise_error
from adapters.formats.reading import array, as_object, load, text

if TYPE_CHECKING:
    from adapters.formats.dialects.asked import Asked
    from adapters.formats.neutral.terms import JsonObject
    from adapters.sse import Event


def _write(asked: Asked) -> JsonObject:
    messages = [{"author": "0" if turn.role == "user" else "1", "content": turn.text} for turn in asked.turns()]
    body: JsonObject = {"prompt": {"messages": messages}, "candidateCount": asked.take("n") or 1}
    asked.put(body, temperature="temperature", top_p="topP", top_k="topK")
    return body


def _read(answer: JsonObject) -> JsonObject:
    return {"choices": _choices(answer, "message")}


def _hear(event: Event) -> Told:
    return Told(({"choices": _choices(load(event.data), "delta")},), is_last=True)


def _choices(answer: JsonObject, name: str) -> list[JsonObject]:
    raise_error(answer)
    found: list[JsonObject] = []
    for place, item in enumerate(array(answer, "candidates")):
        said = text(as_object(item, "candidates"), "content")
        found.append({"index": place, name: {"role": "assistant", "content": said}, "finish_reason": "stop"})
    if not found and answer.get("filters"):
        return [{"index": 0, name: {"role": "assistant", "content": ""}, "finish_reason": "content_filter"}]
    return found


DIALECT = Dialect(write=_write, read=_read, hear=_hear)
