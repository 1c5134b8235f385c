"""DeepL: the last message is translated, into the language that the model's name ends with (`deepl-zh`).

DeepL charges by the characters that go in (https://developers.deepl.com/docs/api-reference/translate).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.dialects.asked import BETWEEN_TEXTS, last_user_text
from adapters.formats.dialects.dialect import Dialect, Told, chunk, completion, failure
from adapters.formats.neutral.parts import Refusal, Text
from adapters.formats.reading import array, as_object, load, text
from adapters.pricing.usage import Usage

if TYPE_CHECKING:
    from adapters.formats.dialects.asked import Asked
    from adapters.formats.neutral.requests import Request
    from adapters.formats.neutral.terms import JsonObject
    from adapters.sse import Event

DEFAULT_LANGUAGE = "ZH"


def _write(asked: Asked) -> JsonObject:
    said, _ = last_user_text(asked.turns())
    _, _, language = asked.model.partition("-")
    return {"text": [said], "target_lang": language or DEFAULT_LANGUAGE}


def _counted(request: Request) -> Usage:
    for message in reversed(request.messages):
        if message.role == "user":
            words = [part.text for part in message.parts if isinstance(part, Text | Refusal)]
            return Usage(input=len(BETWEEN_TEXTS.join(words)))
    return Usage()


def _read(answer: JsonObject) -> JsonObject:
    if message := text(answer, "message"):
        raise failure(message, "translation_failed", status=502)
    words = [text(as_object(item, "translations"), "text") for item in array(answer, "translations")]
    return completion({"role": "assistant", "content": "".join(words)}, "stop")


def _hear(event: Event) -> Told:
    (choice,) = array(_read(load(event.data)), "choices")
    return Told((chunk(as_object(as_object(choice, "")["message"], ""), "stop"),), is_last=True)


DIALECT = Dialect(write=_write, read=_read, hear=_hear, counted=_counted)
