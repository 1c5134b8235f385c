"""A provider's stream of chat completion chunks, read into neutral events.

Chunks do not say when a part is over, and may mix the deltas of parallel tool calls. Here parts come one after the
other: a new part ends the one before; a tool call that begins while another one is still incomplete waits, and is
handed out whole as soon as the other's arguments are a JSON value, at the latest at the end.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from adapters.formats.errors import FormatError, ProviderFailure
from adapters.formats.neutral.events import (
    ArgumentsDelta,
    AudioDelta,
    CitationDelta,
    End,
    Failure,
    Finish,
    PartEnd,
    PartStart,
    ReasoningDelta,
    SignatureDelta,
    Start,
    TextDelta,
    UsageUpdate,
)
from adapters.formats.neutral.parts import Audio, Reasoning, Refusal, Text, ToolCall
from adapters.formats.openai_chat.answer_in import raise_error, read_annotations, read_audio, stop_reason
from adapters.formats.openai_chat.messages_in import arguments_text, read_image
from adapters.formats.openai_chat.passing import DONE
from adapters.formats.openai_chat.thoughts import read_call_signature, read_thoughts, thought_text
from adapters.formats.openai_chat.usage import read_usage
from adapters.formats.reading import array, as_object, count, is_array, is_object, load, load_any, member, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.formats.neutral.events import StreamEvent
    from adapters.formats.neutral.parts import Part
    from adapters.formats.neutral.terms import JsonObject
    from adapters.sse import Event


@dataclass(slots=True)
class _Call:
    """A tool call as far as it has come. `index` is its part's, once that has begun."""

    id: str
    name: str = ""
    custom: bool = False
    signature: str = ""
    json: list[str] = field(default_factory=list)
    index: int | None = None
    is_over: bool = False

    def is_whole(self) -> bool:
        """Whether the arguments so far are all of them, as far as one can tell."""
        if self.custom:
            return False
        try:
            load_any("".join(self.json))
        except FormatError:
            return False
        return True


@dataclass(slots=True)
class _Choice:
    """What is open in one choice."""

    number: int
    next_index: int = 0
    kind: str = ""
    """The kind of the open part, or empty."""
    index: int = 0
    call: _Call | None = None
    """The open tool call."""
    calls: dict[int, _Call] = field(default_factory=dict)
    """The latest call under each index of the wire."""
    waiting: list[_Call] = field(default_factory=list)
    thought: list[str] = field(default_factory=list)
    """The words of the open thought."""
    calls_seen: int = 0
    is_finished: bool = False


