"""The items of a request's `input`, read into turns.

The items are a flat list; neighbours of one side belong to one turn: a message with the calls behind it, the results
of one round of calls with the message behind them. Source: https://platform.openai.com/docs/api-reference/responses
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from adapters.formats.errors import FormatError
from adapters.formats.neutral.parts import Foreign, Reasoning, Text, ToolCall, ToolResult
from adapters.formats.neutral.requests import Message
from adapters.formats.openai_responses.content import FORMAT, read_content, summary_text
from adapters.formats.reading import array, as_object, dump_text, required_text, text, unknown
from adapters.formats.signatures import unseal

if TYPE_CHECKING:
    from adapters.formats.neutral.parts import Part
    from adapters.formats.neutral.terms import JsonObject

_KNOWN: dict[str, frozenset[str]] = {
    "message": frozenset(["type", "id", "role", "content", "status", "phase"]),
    "function_call": frozenset(["type", "id", "call_id", "name", "arguments", "status"]),
    "custom_tool_call": frozenset(["type", "id", "call_id", "name", "input", "status"]),
    "function_call_output": frozenset(["type", "id", "call_id", "output", "status", "name"]),
    "custom_tool_call_output": frozenset(["type", "id", "call_id", "output", "status", "name"]),
    "reasoning": frozenset(["type", "id", "summary", "content", "encrypted_content", "status"]),
}
STATE_MESSAGE = "needs a channel whose provider speaks the Responses API and keeps conversations"


class Turns:
    """Collects items into turns."""

    def __init__(self, extra: JsonObject, *, stateless: bool) -> None:
        self.messages: list[Message] = []
        self.system: list[Text] = []
        self._extra = extra
        self._stateless = stateless
        self._names: dict[str, str] = {}

    def read(self, body: JsonObject) -> None:
        """Read `input`. Raises `FormatError`."""
        value = body.get("input")
        if isinstance(value, str):
            self.messages.append(Message("user", [Text(value)]))
            return
        for place, item in enumerate(array(body, "input")):
            path = f"input[{place}]"
            if isinstance(item, str):
                self._add("user", [Text(item)])
            else:
                self._item(as_object(item, path), path)

    def _item(self, item: JsonObject, path: str) -> None:
        kind = text(item, "type", path) or ("message" if "role" in item else "item_reference")
        if kind in _KNOWN:
            self._extra.update(unknown(item, _KNOWN[kind], path))
        match kind:
            case "message":
                self._message(item, path)
            case "function_call":
                self._call(item, path, _arguments(item), custom=False)
            case "custom_tool_call":
                self._call(item, path, text(item, "input", path), custom=True)
            case "function_call_output":
                self._result(item, path, custom=False)
            case "custom_tool_call_output":
                self._result(item, path, custom=True)
            case "reasoning":
                self._add("assistant", [_reasoning(item, path)])
            case "item_reference" if self._stateless:
                raise FormatError(f"a reference to a stored item {STATE_MESSAGE}", path=path)
            case _:
                side: Literal["user", "assistant"] = (
                    "user" if kind.endswith("_output") or kind == "mcp_approval_response" else "assistant"
                )
                self._add(side, [Foreign(format=FORMAT, type=kind, value=item)])

    def _message(self, item: JsonObject, path: str) -> None:
        parts = read_content(item, "content", path)
        match text(item, "role", path):
            case "user":
                self._add("user", parts)
            case "assistant":
                self._add("assistant", parts)
            case "system" | "developer":
                if self.messages:
                    self.messages.append(Message("system", parts))
                else:
                    self._instruct(parts, path)
            case _:
                raise FormatError("expected user, assistant, system or developer", path=f"{path}.role")

    def _instruct(self, parts: list[Part], path: str) -> None:
        for part in parts:
            if not isinstance(part, Text):
                raise FormatError("instructions can only be text", path=f"{path}.content")
            self.system.append(part)

    def _call(self, item: JsonObject, path: str, arguments: str, *, custom: bool) -> None:
        call_id, name = required_text(item, "call_id", path), required_text(item, "name", path)
        self._names[call_id] = name
        item_id = text(item, "id", path)
        call = ToolCall(
            id=call_id,
            name=name,
            arguments=arguments,
            custom=custom,
            item_id=item_id if item_id != call_id else "",
        )
        self._add("assistant", [call])

    def _result(self, item: JsonObject, path: str, *, custom: bool) -> None:
        call_id = required_text(item, "call_id", path)
        result = ToolResult(
            call_id=call_id,
            parts=read_content(item, "output", path),
            name=text(item, "name", path) or self._names.get(call_id, ""),
            custom=custom,
        )
        # Results stand in front of what else the user says in that turn.
        last = self.messages[-1] if self.messages else None
        if last is not None and last.role == "user" and all(isinstance(part, ToolResult) for part in last.parts):
            last.parts.append(result)
        else:
            self.messages.append(Message("user", [result]))

    def _add(self, role: Literal["user", "assistant"], parts: list[Part]) -> None:
        last = self.messages[-1] if self.messages else None
        if last is not None and last.role == role and (role == "assistant" or _only_results(last)):
            last.parts.extend(parts)
        else:
            self.messages.append(Message(role, list(parts)))


def _only_results(message: Message) -> bool:
    return all(isinstance(part, ToolResult) for part in message.parts)


def _arguments(item: JsonObject) -> str:
    value = item.get("arguments")
    if value is None:
        return ""
    return value if isinstance(value, str) else dump_text(value)


def _reasoning(item: JsonObject, path: str) -> Reasoning:
    signature, whose, redacted = unseal(text(item, "encrypted_content", path), FORMAT)
    return Reasoning(
        text=summary_text(item),
        signature="" if redacted else signature,
        redacted=signature if redacted else "",
        signature_format=whose,
        id=text(item, "id", path),
    )
