"""Arguments of tool calls: text in OpenAI's formats, objects in Claude's and Gemini's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.errors import FormatError
from adapters.formats.neutral.parts import ToolCall, ToolResult
from adapters.formats.reading import is_object, load_any

if TYPE_CHECKING:
    from adapters.formats.neutral.parts import Part
    from adapters.formats.neutral.terms import JsonObject

UNREADABLE = "INVALID_JSON"
"""Where an object must stand and the model wrote something else, its words stand under this name."""


NO_ARGUMENTS = "{}"


def arguments_of(call: ToolCall, *, path: str = "") -> JsonObject:
    """Return the arguments as an object; no arguments are an empty one. Raises `FormatError`."""
    if not call.arguments.strip():
        return {}
    try:
        value = None if call.custom else load_any(call.arguments)
    except FormatError:
        value = None
    if is_object(value):
        return value
    raise FormatError(f"the arguments of tool call {call.id!r} are not a JSON object", path=path)


def arguments_or_words(call: ToolCall) -> JsonObject:
    """Like `arguments_of` for answers, which must not fail because a model's arguments broke off."""
    try:
        return arguments_of(call)
    except FormatError:
        return {UNREADABLE: call.arguments}


def name_results(parts: list[Part], names: dict[str, str]) -> None:
    """Give each result among `parts` the name of its tool, where the request gave only the id of the call.

    `names` collects the calls so far by id, from message to message.
    """
    for part in parts:
        if isinstance(part, ToolCall):
            names[part.id] = part.name
        elif isinstance(part, ToolResult) and not part.name:
            part.name = names.get(part.call_id, "")
