"""A provider's stream of response events, read into neutral ones.

The events name their item and part; parts that overlap are put one behind the other. Events that repeat what the
deltas said (`….done`) count only where there were none: some servers send nothing else. Hosted tools go on as whole
items when they are done, their progress is not told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.errors import FormatError
from adapters.formats.lineup import Lineup
from adapters.formats.neutral.answers import StopReason
from adapters.formats.neutral.events import (
    ArgumentsDelta,
    CitationDelta,
    End,
    Failure,
    Finish,
    Ping,
    ReasoningDelta,
    SignatureDelta,
    Start,
    TextDelta,
    UsageUpdate,
)
from adapters.formats.neutral.parts import Reasoning, Refusal, Text
from adapters.formats.openai_responses.answer_in import (
    created_at,
    failure_of,
    read_call,
    read_item,
    read_reasoning,
    stop_reason,
)
from adapters.formats.openai_responses.content import FORMAT, read_annotation, read_annotations
from adapters.formats.openai_responses.failures import failed_status, told
from adapters.formats.openai_responses.usage import read_usage
from adapters.formats.reading import array, as_object, is_array, load, member, text

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from adapters.formats.lineup import Slot
    from adapters.formats.neutral.events import StreamEvent
    from adapters.formats.neutral.terms import JsonObject
    from adapters.sse import Event

    _Key: TypeAlias = tuple[int, int]
    """The index of an item, and that of a part in its content."""

_BETWEEN = "\n\n"
_ITEM = -1
"""Stands for the content index of parts that are an item of their own."""
_CUT = Failure(message="the provider's stream ended before the response was complete", code="stream_cut")


class StreamDecoder:
    """Reads one stream."""

    def __init__(self) -> None:
        self._lineup = Lineup()
        self._started = False
        self._ended = False
        self._calls = False
        self._seen: set[_Key] = set()
        self._done: set[int] = set()
        self._thoughts: dict[int, tuple[str, int]] = {}
        """By item: the kind of event its thoughts come in, and the number of the last summary."""
        self._thought_ids: dict[int, str] = {}
        self._readers: dict[str, Callable[[JsonObject], list[StreamEvent] | None]] = {
            "response.output_text.delta": self._on_text,
            "response.refusal.delta": self._on_text,
            "response.reasoning_summary_text.delta": self._on_thought,
            "response.reasoning_text.delta": self._on_thought,
            "response.function_call_arguments.delta": self._on_arguments,
            "response.custom_tool_call_input.delta": self._on_arguments,
            "response.created": self._on_start,
            "response.in_progress": self._on_start,
            "response.queued": self._on_start,
            "response.output_item.added": self._on_item,
            "response.output_item.done": self._on_item_done,
            "response.content_part.added": self._on_part,
            "response.content_part.done": self._on_part_done,
            "response.output_text.annotation.added": self._on_annotation,
            "response.completed": self._on_end,
            "response.incomplete": self._on_end,
            "response.failed": self._on_failed,
            "response.cancelled": self._on_failed,
            "error": self._on_failed,
            "keepalive": self._on_ping,
        }

    def feed(self, event: Event) -> list[StreamEvent]:
        """Return what one event says; an unreadable one is a `Failure`."""
        if not event.data or event.data == b"[DONE]" or self._ended:
            return []
        try:
            data = load(event.data)
            reader = self._readers.get(text(data, "type"))
            if reader is None:
                # A server that reports errors in Chat's manner.
                reader = self._on_failed if told(data) is not None and "type" not in data else None
            own = None if reader is None else reader(data)
        except FormatError as error:
            self._ended = True
            message = f"the provider sent an unreadable event: {error}"
            return [*self._lineup.take(), Failure(message=message, code="unreadable_event")]
        ready = self._lineup.take()
        if not own:
            return ready
        return ready + own if ready else own

    def close(self) -> list[StreamEvent]:
        """The provider closed its stream; without its terminal event it was cut."""
        if self._ended:
            return []
        self._ended = True
        return [_CUT]

    # Readers put the events of parts into the line-up, and return those that stand for themselves.

    def _on_start(self, data: JsonObject) -> list[StreamEvent] | None:
        if self._started:
            return None
        self._started = True
        response = member(data, "response") or {}
        return [
            Start(
                format=FORMAT,
                id=text(response, "id"),
                model=text(response, "model"),
                created=created_at(response),
                service_tier=text(response, "service_tier"),
            )
        ]

    def _on_item(self, data: JsonObject) -> None:
        item = member(data, "item") or {}
        key = (_index(data, "output_index"), _ITEM)
        match text(item, "type"):
            case "function_call" | "custom_tool_call":
                call = read_call(item, "item")
                call.arguments = ""
                self._calls = True
                self._lineup.start(key, call)
            case "reasoning":
                # Whether its thoughts can be seen shows later; a part is announced as what it is.
                self._thought_ids[key[0]] = text(item, "id")

    def _on_part(self, data: JsonObject) -> None:
        part = member(data, "part") or {}
        if text(part, "type") != "reasoning_text":
            self._start(_key(data), is_refusal=part.get("type") == "refusal")

    def _on_text(self, data: JsonObject) -> None:
        key = _key(data)
        slot = self._lineup.find(key)
        if slot is None:
            slot = self._start(key, is_refusal=data.get("type") == "response.refusal.delta")
        if delta := text(data, "delta"):
            slot.has_content = True
            self._lineup.put(slot, TextDelta(slot.index, delta, logprobs=_logprobs(data)))

    def _on_annotation(self, data: JsonObject) -> None:
        slot = self._lineup.find(_key(data))
        annotation = member(data, "annotation")
        if slot is not None and annotation is not None:
            slot.has_citations = True
            self._lineup.put(slot, CitationDelta(slot.index, read_annotation(annotation, "annotation")))

    def _on_part_done(self, data: JsonObject) -> None:
        part = member(data, "part") or {}
        if text(part, "type") != "reasoning_text":
            self._finish_part(_key(data), part)

    def _on_thought(self, data: JsonObject) -> None:
        place = _index(data, "output_index")
        slot = self._thought(place)
        kind, number = text(data, "type"), _index(data, "summary_index", "content_index")
        before = self._thoughts.get(place)
        if before is not None and before[0] != kind:
            # Both the thoughts and their summary come; what came first goes on.
            return
        self._thoughts[place] = (kind, number)
        delta = text(data, "delta")
        if before is not None and before[1] != number:
            delta = _BETWEEN + delta
        if delta:
            slot.has_content = True
            self._lineup.put(slot, ReasoningDelta(slot.index, delta))

    def _on_arguments(self, data: JsonObject) -> None:
        slot = self._lineup.find((_index(data, "output_index"), _ITEM))
        if slot is None:
            raise FormatError("arguments of a call that never began", path="output_index")
        if delta := text(data, "delta"):
            slot.has_content = True
            self._lineup.put(slot, ArgumentsDelta(slot.index, delta))

    def _on_item_done(self, data: JsonObject) -> None:
        self._finish_item(member(data, "item") or {}, _index(data, "output_index"))

    def _on_end(self, data: JsonObject) -> list[StreamEvent]:
        response = member(data, "response") or {}
        own: list[StreamEvent] = [] if self._started else self._on_start(data) or []
        for place, value in enumerate(array(response, "output", "response")):
            # Servers may leave out the events of an item, and even of all.
            if place not in self._done:
                self._finish_item(as_object(value, f"response.output[{place}]"), place)
        self._lineup.end_all()
        self._ended = True
        failure = failure_of(response)
        if failure is not None:
            return [*own, *self._lineup.take(), failure]
        own += self._lineup.take()
        reason = stop_reason(response, [])
        if reason is StopReason.STOP and self._calls:
            reason = StopReason.TOOL_CALLS
        own.append(Finish(reason))
        usage = read_usage(response)
        if usage is not None:
            own.append(UsageUpdate(usage))
        own.append(End())
        return own

    def _on_failed(self, data: JsonObject) -> list[StreamEvent]:
        self._ended = True
        response = member(data, "response")
        events: list[StreamEvent] = []
        if response is not None:
            usage = read_usage(response)
            if usage is not None:
                events.append(UsageUpdate(usage))
        failure = failure_of(response) if response is not None else None
        return [*events, failure or _flat_failure(told(data) or data)]

    def _on_ping(self, data: JsonObject) -> list[StreamEvent]:
        del data
        return [Ping()]

    # Parts and items

    def _start(self, key: _Key, *, is_refusal: bool) -> Slot:
        self._seen.add(key)
        return self._lineup.start(key, Refusal() if is_refusal else Text())

    def _thought(self, place: int) -> Slot:
        key = (place, _ITEM)
        return self._lineup.find(key) or self._lineup.start(key, Reasoning(id=self._thought_ids.get(place, "")))

    def _finish_part(self, key: _Key, part: JsonObject) -> None:
        slot = self._lineup.find(key)
        is_refusal = part.get("type") == "refusal"
        if slot is None:
            if key in self._seen:
                return
            slot = self._start(key, is_refusal=is_refusal)
        said = text(part, "refusal" if is_refusal else "text", "part")
        if said and not slot.has_content:
            self._lineup.put(slot, TextDelta(slot.index, said))
        if not slot.has_citations:
            for citation in read_annotations(part, "part"):
                self._lineup.put(slot, CitationDelta(slot.index, citation))
        self._lineup.end(key)

    def _finish_item(self, item: JsonObject, place: int) -> None:
        self._done.add(place)
        match text(item, "type", "item"):
            case "message":
                for content, value in enumerate(array(item, "content", "item")):
                    self._finish_part((place, content), as_object(value, f"item.content[{content}]"))
                for key in sorted(key for key in self._seen if key[0] == place):
                    self._lineup.end(key)
            case "function_call" | "custom_tool_call":
                self._finish_call(item, (place, _ITEM))
            case "reasoning":
                self._finish_thought(item, (place, _ITEM))
            case _:
                for part in read_item(item, "item"):
                    self._lineup.start((place, _ITEM), part)
                    self._lineup.end((place, _ITEM))

    def _finish_call(self, item: JsonObject, key: _Key) -> None:
        call = read_call(item, "item")
        arguments, call.arguments = call.arguments, ""
        self._calls = True
        slot = self._lineup.find(key) or self._lineup.start(key, call)
        if arguments and not slot.has_content:
            self._lineup.put(slot, ArgumentsDelta(slot.index, arguments))
        self._lineup.end(key)

    def _finish_thought(self, item: JsonObject, key: _Key) -> None:
        thought = read_reasoning(item, "item")
        self._thought_ids.setdefault(key[0], thought.id)
        if thought.redacted:
            self._lineup.start(key, thought)
            self._lineup.end(key)
            return
        slot = self._thought(key[0])
        if thought.text and not slot.has_content:
            self._lineup.put(slot, ReasoningDelta(slot.index, thought.text))
        if thought.signature:
            self._lineup.put(slot, SignatureDelta(slot.index, thought.signature, format=thought.signature_format))
        self._lineup.end(key)


def _index(data: JsonObject, *names: str) -> int:
    for name in names:
        value = data.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    return 0


def _key(data: JsonObject) -> _Key:
    return _index(data, "output_index"), _index(data, "content_index")


def _logprobs(data: JsonObject) -> JsonObject | None:
    found = data.get("logprobs")
    return {"content": found} if is_array(found) and found else None


def _flat_failure(error: JsonObject) -> Failure:
    message, kind, code = error.get("message"), error.get("type"), error.get("code")
    named = isinstance(kind, str) and kind and kind != "error"
    return Failure(
        message=message if isinstance(message, str) and message else "the provider reported an error",
        type=str(kind) if named else "upstream_error",
        code=code,
        param=error.get("param"),
        status=failed_status(code),
    )
