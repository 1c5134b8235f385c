"""Tools of a client's request, and what it may call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.errors import FormatError
from adapters.formats.gemini.schema import json_schema
from adapters.formats.gemini.wire import FORMAT, camel
from adapters.formats.neutral.requests import HostedTool, Tool, ToolChoice
from adapters.formats.reading import array, as_object, member, required_text, text, texts, unknown

if TYPE_CHECKING:
    from adapters.formats.neutral.terms import JsonObject

_SEARCHES = ("googleSearch", "googleSearchRetrieval", "enterpriseWebSearch")
_KNOWN_DECLARATION = frozenset(["name", "description", "parameters", "parametersJsonSchema"])
_CHOICE = "toolConfig.functionCallingConfig"


def read_tools(body: JsonObject, extra: JsonObject) -> list[Tool | HostedTool]:
    """Return the tools. Raises `FormatError`."""
    found: list[Tool | HostedTool] = []
    value = body.get("tools")
    items = [value] if isinstance(value, dict) else array(body, "tools")
    for place, item in enumerate(items):
        path = f"tools[{place}]"
        for name, one in camel(as_object(item, path)).items():
            if name == "functionDeclarations":
                found.extend(_declarations(one, f"{path}.{name}", extra))
            elif one is not None:
                found.append(_hosted(name, one, path))
    return found


def _declarations(value: object, path: str, extra: JsonObject) -> list[Tool]:
    tools: list[Tool] = []
    for place, item in enumerate(array({"declarations": value}, "declarations")):
        inner = f"{path}[{place}]"
        declaration = camel(as_object(item, inner))
        extra.update(unknown(declaration, _KNOWN_DECLARATION, inner))
        schema = member(declaration, "parametersJsonSchema", inner)
        if schema is None:
            own = member(declaration, "parameters", inner)
            schema = None if own is None else json_schema(own)
        tools.append(
            Tool(
                name=required_text(declaration, "name", inner),
                description=text(declaration, "description", inner),
                parameters=schema,
            )
        )
    return tools


def _hosted(name: str, value: object, path: str) -> HostedTool:
    inner = camel(as_object(value, f"{path}.{name}"))
    return HostedTool(
        kind="web_search" if name in _SEARCHES else name,
        format=FORMAT,
        value={name: value},
        blocked_domains=texts(inner, "excludeDomains", f"{path}.{name}") if name in _SEARCHES else [],
    )


def read_tool_choice(body: JsonObject, extra: JsonObject) -> ToolChoice | None:
    """Return what the model may or must call. Raises `FormatError`."""
    config = camel(member(body, "toolConfig") or {})
    extra.update(unknown(config, frozenset({"functionCallingConfig"}), "toolConfig"))
    value = member(config, "functionCallingConfig", "toolConfig")
    if value is None:
        return None
    choice = camel(value)
    names = texts(choice, "allowedFunctionNames", _CHOICE)
    match text(choice, "mode", _CHOICE).upper():
        case "" | "MODE_UNSPECIFIED" | "AUTO":
            return ToolChoice(mode="auto")
        case "VALIDATED":
            return ToolChoice(mode="auto", names=names)
        case "ANY":
            return ToolChoice(mode="required", names=names)
        case "NONE":
            return ToolChoice(mode="none")
    raise FormatError("expected AUTO, ANY, NONE or VALIDATED", path=f"{_CHOICE}.mode")
