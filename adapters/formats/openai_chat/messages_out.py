"""The messages of a chat request, written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.caching import cache_control
from adapters.formats.data_url import data_url
from adapters.formats.lossy import note_lost_of_history, portable
from adapters.formats.names import name_of, name_of_part
from adapters.formats.neutral.parts import Audio, File, Foreign, Image, Reasoning, Refusal, Text, ToolCall, ToolResult
from adapters.formats.openai_chat.answer_out import tool_call
from adapters.formats.openai_chat.thoughts import write_detail

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.formats.neutral.encoding import Dropped, RequestOptions
    from adapters.formats.neutral.parts import Part
    from adapters.formats.neutral.requests import Message, Request
    from adapters.formats.neutral.terms import JsonObject

_NO_THOUGHT = " "
_BETWEEN_TEXTS = "\n\n"


def write_messages(request: Request, options: RequestOptions, dropped: Dropped) -> list[JsonObject]:
    """Return the array `messages`, with `request.system` in front."""
    writer = _Writer(request, options, dropped)
    if request.system:
        writer.add(options.system_role, writer.content(request.system))
    for message in request.messages:
        writer.message(message)
    return writer.messages


class _Writer:
    def __init__(self, request: Request, options: RequestOptions, dropped: Dropped) -> None:
        self.messages: list[JsonObject] = []
        self._format = request.format
        self._options = options
        self._dropped = dropped

    def add(self, role: str, content: object, name: str = "") -> None:
        message: JsonObject = {"role": role, "content": content}
        if name:
            message["name"] = name
        self.messages.append(message)

    def message(self, message: Message) -> None:
        match message.role:
            case "assistant":
                self._assistant(message)
            case "system":
                self.add(self._options.system_role, self.content(message.parts), message.name)
            case "user":
                self._user(message)

    def _user(self, message: Message) -> None:
        said: list[Part] = []
        shown: list[Part] = []
        for part in message.parts:
            if isinstance(part, ToolResult):
                shown.extend(self._result(part))
            else:
                said.append(part)
        # Results hold text only; their pictures follow in a message of their own, behind all of the results.
        if shown or said:
            self.add("user", self.content(shown + said), message.name)

    def _result(self, result: ToolResult) -> list[Part]:
        """Write a result; return its parts that are no text."""
        texts: list[Part] = [part for part in result.parts if isinstance(part, (Text, Refusal))]
        self.messages.append(
            {"role": "tool", "tool_call_id": result.call_id, "content": self.content(texts) if texts else ""}
        )
        if result.is_error:
            self._dropped.add(f"{name_of_part(result, self._format)}.is_error")
        if result.cache is not None:
            self._dropped.add(name_of("cache", self._format))
        return [part for part in result.parts if not isinstance(part, (Text, Refusal))]

    def _assistant(self, message: Message) -> None:
        texts: list[Part] = []
        calls: list[JsonObject] = []
        thoughts: list[Reasoning] = []
        written: JsonObject = {"role": "assistant", "content": None}
        if message.name:
            written["name"] = message.name
        for part in message.parts:
            match part:
                case Text():
                    texts.append(part)
                case ToolCall():
                    calls.append(self._call(part))
                case Reasoning():
                    thoughts.append(part)
                case Refusal():
                    written["refusal"] = str(written.get("refusal", "")) + part.text
                case Audio() if part.id:
                    written["audio"] = {"id": part.id}
                case Foreign(format="openai_chat"):
                    texts.append(part)
                case _:
                    self._dropped.add(name_of_part(part, self._format))
        if texts:
            written["content"] = self.content(texts, between="")
        if thoughts:
            self._write_thoughts(written, thoughts)
        if calls:
            written["tool_calls"] = calls
            if not thoughts and self._options.thoughts_with_calls:
                # Calls that another model made, or whose thoughts the client lost.
                written[self._options.reasoning_history] = _NO_THOUGHT
        elif written["content"] is None and "refusal" not in written and "audio" not in written:
            written["content"] = ""
        self.messages.append(written)

    def _write_thoughts(self, written: JsonObject, thoughts: list[Reasoning]) -> None:
        member = self._options.reasoning_history
        if not member:
            self._dropped.add(name_of_part(thoughts[0], self._format))
        elif member == "reasoning_details":
            written[member] = [write_detail(thought, place) for place, thought in enumerate(thoughts)]
        else:
            written[member] = "".join(thought.text for thought in thoughts)
            if any(thought.signature or thought.redacted for thought in thoughts):
                self._dropped.add(f"{name_of_part(thoughts[0], self._format)}.signature")

    def _call(self, call: ToolCall) -> JsonObject:
        written = tool_call(call)
        if not self._options.call_signatures:
            # Gemini's, of no use to anybody else.
            written.pop("extra_content", None)
        return written

    def content(self, parts: Sequence[Part], between: str = _BETWEEN_TEXTS) -> object:
        """Return one string where only texts are, else an array of parts."""
        for part in parts:
            note_lost_of_history(part, self._format, "openai_chat", self._dropped)
        marked = self._options.cache_marks and any(getattr(part, "cache", None) is not None for part in parts)
        if not marked and all(isinstance(part, (Text, Refusal)) for part in parts):
            self._note_marks(parts)
            return between.join(part.text for part in parts if isinstance(part, (Text, Refusal)))
        written: list[JsonObject] = []
        for part in parts:
            item = self._part(portable(part, self._format, "openai_chat"))
            if item is None:
                self._dropped.add(name_of_part(part, self._format))
                continue
            mark = getattr(part, "cache", None)
            if mark is not None and marked:
                item["cache_control"] = cache_control(mark)
            written.append(item)
        if not marked:
            self._note_marks(parts)
        return written

    def _note_marks(self, parts: Sequence[Part]) -> None:
        if any(getattr(part, "cache", None) is not None for part in parts):
            self._dropped.add(name_of("cache", self._format))

    def _part(self, part: Part) -> JsonObject | None:
        match part:
            case Text() | Refusal():
                return {"type": "text", "text": part.text}
            case Image() if part.url or part.data:
                image: JsonObject = {"url": part.url or data_url(part.media_type, part.data)}
                if part.detail:
                    image["detail"] = part.detail
                return {"type": "image_url", "image_url": image}
            case Audio() if part.data:
                wave = part.media_type.removeprefix("audio/")
                return {"type": "input_audio", "input_audio": {"data": part.data, "format": wave}}
            case File():
                return _file(part)
            case Foreign(format="openai_chat"):
                return part.value
        return None


def _file(file: File) -> JsonObject | None:
    if file.text:
        # A plain text is all that a text document is; its title goes in front.
        return {"type": "text", "text": f"{file.name}\n\n{file.text}" if file.name else file.text}
    written: JsonObject = {}
    if file.file_id:
        written["file_id"] = file.file_id
    elif file.data:
        written["file_data"] = data_url(file.media_type or "application/pdf", file.data)
        written["filename"] = file.name or "document.pdf"
    else:
        return None
    return {"type": "file", "file": written}
