"""A request in the neutral form, written as a Messages request for Anthropic, Bedrock or Vertex AI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from adapters.formats.anthropic.blocks_out import write_messages
from adapters.formats.anthropic.models import abilities
from adapters.formats.anthropic.thinking_out import thinking_for
from adapters.formats.caching import cache_control
from adapters.formats.custom_tools import function_description, function_parameters
from adapters.formats.names import name_of
from adapters.formats.neutral.encoding import Dropped, Encoded, RequestOptions
from adapters.formats.neutral.requests import HostedTool, Tool
from adapters.formats.reading import dump

if TYPE_CHECKING:
    from adapters.formats.anthropic.models import Abilities
    from adapters.formats.anthropic.thinking_out import Thinking
    from adapters.formats.neutral.requests import Request
    from adapters.formats.neutral.terms import JsonObject

FORMAT = "anthropic"
_DEFAULTS = RequestOptions()
_VERSIONS = {"bedrock": "bedrock-2023-05-31", "vertex": "vertex-2023-10-16"}
_WEB_SEARCH = "web_search_20250305"
_LEAST_TOP_P_THINKING = 0.95
_ELSEWHERE = ("seed", "presence_penalty", "frequency_penalty", "top_logprobs", "verbosity", "audio", "metadata")
"""What Claude's format has no member for."""


def encode_request(request: Request, model: str, options: RequestOptions = _DEFAULTS) -> Encoded:
    """Return the body for `model`. Raises `FormatError` where a part cannot be written at all."""
    dropped = Dropped()
    body: JsonObject = {}
    if options.platform:
        body["anthropic_version"] = _VERSIONS[options.platform]
    else:
        body["model"] = model
    able = abilities(model)
    thinking = thinking_for(request, able, options, dropped)
    body["max_tokens"] = thinking.max_tokens
    system, messages = write_messages(request, dropped)
    if system is not None:
        body["system"] = system
    body["messages"] = messages
    _write_tools(body, request, able, dropped)
    _write_sampling(body, request, able, thinking, dropped)
    _write_output(body, request, able, thinking, dropped)
    if request.stream and options.platform != "bedrock":
        body["stream"] = True
    _write_account(body, request, options, dropped)
    _write_extra(body, request, dropped)
    return Encoded(dump(body), dropped.names())


def platform_changes(platform: Literal["bedrock", "vertex"]) -> dict[str, object | None]:
    """Return the members of a Claude client's own body that the platform wants otherwise; `None` removes one.

    The model stands in the URL there; on Bedrock the wish for a stream does, too.
    """
    changes: dict[str, object | None] = {"anthropic_version": _VERSIONS[platform], "model": None}
    return changes | ({"stream": None} if platform == "bedrock" else {})


def _write_tools(body: JsonObject, request: Request, able: Abilities, dropped: Dropped) -> None:
    allowed = request.tool_choice.names if request.tool_choice is not None else []
    tools: list[JsonObject] = []
    for tool in request.tools:
        if isinstance(tool, HostedTool):
            hosted = _hosted(tool, request, dropped)
            if hosted is not None:
                tools.append(hosted)
        elif len(allowed) < 2 or tool.name in allowed:
            tools.append(_tool(tool, request, able, dropped))
    if not tools:
        return
    body["tools"] = tools
    choice = _tool_choice(request)
    if choice["type"] in ("any", "tool") and not able.forced_tools and request.format != FORMAT:
        choice = {"type": "auto"}
        dropped.add(name_of("tool_choice", request.format))
    if request.parallel_tool_calls is not None and choice["type"] != "none":
        choice["disable_parallel_tool_use"] = not request.parallel_tool_calls
    body["tool_choice"] = choice


def _tool(tool: Tool, request: Request, able: Abilities, dropped: Dropped) -> JsonObject:
    written: JsonObject = {"name": tool.name}
    if description := function_description(tool) if tool.custom else tool.description:
        written["description"] = description
    if tool.custom:
        written["input_schema"] = function_parameters()
        return written
    # Claude demands a schema of an object, also of tools that take nothing.
    written["input_schema"] = {"type": "object"} | (tool.parameters or {"properties": {}})
    if tool.strict is not None:
        if able.structured or request.format == FORMAT:
            written["strict"] = tool.strict
        elif tool.strict:
            dropped.add("tools.strict")
    if tool.cache is not None:
        written["cache_control"] = cache_control(tool.cache)
    return written


