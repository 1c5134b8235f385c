"""A client's chat completion request, read into the neutral form.

Beyond OpenAI's own members it knows what clients of compatible servers send: `reasoning` (OpenRouter), `thinking`
(Claude's, also on top level), `top_k`, `cache_control` on parts, `reasoning_content` and `reasoning_details` in
earlier answers. Source: https://platform.openai.com/docs/api-reference/chat/create
"""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from adapters.formats.caching import cache_mark
from adapters.formats.errors import FormatError
from adapters.formats.neutral.requests import (
    Effort,
    HostedTool,
    ReasoningOptions,
    Request,
    ResponseFormat,
    Tool,
    ToolChoice,
)
from adapters.formats.openai_chat.messages_in import read_messages
from adapters.formats.reading import (
    array,
    as_object,
    flag,
    integer,
    is_object,
    load,
    member,
    number,
    required_text,
    text,
    texts,
    unknown,
)

if TYPE_CHECKING:
    from adapters.formats.neutral.terms import JsonObject

_KNOWN = frozenset(
    [
        "audio",
        "frequency_penalty",
        "function_call",
        "functions",
        "logprobs",
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "metadata",
        "modalities",
        "model",
        "n",
        "parallel_tool_calls",
        "presence_penalty",
        "prompt_cache_key",
        "reasoning",
        "reasoning_effort",
        "response_format",
        "safety_identifier",
        "seed",
        "service_tier",
        "stop",
        "store",
        "stream",
        "stream_options",
        "temperature",
        "thinking",
        "tool_choice",
        "tools",
        "top_k",
        "top_logprobs",
        "top_p",
        "user",
        "verbosity",
        "web_search_options",
        "cache_control",
    ]
)
_EFFORTS = frozenset(get_args(Effort))


def decode_request(raw: bytes) -> Request:
    """Return what the client asks. Raises `FormatError`."""
    body = load(raw)
    extra = unknown(body, _KNOWN)
    messages, system = read_messages(body, extra)
    limit = integer(body, "max_completion_tokens")
    stream_options = member(body, "stream_options") or {}
    extra.update(unknown(stream_options, frozenset({"include_usage"}), "stream_options"))
    user, identifier = text(body, "user"), text(body, "safety_identifier")
    if user and identifier:
        extra["safety_identifier"] = identifier
    return Request(
        format="openai_chat",
        model=required_text(body, "model"),
        messages=messages,
        system=system,
        tools=_tools(body, extra),
        tool_choice=_tool_choice(body),
        parallel_tool_calls=flag(body, "parallel_tool_calls"),
        stream=flag(body, "stream") or False,
        include_usage=flag(stream_options, "include_usage", "stream_options"),
        # one-api always took 0 for "none given", and no other format knows an answer without tokens.
        max_output_tokens=limit or integer(body, "max_tokens") or None,
        temperature=number(body, "temperature"),
        top_p=number(body, "top_p"),
        top_k=integer(body, "top_k"),
        stop=texts(body, "stop"),
        seed=integer(body, "seed"),
        presence_penalty=number(body, "presence_penalty"),
        frequency_penalty=number(body, "frequency_penalty"),
        n=integer(body, "n"),
        logprobs=flag(body, "logprobs"),
        top_logprobs=integer(body, "top_logprobs"),
        response_format=_response_format(body),
        verbosity=text(body, "verbosity"),
        reasoning=_reasoning(body, extra),
        modalities=texts(body, "modalities"),
        audio=member(body, "audio"),
        user=user or identifier,
        metadata=member(body, "metadata"),
        service_tier=text(body, "service_tier"),
        store=flag(body, "store"),
        prompt_cache_key=text(body, "prompt_cache_key"),
        cache=cache_mark(body),
        extra=extra,
    )


def _tools(body: JsonObject, extra: JsonObject) -> list[Tool | HostedTool]:
    tools: list[Tool | HostedTool] = []
    for place, item in enumerate(array(body, "tools")):
        path = f"tools[{place}]"
        tools.append(_tool(as_object(item, path), path, extra))
    for place, item in enumerate(array(body, "functions")):
        path = f"functions[{place}]"
        tools.append(_function(as_object(item, path), path, extra))
    search = member(body, "web_search_options")
    if search is not None:
        location = member(search, "user_location", "web_search_options") or {}
        tools.append(
            HostedTool(
                kind="web_search",
                format="openai_chat",
                value=search,
                user_location=member(location, "approximate", "web_search_options.user_location"),
                context_size=text(search, "search_context_size", "web_search_options"),
            )
        )
    return tools


