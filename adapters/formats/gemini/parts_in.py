"""The contents of a client's request, read into turns.

Gemini's calls and results need no ids: a result answers the earliest open call of its function. Here they get the
ids that other formats demand, the same ones in each request that repeats the conversation.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from adapters.formats.errors import FormatError
from adapters.formats.gemini.wire import FORMAT, camel
from adapters.formats.neutral.parts import Audio, File, Foreign, Image, Reasoning, Text, ToolCall, ToolResult
from adapters.formats.neutral.requests import Message
from adapters.formats.reading import array, as_object, dump_text, flag, is_object, member, required_text, text
from adapters.formats.signatures import unseal

if TYPE_CHECKING:
    from adapters.formats.neutral.parts import Part
    from adapters.formats.neutral.terms import Format, JsonObject

_OWN_FILES = ("https://generativelanguage.googleapis.com/", "gs://")
"""What only Google can read."""
_ANSWERS = ("result", "output")
_DATA = ("text", "inlineData", "fileData", "functionCall", "functionResponse")


class Turns:
    """Collects contents into turns."""

    def __init__(self, extra: JsonObject) -> None:
        self.messages: list[Message] = []
        self._extra = extra
        self._calls = 0
        self._open: deque[ToolCall] = deque()

    def read(self, body: JsonObject) -> None:
        """Read `contents`. Raises `FormatError`."""
        value = body.get("contents")
        contents = [value] if is_object(value) else array(body, "contents")
        for place, item in enumerate(contents):
            path = f"contents[{place}]"
            self._content(as_object(item, path), path)

    def _content(self, content: JsonObject, path: str) -> None:
        parts: list[Part] = []
        for place, item in enumerate(array(content, "parts", path)):
            inner = f"{path}.parts[{place}]"
            parts.extend(self._part(camel(as_object(item, inner)), inner))
        parts = _joined(parts)
        match text(content, "role", path) or "user":
            case "user" | "function" | "tool":
                parts.sort(key=lambda part: not isinstance(part, ToolResult))
                self.messages.append(Message("user", parts))
            case "model":
                self.messages.append(Message("assistant", parts))
            case "system":
                self.messages.append(Message("system", parts))
            case _:
                raise FormatError("expected user or model", path=f"{path}.role")

    def _part(self, part: JsonObject, path: str) -> list[Part]:
        call, result = member(part, "functionCall", path), member(part, "functionResponse", path)
        if call is not None:
            return [self._call(call, part, f"{path}.functionCall", path)]
        if result is not None:
            return [self._result(camel(result), f"{path}.functionResponse")]
        return read_part(part, path)

    def _call(self, call: JsonObject, part: JsonObject, path: str, outer: str) -> ToolCall:
        self._calls += 1
        signature, whose, _ = unseal(text(part, "thoughtSignature", outer), FORMAT)
        found = ToolCall(
            id=text(call, "id", path) or f"call_{self._calls}",
            name=required_text(call, "name", path),
            arguments=dump_text(member(call, "args", path) or {}),
            signature=signature,
            signature_format=whose,
        )
        self._open.append(found)
        return found

    def _result(self, result: JsonObject, path: str) -> ToolResult:
        name, call_id = required_text(result, "name", path), text(result, "id", path)
        matching = next((call for call in self._open if call_id in (call.id, "") and call.name == name), None)
        if matching is not None:
            self._open.remove(matching)
            call_id = matching.id
        answer = member(result, "response", path) or {}
        parts: list[Part] = []
        said, is_error = _words(answer)
        if said:
            parts.append(Text(said))
        for place, item in enumerate(array(result, "parts", path)):
            inner = f"{path}.parts[{place}]"
            parts.extend(read_part(camel(as_object(item, inner)), inner))
        return ToolResult(call_id=call_id or f"call_{name}", name=name, parts=parts, is_error=is_error)


def _joined(parts: list[Part]) -> list[Part]:
    """Put thoughts together that came in pieces: in a stream their signature comes last, in a part of its own."""
    joined: list[Part] = []
    for part in parts:
        if isinstance(part, Reasoning) and part.signature and not part.text:
            before: list[str] = []
            while joined and isinstance(last := joined[-1], Reasoning) and not (last.signature or last.redacted):
                before.append(last.text)
                joined.pop()
            part.text = "".join(reversed(before))
        joined.append(part)
    return joined


def _words(answer: JsonObject) -> tuple[str, bool]:
    """The result as text, and whether it is an error: `{"result": x}`, `{"output": x}`, `{"error": x}`, or as is."""
    if len(answer) == 1:
        (name, value), *_ = answer.items()
        if name in _ANSWERS:
            return value if isinstance(value, str) else dump_text(value), False
        if name == "error":
            return value if isinstance(value, str) else dump_text(value), True
    return dump_text(answer) if answer else "", False


def read_part(part: JsonObject, path: str) -> list[Part]:
    """Return a part that is neither call nor result; none for an empty one. Raises `FormatError`."""
    signature, whose, redacted = unseal(text(part, "thoughtSignature", path), FORMAT)
    data = member(part, "inlineData", path)
    if data is not None:
        return [read_blob(camel(data), f"{path}.inlineData")]
    data = member(part, "fileData", path)
    if data is not None:
        return [_file(camel(data), f"{path}.fileData")]
    if "text" in part:
        return _text(part, path, signature, whose, redacted=redacted)
    for name, value in part.items():
        if name not in _DATA and is_object(value):
            return [Foreign(format=FORMAT, type=name, value=part)]
    if signature:
        return _text({"text": ""} | part, path, signature, whose, redacted=redacted)
    return []


def _text(part: JsonObject, path: str, signature: str, whose: Format | None, *, redacted: bool) -> list[Part]:
    said = text(part, "text", path)
    if redacted:
        return [Reasoning(redacted=signature, signature_format=whose)]
    if flag(part, "thought", path):
        return [Reasoning(text=said, signature=signature, signature_format=whose)]
    if signature and whose != FORMAT:
        # Only thoughts of other providers are signed.
        return [Reasoning(signature=signature, signature_format=whose), *([Text(said)] if said else [])]
    return [Text(said, signature=signature, signature_format=whose)] if said or signature else []


def read_blob(data: JsonObject, path: str) -> Image | Audio | File:
    """Return what `inlineData` holds. Raises `FormatError`."""
    media_type = required_text(data, "mimeType", path)
    # Google reads both alphabets of base64, other providers only the first.
    content = required_text(data, "data", path).replace("-", "+").replace("_", "/")
    if media_type.startswith("image/"):
        return Image(data=content, media_type=media_type)
    if media_type.startswith("audio/"):
        return Audio(data=content, media_type=media_type)
    return File(data=content, media_type=media_type, name=text(data, "displayName", path))


def _file(data: JsonObject, path: str) -> Image | File:
    address, media_type = required_text(data, "fileUri", path), text(data, "mimeType", path)
    is_own = address.startswith(_OWN_FILES)
    url, file_id = ("", address) if is_own else (address, "")
    if media_type.startswith("image/"):
        return Image(url=url, file_id=file_id, media_type=media_type)
    return File(url=url, file_id=file_id, media_type=media_type, name=text(data, "displayName", path))
