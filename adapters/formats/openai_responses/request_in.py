"""A client's request to create a response, read into the neutral form.

Only requests that are converted come here; towards a provider of the same format the bytes pass. What only a provider
that keeps conversations can answer (`previous_response_id`, `conversation`, stored prompts, references to items,
background runs) is refused, since leaving it out would change what the user asked.
Source: https://platform.openai.com/docs/api-reference/responses/create
"""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from adapters.formats.errors import FormatError
from adapters.formats.neutral.parts import Text
from adapters.formats.neutral.requests import (
    Effort,
    HostedTool,
    ReasoningOptions,
    Request,
    ResponseFormat,
    Tool,
    ToolChoice,
)
from adapters.formats.openai_responses.content import FORMAT
from adapters.formats.openai_responses.items_in import STATE_MESSAGE, Turns
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

if TYPE_CHECKING:
    from adapters.formats.neutral.terms import JsonObject

_KNOWN = frozenset(
    [
        "input",
        "instructions",
        "max_output_tokens",
        "metadata",
        "model",
        "parallel_tool_calls",
        "prompt_cache_key",
        "reasoning",
        "safety_identifier",
        "service_tier",
        "store",
        "stream",
        "stream_options",
        "temperature",
        "text",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "user",
    ]
)
_STATE = ("previous_response_id", "conversation", "prompt")
_DEFAULTS: tuple[tuple[str, object], ...] = (("truncation", "disabled"), ("background", False), ("include", []))
"""Members that say what would happen anyway."""
_LOGPROBS = "message.output_text.logprobs"
_EFFORTS = frozenset(get_args(Effort))
_TOOL = frozenset(["type", "name", "description", "parameters", "strict", "format"])


def decode_request(raw: bytes, *, stateless: bool = True) -> Request:
    """Return what the client asks. Raises `FormatError`.

    `stateless`: refuse what only the provider that keeps the conversation can resolve; else it is kept as foreign.
    """
    body = load(raw)
    model = required_text(body, "model")
    if stateless:
        _refuse_state(body)
    extra = unknown(body, _KNOWN)
    for name, value in _DEFAULTS:
        if extra.get(name) == value:
            del extra[name]
    _require_input(body)
    turns = Turns(extra, stateless=stateless)
    if instructions := text(body, "instructions"):
        turns.system.append(Text(instructions))
    turns.read(body)
    format_options = member(body, "text") or {}
    extra.update(unknown(format_options, frozenset({"format", "verbosity"}), "text"))
    user, identifier = text(body, "user"), text(body, "safety_identifier")
    if user and identifier:
        extra["safety_identifier"] = identifier
    return Request(
        format=FORMAT,
        model=model,
        messages=turns.messages,
        system=turns.system,
        tools=_tools(body, extra),
        tool_choice=_tool_choice(body, extra),
        parallel_tool_calls=flag(body, "parallel_tool_calls"),
        stream=flag(body, "stream") or False,
        include_usage=True,
        max_output_tokens=integer(body, "max_output_tokens"),
        temperature=number(body, "temperature"),
        top_p=number(body, "top_p"),
        logprobs=_logprobs(extra),
        top_logprobs=integer(body, "top_logprobs"),
        response_format=_response_format(format_options),
        verbosity=text(format_options, "verbosity", "text"),
        reasoning=_reasoning(body, extra),
        user=user or identifier,
        metadata=member(body, "metadata"),
        service_tier=text(body, "service_tier"),
        store=flag(body, "store"),
        prompt_cache_key=text(body, "prompt_cache_key"),
        extra=extra,
    )


def _require_input(body: JsonObject) -> None:
    if body.get("input") is None and body.get("prompt") is None:
        raise FormatError("either input or prompt is required")


def _refuse_state(body: JsonObject) -> None:
    for name in _STATE:
        if body.get(name) is not None:
            raise FormatError(f"{name} {STATE_MESSAGE}")
    if flag(body, "background"):
        raise FormatError(f"background {STATE_MESSAGE}")


