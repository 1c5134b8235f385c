"""An answer in the neutral form, written as a response object for a client.

The object repeats what was asked, since clients read it there: `ResponseOptions.request` is what they asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.custom_tools import custom_names, unwrapped
from adapters.formats.effort import effort_of
from adapters.formats.lossy import note_lost
from adapters.formats.names import name_of_part
from adapters.formats.neutral.answers import StopReason
from adapters.formats.neutral.encoding import Dropped, Encoded, ResponseOptions
from adapters.formats.neutral.parts import Foreign, Image, Reasoning, Refusal, Text, ToolCall
from adapters.formats.openai_responses.content import FORMAT, write_annotation
from adapters.formats.openai_responses.items_out import BETWEEN_TEXTS, fitting_id
from adapters.formats.openai_responses.tools_out import write_format, write_tool_choice, write_tools
from adapters.formats.openai_responses.usage import write_usage
from adapters.formats.reading import dump
from adapters.formats.signatures import OWN_THOUGHT, seal_thought

if TYPE_CHECKING:
    from adapters.formats.neutral.answers import Choice, Response
    from adapters.formats.neutral.parts import Part
    from adapters.formats.neutral.requests import Request
    from adapters.formats.neutral.terms import JsonObject

_DEFAULTS = ResponseOptions()
_TIERS = frozenset(["auto", "default", "flex", "scale", "priority", "fast", "ultrafast"])


def encode_count_response(tokens: int) -> bytes:
    """Return the answer to who asks how long a prompt is."""
    return dump({"object": "response.input_tokens", "input_tokens": tokens})


def encode_response(response: Response, options: ResponseOptions = _DEFAULTS) -> Encoded:
    """Return the body for the client."""
    dropped = Dropped()
    if len(response.choices) > 1:
        dropped.add("choices")
    answer = Answer(options, response.id, options.model or response.model, response.created or options.now_s)
    choice = response.choices[0] if response.choices else None
    body = answer.opening("completed")
    if choice is not None:
        body["output"] = _output(answer, choice, response, dropped)
        answer.end(body, choice.stop_reason)
    if response.usage is not None:
        body["usage"] = write_usage(response.usage)
    if tier := openai_tier(response.service_tier):
        body["service_tier"] = tier
    return Encoded(dump(body), dropped.names())


def openai_tier(told: str) -> str:
    """Return a provider's word for the service tier in OpenAI's; empty for one that OpenAI has no word for."""
    return "default" if told == "standard" else told if told in _TIERS else ""


def _output(answer: Answer, choice: Choice, response: Response, dropped: Dropped) -> list[JsonObject]:
    output: list[JsonObject] = []
    said: list[JsonObject] = []
    for part in choice.parts:
        note_lost(part, response.format, FORMAT, dropped)
        if isinstance(part, (Text, Refusal)):
            said.append(written_text(part, choice.logprobs))
            continue
        item = answer.item(part, len(output) + bool(said))
        if item is None:
            dropped.add(name_of_part(part, response.format))
            continue
        if said:
            output.append(answer.message(len(output), said))
            said = []
        output.append(item)
    if said:
        output.append(answer.message(len(output), said))
    return output


class Answer:
    """What the items and snapshots of one response have in common."""

    def __init__(self, options: ResponseOptions, response_id: str, model: str, created: int) -> None:
        base = response_id or options.request_id or "0"
        self.id = base if base.startswith("resp_") else f"resp_{base}"
        self._base = self.id.removeprefix("resp_")
        self._model = model
        self._created = created
        self._request = options.request
        self._custom = custom_names(options.request)

    def item_id(self, prefix: str, place: int) -> str:
        """Return the id of the item at `place`."""
        return f"{prefix}_{self._base}_{place}"

    def is_custom(self, call: ToolCall) -> bool:
        """Whether the client declared this tool as one that takes free text."""
        return call.custom or call.name in self._custom

    def message(self, place: int, content: list[JsonObject], status: str = "completed") -> JsonObject:
        """Return a message item."""
        return {
            "id": self.item_id("msg", place),
            "type": "message",
            "status": status,
            "role": "assistant",
            "content": content,
        }

    def item(self, part: Part, place: int, status: str = "completed") -> JsonObject | None:
        """Return the item for a part that is no text, or `None` if there is none for it."""
        match part:
            case ToolCall():
                return self._call(part, place, status)
            case Reasoning():
                return self._thought(part, place)
            case Image() if part.data:
                return {
                    "id": self.item_id("ig", place),
                    "type": "image_generation_call",
                    "status": "completed",
                    "result": part.data,
                    "output_format": (part.media_type or "image/png").removeprefix("image/"),
                }
            case Foreign(format="openai_responses"):
                return part.value
        return None

    def _call(self, call: ToolCall, place: int, status: str) -> JsonObject:
        item: JsonObject = {"call_id": fitting_id(call.id), "name": call.name, "status": status}
        if self.is_custom(call):
            said = call.arguments if call.custom else unwrapped(call.arguments)
            return {
                "id": call.item_id or self.item_id("ctc", place),
                "type": "custom_tool_call",
                "input": said,
            } | item
        arguments = call.arguments if status == "in_progress" else call.arguments or "{}"
        item_id = call.item_id or self.item_id("fc", place)
        return {"id": item_id, "type": "function_call", "arguments": arguments} | item

    def _thought(self, thought: Reasoning, place: int) -> JsonObject:
        summary: list[JsonObject] = [{"type": "summary_text", "text": thought.text}] if thought.text else []
        thought_id = thought.id or self.item_id(OWN_THOUGHT, place)
        item: JsonObject = {"id": thought_id, "type": "reasoning", "summary": summary}
        if sealed := seal_thought(thought, FORMAT):
            item["encrypted_content"] = sealed
        return item

    def opening(self, status: str) -> JsonObject:
        """Return a response object without output."""
        body: JsonObject = {
            "id": self.id,
            "object": "response",
            "created_at": self._created,
            "status": status,
            "background": False,
            "error": None,
            "incomplete_details": None,
            "instructions": None,
            "max_output_tokens": None,
            "model": self._model,
            "output": [],
            "parallel_tool_calls": True,
            "previous_response_id": None,
            "reasoning": {"effort": None, "summary": None},
            "store": False,
            "temperature": 1.0,
            "text": {"format": {"type": "text"}},
            "tool_choice": "auto",
            "tools": [],
            "top_p": 1.0,
            "truncation": "disabled",
            "usage": None,
            "user": None,
            "metadata": {},
        }
        if self._request is not None:
            body.update(_asked(self._request))
        return body

    def end(self, body: JsonObject, reason: StopReason) -> None:
        """Set the status that `reason` means."""
        match reason:
            case StopReason.LENGTH:
                body["status"] = "incomplete"
                body["incomplete_details"] = {"reason": "max_output_tokens"}
            case StopReason.CONTENT_FILTER:
                body["status"] = "incomplete"
                body["incomplete_details"] = {"reason": "content_filter"}
            case StopReason.ERROR:
                body["status"] = "failed"
                body["error"] = {"code": "server_error", "message": "the model could not complete its answer"}


def _asked(request: Request) -> JsonObject:
    unheard = Dropped()
    asked: JsonObject = {
        "max_output_tokens": request.max_output_tokens,
        "tools": write_tools(request, unheard),
        "user": request.user or None,
        "metadata": request.metadata or {},
    }
    if request.system:
        asked["instructions"] = BETWEEN_TEXTS.join(part.text for part in request.system)
    for name in ("temperature", "top_p", "parallel_tool_calls"):
        value = getattr(request, name)
        if value is not None:
            asked[name] = value
    if request.tool_choice is not None:
        asked["tool_choice"] = write_tool_choice(request.tool_choice, request)
    if request.reasoning is not None:
        asked["reasoning"] = {
            "effort": effort_of(request.reasoning),
            "summary": request.reasoning.summary or None,
        }
    if request.response_format is not None or request.verbosity:
        shape: JsonObject = {"format": {"type": "text"}}
        if request.response_format is not None:
            shape["format"] = write_format(request.response_format)
        if request.verbosity:
            shape["verbosity"] = request.verbosity
        asked["text"] = shape
    return asked


def written_text(part: Text | Refusal, logprobs: JsonObject | None = None) -> JsonObject:
    """Return a content part of a message item."""
    if isinstance(part, Refusal):
        return {"type": "refusal", "refusal": part.text}
    annotations = [written for citation in part.citations if (written := write_annotation(citation)) is not None]
    content = logprobs.get("content") if logprobs else None
    return {
        "type": "output_text",
        "text": part.text,
        "annotations": annotations,
        "logprobs": content if isinstance(content, list) else [],
    }
