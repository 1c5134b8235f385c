"""Tools that take free text, for formats that only know tools with JSON arguments.

OpenAI's custom tools (Codex patches files with one) become functions with one text argument; calls of them are
unwrapped again for the client.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.errors import FormatError
from adapters.formats.neutral.requests import Tool
from adapters.formats.reading import is_object, load_any, text

if TYPE_CHECKING:
    from adapters.formats.neutral.requests import Request
    from adapters.formats.neutral.terms import JsonObject

INPUT = "input"
_MAX_GRAMMAR = 20_000


def function_description(tool: Tool) -> str:
    """Return the description for a custom tool's function, with its grammar, which the schema cannot carry."""
    grammar = tool.parameters or {}
    definition = grammar.get("definition")
    if not isinstance(definition, str) or len(definition) > _MAX_GRAMMAR:
        return tool.description
    syntax = grammar.get("syntax")
    return f"{tool.description}\n\nThe input must follow this grammar ({syntax}):\n{definition}".lstrip()


def function_parameters() -> JsonObject:
    """Return the schema of a custom tool's function."""
    return {"type": "object", "properties": {INPUT: {"type": "string"}}, "required": [INPUT]}


def wrapped(said: str) -> JsonObject:
    """Return the arguments of a function call for the input of a custom tool."""
    return {INPUT: said}


def unwrapped(arguments: str) -> str:
    """Return the input of a custom tool out of a function call's arguments; as they are if they are no such thing."""
    try:
        value = load_any(arguments)
        return text(value, INPUT) if is_object(value) and value.keys() == {INPUT} else arguments
    except FormatError:
        return arguments


def custom_names(request: Request | None) -> frozenset[str]:
    """Return the names of the client's custom tools, whose calls come back as calls of functions."""
    if request is None:
        return frozenset()
    return frozenset(tool.name for tool in request.tools if isinstance(tool, Tool) and tool.custom)
