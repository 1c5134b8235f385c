"""A request in the neutral form, written for a provider's Responses API.

Nothing is added that the client did not ask for, with two exceptions that `RequestOptions` turns on: OpenAI's
reasoning models take no temperature but 1, and may be given an effort.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.effort import effort_of
from adapters.formats.levels import ASKING_ALL, is_thoughtless, least_of, levels_of, nearest
from adapters.formats.names import name_of
from adapters.formats.neutral.encoding import Dropped, Encoded, RequestOptions
from adapters.formats.openai_responses.content import FORMAT
from adapters.formats.openai_responses.items_out import BETWEEN_TEXTS, write_items
from adapters.formats.openai_responses.tools_out import write_format, write_tool_choice, write_tools
from adapters.formats.reading import dump

if TYPE_CHECKING:
    from adapters.formats.neutral.requests import Request
    from adapters.formats.neutral.terms import JsonObject

_DEFAULTS = RequestOptions()
_LOGPROBS = "message.output_text.logprobs"
_SEALED_THOUGHTS = "reasoning.encrypted_content"


def encode_request(request: Request, model: str, options: RequestOptions = _DEFAULTS) -> Encoded:
    """Return the body for `model`. Raises `FormatError` where JSON cannot hold a value."""
    dropped = Dropped()
    body: JsonObject = {"model": model, "input": write_items(request, options, dropped)}
    if request.system:
        body["instructions"] = BETWEEN_TEXTS.join(part.text for part in request.system)
        if any(part.cache is not None for part in request.system):
            dropped.add(name_of("cache", request.format))
    if request.max_output_tokens is not None:
        body["max_output_tokens"] = request.max_output_tokens
    _write_sampling(body, request, options, dropped)
    _write_tools(body, request, dropped)
    _write_text(body, request)
    _write_reasoning(body, request, model, options, dropped)
    _write_account(body, request, dropped)
    if request.stream:
        body["stream"] = True
    _write_extra(body, request, dropped)
    return Encoded(dump(body), dropped.names())


def _write_sampling(body: JsonObject, request: Request, options: RequestOptions, dropped: Dropped) -> None:
    source = request.format
    if request.temperature is not None:
        body["temperature"] = 1 if options.fixed_sampling else request.temperature
        if options.fixed_sampling and request.temperature != 1:
            dropped.add(name_of("temperature", source))
    if request.top_p is not None:
        if options.fixed_sampling:
            dropped.add(name_of("top_p", source))
        else:
            body["top_p"] = request.top_p
    for name in ("top_k", "seed", "presence_penalty", "frequency_penalty"):
        if getattr(request, name) is not None:
            dropped.add(name_of(name, source))
    if request.stop:
        dropped.add(name_of("stop", source))
    if request.n is not None and request.n != 1:
        dropped.add(name_of("n", source))
    if request.logprobs:
        body["include"] = [_LOGPROBS]
    if request.top_logprobs is not None:
        body["top_logprobs"] = request.top_logprobs
    if any(name != "text" for name in request.modalities):
        dropped.add(name_of("modalities", source))
    if request.audio is not None:
        dropped.add(name_of("audio", source))


def _write_tools(body: JsonObject, request: Request, dropped: Dropped) -> None:
    tools = write_tools(request, dropped)
    if tools:
        body["tools"] = tools
        if request.tool_choice is not None:
            body["tool_choice"] = write_tool_choice(request.tool_choice, request)
    if request.parallel_tool_calls is not None:
        body["parallel_tool_calls"] = request.parallel_tool_calls


def _write_text(body: JsonObject, request: Request) -> None:
    written: JsonObject = {}
    if request.response_format is not None:
        written["format"] = write_format(request.response_format)
    if request.verbosity:
        written["verbosity"] = request.verbosity
    if written:
        body["text"] = written


def _write_reasoning(
    body: JsonObject, request: Request, model: str, options: RequestOptions, dropped: Dropped
) -> None:
    reasoning = request.reasoning
    asks_all = request.format in ASKING_ALL
    if reasoning is not None and asks_all and is_thoughtless(model):
        if reasoning.enabled is not False:
            dropped.add(name_of("reasoning", request.format))
        return
    effort = effort_of(reasoning) if reasoning is not None else None
    if effort is not None and asks_all:
        effort = nearest(effort, levels_of(model))
    if reasoning is not None and reasoning.enabled is False and effort is None:
        effort = least_of(model)
    if effort is None and (reasoning is None or reasoning.enabled is not False):
        effort = options.default_effort
    written: JsonObject = {}
    if effort is not None:
        written["effort"] = effort
    if reasoning is not None:
        if reasoning.summary:
            written["summary"] = reasoning.summary
        elif reasoning.shown or (reasoning.shown is None and reasoning.enabled):
            # Whoever asks Claude or Gemini to think sees what they think.
            written["summary"] = "auto"
        if reasoning.enabled is False and effort is None:
            dropped.add(name_of("reasoning", request.format))
    if written:
        body["reasoning"] = written
        if body.get("tools") and request.format != FORMAT:
            # What the model thinks before a call is to come back with the result, sealed, since nothing is stored.
            include = body.get("include")
            body["include"] = [*(include if isinstance(include, list) else []), _SEALED_THOUGHTS]


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


def _write_extra(body: JsonObject, request: Request, dropped: Dropped) -> None:
    if request.format != FORMAT:
        dropped.update(request.extra)
        return
    for name, value in request.extra.items():
        if name == "include" and isinstance(value, list):
            body[name] = [*value, *([_LOGPROBS] if request.logprobs else [])]
        elif "." in name or "[" in name:
            dropped.add(name)
        else:
            body.setdefault(name, value)
