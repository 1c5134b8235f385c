"""Neutral stream events, written as the chunks of `streamGenerateContent` for a client.

With `alt=sse` each chunk is an event; without, all of them are one JSON array (`ResponseOptions.json_array`). Calls
go when they are whole. The finish reasons and the usage wait for the end, since clients read them in one chunk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.gemini.answer_out import finish_word, write_answer_part
from adapters.formats.gemini.failures import error_object
from adapters.formats.gemini.grounding import write_grounding
from adapters.formats.gemini.logprobs import write_logprobs
from adapters.formats.gemini.usage import write_usage
from adapters.formats.gemini.wire import FORMAT
from adapters.formats.lossy import note_lost
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
from adapters.formats.neutral.parts import Audio, Citation, Reasoning, Refusal, Text, ToolCall
from adapters.formats.reading import dump
from adapters.formats.signatures import seal

if TYPE_CHECKING:
    from adapters.formats.neutral.events import StreamEvent
    from adapters.formats.neutral.parts import Part
    from adapters.formats.neutral.terms import Format, JsonObject
    from adapters.pricing.usage import Usage

_DEFAULTS = ResponseOptions()
HEARTBEAT = b"\n"
"""Keeps a connection awake. No comment, as elsewhere: Google's own client takes `: ping` for broken JSON. An empty
line is nothing in SSE, and white space in an array."""


class _Candidate:
    """What is known of one answer while it goes out."""

    __slots__ = ("cited", "open", "reason", "refuses", "words")

    def __init__(self) -> None:
        self.open: Part | None = None
        self.words: list[str] = []
        self.cited: list[tuple[Citation, str]] = []
        self.reason = StopReason.STOP
        self.refuses = False


class StreamEncoder:
    """Writes one stream."""

    def __init__(self, options: ResponseOptions = _DEFAULTS) -> None:
        self._options = options
        self._head: JsonObject = {"modelVersion": options.model, "responseId": options.request_id}
        self._source: Format = FORMAT
        self._candidates: dict[int, _Candidate] = {}
        self._usage: Usage | None = None
        self._first = True
        self._ended = False
        self._dropped = Dropped()

    @property
    def dropped(self) -> tuple[str, ...]:
        """What the format could not carry so far."""
        return self._dropped.names()

    def encode(self, event: StreamEvent) -> bytes:
        """Return whole chunks, perhaps none."""
        if self._ended:
            return b""
        match event:
            case TextDelta():
                return self._text(event)
            case ReasoningDelta():
                return self._part({"text": event.text, "thought": True}, event.choice)
            case ArgumentsDelta():
                self._candidate(event.choice).words.append(event.json)
            case PartStart():
                return self._start_part(event)
            case PartEnd():
                return self._end_part(event.choice)
            case SignatureDelta():
                return self._sign(event)
            case CitationDelta():
                candidate = self._candidate(event.choice)
                if event.citation.url:
                    candidate.cited.append((event.citation, "".join(candidate.words)))
                else:
                    self._dropped.add("citations")
            case AudioDelta():
                return self._audio(event)
            case UsageUpdate():
                self._usage = event.usage
            case Start():
                self._source = event.format
                self._head["modelVersion"] = self._options.model or event.model
                self._head["responseId"] = event.id or self._options.request_id
            case Finish():
                self._candidate(event.choice).reason = event.stop_reason
            case End():
                return self._end()
            case Failure():
                return self._fail(event)
            case Ping():
                return HEARTBEAT
        return b""

    def _candidate(self, index: int) -> _Candidate:
        candidate = self._candidates.get(index)
        if candidate is None:
            candidate = self._candidates[index] = _Candidate()
        return candidate

    def _text(self, event: TextDelta) -> bytes:
        candidate = self._candidate(event.choice)
        candidate.words.append(event.text)
        if event.logprobs is not None and (logprobs := write_logprobs(event.logprobs)) is not None:
            return self._part({"text": event.text}, event.choice, {"logprobsResult": logprobs})
        return self._part({"text": event.text}, event.choice)

    def _start_part(self, event: PartStart) -> bytes:
        candidate, part = self._candidate(event.choice), event.part
        candidate.open, candidate.words = part, []
        match part:
            case Refusal():
                candidate.refuses = True
                return self._part({"text": part.text}, event.choice) if part.text else b""
            case Text() if part.text:
                candidate.words.append(part.text)
                return self._part({"text": part.text}, event.choice)
            case Reasoning() if part.text or part.redacted:
                return self._whole(part, event.choice)
            case Audio() if not part.data:
                return b""
            case ToolCall() | Text() | Reasoning():
                return b""
        return self._whole(part, event.choice)

    def _whole(self, part: Part, choice: int) -> bytes:
        note_lost(part, self._source, FORMAT, self._dropped)
        written = write_answer_part(part)
        if written is None:
            self._dropped.add(name_of_part(part, self._source))
            return b""
        return self._part(written, choice)

    def _end_part(self, choice: int) -> bytes:
        candidate = self._candidate(choice)
        part, candidate.open = candidate.open, None
        if not isinstance(part, ToolCall):
            return b""
        whole = ToolCall(
            id=part.id,
            name=part.name,
            arguments=part.arguments + "".join(candidate.words),
            custom=part.custom,
            signature=part.signature,
            signature_format=part.signature_format,
        )
        return self._whole(whole, choice)

    def _sign(self, event: SignatureDelta) -> bytes:
        candidate = self._candidate(event.choice)
        whose = event.format or self._source
        part = candidate.open
        if isinstance(part, ToolCall):
            # The call itself goes later, and its signature with it.
            candidate.open = ToolCall(
                id=part.id,
                name=part.name,
                arguments=part.arguments,
                custom=part.custom,
                signature=event.signature,
                signature_format=whose,
            )
            return b""
        written: JsonObject = {"text": ""}
        if isinstance(part, Reasoning):
            written["thought"] = True
        written["thoughtSignature"] = seal(event.signature, whose, FORMAT)
        return self._part(written, event.choice)

    def _audio(self, event: AudioDelta) -> bytes:
        if event.transcript:
            self._dropped.add("candidates.content.parts.transcript")
        if not event.data:
            return b""
        part = self._candidate(event.choice).open
        media_type = part.media_type if isinstance(part, Audio) and part.media_type else "audio/wav"
        return self._part({"inlineData": {"mimeType": media_type, "data": event.data}}, event.choice)

    def _part(self, part: JsonObject, choice: int, more: JsonObject | None = None) -> bytes:
        candidate: JsonObject = {"content": {"parts": [part], "role": "model"}, "index": choice}
        return self._chunk({"candidates": [candidate | more if more else candidate]} | self._head)

    def _end(self) -> bytes:
        candidates: list[JsonObject] = []
        for index, candidate in sorted(self._candidates.items()):
            written: JsonObject = {
                # Clients take a candidate without parts for a broken one.
                "content": {"parts": [{"text": ""}], "role": "model"},
                "finishReason": finish_word(candidate.reason, refuses=candidate.refuses),
                "index": index,
            }
            if candidate.cited:
                written["groundingMetadata"] = write_grounding(candidate.cited)
            candidates.append(written)
        body: JsonObject = {"candidates": candidates} | self._head
        if self._usage is not None:
            body["usageMetadata"] = write_usage(self._usage)
        last = self._chunk(body)
        self._ended = True
        return last + b"]" if self._options.json_array else last

    def _fail(self, failure: Failure) -> bytes:
        # The official client looks for an error in the chunk's first member.
        last = self._chunk(
            {
                "error": error_object(
                    failure.status,
                    failure.message,
                    failure.type,
                    failure.code,
                    failure.param,
                    self._options.request_id,
                )
            }
        )
        self._ended = True
        return last + b"]" if self._options.json_array else last

    def _chunk(self, body: JsonObject) -> bytes:
        if not self._options.json_array:
            return b"data: " + dump(body) + b"\n\n"
        opening = b"[" if self._first else b",\r\n"
        self._first = False
        return opening + dump(body)