class StreamDecoder:
    """Reads one stream. `feed` it every event, then `close` it."""

    __slots__ = ("_choices", "_has_started", "_is_over")

    def __init__(self) -> None:
        self._choices: dict[int, _Choice] = {}
        self._has_started = False
        self._is_over = False

    def feed(self, event: Event) -> list[StreamEvent]:
        """Return what `event` says; one that cannot be read becomes a `Failure`."""
        data = event.data
        if self._is_over or not data:
            return []
        if data == DONE:
            return self._guarded(self._end)
        return self._guarded(lambda out: self._take(load(data), out))

    def read(self, chunk: JsonObject) -> list[StreamEvent]:
        """Return what a chunk says that was decoded, or made of another wire's event; as `feed`."""
        return [] if self._is_over else self._guarded(lambda out: self._take(chunk, out))

    def _take(self, chunk: JsonObject, out: list[StreamEvent]) -> None:
        raise_error(chunk)
        self._read(chunk, out)

    def _guarded(self, take: Callable[[list[StreamEvent]], None]) -> list[StreamEvent]:
        out: list[StreamEvent] = []
        try:
            take(out)
        except ProviderFailure as failure:
            self._is_over = True
            told = failure.error
            out.append(
                Failure(message=told.message, type=told.type, code=told.code, param=told.param, status=failure.status)
            )
        except FormatError as error:
            self._is_over = True
            out.append(Failure(message=f"the provider sent an event that cannot be read: {error}", code=error.code))
        return out

    def close(self) -> list[StreamEvent]:
        """Return what the end of the bytes means: servers may leave out `[DONE]`, but never a finish reason."""
        if self._is_over:
            return []
        out: list[StreamEvent] = []
        if self._choices and all(choice.is_finished for choice in self._choices.values()):
            self._end(out)
        else:
            self._is_over = True
            out.append(
                Failure(message="the provider ended its stream before the answer was over", code="upstream_cut")
            )
        return out

    def _end(self, out: list[StreamEvent]) -> None:
        for choice in self._choices.values():
            if not choice.is_finished:
                self._finish(choice, "", out)
        self._is_over = True
        out.append(End())

    def _read(self, chunk: JsonObject, out: list[StreamEvent]) -> None:
        choices = array(chunk, "choices")
        if not self._has_started and (choices or chunk.get("usage")):
            self._has_started = True
            out.append(
                Start(
                    format="openai_chat",
                    id=text(chunk, "id"),
                    model=text(chunk, "model"),
                    created=count(chunk, "created"),
                    service_tier=text(chunk, "service_tier"),
                )
            )
        for place, item in enumerate(choices):
            self._read_choice(as_object(item, f"choices[{place}]"), f"choices[{place}]", out)
        usage = chunk.get("usage")
        if usage is not None and (figures := read_usage(usage)) is not None:
            out.append(UsageUpdate(figures))

    def _read_choice(self, item: JsonObject, path: str, out: list[StreamEvent]) -> None:
        number = count(item, "index")
        choice = self._choices.get(number)
        if choice is None:
            choice = self._choices[number] = _Choice(number)
        if choice.is_finished:
            return
        delta = item.get("delta")
        if not is_object(delta):
            delta = member(item, "message", path) or {}
        content = delta.get("content")
        # Nearly every chunk is this one.
        if isinstance(content, str) and content and choice.kind == "text" and len(delta) == 1:
            out.append(TextDelta(choice.index, content, number, member(item, "logprobs", path)))
        elif delta:
            self._read_delta(choice, delta, item, path, out)
        reason = text(item, "finish_reason", path)
        if reason:
            self._finish(choice, reason, out)

    def _read_delta(
        self, choice: _Choice, delta: JsonObject, item: JsonObject, path: str, out: list[StreamEvent]
    ) -> None:
        inner = f"{path}.delta"
        self._read_thoughts(choice, delta, inner, out)
        content = delta.get("content")
        if isinstance(content, str):
            if content:
                self._open(choice, "text", Text(), out)
                out.append(TextDelta(choice.index, content, choice.number, member(item, "logprobs", path)))
        elif is_array(content):
            self._read_parts(choice, content, f"{inner}.content", out)
        elif content is not None:
            raise FormatError("expected a string or an array", path=f"{inner}.content")
        for image in array(delta, "images", inner):
            self._whole(choice, read_image(as_object(image, f"{inner}.images"), f"{inner}.images"), out)
        if citations := read_annotations(delta, inner):
            self._open(choice, "text", Text(), out)
            out.extend(CitationDelta(choice.index, citation, choice.number) for citation in citations)
        if refusal := text(delta, "refusal", inner):
            self._open(choice, "refusal", Refusal(), out)
            out.append(TextDelta(choice.index, refusal, choice.number))
        audio = member(delta, "audio", inner)
        if audio is not None:
            heard = read_audio(audio, f"{inner}.audio")
            self._open(choice, "audio", Audio(id=heard.id, expires_at=heard.expires_at), out)
            if heard.data or heard.transcript:
                out.append(AudioDelta(choice.index, heard.data, heard.transcript, choice.number))
        for place, call in enumerate(array(delta, "tool_calls", inner)):
            at = f"{inner}.tool_calls[{place}]"
            self._read_call(choice, as_object(call, at), place, at, out)
        old = member(delta, "function_call", inner)
        if old is not None:
            self._read_call(choice, {"index": 0, "function": old}, 0, f"{inner}.function_call", out)

    def _read_thoughts(self, choice: _Choice, delta: JsonObject, path: str, out: list[StreamEvent]) -> None:
        if "reasoning_details" in delta:
            for thought in read_thoughts(delta, path):
                if thought.redacted or (thought.signature and not thought.text and choice.kind != "reasoning"):
                    self._whole(choice, thought, out)
                    continue
                self._open(
                    choice, "reasoning", Reasoning(signature_format=thought.signature_format, id=thought.id), out
                )
                # With its signature, a thought may be repeated as a whole.
                if thought.text and not (thought.signature and thought.text == "".join(choice.thought)):
                    self._think(choice, thought.text, out)
                if thought.signature:
                    choice.kind = "signed reasoning"
                    out.append(
                        SignatureDelta(choice.index, thought.signature, choice.number, thought.signature_format)
                    )
        elif words := thought_text(delta):
            self._open(choice, "reasoning", Reasoning(), out)
            self._think(choice, words, out)

    @staticmethod
    def _think(choice: _Choice, words: str, out: list[StreamEvent]) -> None:
        choice.thought.append(words)
        out.append(ReasoningDelta(choice.index, words, choice.number))

    def _read_parts(self, choice: _Choice, parts: list[object], path: str, out: list[StreamEvent]) -> None:
        for place, item in enumerate(parts):
            part = as_object(item, f"{path}[{place}]")
            if part.get("type") == "image_url":
                self._whole(choice, read_image(part, f"{path}[{place}]"), out)
            elif words := text(part, "text", f"{path}[{place}]"):
                self._open(choice, "text", Text(), out)
                out.append(TextDelta(choice.index, words, choice.number))

    def _read_call(self, choice: _Choice, item: JsonObject, place: int, path: str, out: list[StreamEvent]) -> None:
        wire = count(item, "index") if item.get("index") is not None else place
        given = text(item, "id", path)
        call = choice.calls.get(wire)
        # Some servers give every parallel call the index 0; only its id tells that it is a new one.
        if call is None or (given and given != call.id):
            call = choice.calls[wire] = _Call(given or f"call_{choice.calls_seen}")
            choice.calls_seen += 1
            choice.waiting.append(call)
        custom = member(item, "custom", path)
        function = custom or member(item, "function", path) or {}
        call.custom = call.custom or custom is not None
        call.name = call.name or text(function, "name", path)
        call.signature = call.signature or read_call_signature(item, path)
        more = arguments_text(function.get("input" if custom is not None else "arguments"))
        if more:
            if call.is_over:
                raise FormatError("a tool call goes on after it was over", path=path)
            call.json.append(more)
            if call.index is not None:
                out.append(ArgumentsDelta(call.index, more, choice.number))
        if choice.waiting:
            self._let_go(choice, out, is_last=False)

    def _let_go(self, choice: _Choice, out: list[StreamEvent], *, is_last: bool) -> None:
        """Begin the calls that wait, as far as those before them are whole."""
        while choice.waiting:
            call = choice.waiting[0]
            if not call.name:
                if not is_last:
                    return
                raise FormatError("a tool call has no name")
            if choice.call is not None and not is_last and not choice.call.is_whole():
                return
            choice.waiting.pop(0)
            self._close(choice, out)
            call.index = self._begin(choice, "call")
            choice.call = call
            start = ToolCall(
                id=call.id,
                name=call.name,
                custom=call.custom,
                signature=call.signature,
                signature_format="gemini" if call.signature else None,
            )
            out.append(PartStart(call.index, start, choice.number))
            if call.json:
                out.append(ArgumentsDelta(call.index, "".join(call.json), choice.number))

    def _open(self, choice: _Choice, kind: str, part: Part, out: list[StreamEvent]) -> None:
        if choice.kind != kind:
            self._close(choice, out)
            self._begin(choice, kind)
            out.append(PartStart(choice.index, part, choice.number))

    def _whole(self, choice: _Choice, part: Part, out: list[StreamEvent]) -> None:
        self._close(choice, out)
        self._begin(choice, "whole")
        out.append(PartStart(choice.index, part, choice.number))
        self._close(choice, out)

    def _begin(self, choice: _Choice, kind: str) -> int:
        choice.kind = kind
        choice.thought.clear()
        choice.index = choice.next_index
        choice.next_index += 1
        return choice.index

    def _close(self, choice: _Choice, out: list[StreamEvent]) -> None:
        if choice.kind:
            out.append(PartEnd(choice.index, choice.number))
            choice.kind = ""
        if choice.call is not None:
            choice.call.is_over = True
            choice.call = None

    def _finish(self, choice: _Choice, reason: str, out: list[StreamEvent]) -> None:
        self._let_go(choice, out, is_last=True)
        self._close(choice, out)
        choice.is_finished = True
        out.append(Finish(stop_reason(reason, has_calls=bool(choice.calls)), choice=choice.number))
