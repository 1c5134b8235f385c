"""Tools, their choice and the wanted shape of the answer: in requests, and repeated in answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.names import name_of
from adapters.formats.neutral.requests import HostedTool, Tool
from adapters.formats.openai_responses.content import FORMAT

if TYPE_CHECKING:
    from adapters.formats.neutral.encoding import Dropped
    from adapters.formats.neutral.requests import Request, ResponseFormat, ToolChoice
    from adapters.formats.neutral.terms import JsonObject


def write_tools(request: Request, dropped: Dropped) -> list[JsonObject]:
    """Return the array `tools`."""
    tools: list[JsonObject] = []
    for tool in request.tools:
        if isinstance(tool, Tool):
            tools.append(_tool(tool))
            if tool.cache is not None:
                dropped.add(name_of("cache", request.format))
        elif tool.format == FORMAT:
            tools.append(tool.value)
        elif tool.kind == "web_search":
            tools.append(_web_search(tool, request, dropped))
        else:
            dropped.add(f"{name_of('hosted_tools', request.format)}.{tool.kind}")
    return tools


def _tool(tool: Tool) -> JsonObject:
    written: JsonObject = {"type": "custom" if tool.custom else "function", "name": tool.name}
    if tool.description:
        written["description"] = tool.description
    if tool.custom:
        if tool.parameters is not None:
            written["format"] = _flat_grammar(tool.parameters)
    else:
        # The API demands the member; a tool without arguments has an empty object.
        written["parameters"] = {"type": "object", "properties": {}} if tool.parameters is None else tool.parameters
        if tool.strict is not None:
            written["strict"] = tool.strict
    return written


def _flat_grammar(given: JsonObject) -> JsonObject:
    """Chat wraps a grammar (`{type, grammar: {syntax, definition}}`), Responses does not."""
    inner = given.get("grammar")
    return {"type": "grammar", **inner} if isinstance(inner, dict) else given


def _web_search(tool: HostedTool, request: Request, dropped: Dropped) -> JsonObject:
    written: JsonObject = {"type": "web_search"}
    if tool.allowed_domains:
        written["filters"] = {"allowed_domains": tool.allowed_domains}
    if tool.context_size:
        written["search_context_size"] = tool.context_size
    if tool.user_location:
        written["user_location"] = {"type": "approximate"} | tool.user_location
    where = name_of("hosted_tools", request.format)
    if tool.blocked_domains:
        dropped.add(f"{where}.blocked_domains")
    if tool.max_uses is not None:
        dropped.add(f"{where}.max_uses")
    return written


def write_tool_choice(choice: ToolChoice, request: Request) -> object:
    """Return `tool_choice`."""
    custom = {tool.name for tool in request.tools if isinstance(tool, Tool) and tool.custom}
    named: list[JsonObject] = [
        {"type": "custom" if name in custom else "function", "name": name} for name in choice.names
    ]
    if not named:
        return choice.mode
    if len(named) == 1 and choice.mode == "required":
        return named[0]
    return {"type": "allowed_tools", "mode": choice.mode, "tools": named}


def write_format(wanted: ResponseFormat) -> JsonObject:
    """Return `text.format`."""
    if wanted.kind != "json_schema":
        return {"type": wanted.kind}
    # OpenAI demands a name; Claude and Gemini have none.
    written: JsonObject = {"type": "json_schema", "name": wanted.name or "response", "schema": wanted.schema or {}}
    if wanted.description:
        written["description"] = wanted.description
    if wanted.strict is not None:
        written["strict"] = wanted.strict
    return written
