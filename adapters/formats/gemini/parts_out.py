"""Turns, written as `contents`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.custom_tools import wrapped
from adapters.formats.errors import FormatError
from adapters.formats.gemini.wire import FORMAT, SKIP_SIGNATURE, wants_signatures
from adapters.formats.lossy import note_lost_of_history, portable
from adapters.formats.names import name_of, name_of_part
from adapters.formats.neutral.parts import Audio, File, Foreign, Image, Reasoning, Refusal, Text, ToolCall, ToolResult
from adapters.formats.reading import is_object, load_any
from adapters.formats.tools import arguments_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.formats.neutral.encoding import Dropped
    from adapters.formats.neutral.parts import Part
    from adapters.formats.neutral.requests import Message, Request
    from adapters.formats.neutral.terms import JsonObject

_BETWEEN_TEXTS = "\n\n"
_IMAGE_TYPES = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "gif": "image/gif",
}


def write_contents(request: Request, model: str, dropped: Dropped) -> tuple[list[JsonObject], list[Text]]:
    """Return the array `contents`, and the instructions that stand between the turns. Raises `FormatError`."""
    writer = _Writer(request, model, dropped)
    for message in request.messages:
        writer.message(message)
    return writer.contents, writer.system


class _Writer:
    def __init__(self, request: Request, model: str, dropped: Dropped) -> None:
        self.contents: list[JsonObject] = []
        self.system: list[Text] = []
        self._format = request.format
        # The same versions want calls signed and may be given pictures as results.
        self._is_signed = wants_signatures(model)
        self._dropped = dropped
        self._names: dict[str, str] = {}
        self._order: dict[str, int] = {}
        self._calls = 0

    def message(self, message: Message) -> None:
        if message.name:
            self._dropped.add("messages.name")
        match message.role:
            case "system":
                # There are no instructions between turns; in front of them they keep their weight.
                self.system.extend(part for part in message.parts if isinstance(part, Text))
            case "assistant":
                self._add("model", self._model_parts(message.parts))
            case "user":
                self._add("user", self._user_parts(message.parts))

    def _add(self, role: str, parts: list[JsonObject]) -> None:
        if parts:
            self.contents.append({"role": role, "parts": parts})

    def _user_parts(self, parts: Sequence[Part]) -> list[JsonObject]:
        results = [part for part in parts if isinstance(part, ToolResult)]
        # Without ids, results belong to calls by their order.
        results.sort(key=lambda result: self._order.get(result.call_id, 0))
        shown: list[Part] = []
        written = [self._result(result, shown) for result in results]
        rest = [part for part in parts if not isinstance(part, ToolResult)]
        return written + self._parts([*shown, *rest])

    def _model_parts(self, parts: Sequence[Part]) -> list[JsonObject]:
        written: list[JsonObject] = []
        is_first_call = True
        for part in parts:
            if isinstance(part, ToolCall):
                written.append(self._call(part, needs_signature=is_first_call and self._is_signed))
                is_first_call = False
            else:
                written.extend(self._parts([part]))
        return written

    def _parts(self, parts: Sequence[Part]) -> list[JsonObject]:
        written: list[JsonObject] = []
        for part in parts:
            if getattr(part, "cache", None) is not None:
                self._dropped.add(name_of("cache", self._format))
            if isinstance(part, (Text, Refusal)) and not part.text and not getattr(part, "signature", ""):
                continue
            item = write_part(portable(part, self._format, FORMAT))
            note_lost_of_history(part, self._format, FORMAT, self._dropped)
            if item is None:
                self._dropped.add(name_of_part(part, self._format))
            else:
                written.append(item)
        return written

    def _call(self, call: ToolCall, *, needs_signature: bool) -> JsonObject:
        self._names[call.id] = call.name
        self._calls += 1
        self._order[call.id] = self._calls
        if call.cache is not None:
            self._dropped.add(name_of("cache", self._format))
        arguments = wrapped(call.arguments) if call.custom else arguments_of(call)
        written: JsonObject = {"functionCall": {"name": call.name, "args": arguments}}
        if call.signature and call.signature_format == FORMAT:
            written["thoughtSignature"] = call.signature
        elif needs_signature:
            written["thoughtSignature"] = SKIP_SIGNATURE
        return written

    def _result(self, result: ToolResult, shown: list[Part]) -> JsonObject:
        name = result.name or self._names.get(result.call_id)
        if not name:
            raise FormatError(f"the result {result.call_id!r} answers no call of this conversation")
        if result.cache is not None:
            self._dropped.add(name_of("cache", self._format))
        words = _BETWEEN_TEXTS.join(part.text for part in result.parts if isinstance(part, (Text, Refusal)))
        others = [part for part in result.parts if not isinstance(part, (Text, Refusal))]
        response: JsonObject = {"name": name, "response": _response(words, is_error=result.is_error)}
        if self._is_signed and others:
            response["parts"] = self._parts(others)
        else:
            shown.extend(others)
        return {"functionResponse": response}


def _response(words: str, *, is_error: bool) -> JsonObject:
    """Gemini wants an object: the result itself if it is one, else its words under a name."""
    if is_error:
        return {"error": words}
    try:
        value = load_any(words) if words.lstrip().startswith("{") else None
    except FormatError:
        value = None
    return value if is_object(value) else {"result": words}


def write_part(part: Part) -> JsonObject | None:
    """Return a part that is neither call nor result; `None` if there is no room for it."""
    match part:
        case Text():
            written: JsonObject = {"text": part.text}
            if part.signature and part.signature_format == FORMAT:
                written["thoughtSignature"] = part.signature
            return written
        case Refusal():
            return {"text": part.text}
        case Reasoning() if part.signature and part.signature_format == FORMAT:
            return {"text": part.text, "thought": True, "thoughtSignature": part.signature}
        case Image():
            return _media(part.data, part.media_type or "image/png", part.url or part.file_id, part.media_type)
        case Audio() if part.data:
            return {"inlineData": {"mimeType": part.media_type, "data": part.data}}
        case File() if part.text:
            return {"text": f"{part.name}\n\n{part.text}" if part.name else part.text}
        case File():
            return _media(part.data, part.media_type or "application/pdf", part.url or part.file_id, part.media_type)
        case Foreign(format="gemini"):
            return part.value
    return None


def _media(data: str, media_type: str, address: str, told_type: str) -> JsonObject | None:
    if data:
        return {"inlineData": {"mimeType": media_type, "data": data}}
    if not address:
        return None
    file: JsonObject = {"fileUri": address}
    kind = told_type or _IMAGE_TYPES.get(address.partition("?")[0].rpartition(".")[2].lower(), "")
    if kind:
        file["mimeType"] = kind
    return {"fileData": file}
