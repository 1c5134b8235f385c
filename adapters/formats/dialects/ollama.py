"""Ollama's own API (https://github.com/ollama/ollama/blob/main/docs/api.md#generate-a-chat-completion).

Pictures stand beside the text, arguments of tools are objects, limits lie in `options`. Streams are lines of JSON,
which the wire presents as events.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.data_url import split_data_url
from adapters.formats.dialects.asked import BETWEEN_TEXTS
from adapters.formats.dialects.dialect import Dialect, Told, chunk, completion, failure, new_call_id, tokens
from adapters.formats.neutral.parts import Image, Reasoning, Refusal, Text, ToolCall, ToolResult
from adapters.formats.openai_chat.request_out import write_tools
from adapters.formats.reading import array, as_object, count, load, member, text
from adapters.formats.tools import arguments_or_words, name_results

if TYPE_CHECKING:
    from adapters.formats.dialects.asked import Asked
    from adapters.formats.neutral.requests import Message
    from adapters.formats.neutral.terms import JsonObject
    from adapters.sse import Event

_OPTIONS = (
    "num_ctx",
    "num_keep",
    "num_gpu",
    "num_thread",
    "min_p",
    "typical_p",
    "repeat_last_n",
    "repeat_penalty",
    "mirostat",
    "mirostat_eta",
    "mirostat_tau",
)
_OWN = ("keep_alive", "think")
_FINISHES = {"length": "length"}


def _write(asked: Asked) -> JsonObject:
    request = asked.request
    messages: list[JsonObject] = []
    if request.system:
        messages.append({"role": "system", "content": BETWEEN_TEXTS.join(part.text for part in request.system)})
    elif request.format == "anthropic":
        # Claude has no prompt of its own where a client gives none. Without this one, Ollama takes the model file's.
        messages.append({"role": "system", "content": ""})
    names: dict[str, str] = {}
    for message in request.messages:
        name_results(message.parts, names)
        messages += _messages(asked, message)
    options: JsonObject = {}
    asked.put(
        options,
        seed="seed",
        temperature="temperature",
        top_p="top_p",
        top_k="top_k",
        stop="stop",
        frequency_penalty="frequency_penalty",
        presence_penalty="presence_penalty",
        max_output_tokens="num_predict",
    )
    # A local model may go on for ever.
    options.setdefault("num_predict", asked.options.default_max_tokens)
    asked.put_extra(options, _OPTIONS)
    # Without the member Ollama streams.
    body: JsonObject = {"model": asked.model, "messages": messages, "stream": request.stream, "options": options}
    asked.take("tools")
    if request.tools:
        tools: JsonObject = {}
        write_tools(tools, request, asked.lost)
        body["tools"] = tools.get("tools", [])
    wanted = request.response_format
    asked.take("response_format")
    if wanted is not None and wanted.kind != "text":
        body["format"] = wanted.schema or "json"
    reasoning = request.reasoning
    asked.take("reasoning")
    if reasoning is not None:
        effort = reasoning.effort
        is_wanted = reasoning.enabled is not False and effort != "none"
        # Levels are for gpt-oss, and others take them for "yes".
        body["think"] = effort if is_wanted and effort in ("low", "medium", "high") else is_wanted
    asked.put_extra(body, _OWN)
    return body


def _messages(asked: Asked, message: Message) -> list[JsonObject]:
    results: list[JsonObject] = []
    texts: list[str] = []
    images: list[str] = []
    calls: list[JsonObject] = []
    thoughts: list[str] = []
    for part in message.parts:
        match part:
            case Text() | Refusal():
                texts.append(part.text)
            case Reasoning() if part.text:
                thoughts.append(part.text)
            case Image() if data := _data(part):
                images.append(data)
            case ToolCall():
                calls.append({"function": {"name": part.name, "arguments": arguments_or_words(part)}})
            case ToolResult():
                said = BETWEEN_TEXTS.join(inner.text for inner in part.parts if isinstance(inner, Text))
                results.append({"role": "tool", "tool_name": part.name, "content": said})
            case _:
                asked.drop_part(part)
    if not (texts or images or calls or thoughts):
        return results
    written: JsonObject = {"role": message.role, "content": BETWEEN_TEXTS.join(texts)}
    if images:
        written["images"] = images
    if calls:
        written["tool_calls"] = calls
    if thoughts:
        written["thinking"] = "".join(thoughts)
    return [*results, written]


def _data(image: Image) -> str:
    """Return a picture as bare base64; Ollama fetches nothing."""
    if image.data:
        return image.data
    found = split_data_url(image.url)
    return found[1] if found is not None else ""


def _read(answer: JsonObject) -> JsonObject:
    _raise_error(answer)
    return completion(_said(answer), _finish(answer), usage=_usage(answer), id="", model=text(answer, "model"))


def _hear(event: Event) -> Told:
    answer = load(event.data)
    _raise_error(answer)
    is_last = answer.get("done") is True
    one = chunk(
        _said(answer),
        _finish(answer) if is_last else None,
        usage=_usage(answer) if is_last else None,
        model=text(answer, "model"),
    )
    return Told((one,), is_last)


def _said(answer: JsonObject) -> JsonObject:
    message = member(answer, "message") or {}
    calls: list[JsonObject] = []
    for item in array(message, "tool_calls", "message"):
        function = member(as_object(item, "message.tool_calls"), "function", "message.tool_calls") or {}
        # Each call comes whole, and none has an id; the index would say that it goes on.
        calls.append({"id": new_call_id(), "index": 0, "function": function})
    return {
        "content": text(message, "content", "message"),
        "reasoning_content": text(message, "thinking", "message"),
        "tool_calls": calls,
    }


def _finish(answer: JsonObject) -> str:
    return _FINISHES.get(text(answer, "done_reason"), "stop")


def _usage(answer: JsonObject) -> JsonObject:
    return tokens(count(answer, "prompt_eval_count"), count(answer, "eval_count"))


def _raise_error(answer: JsonObject) -> None:
    if error := text(answer, "error"):
        raise failure(error, "ollama_error", status=500)


DIALECT = Dialect(write=_write, read=_read, hear=_hear)
