"""A request in the form of Bedrock's Converse API.

What goes beyond its own members (thinking, `top_k`) each family of models takes under names of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.custom_tools import function_description, function_parameters
from adapters.formats.dialects.converse_content import cache_point, write_messages, write_system
from adapters.formats.effort import effort_of
from adapters.formats.neutral.parts import ToolCall
from adapters.formats.neutral.requests import Tool
from adapters.formats.reading import dump_text

if TYPE_CHECKING:
    from adapters.formats.dialects.asked import Asked
    from adapters.formats.neutral.requests import Effort, Request
    from adapters.formats.neutral.terms import JsonObject

_CACHES = ("claude", "nova")
"""Words in the names of models that know cache points; the others refuse them."""
_NO_SCHEMAS = ("command", "deepseek-r1", "deepseek.r1", "jamba", "llama", "nova", "palmyra", "titan")
"""The same of those whose answers cannot be held to a schema."""
_TOP_K = ("claude", "mistral", "mixtral", "pixtral")
_ALWAYS_THINKS = ("deepseek-r1", "deepseek.r1", "gpt-oss")
_LEVELS: dict[Effort, str] = {"minimal": "low", "xhigh": "high", "max": "high"}


def write(asked: Asked) -> JsonObject:
    """Return the body for a provider. Raises `FormatError`."""
    request = asked.request
    model = asked.model.lower()
    caches = _is_of(model, _CACHES)
    body: JsonObject = {"messages": write_messages(asked, caches=caches)}
    if system := write_system(asked, caches=caches):
        body["system"] = system
    limits: JsonObject = {}
    asked.put(
        limits,
        max_output_tokens="maxTokens",
        temperature="temperature",
        top_p="topP",
        stop="stopSequences",
    )
    if limits:
        body["inferenceConfig"] = limits
    if tools := _tools(asked, caches=caches):
        body["toolConfig"] = tools
    if more := _more(asked, model):
        body["additionalModelRequestFields"] = more
    wanted = request.response_format
    if wanted is None or wanted.kind == "text":
        asked.take("response_format")
    elif wanted.schema is not None and not _is_of(model, _NO_SCHEMAS):
        asked.take("response_format")
        schema: JsonObject = {"schema": dump_text(wanted.schema), "name": wanted.name or "response"}
        if wanted.description:
            schema["description"] = wanted.description
        body["outputConfig"] = {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": schema}}}
    return body


def _is_of(model: str, words: tuple[str, ...]) -> bool:
    """Whether `model`, by our name, its maker's id or an ARN, is of a family."""
    return any(word in model for word in words)


def _more(asked: Asked, model: str) -> JsonObject:
    """Return the members of the model's own."""
    request = asked.request
    more: JsonObject = {}
    if request.top_k is not None and _is_of(model, _TOP_K):
        asked.put(more, top_k="top_k")
    elif request.top_k is not None and "nova" in model:
        inner: JsonObject = {}
        asked.put(inner, top_k="topK")
        more["inferenceConfig"] = inner
    reasoning = request.reasoning
    if reasoning is None:
        return more
    effort = effort_of(reasoning)
    is_off = effort == "none" or reasoning.enabled is False
    if _is_of(model, _ALWAYS_THINKS) and not is_off:
        asked.take("reasoning")
        if effort is not None and "gpt-oss" in model:
            more["reasoning_effort"] = _LEVELS.get(effort, effort)
    elif "nova-2" in model:
        asked.take("reasoning")
        config: JsonObject = {"type": "disabled" if is_off else "enabled"}
        if not is_off:
            level = effort or "medium"
            config["maxReasoningEffort"] = _LEVELS.get(level, level)
        more["reasoningConfig"] = config
    return more


def _tools(asked: Asked, *, caches: bool) -> JsonObject | None:
    request = asked.request
    choice = request.tool_choice
    asked.take("tools")
    asked.take("tool_choice")
    written: list[JsonObject] = []
    for tool in request.tools:
        if not isinstance(tool, Tool):
            asked.drop("hosted_tools")
            continue
        if choice is not None and len(choice.names) > 1 and tool.name not in choice.names:
            continue
        written.append({"toolSpec": _spec(tool)})
        if tool.cache is not None and caches:
            written.append(cache_point(tool.cache))
        elif tool.cache is not None:
            asked.drop("cache")
    called = _called(request)
    if choice is not None and choice.mode == "none" and not called:
        return None
    if not written:
        # A history with calls is refused where no tools are.
        written = [{"toolSpec": _spec(Tool(name=name))} for name in called]
    if not written:
        return None
    config: JsonObject = {"tools": written}
    if choice is not None and choice.mode == "required":
        only = choice.names[0] if len(choice.names) == 1 else ""
        config["toolChoice"] = {"tool": {"name": only}} if only else {"any": {}}
    elif choice is not None and choice.mode == "none":
        asked.drop("tool_choice")
    return config


def _called(request: Request) -> list[str]:
    """Return the names of the tools that were used so far."""
    parts = (part for message in request.messages for part in message.parts)
    return list(dict.fromkeys(part.name for part in parts if isinstance(part, ToolCall)))


def _spec(tool: Tool) -> JsonObject:
    spec: JsonObject = {"name": tool.name}
    if description := function_description(tool) if tool.custom else tool.description:
        spec["description"] = description
    schema = function_parameters() if tool.custom else {"type": "object"} | (tool.parameters or {"properties": {}})
    spec["inputSchema"] = {"json": schema}
    return spec