def _logprobs(extra: JsonObject) -> bool | None:
    wanted = extra.get("include")
    if not isinstance(wanted, list) or _LOGPROBS not in wanted:
        return None
    left = [name for name in wanted if name != _LOGPROBS]
    if left:
        extra["include"] = left
    else:
        del extra["include"]
    return True


def _tools(body: JsonObject, extra: JsonObject) -> list[Tool | HostedTool]:
    tools: list[Tool | HostedTool] = []
    for place, value in enumerate(array(body, "tools")):
        path = f"tools[{place}]"
        item = as_object(value, path)
        kind = required_text(item, "type", path)
        if kind in ("function", "custom"):
            extra.update(unknown(item, _TOOL, path))
            tools.append(
                Tool(
                    name=required_text(item, "name", path),
                    description=text(item, "description", path),
                    parameters=member(item, "parameters" if kind == "function" else "format", path),
                    strict=flag(item, "strict", path),
                    custom=kind == "custom",
                )
            )
        elif kind.startswith("web_search"):
            tools.append(_web_search(item, path))
        else:
            tools.append(HostedTool(kind=kind, format=FORMAT, value=item))
    return tools


def _web_search(item: JsonObject, path: str) -> HostedTool:
    filters = member(item, "filters", path) or {}
    location = member(item, "user_location", path)
    inner = f"{path}.filters"
    return HostedTool(
        kind="web_search",
        format=FORMAT,
        value=item,
        allowed_domains=texts(filters, "allowed_domains", inner),
        blocked_domains=texts(filters, "blocked_domains", inner),
        user_location=None if location is None else {k: v for k, v in location.items() if k != "type" and v},
        context_size=text(item, "search_context_size", path),
    )


def _tool_choice(body: JsonObject, extra: JsonObject) -> ToolChoice | None:
    value = body.get("tool_choice")
    match value:
        case None:
            return None
        case "auto" | "none" | "required":
            return ToolChoice(mode=value)
    choice = as_object(value, "tool_choice")
    match text(choice, "type", "tool_choice"):
        case "function" | "custom":
            return ToolChoice(mode="required", names=[required_text(choice, "name", "tool_choice")])
        case "allowed_tools":
            return _allowed(choice, extra)
    # Forcing a hosted tool is a thing of this format.
    extra["tool_choice"] = choice
    return None


def _allowed(choice: JsonObject, extra: JsonObject) -> ToolChoice | None:
    names: list[str] = []
    for place, value in enumerate(array(choice, "tools", "tool_choice")):
        path = f"tool_choice.tools[{place}]"
        tool = as_object(value, path)
        if name := text(tool, "name", path):
            names.append(name)
        else:
            extra[path] = tool
    required = text(choice, "mode", "tool_choice") == "required"
    return ToolChoice(mode="required" if required else "auto", names=names)


def _response_format(options: JsonObject) -> ResponseFormat | None:
    value = member(options, "format", "text")
    if value is None:
        return None
    path = "text.format"
    match text(value, "type", path):
        case "text" | "":
            # What happens anyway; the official client sends it with every request.
            return None
        case "json_object":
            return ResponseFormat(kind="json_object")
        case "json_schema":
            return ResponseFormat(
                kind="json_schema",
                name=text(value, "name", path),
                description=text(value, "description", path),
                schema=member(value, "schema", path),
                strict=flag(value, "strict", path),
            )
    raise FormatError("expected text, json_object or json_schema", path=f"{path}.type")


def _reasoning(body: JsonObject, extra: JsonObject) -> ReasoningOptions | None:
    value = member(body, "reasoning")
    if value is None:
        return None
    extra.update(unknown(value, frozenset({"effort", "summary", "generate_summary"}), "reasoning"))
    options = ReasoningOptions(
        summary=text(value, "summary", "reasoning") or text(value, "generate_summary", "reasoning")
    )
    effort = text(value, "effort", "reasoning")
    if effort in _EFFORTS:
        options.effort = effort  # type: ignore[assignment]  # the set is made of the type's own values
    elif effort:
        extra["reasoning.effort"] = effort
    if options.summary:
        options.shown = True
    return options if options != ReasoningOptions() else None
