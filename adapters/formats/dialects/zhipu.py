"""Zhipu's API of 2023, version 3, for the ChatGLM models that only it knows. Later models speak Chat.

Streams are events with bare text; the last one has a line `meta:` of its own, which holds the usage.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.dialects.dialect import Dialect, Told, chunk, failure, tokens
from adapters.formats.reading import array, as_object, count, load, member, text

if TYPE_CHECKING:
    from adapters.formats.dialects.asked import Asked
    from adapters.formats.neutral.terms import JsonObject
    from adapters.sse import Event

_STATUSES = {1000: 401, 1001: 401, 1002: 401, 1003: 401, 1004: 401, 1110: 403, 1112: 403, 1113: 403, 1301: 400,
             1302: 429, 1303: 429, 1304: 429, 1305: 429}  # fmt: skip
"""https://open.bigmodel.cn/dev/api#error-code"""
_META = b"meta:"
_DATA = b"data:"


def stream_url(url: str) -> str:
    """Return the address for streams."""
    return url.removesuffix("/invoke") + "/sse-invoke" if url.endswith("/invoke") else url


def _write(asked: Asked) -> JsonObject:
    body: JsonObject = {"prompt": [{"role": turn.role, "content": turn.text} for turn in asked.turns()]}
    asked.put(body, temperature="temperature", top_p="top_p")
    return body


def _read(answer: JsonObject) -> JsonObject:
    if answer.get("success") is not True:
        code = answer.get("code")
        known = code if isinstance(code, int) else 0
        raise failure(text(answer, "msg"), code, status=_STATUSES.get(known, 502))
    data = member(answer, "data") or {}
    choices: list[JsonObject] = []
    for place, item in enumerate(array(data, "choices", "data")):
        choice = as_object(item, "data.choices")
        message = {"role": "assistant", "content": _unquoted(text(choice, "content"))}
        choices.append({"index": place, "message": message, "finish_reason": "stop"})
    return {"id": text(data, "task_id"), "choices": choices, "usage": _usage(data)}


def _unquoted(said: str) -> str:
    """The API wraps whole answers in quotation marks."""
    return said[1:-1] if len(said) > 1 and said[0] == said[-1] == '"' else said


def _hear(event: Event) -> Told:
    # Not `event.data`: here a blank after the colon belongs to the text.
    lines = [line.removeprefix(_DATA) for line in event.raw.splitlines() if line.startswith(_DATA)]
    said = b"\n".join(lines).decode(errors="replace")
    if event.event in (b"error", b"interrupted"):
        raise failure(said, event.event.decode(), status=502)
    if event.event != b"finish":
        return Told((chunk({"content": said}),))
    usage: JsonObject | None = None
    name = ""
    for line in event.raw.splitlines():
        if line.startswith(_META):
            meta = load(line.removeprefix(_META))
            name, usage = text(meta, "task_id"), _usage(meta)
    return Told((chunk({"content": said}, "stop", usage=usage, id=name),), is_last=True)


def _usage(source: JsonObject) -> JsonObject | None:
    usage = member(source, "usage")
    return None if usage is None else tokens(count(usage, "prompt_tokens"), count(usage, "completion_tokens"))


DIALECT = Dialect(write=_write, read=_read, hear=_hear, stream_url=stream_url)
