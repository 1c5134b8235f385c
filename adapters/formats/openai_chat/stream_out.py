"""Neutral events, written as chat completion chunks for a client.

Chunks differ in little but the delta, so that the rest is made once per stream and choice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from adapters.formats.custom_tools import custom_names, unwrapped
from adapters.formats.names import name_of_part
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
from adapters.formats.neutral.parts import Audio, Image, Reasoning, Refusal, Text, ToolCall
from adapters.formats.openai_chat.answer_out import annotation, answer_id, finish_reason, image_part, is_openai
from adapters.formats.openai_chat.failures import error_body
from adapters.formats.openai_chat.passing import DONE_EVENT
from adapters.formats.openai_chat.thoughts import write_call_signature, write_detail
from adapters.formats.openai_chat.usage import write_usage
from adapters.formats.reading import dump

if TYPE_CHECKING:
    from adapters.formats.neutral.events import StreamEvent
    from adapters.formats.neutral.terms import Format, JsonObject
    from adapters.pricing.usage import Usage

PING = b": ping\n\n"
_text = msgspec.json.Encoder().encode


class _Choice:
    """What is open in one choice, and the bytes around its deltas."""

    __slots__ = ("base", "before", "calls", "details", "has_arguments", "held", "opened", "part", "said", "thought")

    def __init__(self, head: bytes, number: int) -> None:
        self.before = head + b',"choices":[{"index":%d,"delta":' % number
        self.opened = False
        self.part: object = None
        self.calls = 0
        self.details = 0
        self.has_arguments = False
        self.held: list[str] | None = None
        """Arguments of a function that stands for a custom tool: they are unwrapped when they are whole."""
        self.said = 0
        """Characters of text so far."""
        self.thought: list[str] = []
        """The open thought."""
        self.base = 0
        """The same where the open part began: positions of citations count from there."""


class StreamEncoder:
    """Writes one stream. `encode` every event; the stream is whole after `End` or `Failure`."""

    __slots__ = ("_choices", "_custom", "_dropped", "_head", "_is_over", "_options", "_source", "_tier", "_usage")

    def __init__(self, options: ResponseOptions | None = None) -> None:
        self._options = options or ResponseOptions()
        self._choices: dict[int, _Choice] = {}
        self._custom = custom_names(self._options.request)
        self._dropped = Dropped()
        self._source: Format = "openai_chat"
        self._head = b""
        self._tier = ""
        self._usage: Usage | None = None
        self._is_over = False

    @property
    def dropped(self) -> tuple[str, ...]:
        """What the format could not carry so far."""
        return self._dropped.names()

    def encode(self, event: StreamEvent) -> bytes:
        """Return the chunks that say what `event` says, perhaps none."""
        # The commonest first; all of them are final classes.
        kind = type(event)
        if kind is TextDelta:
            return self._text_delta(event)  # type: ignore[arg-type]  # `kind` is its class
        if self._is_over:
            return b""
        match event:
            case ReasoningDelta():
                self._choice(event.choice).thought.append(event.text)
                return self._delta(event.choice, {self._options.reasoning_format: event.text})
            case ArgumentsDelta():
                return self._arguments(event)
            case PartStart():
                return self._start_part(event)
            case PartEnd():
                return self._end_part(event)
            case UsageUpdate():
                self._usage = event.usage
            case SignatureDelta():
                return self._signature(event)
            case CitationDelta():
                choice = self._choice(event.choice)
                return self._delta(event.choice, {"annotations": [annotation(event.citation, choice.base)]})
            case AudioDelta():
                audio = {"data": event.data, "transcript": event.transcript}
                return self._delta(event.choice, {"audio": {name: value for name, value in audio.items() if value}})
            case Start():
                self._start(event)
            case Finish():
                return self._finish(event)
            case Ping():
                return PING
            case End():
                return self._end()
            case Failure():
                self._is_over = True
                return error_event(
                    status=event.status,
                    message=event.message,
                    type=event.type,
                    code=event.code,
                    param=event.param,
                    request_id=self._options.request_id,
                )
        return b""

    def _start(self, event: Start) -> None:
        self._source = event.format
        self._tier = "" if is_openai(event.format) else event.service_tier
        head: JsonObject = {
            "id": answer_id(event.id, event.format, self._options),
            "object": "chat.completion.chunk",
            "created": event.created or self._options.now_s,
            "model": self._options.model or event.model,
        }
        self._head = b"data: " + dump(head)[:-1]

    def _choice(self, number: int) -> _Choice:
        choice = self._choices.get(number)
        if choice is None:
            if not self._head:
                self._start(Start(format=self._source))
            choice = self._choices[number] = _Choice(self._head, number)
        return choice

    def _text_delta(self, event: TextDelta) -> bytes:
        choice = self._choice(event.choice)
        if not choice.opened or event.logprobs is not None or type(choice.part) is not Text:
            name = "refusal" if type(choice.part) is Refusal else "content"
            return self._delta(event.choice, {name: event.text}, event.logprobs)
        choice.said += len(event.text)
        return b'%s{"content":%s},"finish_reason":null}]}\n\n' % (choice.before, _text(event.text))

    def _delta(self, number: int, delta: JsonObject, logprobs: JsonObject | None = None) -> bytes:
        choice = self._choice(number)
        if not choice.opened:
            choice.opened = True
            delta = {"role": "assistant", "content": ""} | delta
        told = b"" if logprobs is None else b',"logprobs":' + dump(logprobs)
        return b'%s%s%s,"finish_reason":null}]}\n\n' % (choice.before, dump(delta), told)

    def _start_part(self, event: PartStart) -> bytes:
        choice = self._choice(event.choice)
        part = choice.part = event.part
        choice.base = choice.said
        match part:
            case Text() | Refusal():
                written = b"" if choice.opened else self._delta(event.choice, {})
                return (
                    written + self._text_delta(TextDelta(event.index, part.text, event.choice))
                    if part.text
                    else written
                )
            case Reasoning():
                return self._start_thoughts(event.choice, choice, part)
            case ToolCall():
                return self._start_call(event.choice, choice, part)
            case Image():
                return self._delta(event.choice, {"content": [image_part(part)]})
            case Audio():
                audio: JsonObject = {"id": part.id}
                if part.expires_at:
                    audio["expires_at"] = part.expires_at
                if part.data:
                    audio |= {"data": part.data, "transcript": part.transcript}
                return self._delta(event.choice, {"audio": audio})
        self._dropped.add(name_of_part(part, self._source))
        return b""

    def _start_thoughts(self, number: int, choice: _Choice, part: Reasoning) -> bytes:
        choice.details += 1
        choice.thought = [part.text] if part.text else []
        delta: JsonObject = {}
        if part.text:
            delta[self._options.reasoning_format] = part.text
        if part.redacted or part.signature:
            delta["reasoning_details"] = [write_detail(part, choice.details - 1)]
        return self._delta(number, delta) if delta or not choice.opened else b""

    def _start_call(self, number: int, choice: _Choice, part: ToolCall) -> bytes:
        call: JsonObject = {"index": choice.calls, "id": part.id}
        if part.custom or part.name in self._custom:
            call |= {"type": "custom", "custom": {"name": part.name, "input": part.arguments if part.custom else ""}}
            choice.held = None if part.custom else [part.arguments]
        else:
            call |= {"type": "function", "function": {"name": part.name, "arguments": part.arguments}}
        if part.signature and part.signature_format == "gemini":
            call["extra_content"] = write_call_signature(part.signature)
        choice.calls += 1
        choice.has_arguments = "custom" in call or bool(part.arguments)
        return self._delta(number, {"tool_calls": [call]})

    def _arguments(self, event: ArgumentsDelta) -> bytes:
        choice = self._choice(event.choice)
        choice.has_arguments = True
        if choice.held is not None:
            choice.held.append(event.json)
            return b""
        place = choice.calls - 1
        if isinstance(choice.part, ToolCall) and choice.part.custom:
            return self._delta(event.choice, {"tool_calls": [{"index": place, "custom": {"input": event.json}}]})
        return b'%s{"tool_calls":[{"index":%d,"function":{"arguments":%s}}]},"finish_reason":null}]}\n\n' % (
            choice.before,
            place,
            _text(event.json),
        )

    def _end_part(self, event: PartEnd) -> bytes:
        choice = self._choice(event.choice)
        part, choice.part = choice.part, None
        held, choice.held = choice.held, None
        if held is not None:
            said = unwrapped("".join(held))
            return self._delta(event.choice, {"tool_calls": [{"index": choice.calls - 1, "custom": {"input": said}}]})
        if isinstance(part, ToolCall) and not choice.has_arguments:
            # Clients parse the arguments; nothing at all is no JSON.
            call: JsonObject = {"index": choice.calls - 1, "function": {"arguments": "{}"}}
            return self._delta(event.choice, {"tool_calls": [call]})
        return b""

    def _signature(self, event: SignatureDelta) -> bytes:
        choice = self._choice(event.choice)
        whose = event.format or self._source
        if isinstance(choice.part, ToolCall) and whose == "gemini":
            call: JsonObject = {"index": choice.calls - 1, "extra_content": write_call_signature(event.signature)}
            return self._delta(event.choice, {"tool_calls": [call]})
        if isinstance(choice.part, Reasoning):
            # The words once more, so that a client that collects the details has what the signature is for.
            signed = Reasoning(
                text="".join(choice.thought), signature=event.signature, signature_format=whose, id=choice.part.id
            )
            return self._delta(event.choice, {"reasoning_details": [write_detail(signed, choice.details - 1)]})
        if isinstance(choice.part, Text | ToolCall):
            self._dropped.add(f"{name_of_part(choice.part, self._source)}.signature")
        return b""

    def _finish(self, event: Finish) -> bytes:
        choice = self._choice(event.choice)
        delta: JsonObject = {} if choice.opened else {"role": "assistant", "content": ""}
        choice.opened = True
        reason = finish_reason(event.stop_reason).encode()
        return b'%s%s,"finish_reason":"%s"}]}\n\n' % (choice.before, dump(delta), reason)

    def _end(self) -> bytes:
        self._is_over = True
        if self._usage is None or not self._options.include_usage:
            return DONE_EVENT
        if not self._head:
            self._start(Start(format=self._source))
        usage = dump(write_usage(self._usage, self._tier))
        return b'%s,"choices":[],"usage":%s}\n\n%s' % (self._head, usage, DONE_EVENT)


def error_event(
    *,
    status: int,
    message: str,
    type: str,  # noqa: A002  (the member's name, as in every codec)
    code: object = None,
    param: object = None,
    request_id: str = "",
) -> bytes:
    """Return the error as the last event of a stream; `[DONE]`, which means a good end, does not follow."""
    body = error_body(status=status, message=message, type=type, code=code, param=param, request_id=request_id)
    return b"data: " + body + b"\n\n"
