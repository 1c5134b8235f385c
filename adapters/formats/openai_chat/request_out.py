"""A request in the neutral form, written as a chat completion request for a provider.

What it says is kept close to what compatible servers understand: texts of one message become one string unless
pictures or cache marks stand between them, and nothing is added that the client did not ask for, except the wish
for usage at the end of a stream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.caching import cache_control
from adapters.formats.names import name_of
from adapters.formats.neutral.encoding import Dropped, Encoded, RequestOptions
from adapters.formats.neutral.requests import HostedTool, Tool
from adapters.formats.openai_chat.messages_out import write_messages
from adapters.formats.openai_chat.thinking_out import write_reasoning
from adapters.formats.reading import dump

if TYPE_CHECKING:
    from adapters.formats.neutral.requests import Request, ResponseFormat, ToolChoice
    from adapters.formats.neutral.terms import JsonObject

FORMAT = "openai_chat"
_DEFAULTS = RequestOptions()


def encode_request(request: Request, model: str, options: RequestOptions = _DEFAULTS) -> Encoded:
    """Return the body for `model`. Raises `FormatError` where a part cannot be written at all."""
    dropped = Dropped()
    body: JsonObject = {"model": model, "messages": write_messages(request, options, dropped)}
    if request.max_output_tokens is not None:
        body[options.max_tokens_member] = request.max_output_tokens
    _write_sampling(body, request, dropped)
    write_tools(body, request, dropped, cache_marks=options.cache_marks)
    if request.response_format is not None:
        body["response_format"] = write_response_format(request.response_format)
    if request.verbosity:
        body["verbosity"] = request.verbosity
    write_reasoning(body, request, model, options, dropped)
    if request.modalities:
        body["modalities"] = request.modalities
    if request.audio is not None:
        body["audio"] = request.audio
    if request.stream:
        body["stream"] = True
        if options.include_usage or request.include_usage:
            body["stream_options"] = {"include_usage": True}
    _write_account(body, request, dropped)
    if request.format == FORMAT:
        for name, value in request.extra.items():
            if "." in name or "[" in name:
                dropped.add(name)
            else:
                body.setdefault(name, value)
    else:
        dropped.update(request.extra)
    return Encoded(dump(body), dropped.names())


def _write_sampling(body: JsonObject, request: Request, dropped: Dropped) -> None:
    for name in (
        "temperature",
        "top_p",
        "seed",
        "presence_penalty",
        "frequency_penalty",
        "n",
        "logprobs",
        "top_logprobs",
    ):
        value = getattr(request, name)
        if value is not None:
            body[name] = value
    if request.stop:
        body["stop"] = request.stop
    if request.top_k is not None:
        if request.format == FORMAT:
            body["top_k"] = request.top_k
        else:
            dropped.add(name_of("top_k", request.format))


def write_tools(body: JsonObject, request: Request, dropped: Dropped, *, cache_marks: bool = False) -> None:
    """Add `tools`, `tool_choice` and `parallel_tool_calls` to `body`, as far as the client asked for them."""
    tools: list[JsonObject] = []
    for tool in request.tools:
        if isinstance(tool, HostedTool):
            _write_hosted(body, tools, tool, request, dropped)
        elif tool.custom:
            custom: JsonObject = {
                "name": tool.name,
                "description": tool.description or None,
                "format": tool.parameters,
            }
            tools.append({"type": "custom", "custom": _present(custom)})
        else:
            tools.append({"type": "function", "function": _function(tool)})
        if isinstance(tool, Tool) and tool.cache is not None:
            if cache_marks:
                tools[-1]["cache_control"] = cache_control(tool.cache)
            else:
                dropped.add(name_of("cache", request.format))
    if tools:
        body["tools"] = tools
        if request.parallel_tool_calls is not None:
            body["parallel_tool_calls"] = request.parallel_tool_calls
    if request.tool_choice is not None and (tools or request.tool_choice.mode == "none"):
        body["tool_choice"] = _tool_choice(request.tool_choice, request.tools)


def _write_hosted(
    body: JsonObject, tools: list[JsonObject], tool: HostedTool, request: Request, dropped: Dropped
) -> None:
    if tool.format == FORMAT and tool.kind != "web_search":
        tools.append(tool.value)
    elif tool.kind == "web_search":
        search: JsonObject = {}
        if tool.context_size:
            search["search_context_size"] = tool.context_size
        if tool.user_location:
            search["user_location"] = {"type": "approximate", "approximate": tool.user_location}
        body["web_search_options"] = tool.value if tool.format == FORMAT else search
        if tool.allowed_domains:
            dropped.add(f"{name_of('hosted_tools', request.format)}.allowed_domains")
        if tool.blocked_domains:
            dropped.add(f"{name_of('hosted_tools', request.format)}.blocked_domains")
        if tool.max_uses is not None:
            dropped.add(f"{name_of('hosted_tools', request.format)}.max_uses")
    else:
        dropped.add(f"{name_of('hosted_tools', request.format)}.{tool.kind}")


def _function(tool: Tool) -> JsonObject:
    written: JsonObject = {"name": tool.name}
    if tool.description:
        written["description"] = tool.description
    if tool.parameters is not None:
        written["parameters"] = tool.parameters
    if tool.strict is not None:
        written["strict"] = tool.strict
    return written


def _tool_choice(choice: ToolChoice, tools: list[Tool | HostedTool]) -> object:
    custom = {tool.name for tool in tools if isinstance(tool, Tool) and tool.custom}
    named: list[JsonObject] = []
    for name in choice.names:
        kind = "custom" if name in custom else "function"
        named.append({"type": kind, kind: {"name": name}})
    if not named:
        return choice.mode
    if len(named) == 1 and choice.mode == "required":
        return named[0]
    return {"type": "allowed_tools", "allowed_tools": {"mode": choice.mode, "tools": named}}


def write_response_format(wanted: ResponseFormat) -> JsonObject:
    """Return the member `response_format`."""
    if wanted.kind != "json_schema":
        return {"type": wanted.kind}
    schema: JsonObject = {
        # OpenAI demands a name; Claude and Gemini have none.
        "name": wanted.name or "response",
        "description": wanted.description or None,
        "schema": wanted.schema,
        "strict": wanted.strict,
    }
    return {"type": "json_schema", "json_schema": _present(schema)}


def _write_account(body: JsonObject, request: Request, dropped: Dropped) -> None:
    if request.user:
        body["user"] = request.user
    if request.metadata:
        body["metadata"] = request.metadata
    if request.service_tier:
        body["service_tier"] = request.service_tier
    if request.store is not None:
        body["store"] = request.store
    if request.prompt_cache_key:
        body["prompt_cache_key"] = request.prompt_cache_key
    if request.cache is not None:
        dropped.add(name_of("cache", request.format))


def _present(members: JsonObject) -> JsonObject:
    return {name: value for name, value in members.items() if value is not None}
