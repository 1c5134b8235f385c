"""Content blocks of Claude's Messages, as they stand in requests and in answers, read into neutral parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.caching import cache_mark
from adapters.formats.errors import FormatError
from adapters.formats.neutral.parts import Citation, File, Foreign, Image, Reasoning, Text, ToolCall, ToolResult
from adapters.formats.reading import (
    array,
    as_object,
    dump_text,
    flag,
    is_array,
    member,
    required_text,
    text,
    unknown,
)
from adapters.formats.signatures import unseal
from adapters.formats.tools import NO_ARGUMENTS

if TYPE_CHECKING:
    from adapters.formats.neutral.parts import Part
    from adapters.formats.neutral.terms import JsonObject

_KNOWN: dict[str, frozenset[str]] = {
    "text": frozenset({"type", "text", "cache_control", "citations"}),
    "image": frozenset({"type", "source", "cache_control"}),
    "document": frozenset({"type", "source", "cache_control", "title", "context", "citations"}),
    "tool_use": frozenset({"type", "id", "name", "input", "cache_control", "caller"}),
    "tool_result": frozenset({"type", "tool_use_id", "content", "is_error", "cache_control"}),
    "thinking": frozenset({"type", "thinking", "signature"}),
    "redacted_thinking": frozenset({"type", "data"}),
}


def read_content(source: JsonObject, name: str, path: str, extra: JsonObject) -> list[Part]:
    """Read a string or an array of blocks; empty texts are left out. Raises `FormatError`."""
    content = source.get(name)
    if content is None:
        return []
    if isinstance(content, str):
        return [Text(content)] if content else []
    if not is_array(content):
        raise FormatError("expected a string or an array", path=f"{path}.{name}" if path else name)
    parts: list[Part] = []
    for place, item in enumerate(content):
        inner = f"{path}.{name}[{place}]" if path else f"{name}[{place}]"
        part = read_block(as_object(item, inner), inner, extra)
        if not isinstance(part, Text) or part.text:
            parts.append(part)
    return parts


def read_block(block: JsonObject, path: str, extra: JsonObject) -> Part:
    """Read one block; one that only Claude knows stays as it is. Raises `FormatError`."""
    kind = required_text(block, "type", path)
    if kind in _KNOWN:
        extra.update(unknown(block, _KNOWN[kind], path))
    match kind:
        case "text":
            return Text(text(block, "text", path), cache_mark(block, path), _citations(block, path))
        case "image":
            return _image(block, path)
        case "document":
            return _document(block, path)
        case "tool_use":
            given = member(block, "input", path)
            return ToolCall(
                id=required_text(block, "id", path),
                name=required_text(block, "name", path),
                arguments=dump_text(given) if given else NO_ARGUMENTS,
                cache=cache_mark(block, path),
            )
        case "tool_result":
            return ToolResult(
                call_id=required_text(block, "tool_use_id", path),
                parts=read_content(block, "content", path, extra),
                is_error=flag(block, "is_error", path) or False,
                cache=cache_mark(block, path),
            )
        case "thinking":
            return _thought(text(block, "signature", path), text(block, "thinking", path))
        case "redacted_thinking":
            sealed, whose, _ = unseal(required_text(block, "data", path), "anthropic")
            if whose == "anthropic":
                return Reasoning(redacted=sealed, signature_format=whose)
            return Reasoning(signature=sealed, signature_format=whose)
    return Foreign(format="anthropic", type=kind, value=block)


def _thought(written: str, said: str) -> Reasoning:
    signature, whose, _ = unseal(written, "anthropic")
    return Reasoning(text=said, signature=signature, signature_format=whose)


def _image(block: JsonObject, path: str) -> Image:
    inner = f"{path}.source"
    source = _source(block, path)
    cache = cache_mark(block, path)
    match text(source, "type", inner):
        case "base64":
            data, media_type = required_text(source, "data", inner), required_text(source, "media_type", inner)
            return Image(data=data, media_type=media_type, cache=cache)
        case "url":
            return Image(url=required_text(source, "url", inner), cache=cache)
        case "file":
            return Image(file_id=required_text(source, "file_id", inner), cache=cache)
    raise FormatError("expected base64, url or file", path=f"{inner}.type")


def _document(block: JsonObject, path: str) -> Part:
    inner = f"{path}.source"
    source = _source(block, path)
    file = File(
        name=text(block, "title", path),
        context=text(block, "context", path),
        citations=flag(member(block, "citations", path) or {}, "enabled", f"{path}.citations") or False,
        cache=cache_mark(block, path),
    )
    match text(source, "type", inner):
        case "base64":
            file.data = required_text(source, "data", inner)
            file.media_type = text(source, "media_type", inner) or "application/pdf"
        case "text":
            file.text = required_text(source, "data", inner)
            file.media_type = "text/plain"
        case "url":
            file.url = required_text(source, "url", inner)
            file.media_type = "application/pdf"
        case "file":
            file.file_id = required_text(source, "file_id", inner)
        case "content" if isinstance(source.get("content"), str):
            file.text = text(source, "content", inner)
            file.media_type = "text/plain"
        case "content":
            return Foreign(format="anthropic", type="document", value=block)
        case _:
            raise FormatError("expected base64, text, content, url or file", path=f"{inner}.type")
    return file


def _source(block: JsonObject, path: str) -> JsonObject:
    source = member(block, "source", path)
    if source is None:
        raise FormatError("is required", path=f"{path}.source")
    return source


def _citations(block: JsonObject, path: str) -> list[Citation]:
    return [
        read_citation(as_object(item, f"{path}.citations[{place}]"), f"{path}.citations[{place}]")
        for place, item in enumerate(array(block, "citations", path))
    ]


def read_citation(citation: JsonObject, path: str) -> Citation:
    """Read one source of a text. Raises `FormatError`."""
    return Citation(
        url=text(citation, "url", path) or text(citation, "source", path),
        title=text(citation, "title", path) or text(citation, "document_title", path),
        quote=text(citation, "cited_text", path),
        # Claude's positions count within the document, not within the text.
        format="anthropic",
        value=citation,
    )
