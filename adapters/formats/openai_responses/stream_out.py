"""Neutral stream events, written as the events of the Responses API for a client.

Every event carries `sequence_number`, `output_index` and the item's id; every item and part begins, ends, and stands
whole in its end, and all of them again in the response object at the end of the stream: the official clients build
their snapshots from both. Texts that follow each other are parts of one message item.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.custom_tools import unwrapped
from adapters.formats.names import name_of_part
from adapters.formats.neutral.answers import StopReason
from adapters.formats.neutral.encoding import Dropped, ResponseOptions
from adapters.formats.neutral.events import (
    ArgumentsDelta,
    AudioDelta,
    CitationDelta,
    End,
    Failure,
    Finish,
    PartEnd,
    PartStart,
    Ping,
    ReasoningDelta,
    SignatureDelta,
    Start,
    TextDelta,
    UsageUpdate,
)
from adapters.formats.neutral.parts import Reasoning, Refusal, Text, ToolCall
from adapters.formats.openai_responses.answer_out import Answer, openai_tier, written_text
from adapters.formats.openai_responses.content import write_annotation
from adapters.formats.openai_responses.failures import error_event
from adapters.formats.openai_responses.usage import write_usage
from adapters.formats.reading import dump

if TYPE_CHECKING:
    from adapters.formats.neutral.events import StreamEvent
    from adapters.formats.neutral.parts import Part
    from adapters.formats.neutral.terms import Format, JsonObject
    from adapters.pricing.usage import Usage

_DEFAULTS = ResponseOptions()


class StreamEncoder:
    """Writes one stream."""

    def __init__(self, options: ResponseOptions = _DEFAULTS) -> None:
        self._options = options
        self._answer: Answer | None = None
        self._source: Format = "openai_responses"
        self._service_tier = ""
        self._sequence = 0
        self._output: list[JsonObject] = []
        self._message: list[JsonObject] | None = None
        self._part: Part | None = None
        self._place: JsonObject = {}
        """Where the open part is: the members that each of its deltas repeats."""
        self._delta_type = ""
        self._words: list[str] = []
        self._logprobs: list[object] = []
        self._usage: Usage | None = None
        self._reason = StopReason.STOP
        self._ended = False
        self._dropped = Dropped()

    @property
    def dropped(self) -> tuple[str, ...]:
        """What the format could not carry so far."""
        return self._dropped.names()

    def encode(self, event: StreamEvent) -> bytes:
        """Return whole events, perhaps none."""
        if self._ended:
            return b""
        match event:
            case TextDelta(choice=0):
                return self._text(event)
            case ArgumentsDelta(choice=0):
                return self._delta(event.json)
            case ReasoningDelta(choice=0):
                return self._thought(event.text)
            case PartStart(choice=0):
                return self._start_part(event.part)
            case PartEnd(choice=0):
                return self._end_part()
            case SignatureDelta(choice=0):
                self._sign(event)
            case CitationDelta(choice=0):
                return self._cite(event)
            case AudioDelta():
                self._dropped.add("output.audio")
            case Start():
                return self._start(event)
            case UsageUpdate():
                self._usage = event.usage
            case Finish(choice=0):
                self._reason = event.stop_reason
            case End():
                return self._end()
            case Failure():
                return self._fail(event)
            case Ping():
                return b": ping\n\n"
            case _:
                self._dropped.add("choices")
        return b""

    # The response

    def _start(self, event: Start) -> bytes:
        options = self._options
        self._source, self._service_tier = event.format, openai_tier(event.service_tier)
        self._answer = Answer(options, event.id, options.model or event.model, event.created or options.now_s)
        opening = self._answer.opening("in_progress")
        return self._event("response.created", {"response": opening}) + self._event(
            "response.in_progress", {"response": opening}
        )

    def _answering(self) -> Answer:
        """The answer's frame; providers that fail at once leave it to us to make one."""
        if self._answer is None:
            options = self._options
            self._answer = Answer(options, "", options.model, options.now_s)
        return self._answer

    def _end(self) -> bytes:
        ending = self._end_message()
        body = self._snapshot("completed")
        self._answering().end(body, self._reason)
        self._ended = True
        return ending + self._event(f"response.{body['status']}", {"response": body})

    def _fail(self, failure: Failure) -> bytes:
        body = self._snapshot("failed")
        code = failure.code if isinstance(failure.code, str) and failure.code else "server_error"
        body["error"] = {"code": code, "message": failure.message}
        self._ended = True
        error = error_event(
            status=failure.status,
            message=failure.message,
            type=failure.type,
            code=failure.code,
            param=failure.param,
            request_id=self._options.request_id,
            sequence_number=self._sequence,
        )
        self._sequence += 1
        return error + self._event("response.failed", {"response": body})

    def _snapshot(self, status: str) -> JsonObject:
        body = self._answering().opening(status)
        body["output"] = self._output
        if self._usage is not None:
            body["usage"] = write_usage(self._usage)
        if self._service_tier:
            body["service_tier"] = self._service_tier
        return body

    # Parts

    def _start_part(self, part: Part) -> bytes:
        self._part = part
        self._words, self._logprobs = [], []
        match part:
            case Text() | Refusal():
                return self._start_text(part)
            case Reasoning():
                return self._start_item(part, "response.reasoning_summary_text.delta", {"summary_index": 0})
            case ToolCall():
                return self._start_item(part, "response.function_call_arguments.delta", {})
        return b""

    def _start_text(self, part: Text | Refusal) -> bytes:
        begun = b""
        if self._message is None:
            self._message = []
            message = self._answering().message(len(self._output), self._message, "in_progress")
            begun = self._event("response.output_item.added", {"output_index": len(self._output), "item": message})
        self._place = {
            "item_id": self._answering().item_id("msg", len(self._output)),
            "output_index": len(self._output),
            "content_index": len(self._message),
        }
        is_refusal = isinstance(part, Refusal)
        self._delta_type = "response.refusal.delta" if is_refusal else "response.output_text.delta"
        empty = written_text(Refusal() if is_refusal else Text())
        begun += self._event("response.content_part.added", self._place | {"part": empty})
        return begun + self._text(TextDelta(0, part.text)) if part.text else begun

    def _start_item(self, part: ToolCall | Reasoning, delta_type: str, more: JsonObject) -> bytes:
        begun = self._end_message()
        place = len(self._output)
        # What is known of the part is said in deltas, where clients look for it.
        known = part.arguments if isinstance(part, ToolCall) else part.text
        bare = (
            ToolCall(id=part.id, name=part.name, custom=part.custom, item_id=part.item_id)
            if isinstance(part, ToolCall)
            else Reasoning(id=part.id)
        )
        item = self._answering().item(bare, place, "in_progress") or {}
        self._place = {"item_id": item["id"], "output_index": place, **more}
        self._delta_type = delta_type
        begun += self._event("response.output_item.added", {"output_index": place, "item": item})
        if not known:
            return begun
        return begun + (self._delta(known) if isinstance(part, ToolCall) else self._thought(known))

    def _text(self, event: TextDelta) -> bytes:
        self._words.append(event.text)
        body: JsonObject = {"delta": event.text}
        if self._delta_type == "response.output_text.delta":
            logprobs = event.logprobs.get("content") if event.logprobs else None
            found = logprobs if isinstance(logprobs, list) else []
            self._logprobs += found
            body["logprobs"] = found
        return self._event(self._delta_type, self._place | body)

    def _thought(self, text: str) -> bytes:
        begun = b""
        if not self._words:
            empty = {"type": "summary_text", "text": ""}
            begun = self._event("response.reasoning_summary_part.added", self._place | {"part": empty})
        self._words.append(text)
        return begun + self._event(self._delta_type, self._place | {"delta": text})

    def _delta(self, text: str) -> bytes:
        self._words.append(text)
        if isinstance(self._part, ToolCall) and self._answering().is_custom(self._part):
            # The input may come wrapped in JSON, and can be unwrapped only when it is whole.
            return b""
        return self._event(self._delta_type, self._place | {"delta": text})

    def _sign(self, event: SignatureDelta) -> None:
        if isinstance(self._part, Reasoning):
            self._part = Reasoning(
                text=self._part.text,
                redacted=self._part.redacted,
                signature=event.signature,
                signature_format=event.format or self._source,
                id=self._part.id,
            )
        elif isinstance(self._part, Text):
            self._dropped.add(f"{name_of_part(self._part, self._source)}.signature")

    def _cite(self, event: CitationDelta) -> bytes:
        if not isinstance(self._part, Text):
            return b""
        written = write_annotation(event.citation)
        if written is None:
            self._dropped.add("output.annotations")
            return b""
        place = len(self._part.citations)
        self._part = Text(self._part.text, citations=[*self._part.citations, event.citation])
        body: JsonObject = {"annotation_index": place, "annotation": written}
        return self._event("response.output_text.annotation.added", self._place | body)

    def _end_part(self) -> bytes:
        part, self._part = self._part, None
        said = "".join(self._words)
        match part:
            case Text():
                logprobs: JsonObject | None = {"content": self._logprobs} if self._logprobs else None
                whole = written_text(Text(said, citations=part.citations), logprobs)
                return self._end_text(
                    "response.output_text.done", {"text": said, "logprobs": whole["logprobs"]}, whole
                )
            case Refusal():
                whole = written_text(Refusal(said))
                return self._end_text("response.refusal.done", {"refusal": said}, whole)
            case Reasoning():
                return self._end_thought(part, said)
            case ToolCall():
                return self._end_call(part, said)
            case None:
                return b""
        return self._whole_item(part)

    def _end_text(self, kind: str, words: JsonObject, whole: JsonObject) -> bytes:
        if self._message is not None:
            self._message.append(whole)
        return self._event(kind, self._place | words) + self._event(
            "response.content_part.done", self._place | {"part": whole}
        )

    def _end_thought(self, thought: Reasoning, said: str) -> bytes:
        ended = b""
        if said:
            ended = self._event("response.reasoning_summary_text.done", self._place | {"text": said})
            part = {"type": "summary_text", "text": said}
            ended += self._event("response.reasoning_summary_part.done", self._place | {"part": part})
        whole = Reasoning(
            text=said,
            signature=thought.signature,
            redacted=thought.redacted,
            signature_format=thought.signature_format,
            id=thought.id,
        )
        return ended + self._end_item(whole)

    def _end_call(self, call: ToolCall, said: str) -> bytes:
        whole = ToolCall(id=call.id, name=call.name, arguments=said, custom=call.custom, item_id=call.item_id)
        if self._answering().is_custom(call):
            words = said if call.custom else unwrapped(said)
            ended = self._event("response.custom_tool_call_input.delta", self._place | {"delta": words})
            ended += self._event("response.custom_tool_call_input.done", self._place | {"input": words})
        else:
            body: JsonObject = {"name": call.name, "arguments": said or "{}"}
            ended = self._event("response.function_call_arguments.done", self._place | body)
        return ended + self._end_item(whole)

    def _end_item(self, part: Part) -> bytes:
        place = len(self._output)
        item = self._answering().item(part, place) or {}
        self._output.append(item)
        return self._event("response.output_item.done", {"output_index": place, "item": item})

    def _whole_item(self, part: Part) -> bytes:
        begun = self._end_message()
        item = self._answering().item(part, len(self._output))
        if item is None:
            self._dropped.add(name_of_part(part, self._source))
            return begun
        added = self._event("response.output_item.added", {"output_index": len(self._output), "item": item})
        return begun + added + self._end_item(part)

    def _end_message(self) -> bytes:
        if self._message is None:
            return b""
        content, self._message = self._message, None
        place = len(self._output)
        item = self._answering().message(place, content)
        self._output.append(item)
        return self._event("response.output_item.done", {"output_index": place, "item": item})

    def _event(self, kind: str, body: JsonObject) -> bytes:
        number = self._sequence
        self._sequence = number + 1
        head: JsonObject = {"type": kind, "sequence_number": number}
        return b"event: %b\ndata: %b\n\n" % (kind.encode(), dump(head | body))
