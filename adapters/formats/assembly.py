"""From a stream to a whole answer, and back.

For providers that only stream, or never do, and for holding that both ways of answering say the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from adapters.formats.errors import FormatError, ProviderError, ProviderFailure
from adapters.formats.neutral.answers import Choice, Response, StopReason
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

if TYPE_CHECKING:
    from collections.abc import Iterable

    from adapters.formats.neutral.events import StreamEvent
    from adapters.formats.neutral.parts import Part
    from adapters.formats.neutral.terms import JsonObject
    from adapters.pricing.usage import Usage


class Assembler:
    """Collects the events of one stream. `add` every event, then take the `response`."""

    def __init__(self) -> None:
        self._start = Start(format="openai_chat")
        self._choices: dict[int, Choice] = {}
        self._pieces: dict[tuple[int, int, str], list[str]] = {}
        """What to add to parts, by choice, part and member: joined once, since answers may be long."""
        self._logprobs: dict[int, list[JsonObject]] = {}
        self._usage: Usage | None = None
        self._is_whole = False

    def add(self, event: StreamEvent) -> None:
        """Take one event. Raises `ProviderFailure` for a `Failure`."""
        match event:
            case Start():
                self._start = event
            case PartStart():
                # A copy: deltas are added to it, and the event may be somebody else's as well.
                self._choice(event.choice).parts.append(_copy(event.part))
            case Finish():
                choice = self._choice(event.choice)
                choice.stop_reason, choice.stop_sequence = event.stop_reason, event.stop_sequence
            case UsageUpdate():
                self._usage = event.usage
            case End():
                self._is_whole = True
            case Failure():
                told = ProviderError(message=event.message, type=event.type, code=event.code, param=event.param)
                raise ProviderFailure(told, status=event.status)
            case (
                TextDelta() | ReasoningDelta() | ArgumentsDelta() | SignatureDelta() | CitationDelta() | AudioDelta()
            ):
                self._extend(event)

    def response(self) -> Response:
        """Return the whole answer. Raises `FormatError` if the stream is not over."""
        if not self._is_whole:
            raise FormatError("the stream ended before the answer was over")
        return self.so_far()

    def so_far(self) -> Response:
        """Return as much of the answer as there is. Raises `FormatError` if that is nothing."""
        if not self._choices:
            raise FormatError("the stream ended before the answer began")
        for (number, index, member), said in self._pieces.items():
            part = self._choices[number].parts[index]
            setattr(part, member, getattr(part, member) + "".join(said))
        self._pieces.clear()
        for number, pieces in self._logprobs.items():
            joined: JsonObject = {}
            for piece in pieces:
                for name, value in piece.items():
                    known = joined.get(name)
                    joined[name] = [*known, *value] if isinstance(known, list) and isinstance(value, list) else value
            self._choices[number].logprobs = joined
        start = self._start
        return Response(
            format=start.format,
            id=start.id,
            model=start.model,
            created=start.created,
            choices=[choice for _, choice in sorted(self._choices.items())],
            usage=self._usage,
            service_tier=start.service_tier,
        )

    def _choice(self, number: int) -> Choice:
        return self._choices.setdefault(number, Choice(stop_reason=StopReason.STOP))

    def _extend(
        self,
        event: TextDelta | ReasoningDelta | ArgumentsDelta | SignatureDelta | CitationDelta | AudioDelta,
    ) -> None:
        parts = self._choice(event.choice).parts
        if event.index >= len(parts):
            raise FormatError("a delta belongs to no part")
        part = parts[event.index]
        match event, part:
            case TextDelta(), Text() | Refusal():
                self._more(event, "text", event.text)
                if event.logprobs is not None:
                    self._logprobs.setdefault(event.choice, []).append(event.logprobs)
            case ReasoningDelta(), Reasoning():
                self._more(event, "text", event.text)
            case ArgumentsDelta(), ToolCall():
                self._more(event, "arguments", event.json)
            case SignatureDelta(), Reasoning() | ToolCall() | Text():
                part.signature = event.signature
                part.signature_format = event.format or self._start.format
            case CitationDelta(), Text():
                part.citations.append(event.citation)
            case AudioDelta(), Audio():
                self._more(event, "data", event.data)
                self._more(event, "transcript", event.transcript)
            case _:
                raise FormatError("a delta does not fit its part")

    def _more(self, event: TextDelta | ReasoningDelta | ArgumentsDelta | AudioDelta, member: str, said: str) -> None:
        self._pieces.setdefault((event.choice, event.index, member), []).append(said)


def assemble(events: Iterable[StreamEvent]) -> Response:
    """Return the answer that `events` tell. Raises `ProviderFailure` or `FormatError`."""
    assembler = Assembler()
    for event in events:
        assembler.add(event)
    return assembler.response()


def unroll(response: Response) -> list[StreamEvent]:
    """Return a whole answer as a stream of few, large events."""
    events: list[StreamEvent] = [
        Start(
            format=response.format,
            id=response.id,
            model=response.model,
            created=response.created,
            service_tier=response.service_tier,
        )
    ]
    for number, choice in enumerate(response.choices):
        logprobs = choice.logprobs
        for index, part in enumerate(choice.parts):
            _unroll_part(index, part, number, logprobs, events)
            if isinstance(part, (Text, Refusal)):
                logprobs = None
        events.append(Finish(choice.stop_reason, choice.stop_sequence, number))
    if response.usage is not None:
        events.append(UsageUpdate(response.usage))
    events.append(End())
    return events


def _unroll_part(index: int, part: Part, number: int, logprobs: JsonObject | None, events: list[StreamEvent]) -> None:
    match part:
        case Text():
            events.append(PartStart(index, Text(), number))
            events.append(TextDelta(index, part.text, number, logprobs))
            events.extend(CitationDelta(index, citation, number) for citation in part.citations)
            _unroll_signature(index, part, number, events)
        case Refusal():
            events.append(PartStart(index, Refusal(), number))
            events.append(TextDelta(index, part.text, number, logprobs))
        case Reasoning() if part.text and not part.redacted:
            events.append(PartStart(index, Reasoning(id=part.id), number))
            events.append(ReasoningDelta(index, part.text, number))
            _unroll_signature(index, part, number, events)
        case ToolCall():
            events.append(PartStart(index, msgspec.structs.replace(part, arguments=""), number))
            if part.arguments:
                events.append(ArgumentsDelta(index, part.arguments, number))
        case _:
            events.append(PartStart(index, part, number))
    events.append(PartEnd(index, number))


def _unroll_signature(index: int, part: Text | Reasoning, number: int, events: list[StreamEvent]) -> None:
    if part.signature:
        events.append(SignatureDelta(index, part.signature, number, part.signature_format))


def _copy(part: Part) -> Part:
    copied = msgspec.structs.replace(part)
    if isinstance(copied, Text):
        copied.citations = list(copied.citations)
    return copied
