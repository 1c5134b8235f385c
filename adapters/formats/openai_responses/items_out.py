"""Turns, written as the items of `input`."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from adapters.formats.lossy import note_lost_of_history, portable
from adapters.formats.names import name_of, name_of_part
from adapters.formats.neutral.parts import Foreign, Reasoning, Refusal, Text, ToolCall, ToolResult
from adapters.formats.openai_responses.content import FORMAT, write_input_part, write_output_part

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.formats.neutral.encoding import Dropped, RequestOptions
    from adapters.formats.neutral.parts import Part
    from adapters.formats.neutral.requests import Message, Request
    from adapters.formats.neutral.terms import JsonObject

BETWEEN_TEXTS = "\n\n"
_LONGEST_ID = 64
"""OpenAI refuses longer call ids."""


def write_items(request: Request, options: RequestOptions, dropped: Dropped) -> list[JsonObject]:
    """Return the array `input`."""
    writer = _Writer(request, options, dropped)
    for message in request.messages:
        writer.message(message)
    return writer.items


def fitting_id(call_id: str) -> str:
    """Return a call id that OpenAI takes; the same for the same id, so that call and result still meet."""
    if len(call_id) <= _LONGEST_ID:
        return call_id
    return "call_" + hashlib.sha256(call_id.encode("utf-8", "surrogatepass")).hexdigest()[:48]


class _Writer:
    def __init__(self, request: Request, options: RequestOptions, dropped: Dropped) -> None:
        self.items: list[JsonObject] = []
        self._format = request.format
        self._options = options
        self._dropped = dropped

    def message(self, message: Message) -> None:
        if message.name:
            self._dropped.add("messages.name")
        if message.role == "assistant":
            self._assistant(message.parts)
            return
        said: list[Part] = []
        for part in message.parts:
            if isinstance(part, ToolResult):
                self._result(part)
            elif isinstance(part, Foreign) and part.format == FORMAT and part.type.endswith(("_output", "_response")):
                self.items.append(part.value)
            else:
                said.append(part)
        role = "user" if message.role == "user" else self._options.system_role
        if said and (content := self._content(said)):
            self.items.append({"role": role, "content": content})

    def _assistant(self, parts: list[Part]) -> None:
        said: list[JsonObject] = []
        for part in parts:
            if isinstance(part, (Text, Refusal)):
                if part.text:
                    said.append(write_output_part(part))
                self._note_mark(part)
                continue
            item = self._item(part)
            if item is None:
                self._dropped.add(name_of_part(part, self._format))
            else:
                self._say(said)
                said = []
                self.items.append(item)
        self._say(said)

    def _say(self, said: list[JsonObject]) -> None:
        if said:
            self.items.append({"role": "assistant", "content": said})

    def _item(self, part: Part) -> JsonObject | None:
        match part:
            case ToolCall():
                self._note_mark(part)
                return self._call(part)
            case Reasoning() if part.signature and part.signature_format == FORMAT:
                return _thought(part)
            case Foreign(format="openai_responses"):
                return part.value
        return None

    def _call(self, call: ToolCall) -> JsonObject:
        item: JsonObject = {"type": "custom_tool_call" if call.custom else "function_call"}
        if call.item_id:
            item["id"] = call.item_id
        item |= {"call_id": fitting_id(call.id), "name": call.name}
        item["input" if call.custom else "arguments"] = call.arguments or ("" if call.custom else "{}")
        return item

    def _result(self, result: ToolResult) -> None:
        self._note_mark(result)
        if result.is_error:
            self._dropped.add(f"{name_of_part(result, self._format)}.is_error")
        output: object
        if all(isinstance(part, (Text, Refusal)) for part in result.parts):
            output = BETWEEN_TEXTS.join(part.text for part in result.parts if isinstance(part, (Text, Refusal)))
        else:
            output = self._content(result.parts)
        kind = "custom_tool_call_output" if result.custom else "function_call_output"
        self.items.append({"type": kind, "call_id": fitting_id(result.call_id), "output": output})

    def _content(self, parts: Sequence[Part]) -> list[JsonObject]:
        written: list[JsonObject] = []
        for part in parts:
            self._note_mark(part)
            item = write_input_part(portable(part, self._format, FORMAT))
            note_lost_of_history(part, self._format, FORMAT, self._dropped)
            if item is None:
                self._dropped.add(name_of_part(part, self._format))
            else:
                written.append(item)
        return written

    def _note_mark(self, part: Part) -> None:
        if getattr(part, "cache", None) is not None:
            self._dropped.add(name_of("cache", self._format))


def _thought(thought: Reasoning) -> JsonObject:
    summary: list[JsonObject] = [{"type": "summary_text", "text": thought.text}] if thought.text else []
    item: JsonObject = {"type": "reasoning", "summary": summary, "encrypted_content": thought.signature}
    if thought.id:
        item["id"] = thought.id
    return item
