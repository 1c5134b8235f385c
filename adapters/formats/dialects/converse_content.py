"""Messages as Converse has them: blocks without a `type`, told apart by the one member they have.

Turns alternate; neighbours of the same role become one. Blank texts are refused, and left out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from adapters.formats.custom_tools import wrapped
from adapters.formats.data_url import split_data_url
from adapters.formats.errors import FormatError
from adapters.formats.neutral.parts import Audio, File, Image, Reasoning, Refusal, Text, ToolCall, ToolResult
from adapters.formats.tools import arguments_of

if TYPE_CHECKING:
    from adapters.formats.dialects.asked import Asked
    from adapters.formats.neutral.parts import Part
    from adapters.formats.neutral.terms import CacheMark, JsonObject

_NOT_IN_IDS = re.compile(r"[^a-zA-Z0-9_-]")
_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9\-()\[\]]+")
_LONGEST_NAME = 180
_DOCUMENTS = {
    "": "pdf",
    "application/pdf": "pdf",
    "text/csv": "csv",
    "text/html": "html",
    "text/plain": "txt",
    "text/markdown": "md",
    "application/msword": "doc",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
}
_VIDEOS = {"video/mp4": "mp4", "video/quicktime": "mov", "video/webm": "webm", "video/x-matroska": "mkv"}
_IMAGES = frozenset({"png", "jpeg", "gif", "webp"})
_IN_BUCKET = "s3://"


def write_system(asked: Asked, *, caches: bool) -> list[JsonObject]:
    """Return `system`: the instructions in front, and those that stand between turns, which Converse has not."""
    parts: list[Part] = list(asked.request.system)
    for message in asked.request.messages:
        if message.role == "system":
            parts += [part for part in message.parts if isinstance(part, Text)]
    return _Writer(asked, caches=caches).blocks(parts)


def cache_point(mark: CacheMark) -> JsonObject:
    """Return the block that says: up to here it may be cached."""
    point: JsonObject = {"type": "default"}
    if mark.ttl:
        point["ttl"] = mark.ttl
    return {"cachePoint": point}


def write_messages(asked: Asked, *, caches: bool) -> list[JsonObject]:
    """Return `messages`. Raises `FormatError` where there are none."""
    writer = _Writer(asked, caches=caches)
    messages: list[tuple[str, list[JsonObject]]] = []
    for message in asked.request.messages:
        if message.name:
            asked.lost.add("messages.name")
        if message.role == "system":
            continue
        blocks = writer.blocks(message.parts)
        if not blocks:
            continue
        if messages and messages[-1][0] == message.role:
            messages[-1][1].extend(blocks)
        else:
            messages.append((message.role, blocks))
    if not any(role == "user" for role, _ in messages):
        raise FormatError("no message of the user has content", path="messages")
    return [{"role": role, "content": _results_first(blocks)} for role, blocks in messages]


def _results_first(blocks: list[JsonObject]) -> list[JsonObject]:
    return sorted(blocks, key=lambda block: "toolResult" not in block)


class _Writer:
    def __init__(self, asked: Asked, *, caches: bool) -> None:
        self._asked = asked
        self._caches = caches
        self._names: set[str] = set()

    def blocks(self, parts: list[Part]) -> list[JsonObject]:
        written: list[JsonObject] = []
        for part in parts:
            if isinstance(part, Text | Refusal) and not part.text.strip():
                continue
            block = self._block(part)
            if block is None:
                self._asked.drop_part(part)
                continue
            written.append(block)
            mark: CacheMark | None = getattr(part, "cache", None)
            if mark is not None and self._caches:
                written.append(cache_point(mark))
            elif mark is not None:
                self._asked.drop("cache")
        return written

    def _block(self, part: Part) -> JsonObject | None:
        match part:
            case Text() | Refusal():
                return {"text": part.text}
            case Image():
                return _image(part)
            case File():
                return self._file(part)
            case Audio() if part.data:
                return {"audio": {"format": part.media_type.rpartition("/")[2], "source": {"bytes": part.data}}}
            case ToolCall():
                given = wrapped(part.arguments) if part.custom else arguments_of(part, path="messages")
                return {"toolUse": {"toolUseId": _id(part.id), "name": part.name, "input": given}}
            case ToolResult():
                return self._result(part)
            case Reasoning() if part.signature_format == "anthropic" and part.redacted:
                return {"reasoningContent": {"redactedContent": part.redacted}}
            case Reasoning() if part.signature_format == "anthropic" and part.signature:
                return {"reasoningContent": {"reasoningText": {"text": part.text, "signature": part.signature}}}
        return None

    def _result(self, part: ToolResult) -> JsonObject:
        content = [block for block in self.blocks(part.parts) if "cachePoint" not in block]
        result: JsonObject = {"toolUseId": _id(part.call_id), "content": content}
        if part.is_error:
            result["status"] = "error"
        return {"toolResult": result}

    def _file(self, file: File) -> JsonObject | None:
        kind = file.media_type.partition(";")[0].strip().lower()
        if kind in _VIDEOS and (source := _source(file.data, file.url)) is not None:
            return {"video": {"format": _VIDEOS[kind], "source": source}}
        if kind not in _DOCUMENTS and not file.text:
            return None
        source = {"text": file.text} if file.text else _source(file.data, file.url)
        if source is None:
            return None
        name = self._name(file.name)
        return {"document": {"format": "txt" if file.text else _DOCUMENTS[kind], "name": name, "source": source}}

    def _name(self, given: str) -> str:
        """Return a name of the few characters that are allowed, and no other document's."""
        name = plain = _NOT_IN_NAMES.sub(" ", given).strip()[:_LONGEST_NAME] or "document"
        while name in self._names:
            name = f"{plain} {len(self._names) + 1}"
        self._names.add(name)
        return name


def _image(image: Image) -> JsonObject | None:
    data, media_type = image.data, image.media_type
    if not data and (inline := split_data_url(image.url)) is not None:
        media_type, data = inline
    source = _source(data, image.url)
    kind = (media_type or "image/png").rpartition("/")[2].lower().replace("jpg", "jpeg")
    return {"image": {"format": kind, "source": source}} if source is not None and kind in _IMAGES else None


def _source(data: str, url: str) -> JsonObject | None:
    if data:
        return {"bytes": data}
    return {"s3Location": {"uri": url}} if url.startswith(_IN_BUCKET) else None


def _id(given: str) -> str:
    return _NOT_IN_IDS.sub("_", given)[:64]
