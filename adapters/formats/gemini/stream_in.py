"""A provider's stream of `GenerateContentResponse` chunks, read into neutral events.

Neighbouring texts of one kind are one part; a signature ends a part. Calls come whole. Nothing in the stream says
that it is over but its end, so finish reasons are kept until then; a stream that ends without them was cut.
"""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

from adapters.formats.errors import FormatError
from adapters.formats.gemini.failures import failure_of
from adapters.formats.gemini.grounding import read_citations
from adapters.formats.gemini.logprobs import read_logprobs
from adapters.formats.gemini.parts_in import read_part
from adapters.formats.gemini.usage import count_searches, read_usage
from adapters.formats.gemini.wire import FORMAT, camel, stop_reason
from adapters.formats.neutral.answers import StopReason
from adapters.formats.neutral.events import (
    ArgumentsDelta,
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
from adapters.formats.neutral.parts import Reasoning, Text, ToolCall
from adapters.formats.reading import (
    array,
    as_object,
    dump_text,
    is_array,
    is_object,
    load_any,
    member,
    required_text,
    text,
)
from adapters.formats.signatures import unseal

if TYPE_CHECKING:
    from adapters.formats.neutral.events import StreamEvent
    from adapters.formats.neutral.parts import Part
    from adapters.formats.neutral.terms import JsonObject
    from adapters.pricing.usage import Usage
    from adapters.sse import Event

_CUT = Failure(message="the provider's stream ended before the answer was complete", code="stream_cut")
_EMPTY = Failure(message="the provider answered without candidates", code="no_candidates")
_ODD = re.compile(r"[^A-Za-z0-9_-]")
_LONGEST_BASE = 40


class _Candidate:
    """What is known of one answer while it comes."""

    __slots__ = ("calls", "grounding", "index", "is_signed", "message", "open", "parts", "reason", "words")

    def __init__(self, index: int) -> None:
        self.index = index
        self.parts = 0
        self.open: type[Text | Reasoning] | None = None
        self.is_signed = False
        self.calls = 0
        self.reason = ""
        self.message = ""
        self.grounding: JsonObject | None = None
        self.words: list[str] = []
        """Of the open text, whose sources are told by position."""


class StreamDecoder:
    """Reads one stream, or with `is_whole` one answer, which needs no finish reason to be over."""

    def __init__(self, *, is_whole: bool = False) -> None:
        self._is_whole = is_whole
        self._candidates: dict[int, _Candidate] = {}
        self._started = False
        self._ended = False
        self._id = ""
        self._model = ""
        self._last: JsonObject = {}
        self._usage: Usage | None = None

    def feed(self, event: Event) -> list[StreamEvent]:
        """Return what one event says; an unreadable one is a `Failure`."""
        if self._ended or not event.data or event.data == b"[DONE]":
            return []
        events: list[StreamEvent] = []
        try:
            value = load_any(event.data)
            for chunk in value if is_array(value) else [value]:
                self.chunk(as_object(chunk, ""), events)
        except FormatError as error:
            self._ended = True
            events.append(Failure(message=f"the provider sent an unreadable event: {error}", code="unreadable_event"))
        return events

    def close(self) -> list[StreamEvent]:
        """The provider closed its stream: what is open ends; without finish reasons it was cut."""
        if self._ended:
            return []
        self._ended = True
        candidates = [found for _, found in sorted(self._candidates.items())]
        if self._is_whole:
            for candidate in candidates:
                candidate.reason = candidate.reason or "STOP"
        if not candidates or not all(candidate.reason for candidate in candidates):
            return [_EMPTY if self._is_whole else _CUT]
        empty = all(not candidate.parts for candidate in candidates)
        if empty and stop_reason(candidates[0].reason) is StopReason.ERROR:
            return [_failed(candidates[0])]
        events: list[StreamEvent] = []
        searches = 0
        for candidate in candidates:
            if candidate.grounding is not None:
                searches += count_searches(candidate.grounding, self._model)
                if candidate.open is Text:
                    events.extend(
                        CitationDelta(candidate.parts - 1, citation, candidate.index)
                        for citation in read_citations(candidate.grounding, "".join(candidate.words))
                    )
            _end_part(candidate, events)
            reason = stop_reason(candidate.reason)
            if candidate.calls and reason is StopReason.STOP:
                reason = StopReason.TOOL_CALLS
            events.append(Finish(reason, choice=candidate.index))
        usage = read_usage(self._last, searches)
        if usage is not None:
            events.append(UsageUpdate(usage))
        events.append(End())
        return events

    def chunk(self, raw: JsonObject, events: list[StreamEvent]) -> None:
        """Add what one chunk says to `events`. Raises `FormatError`."""
        if self._ended:
            return
        chunk = camel(raw)
        error = chunk.get("error")
        if is_object(error):
            self._ended = True
            events.append(failure_of(error))
            return
        self._start(chunk, events)
        for place, value in enumerate(array(chunk, "candidates")):
            path = f"candidates[{place}]"
            self._candidate(camel(as_object(value, path)), path, place, events)
        if is_object(chunk.get("usageMetadata")):
            self._last = chunk
            usage = read_usage(chunk)
            if usage is not None and usage != self._usage:
                self._usage = usage
                events.append(UsageUpdate(usage))
        feedback = chunk.get("promptFeedback")
        if is_object(feedback) and not self._candidates and (reason := text(feedback, "blockReason")):
            self._ended = True
            said = text(feedback, "blockReasonMessage") or f"the prompt was blocked ({reason})"
            events.append(Failure(message=said, type="content_filter", code=reason.lower(), status=400))

    def _start(self, chunk: JsonObject, events: list[StreamEvent]) -> None:
        if self._started:
            return
        self._started = True
        self._model = text(chunk, "modelVersion")
        told = text(chunk, "responseId")
        self._id = _ODD.sub("", told)[:_LONGEST_BASE] or secrets.token_hex(8)
        events.append(Start(format=FORMAT, id=told, model=self._model))

    def _candidate(self, source: JsonObject, path: str, place: int, events: list[StreamEvent]) -> None:
        told = source.get("index")
        index = told if isinstance(told, int) and not isinstance(told, bool) and told >= 0 else place
        candidate = self._candidates.get(index)
        if candidate is None:
            candidate = self._candidates[index] = _Candidate(index)
        content = member(source, "content", path) or {}
        logprobs = read_logprobs(source)
        for number, value in enumerate(array(content, "parts", f"{path}.content")):
            inner = f"{path}.content.parts[{number}]"
            part = camel(as_object(value, inner))
            call = member(part, "functionCall", inner)
            if call is not None:
                self._call(candidate, call, part, inner, events)
                continue
            for found in read_part(part, inner):
                _add(candidate, found, logprobs, events)
                logprobs = None if isinstance(found, Text) else logprobs
        candidate.reason = text(source, "finishReason", path) or candidate.reason
        candidate.message = text(source, "finishMessage", path) or candidate.message
        grounding = source.get("groundingMetadata")
        if is_object(grounding) and grounding:
            candidate.grounding = grounding

    def _call(
        self, candidate: _Candidate, call: JsonObject, part: JsonObject, path: str, events: list[StreamEvent]
    ) -> None:
        signature, whose, _ = unseal(text(part, "thoughtSignature", path), FORMAT)
        inner = f"{path}.functionCall"
        _end_part(candidate, events)
        place, candidate.parts = candidate.parts, candidate.parts + 1
        candidate.calls += 1
        made = f"call_{self._id}_{candidate.index}_{candidate.calls}"
        found = ToolCall(
            id=text(call, "id", inner) or made,
            name=required_text(call, "name", inner),
            signature=signature,
            signature_format=whose,
        )
        events.append(PartStart(place, found, candidate.index))
        arguments = dump_text(member(call, "args", inner) or {})
        events.append(ArgumentsDelta(place, arguments, candidate.index))
        events.append(PartEnd(place, candidate.index))


def _add(candidate: _Candidate, part: Part, logprobs: JsonObject | None, events: list[StreamEvent]) -> None:
    """Continue the open part, or begin one."""
    if isinstance(part, Reasoning) and part.redacted:
        _add_whole(candidate, part, events)
    elif isinstance(part, (Text, Reasoning)):
        kind = type(part)
        if candidate.open is not kind or candidate.is_signed:
            _end_part(candidate, events)
            candidate.open, candidate.words = kind, []
            events.append(PartStart(candidate.parts, kind(), candidate.index))
            candidate.parts += 1
        place = candidate.parts - 1
        if isinstance(part, Reasoning):
            if part.text:
                events.append(ReasoningDelta(place, part.text, candidate.index))
        elif part.text:
            candidate.words.append(part.text)
            events.append(TextDelta(place, part.text, candidate.index, logprobs))
        if part.signature:
            events.append(SignatureDelta(place, part.signature, candidate.index, part.signature_format))
            # It stays open for its sources, which come last of all.
            candidate.is_signed = True
    else:
        _add_whole(candidate, part, events)


def _add_whole(candidate: _Candidate, part: Part, events: list[StreamEvent]) -> None:
    _end_part(candidate, events)
    events.append(PartStart(candidate.parts, part, candidate.index))
    events.append(PartEnd(candidate.parts, candidate.index))
    candidate.parts += 1


def _end_part(candidate: _Candidate, events: list[StreamEvent]) -> None:
    if candidate.open is not None:
        candidate.open, candidate.is_signed = None, False
        events.append(PartEnd(candidate.parts - 1, candidate.index))


def _failed(candidate: _Candidate) -> Failure:
    reason = candidate.reason
    said = candidate.message or f"the model gave no answer ({reason})"
    return Failure(message=said, code=reason.lower())
