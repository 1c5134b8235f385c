"""A client's Messages request, read into the neutral form.

Both versions of the API that are in use (`2023-06-01` and `2026-10-21`) share this shape; the later one refuses
members that the former takes, which is the provider's business. Requests to count tokens have the same body, less
`max_tokens`. Source: https://docs.anthropic.com/en/api/messages
"""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from adapters.formats.anthropic.blocks_in import read_content
from adapters.formats.caching import cache_mark
from adapters.formats.errors import FormatError
from adapters.formats.neutral.parts import Text
from adapters.formats.neutral.requests import (
    Effort,
    HostedTool,
    Message,
    ReasoningOptions,
    Request,
    ResponseFormat,
    Tool,
    ToolChoice,
)
from adapters.formats.reading import (
    array,
    as_object,
    flag,
    integer,
    load,
    member,
    number,
    required_text,
    text,
    texts,
    unknown,
)
from adapters.formats.tools import name_results

if TYPE_CHECKING:
    from adapters.formats.neutral.parts import Part
    from adapters.formats.neutral.terms import JsonObject

_KNOWN = frozenset(
    {
        "cache_control",
        "max_tokens",
        "messages",
        "metadata",
        "model",
        "output_config",
        "output_format",
        "service_tier",
        "stop_sequences",
        "stream",
        "system",
        "temperature",
        "thinking",
        "tool_choice",
        "tools",
        "top_k",
        "top_p",
    }
)
_EFFORTS = frozenset(get_args(Effort))
_TOOL = frozenset({"type", "name", "description", "input_schema", "strict", "cache_control"})


def decode_request(raw: bytes) -> Request:
    """Return what the client asks. Raises `FormatError`."""
    request = _decode(raw)
    if request.max_output_tokens is None or request.max_output_tokens <= 0:
        raise FormatError("must be a positive number", path="max_tokens")
    return request


def decode_count_request(raw: bytes) -> Request:
    """Return the prompt whose tokens the client wants counted. Raises `FormatError`."""
    return _decode(raw)


def _decode(raw: bytes) -> Request:
    body = load(raw)
    extra = unknown(body, _KNOWN)
    metadata = member(body, "metadata") or {}
    extra.update(unknown(metadata, frozenset({"user_id"}), "metadata"))
    messages, system = _messages(body, extra)
    choice, parallel = _tool_choice(body)
    tier = text(body, "service_tier")
    return Request(
        format="anthropic",
        model=required_text(body, "model"),
        messages=messages,
        system=system,
        tools=_tools(body, extra),
        tool_choice=choice,
        parallel_tool_calls=parallel,
        stream=flag(body, "stream") or False,
        max_output_tokens=integer(body, "max_tokens"),
        temperature=number(body, "temperature"),
        top_p=number(body, "top_p"),
        top_k=integer(body, "top_k"),
        stop=texts(body, "stop_sequences"),
        response_format=_response_format(body),
        reasoning=_reasoning(body, extra),
        user=text(metadata, "user_id", "metadata"),
        service_tier="default" if tier == "standard_only" else tier,
        cache=cache_mark(body),
        extra=extra,
    )


def _messages(body: JsonObject, extra: JsonObject) -> tuple[list[Message], list[Text]]:
    system = _only_texts(read_content(body, "system", "", extra), "system")
    items = array(body, "messages")
    if not items:
        raise FormatError("is required", path="messages")
    messages: list[Message] = []
    names: dict[str, str] = {}
    for place, item in enumerate(items):
        path = f"messages[{place}]"
        message = as_object(item, path)
        extra.update(unknown(message, frozenset({"role", "content"}), path))
        parts = read_content(message, "content", path, extra)
        role = text(message, "role", path)
        match role:
            case "user" | "assistant":
                if not parts and role == "user":
                    raise FormatError("must not be empty", path=f"{path}.content")
                name_results(parts, names)
                messages.append(Message(role, parts))
            case "system" if messages:
                messages.append(Message("system", parts))
            case "system":
                system.extend(_only_texts(parts, f"{path}.content"))
            case _:
                raise FormatError("expected user, assistant or system", path=f"{path}.role")
    return messages, system


