"""Neutral parts of messages, written as content blocks of a request for Claude."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING

from adapters.formats.caching import cache_control
from adapters.formats.custom_tools import wrapped
from adapters.formats.data_url import split_data_url
from adapters.formats.errors import FormatError
from adapters.formats.lossy import portable
from adapters.formats.names import name_of_part
from adapters.formats.neutral.parts import File, Foreign, Image, Reasoning, Refusal, Text, ToolCall, ToolResult
from adapters.formats.tools import arguments_of

if TYPE_CHECKING:
    from adapters.formats.neutral.encoding import Dropped
    from adapters.formats.neutral.parts import Part
    from adapters.formats.neutral.requests import Message, Request
    from adapters.formats.neutral.terms import JsonObject

_NOT_IN_IDS = re.compile(r"[^a-zA-Z0-9_-]")


def write_messages(request: Request, dropped: Dropped) -> tuple[object, list[JsonObject]]:
    """Return `system` (or `None`) and `messages`. Raises `FormatError`.

    Later instructions move to the front for clients of other formats, since most Claude models know them nowhere
    else. Neighbours of the same role become one message, with the results of tools in front, as Claude demands.
    """
    writer = _Writer(request, dropped)
    system: list[Text] = list(request.system)
    messages: list[JsonObject] = []
    for message in request.messages:
        if message.name:
            dropped.add("messages.name")
        if message.role == "system":
            if request.format != "anthropic":
                system.extend(part for part in message.parts if isinstance(part, Text))
                continue
            messages.append({"role": "system", "content": writer.blocks(message)})
            continue
        blocks = writer.blocks(message)
        if not blocks:
            continue
        if messages and messages[-1]["role"] == message.role:
            _join(messages[-1], blocks)
        else:
            messages.append({"role": message.role, "content": blocks})
    if not any(message["role"] == "user" for message in messages):
        raise FormatError("no message of the user has content", path="messages")
    return writer.system(system), messages


def _join(message: JsonObject, blocks: list[JsonObject]) -> None:
    content = message["content"]
    if isinstance(content, list):
        joined = [*content, *blocks]
        # Stable: results first, everything else in its order.
        message["content"] = sorted(joined, key=lambda block: block["type"] != "tool_result")


class _Writer:
    def __init__(self, request: Request, dropped: Dropped) -> None:
        self._format = request.format
        self._dropped = dropped

    def system(self, texts: list[Text]) -> object:
        texts = [text for text in texts if text.text]
        if not texts:
            return None
        if len(texts) == 1 and texts[0].cache is None:
            return texts[0].text
        return [self._text(text) for text in texts]

    def blocks(self, message: Message) -> list[JsonObject]:
        blocks = [block for part in message.parts if (block := self._block(part)) is not None]
        return sorted(blocks, key=lambda block: block["type"] != "tool_result")

    def _block(self, part: Part) -> JsonObject | None:
        """Return the block, or `None` for empty texts, which Claude refuses, and for what it cannot take."""
        part = portable(part, self._format, "anthropic")
        match part:
            case Text():
                return self._text(part) if part.text else None
            case Refusal():
                return {"type": "text", "text": part.text} if part.text else None
            case ToolCall():
                return self._call(part)
            case ToolResult():
                return self._result(part)
            case Reasoning() if part.signature_format == "anthropic" and part.redacted:
                return {"type": "redacted_thinking", "data": part.redacted}
            case Reasoning() if part.signature_format == "anthropic" and part.signature:
                return {"type": "thinking", "thinking": part.text, "signature": part.signature}
            case Image():
                block = _image(part)
            case File():
                block = _document(part)
            case Foreign(format="anthropic"):
                return part.value
            case _:
                block = None
        if block is None:
            self._dropped.add(name_of_part(part, self._format))
        elif isinstance(part, (Image, File)) and part.cache is not None:
            block["cache_control"] = cache_control(part.cache)
        return block

    def _text(self, text: Text) -> JsonObject:
        block: JsonObject = {"type": "text", "text": text.text}
        if text.cache is not None:
            block["cache_control"] = cache_control(text.cache)
        if text.citations:
            own = [source.value for source in text.citations if source.format == "anthropic"]
            if own and self._format == "anthropic":
                block["citations"] = own
            else:
                self._dropped.add(f"{name_of_part(text, self._format)}.citations")
        return block

    def _call(self, call: ToolCall) -> JsonObject:
        if call.custom:
            given = wrapped(call.arguments)
        else:
            given = arguments_of(call, path="messages")
        block: JsonObject = {"type": "tool_use", "id": _id(call.id), "name": call.name, "input": given}
        if call.cache is not None:
            block["cache_control"] = cache_control(call.cache)
        return block

    def _result(self, result: ToolResult) -> JsonObject:
        block: JsonObject = {"type": "tool_result", "tool_use_id": _id(result.call_id)}
        parts = [written for part in result.parts if (written := self._block(part)) is not None]
        only = result.parts[0] if len(result.parts) == 1 else None
        if isinstance(only, Text) and only.cache is None:
            block["content"] = only.text
        elif parts:
            block["content"] = parts
        if result.is_error:
            block["is_error"] = True
        if result.cache is not None:
            block["cache_control"] = cache_control(result.cache)
        return block


def _id(given: str) -> str:
    """Claude takes only letters, digits, `_` and `-` in ids; some providers use dots and colons."""
    return _NOT_IN_IDS.sub("_", given)


def _image(image: Image) -> JsonObject | None:
    if image.data:
        source: JsonObject = {"type": "base64", "media_type": image.media_type or "image/png", "data": image.data}
    elif image.url and (inline := split_data_url(image.url)) is not None:
        source = {"type": "base64", "media_type": inline[0] or "image/png", "data": inline[1]}
    elif image.url:
        source = {"type": "url", "url": image.url}
    elif image.file_id:
        source = {"type": "file", "file_id": image.file_id}
    else:
        return None
    return {"type": "image", "source": source}


def _document(file: File) -> JsonObject | None:
    source = _document_source(file)
    if source is None:
        return None
    block: JsonObject = {"type": "document", "source": source}
    if file.name:
        block["title"] = file.name
    if file.context:
        block["context"] = file.context
    if file.citations:
        block["citations"] = {"enabled": True}
    return block


def _document_source(file: File) -> JsonObject | None:
    if file.text:
        return {"type": "text", "media_type": "text/plain", "data": file.text}
    if file.data and file.media_type in {"", "application/pdf"}:
        return {"type": "base64", "media_type": "application/pdf", "data": file.data}
    if file.data and file.media_type.startswith("text/"):
        try:
            words = base64.b64decode(file.data, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return None
        return {"type": "text", "media_type": "text/plain", "data": words}
    if file.url:
        return {"type": "url", "url": file.url}
    if file.file_id:
        return {"type": "file", "file_id": file.file_id}
    return None
