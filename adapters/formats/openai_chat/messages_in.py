"""The messages of a chat request: roles, parts, tool calls and their results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.caching import cache_mark
from adapters.formats.data_url import split_data_url
from adapters.formats.errors import FormatError
from adapters.formats.neutral.parts import Audio, File, Foreign, Image, Refusal, Text, ToolCall, ToolResult
from adapters.formats.neutral.requests import Message
from adapters.formats.openai_chat.thoughts import read_call_signature, read_thoughts
from adapters.formats.reading import (
    array,
    as_object,
    dump_text,
    is_array,
    is_object,
    member,
    required_text,
    text,
    unknown,
)
from adapters.formats.tools import name_results

if TYPE_CHECKING:
    from adapters.formats.neutral.parts import Part
    from adapters.formats.neutral.terms import JsonObject

_KNOWN = frozenset(
    [
        "role",
        "content",
        "name",
        "tool_calls",
        "tool_call_id",
        "function_call",
        "refusal",
        "audio",
        "annotations",
        "reasoning",
        "reasoning_content",
        "thinking",
        "reasoning_details",
        "cache_control",
        "images",
    ]
)


def read_messages(body: JsonObject, extra: JsonObject) -> tuple[list[Message], list[Text]]:
    """Return turns and leading instructions; puts what it does not know into `extra`. Raises `FormatError`."""
    items = array(body, "messages")
    if not items:
        raise FormatError("is required", path="messages")
    messages: list[Message] = []
    system: list[Text] = []
    names: dict[str, str] = {}
    function_id = ""
    follows_tool = False
    for place, item in enumerate(items):
        path = f"messages[{place}]"
        message = as_object(item, path)
        extra.update(unknown(message, _KNOWN, path))
        role = text(message, "role", path)
        after_tool, follows_tool = follows_tool, False
        match role:
            case "system" | "developer":
                parts = read_content(message, path, extra)
                if messages:
                    messages.append(Message("system", parts, text(message, "name", path)))
                else:
                    system.extend(_only_texts(parts, path))
            case "user":
                messages.append(Message("user", read_content(message, path, extra), text(message, "name", path)))
            case "assistant":
                parts = _assistant(message, path, extra)
                name_results(parts, names)
                function_id = next((p.id for p in reversed(parts) if isinstance(p, ToolCall)), function_id)
                messages.append(Message("assistant", parts, text(message, "name", path)))
            case "tool" | "function":
                result = _tool_result(message, path, extra, function_id if role == "function" else "")
                name_results([result], names)
                follows_tool = True
                if after_tool:
                    messages[-1].parts.append(result)
                else:
                    messages.append(Message("user", [result]))
            case _:
                raise FormatError("expected system, developer, user, assistant or tool", path=f"{path}.role")
    return messages, system


def _only_texts(parts: list[Part], path: str) -> list[Text]:
    texts = [part for part in parts if isinstance(part, Text)]
    if len(texts) != len(parts):
        raise FormatError("instructions can only be text", path=f"{path}.content")
    return texts


def _assistant(message: JsonObject, path: str, extra: JsonObject) -> list[Part]:
    parts: list[Part] = [*read_thoughts(message, path), *read_content(message, path, extra)]
    if refusal := text(message, "refusal", path):
        parts.append(Refusal(refusal))
    audio = member(message, "audio", path)
    if audio is not None:
        parts.append(Audio(id=required_text(audio, "id", f"{path}.audio")))
    for place, item in enumerate(array(message, "tool_calls", path)):
        inner = f"{path}.tool_calls[{place}]"
        parts.append(read_tool_call(as_object(item, inner), inner))
    call = member(message, "function_call", path)
    if call is not None:
        name = required_text(call, "name", f"{path}.function_call")
        parts.append(ToolCall(id=f"function_{name}", name=name, arguments=arguments_text(call.get("arguments"))))
    return parts


def read_tool_call(call: JsonObject, path: str, *, fallback_id: str = "") -> ToolCall:
    """Read one entry of `tool_calls`; its id may be missing only if there is a fallback. Raises `FormatError`."""
    custom = member(call, "custom", path)
    name = "function" if custom is None else "custom"
    function = member(call, name, path) or {}
    signature = read_call_signature(call, path)
    return ToolCall(
        id=text(call, "id", path) or fallback_id or required_text(call, "id", path),
        name=required_text(function, "name", f"{path}.{name}"),
        arguments=arguments_text(function.get("arguments" if custom is None else "input")),
        custom=custom is not None,
        signature=signature,
        signature_format="gemini" if signature else None,
    )


def arguments_text(value: object) -> str:
    """Return arguments as text; some servers send the object itself."""
    if value is None:
        return ""
    return value if isinstance(value, str) else dump_text(value)


def _tool_result(message: JsonObject, path: str, extra: JsonObject, function_id: str) -> ToolResult:
    name = text(message, "name", path)
    return ToolResult(
        call_id=function_id or required_text(message, "tool_call_id", path),
        parts=read_content(message, path, extra),
        name=name,
        cache=cache_mark(message, path),
    )


def read_content(message: JsonObject, path: str, extra: JsonObject) -> list[Part]:
    """Read `content`: a string or an array of parts; empty texts are left out. Raises `FormatError`."""
    content = message.get("content")
    if content is None:
        return []
    if isinstance(content, str):
        return [Text(content, cache_mark(message, path))] if content else []
    if not is_array(content):
        raise FormatError("expected a string or an array", path=f"{path}.content")
    parts: list[Part] = []
    for place, item in enumerate(content):
        inner = f"{path}.content[{place}]"
        if isinstance(item, str):
            parts.append(Text(item))
            continue
        part = _part(as_object(item, inner), inner, extra)
        if part != Text():
            parts.append(part)
    return parts


def _part(part: JsonObject, path: str, extra: JsonObject) -> Part:
    kind = text(part, "type", path)
    match kind:
        case "text":
            extra.update(unknown(part, frozenset({"type", "text", "cache_control"}), path))
            return Text(text(part, "text", path), cache_mark(part, path))
        case "refusal":
            return Refusal(text(part, "refusal", path))
        case "image_url":
            return read_image(part, path)
        case "input_audio":
            audio = member(part, "input_audio", path) or {}
            inner = f"{path}.input_audio"
            return Audio(
                data=required_text(audio, "data", inner),
                media_type=f"audio/{text(audio, 'format', inner) or 'wav'}",
            )
        case "file":
            return _file(member(part, "file", path) or {}, f"{path}.file")
        case "":
            raise FormatError("is required", path=f"{path}.type")
    return Foreign(format="openai_chat", type=kind, value=part)


def read_image(part: JsonObject, path: str) -> Image:
    """Read an `image_url` part; its URL may be wrapped in an object or not. Raises `FormatError`."""
    value = part.get("image_url")
    if isinstance(value, str):
        url, detail = value, ""
    elif is_object(value):
        url, detail = text(value, "url", f"{path}.image_url"), text(value, "detail", f"{path}.image_url")
    else:
        url = detail = ""
    if not url:
        raise FormatError("is required", path=f"{path}.image_url.url")
    inline = split_data_url(url)
    if inline is None:
        return Image(url=url, detail=detail, cache=cache_mark(part, path))
    return Image(media_type=inline[0], data=inline[1], detail=detail, cache=cache_mark(part, path))


def _file(file: JsonObject, path: str) -> File:
    file_id, name, data = text(file, "file_id", path), text(file, "filename", path), text(file, "file_data", path)
    if not file_id and not data:
        raise FormatError("needs file_data or file_id", path=path)
    inline = split_data_url(data)
    if inline is not None:
        return File(media_type=inline[0], data=inline[1], name=name, file_id=file_id)
    if data.startswith(("http://", "https://")):
        return File(url=data, name=name, file_id=file_id)
    return File(media_type="application/pdf" if data else "", data=data, name=name, file_id=file_id)
