"""Tools and their choice, written for a provider."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.custom_tools import function_description, function_parameters
from adapters.formats.gemini.schema import tool_schema
from adapters.formats.gemini.wire import FORMAT, version_of
from adapters.formats.names import name_of
from adapters.formats.neutral.requests import HostedTool, Tool

if TYPE_CHECKING:
    from adapters.formats.neutral.encoding import Dropped
    from adapters.formats.neutral.requests import Request, ToolChoice
    from adapters.formats.neutral.terms import JsonObject

_MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY"}
_BOTH_SINCE = (3, 0)
"""Before this version a request had either functions or hosted tools."""


def write_tools(body: JsonObject, request: Request, model: str, dropped: Dropped) -> None:
    """Set `tools` and `toolConfig`. Raises `FormatError`."""
    choice = request.tool_choice
    # With "auto" one cannot name what is allowed; but what is not declared cannot be called.
    allowed = choice.names if choice is not None and choice.mode == "auto" else []
    declared = [tool for tool in request.tools if isinstance(tool, Tool) and (not allowed or tool.name in allowed)]
    tools: list[JsonObject] = []
    if declared:
        tools.append({"function_declarations": [_declaration(tool, request, dropped) for tool in declared]})
    for tool in request.tools:
        if isinstance(tool, HostedTool):
            hosted = _hosted(tool, request, dropped)
            if hosted is None or (declared and request.format != FORMAT and version_of(model) < _BOTH_SINCE):
                dropped.add(f"{name_of('hosted_tools', request.format)}.{tool.kind}")
            else:
                tools.append(hosted)
    if tools:
        body["tools"] = tools
    if choice is not None and declared:
        body["toolConfig"] = {"functionCallingConfig": _choice(choice)}


def _declaration(tool: Tool, request: Request, dropped: Dropped) -> JsonObject:
    written: JsonObject = {"name": tool.name}
    description = function_description(tool) if tool.custom else tool.description
    if description:
        written["description"] = description
    schema = function_parameters() if tool.custom else tool.parameters
    if schema is not None:
        parameters, lost = tool_schema(schema)
        dropped.update(f"{name_of('tools', request.format)}.parameters.{keyword}" for keyword in lost)
        # An object without properties is refused; no parameters say the same.
        if parameters.get("properties") or parameters.get("type") != "object":
            written["parameters"] = parameters
    if tool.cache is not None:
        dropped.add(name_of("cache", request.format))
    if tool.strict:
        dropped.add(f"{name_of('tools', request.format)}.strict")
    return written


def _hosted(tool: HostedTool, request: Request, dropped: Dropped) -> JsonObject | None:
    if tool.format == FORMAT:
        return tool.value
    if tool.kind != "web_search":
        return None
    where = name_of("hosted_tools", request.format)
    for name in ("allowed_domains", "blocked_domains", "user_location", "context_size", "max_uses"):
        if getattr(tool, name):
            dropped.add(f"{where}.{name}")
    return {"googleSearch": {}}


def _choice(choice: ToolChoice) -> JsonObject:
    written: JsonObject = {"mode": _MODES[choice.mode]}
    if choice.mode == "required" and choice.names:
        written["allowedFunctionNames"] = choice.names
    return written