def _only_texts(parts: list[Part], path: str) -> list[Text]:
    found = [part for part in parts if isinstance(part, Text)]
    if len(found) != len(parts):
        raise FormatError("instructions can only be text", path=path)
    return found


def _tools(body: JsonObject, extra: JsonObject) -> list[Tool | HostedTool]:
    tools: list[Tool | HostedTool] = []
    for place, item in enumerate(array(body, "tools")):
        path = f"tools[{place}]"
        tool = as_object(item, path)
        kind = text(tool, "type", path) or "custom"
        if kind == "custom":
            extra.update(unknown(tool, _TOOL, path))
            tools.append(
                Tool(
                    name=required_text(tool, "name", path),
                    description=text(tool, "description", path),
                    parameters=member(tool, "input_schema", path),
                    strict=flag(tool, "strict", path),
                    cache=cache_mark(tool, path),
                )
            )
        elif kind.startswith("web_search_"):
            location = member(tool, "user_location", path)
            tools.append(
                HostedTool(
                    kind="web_search",
                    format="anthropic",
                    value=tool,
                    allowed_domains=texts(tool, "allowed_domains", path),
                    blocked_domains=texts(tool, "blocked_domains", path),
                    user_location=None
                    if location is None
                    else {name: value for name, value in location.items() if name != "type" and value is not None},
                    max_uses=integer(tool, "max_uses", path),
                )
            )
        else:
            tools.append(HostedTool(kind=kind, format="anthropic", value=tool))
    return tools


def _tool_choice(body: JsonObject) -> tuple[ToolChoice | None, bool | None]:
    value = member(body, "tool_choice")
    if value is None:
        return None, None
    disabled = flag(value, "disable_parallel_tool_use", "tool_choice")
    parallel = None if disabled is None else not disabled
    match text(value, "type", "tool_choice"):
        case "auto":
            return ToolChoice(mode="auto"), parallel
        case "any":
            return ToolChoice(mode="required"), parallel
        case "none":
            return ToolChoice(mode="none"), parallel
        case "tool":
            return ToolChoice(mode="required", names=[required_text(value, "name", "tool_choice")]), parallel
    raise FormatError("expected auto, any, tool or none", path="tool_choice.type")


def _response_format(body: JsonObject) -> ResponseFormat | None:
    config = member(body, "output_config") or {}
    # `output_format` is the name that the member had in its beta.
    value = member(config, "format", "output_config") or member(body, "output_format")
    if value is None:
        return None
    path = "output_config.format"
    if text(value, "type", path) != "json_schema":
        raise FormatError("expected json_schema", path=f"{path}.type")
    return ResponseFormat(kind="json_schema", schema=member(value, "schema", path))


def _reasoning(body: JsonObject, extra: JsonObject) -> ReasoningOptions | None:
    options = ReasoningOptions()
    config = member(body, "output_config") or {}
    extra.update(unknown(config, frozenset({"effort", "format"}), "output_config"))
    effort = text(config, "effort", "output_config")
    if effort in _EFFORTS:
        options.effort = effort  # type: ignore[assignment]  # the set is made of the type's own values
    elif effort:
        extra["output_config.effort"] = effort
    thinking = member(body, "thinking")
    if thinking is not None:
        kind = text(thinking, "type", "thinking")
        options.enabled = kind != "disabled"
        options.adaptive = kind == "adaptive"
        options.budget_tokens = integer(thinking, "budget_tokens", "thinking")
        if display := text(thinking, "display", "thinking"):
            options.shown = display != "omitted"
        extra.update(unknown(thinking, frozenset({"type", "budget_tokens", "display"}), "thinking"))
        if kind not in {"enabled", "disabled", "adaptive"}:
            extra["thinking.type"] = kind
    return options if options != ReasoningOptions() else None