def _hosted(tool: HostedTool, request: Request, dropped: Dropped) -> JsonObject | None:
    if tool.format == FORMAT:
        return tool.value
    name = name_of("hosted_tools", request.format)
    if tool.kind != "web_search":
        dropped.add(f"{name}.{tool.kind}")
        return None
    written: JsonObject = {"type": _WEB_SEARCH, "name": "web_search"}
    if tool.allowed_domains:
        written["allowed_domains"] = tool.allowed_domains
    if tool.blocked_domains:
        written["blocked_domains"] = tool.blocked_domains
    if tool.user_location:
        written["user_location"] = {"type": "approximate"} | tool.user_location
    if tool.max_uses is not None:
        written["max_uses"] = tool.max_uses
    if tool.context_size:
        dropped.add(f"{name}.search_context_size")
    return written


def _tool_choice(request: Request) -> JsonObject:
    choice = request.tool_choice
    if choice is None or choice.mode == "auto":
        return {"type": "auto"}
    if choice.mode == "none":
        return {"type": "none"}
    if len(choice.names) == 1:
        return {"type": "tool", "name": choice.names[0]}
    return {"type": "any"}


def _write_sampling(
    body: JsonObject, request: Request, able: Abilities, thinking: Thinking, dropped: Dropped
) -> None:
    if request.stop:
        body["stop_sequences"] = request.stop
    if request.format == FORMAT:
        for name in ("temperature", "top_p", "top_k"):
            if getattr(request, name) is not None:
                body[name] = getattr(request, name)
        return
    temperature, top_p, top_k = request.temperature, request.top_p, request.top_k
    if temperature is not None and temperature > 1:
        # OpenAI and Gemini go up to 2, Claude to 1.
        temperature = 1
        dropped.add(name_of("temperature", request.format))
    refused: list[str] = []
    if not able.sampling or (thinking.is_on and temperature != 1):
        refused.append("temperature")
    if not able.sampling or thinking.is_on:
        refused.append("top_k")
    if (
        not able.sampling
        or (thinking.is_on and (top_p or 1) < _LEAST_TOP_P_THINKING)
        or (temperature is not None and not able.both_temperature_and_top_p)
    ):
        refused.append("top_p")
    for name, value in (("temperature", temperature), ("top_p", top_p), ("top_k", top_k)):
        if value is None:
            continue
        if name in refused:
            dropped.add(name_of(name, request.format))
        else:
            body[name] = value


def _write_output(body: JsonObject, request: Request, able: Abilities, thinking: Thinking, dropped: Dropped) -> None:
    if thinking.thinking is not None:
        body["thinking"] = thinking.thinking
    output: JsonObject = {}
    if thinking.effort is not None:
        output["effort"] = thinking.effort
    wanted = request.response_format
    if wanted is not None and wanted.kind != "text":
        if wanted.schema is not None and (able.structured or request.format == FORMAT):
            output["format"] = {"type": "json_schema", "schema": wanted.schema}
        else:
            dropped.add(name_of("response_format", request.format))
    if output:
        body["output_config"] = output
    if request.reasoning is not None and request.reasoning.summary not in {"", "auto"}:
        dropped.add(f"{name_of('reasoning', request.format)}.summary")


def _write_account(body: JsonObject, request: Request, options: RequestOptions, dropped: Dropped) -> None:
    if request.user:
        body["metadata"] = {"user_id": request.user}
    if request.service_tier:
        tier = {"auto": "auto", "default": "standard_only", "priority": "auto"}.get(request.service_tier)
        if tier is None or options.platform:
            dropped.add("service_tier")
        else:
            body["service_tier"] = tier
    if request.cache is not None:
        body["cache_control"] = cache_control(request.cache)
    for name in _ELSEWHERE:
        if getattr(request, name) not in (None, "", {}):
            dropped.add(name_of(name, request.format))
    if request.prompt_cache_key:
        dropped.add("prompt_cache_key")
    if request.n is not None and request.n != 1:
        dropped.add(name_of("n", request.format))
    if request.logprobs:
        dropped.add(name_of("logprobs", request.format))
    if request.store:
        dropped.add("store")
    if any(modality != "text" for modality in request.modalities):
        dropped.add(name_of("modalities", request.format))


def _write_extra(body: JsonObject, request: Request, dropped: Dropped) -> None:
    for name, value in request.extra.items():
        if request.format == FORMAT and "." not in name and "[" not in name:
            body.setdefault(name, value)
        else:
            dropped.add(name)
