"""DashScope's text generation (https://help.aliyun.com/zh/model-studio/qwen-api-via-dashscope).

Messages and choices are Chat's; everything else lies in `parameters`. Streams are server-sent events that name their
HTTP status in a comment; their usage is cumulative.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from adapters.formats.dialects.dialect import RICH, Dialect, Told, failure
from adapters.formats.neutral.parts import Image
from adapters.formats.openai_chat.request_out import write_response_format, write_tools
from adapters.formats.reading import array, as_object, count, is_array, is_object, load, member, text

if TYPE_CHECKING:
    from adapters.formats.dialects.asked import Asked
    from adapters.formats.neutral.terms import JsonObject
    from adapters.sse import Event

INTERNET = "-internet"
"""Ending of model names that stands for the same model with a search of the web."""
_HIGHEST_TOP_P = 0.9999
_STATUS = re.compile(rb"^:\s*HTTP_STATUS/(\d{3})", re.MULTILINE)
_OWN = (
    "enable_search",
    "search_options",
    "repetition_penalty",
    "enable_thinking",
    "thinking_budget",
    "vl_high_resolution_images",
    "translation_options",
)
_STATUSES = {
    "InvalidApiKey": 401,
    "AccessDenied": 403,
    "Arrearage": 403,
    "ModelNotFound": 404,
    "Throttling": 429,
    "InvalidParameter": 400,
    "DataInspectionFailed": 400,
    "InternalError": 500,
}
"""By the part of the code in front of a dot (https://help.aliyun.com/zh/model-studio/error-code)."""


def _write(asked: Asked) -> JsonObject:
    parameters: JsonObject = {"result_format": "message"}
    model = asked.model
    if model.endswith(INTERNET):
        model = model.removesuffix(INTERNET)
        parameters["enable_search"] = True
    if asked.request.stream:
        parameters["incremental_output"] = True
    asked.put(
        parameters,
        max_output_tokens="max_tokens",
        temperature="temperature",
        top_p="top_p",
        top_k="top_k",
        seed="seed",
        stop="stop",
        n="n",
        presence_penalty="presence_penalty",
        logprobs="logprobs",
        top_logprobs="top_logprobs",
    )
    top_p = asked.request.top_p
    if top_p is not None:
        parameters["top_p"] = min(top_p, _HIGHEST_TOP_P)
    _write_tools(asked, parameters)
    wanted = asked.request.response_format
    asked.take("response_format")
    if wanted is not None:
        parameters["response_format"] = write_response_format(wanted)
    _write_reasoning(asked, parameters)
    asked.put_extra(parameters, _OWN)
    return {"model": model, "input": {"messages": _messages(asked)}, "parameters": parameters}


def _messages(asked: Asked) -> list[JsonObject]:
    if not any(isinstance(part, Image) for message in asked.request.messages for part in message.parts):
        return asked.chat_messages(images=False)
    # Models that see are asked elsewhere, and every content is an array of parts without types.
    asked.endpoint = RICH
    messages = asked.chat_messages(images=True)
    for message in messages:
        content = message.get("content")
        if is_array(content):
            message["content"] = [_content(as_object(part, "content")) for part in content]
        else:
            message["content"] = [{"text": content or ""}]
    return messages


def _content(part: JsonObject) -> JsonObject:
    image = part.get("image_url")
    return {"image": image.get("url")} if is_object(image) else {"text": part.get("text", "")}


def _write_tools(asked: Asked, parameters: JsonObject) -> None:
    for name in ("tools", "tool_choice", "parallel_tool_calls"):
        asked.take(name)
    write_tools(parameters, asked.request, asked.lost)


def _write_reasoning(asked: Asked, parameters: JsonObject) -> None:
    reasoning = asked.request.reasoning
    asked.take("reasoning")
    if reasoning is None:
        return
    parameters["enable_thinking"] = reasoning.enabled is not False and reasoning.effort != "none"
    if reasoning.budget_tokens and reasoning.budget_tokens > 0:
        parameters["thinking_budget"] = reasoning.budget_tokens


def _read(answer: JsonObject) -> JsonObject:
    raise_error(answer)
    output = member(answer, "output") or {}
    choices = [_choice(as_object(item, "output.choices"), "message") for item in array(output, "choices", "output")]
    if not choices and isinstance(output.get("text"), str):
        # Models that do not know `result_format` answer with a bare text.
        message = {"role": "assistant", "content": output["text"]}
        choices = [{"index": 0, "message": message, "finish_reason": output.get("finish_reason")}]
    return {"id": text(answer, "request_id"), "choices": choices, "usage": _usage(answer)}


def _hear(event: Event) -> Told:
    answer = load(event.data)
    status = _STATUS.search(event.raw)
    raise_error(answer, int(status[1]) if status else 200)
    output = member(answer, "output") or {}
    choices = [_choice(as_object(item, "output.choices"), "delta") for item in array(output, "choices", "output")]
    if not choices and isinstance(output.get("text"), str):
        choices = [{"index": 0, "delta": {"content": output["text"]}, "finish_reason": _finish(output)}]
    chunk: JsonObject = {"id": text(answer, "request_id"), "choices": choices, "usage": _usage(answer)}
    return Told((chunk,))


def _choice(item: JsonObject, name: str) -> JsonObject:
    message = member(item, "message", "output.choices") or {}
    content = message.get("content")
    if is_array(content):
        message = {**message, "content": "".join(text(as_object(part, "content"), "text") for part in content)}
    return {
        "index": count(item, "index"),
        name: message,
        "finish_reason": _finish(item),
        "logprobs": item.get("logprobs"),
    }


def _finish(item: JsonObject) -> str | None:
    """Say why it ended. "Not yet" is the text "null"."""
    reason = text(item, "finish_reason")
    return None if reason in ("", "null") else reason


def _usage(answer: JsonObject) -> JsonObject | None:
    usage = member(answer, "usage")
    if usage is None:
        return None
    return {
        "prompt_tokens": count(usage, "input_tokens"),
        "completion_tokens": count(usage, "output_tokens"),
        "prompt_tokens_details": usage.get("prompt_tokens_details"),
        "completion_tokens_details": usage.get("output_tokens_details"),
    }


def raise_error(answer: JsonObject, status: int = 200) -> None:
    """Raise `ProviderFailure` for an answer that tells of an error; `status` is the one it came with."""
    code = text(answer, "code")
    if code:
        raise failure(text(answer, "message"), code, status=status if status >= 400 else status_of(code))


def status_of(code: str) -> int:
    """Return the HTTP status that an error's code stands for."""
    return _STATUSES.get(code.partition(".")[0], 502)


DIALECT = Dialect(write=_write, read=_read, hear=_hear)