def _tool(item: JsonObject, path: str, extra: JsonObject) -> Tool | HostedTool:
    kind = text(item, "type", path) or "function"
    if kind == "function":
        tool = _function(_needed(item, "function", path), f"{path}.function", extra)
        tool.cache = cache_mark(item, path)
        return tool
    if kind == "custom":
        custom = _needed(item, "custom", path)
        inner = f"{path}.custom"
        return Tool(
            name=required_text(custom, "name", inner),
            description=text(custom, "description", inner),
            parameters=member(custom, "format", inner),
            custom=True,
        )
    return HostedTool(kind=kind, format="openai_chat", value=item)


def _function(item: JsonObject, path: str, extra: JsonObject) -> Tool:
    extra.update(unknown(item, frozenset({"name", "description", "parameters", "strict", "cache_control"}), path))
    return Tool(
        name=required_text(item, "name", path),
        description=text(item, "description", path),
        parameters=member(item, "parameters", path),
        strict=flag(item, "strict", path),
        cache=cache_mark(item, path),
    )


def _tool_choice(body: JsonObject) -> ToolChoice | None:
    name = "tool_choice" if body.get("tool_choice") is not None else "function_call"
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, str):
        match value:
            case "auto" | "none" | "required":
                return ToolChoice(mode=value)
            case "any":
                return ToolChoice(mode="required")
        raise FormatError("expected auto, none, required or an object", path=name)
    choice = as_object(value, name)
    kind = text(choice, "type", name)
    if kind == "allowed_tools":
        allowed = _needed(choice, "allowed_tools", name)
        path = f"{name}.allowed_tools"
        names = [_tool_name(as_object(tool, path), path) for tool in array(allowed, "tools", path)]
        required = text(allowed, "mode", path) == "required"
        return ToolChoice(mode="required" if required else "auto", names=names)
    return ToolChoice(mode="required", names=[_tool_name(choice, name)])


def _tool_name(tool: JsonObject, path: str) -> str:
    """The name in `{type: function, function: {name}}`, `{custom: {name}}` or the old `{name}`."""
    for kind in ("function", "custom"):
        inner = member(tool, kind, path)
        if inner is not None:
            return required_text(inner, "name", f"{path}.{kind}")
    return required_text(tool, "name", path)


def _response_format(body: JsonObject) -> ResponseFormat | None:
    value = member(body, "response_format")
    if value is None:
        return None
    kind = text(value, "type", "response_format")
    if kind == "json_schema":
        path = "response_format.json_schema"
        schema = _needed(value, "json_schema", "response_format")
        return ResponseFormat(
            kind="json_schema",
            name=text(schema, "name", path),
            description=text(schema, "description", path),
            schema=member(schema, "schema", path),
            strict=flag(schema, "strict", path),
        )
    match kind:
        case "json_object" | "text":
            return ResponseFormat(kind=kind)
    raise FormatError("expected text, json_object or json_schema", path="response_format.type")


def _reasoning(body: JsonObject, extra: JsonObject) -> ReasoningOptions | None:
    options = ReasoningOptions()
    _read_effort(body, "reasoning_effort", "", options, extra)
    openrouter = member(body, "reasoning")
    if openrouter is not None:
        _read_effort(openrouter, "effort", "reasoning", options, extra)
        options.enabled = flag(openrouter, "enabled", "reasoning")
        options.budget_tokens = integer(openrouter, "max_tokens", "reasoning")
        options.summary = text(openrouter, "summary", "reasoning")
        if (excluded := flag(openrouter, "exclude", "reasoning")) is not None:
            options.shown = not excluded
    claude = body.get("thinking")
    if is_object(claude):
        kind = text(claude, "type", "thinking")
        options.enabled = kind != "disabled"
        options.adaptive = kind == "adaptive"
        options.budget_tokens = integer(claude, "budget_tokens", "thinking")
    elif isinstance(claude, bool):
        options.enabled = claude
    elif claude is not None:
        extra["thinking"] = claude
    return options if options != ReasoningOptions() else None


def _read_effort(source: JsonObject, name: str, path: str, options: ReasoningOptions, extra: JsonObject) -> None:
    effort = text(source, name, path)
    if effort in _EFFORTS:
        options.effort = effort  # type: ignore[assignment]  # the set is made of the type's own values
    elif effort:
        extra[f"{path}.{name}" if path else name] = effort


def _needed(source: JsonObject, name: str, path: str) -> JsonObject:
    value = member(source, name, path)
    if value is None:
        raise FormatError("is required", path=f"{path}.{name}")
    return value
