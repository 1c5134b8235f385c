"""Claude's stream of events, read into neutral events.

Source: https://docs.anthropic.com/en/docs/build-with-claude/streaming. Bedrock sends the same events in frames of
its own, which its transport unpacks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.anthropic.answer_in import raise_error, stop_reason
from adapters.formats.anthropic.blocks_in import read_block, read_citation
from adapters.formats.anthropic.usage import read_usage
from adapters.formats.errors import FormatError, ProviderFailure
from adapters.formats.neutral.events import (
    ArgumentsDelta,
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
from adapters.formats.neutral.parts import Foreign, Text, ToolCall
from adapters.formats.reading import (
    as_object,
    integer,
    is_object,
    load,
    load_any,
    member,
    required_text,
    text,
)
from adapters.formats.signatures import unseal
from adapters.formats.tools import NO_ARGUMENTS

if TYPE_CHECKING:
    from adapters.formats.neutral.events import StreamEvent
    from adapters.formats.neutral.parts import Part
    from adapters.formats.neutral.terms import JsonObject
    from adapters.pricing.usage import Usage
    from adapters.sse import Event


class StreamDecoder:
    """Reads one stream. `feed` it every event, then `close` it."""

    __slots__ = (
        "_awaits_arguments",
        "_foreign",
        "_has_finished",
        "_index",
        "_input",
        "_is_open",
        "_is_over",
        "_usage",
        "_wire_index",
    )

    def __init__(self) -> None:
        self._index = -1
        self._wire_index = -1
        self._is_open = False
        self._awaits_arguments = False
        """A tool call is open that has none yet."""
        self._foreign: Foreign | None = None
        self._input: list[str] = []
        """Pieces of a foreign block's `input`, which is handed out whole."""
        self._usage: Usage | None = None
        self._has_finished = False
        self._is_over = False

    def feed(self, event: Event) -> list[StreamEvent]:
        """Return what `event` says; one that cannot be read becomes a `Failure`."""
        if self._is_over or not event.data:
            return []
        out: list[StreamEvent] = []
        try:
            self._read(load(event.data), out)
        except ProviderFailure as failure:
            self._is_over = True
            told = failure.error
            out.append(Failure(message=told.message, type=told.type, code=told.code, status=failure.status))
        except FormatError as error:
            self._is_over = True
            out.append(Failure(message=f"the provider sent an event that cannot be read: {error}", code=error.code))
        return out

    def close(self) -> list[StreamEvent]:
        """Return what the end of the bytes means: after a stop reason the answer is whole, else it is not."""
        if self._is_over:
            return []
        self._is_over = True
        if self._has_finished:
            return [End()]
        return [Failure(message="the provider ended its stream before the answer was over", code="upstream_cut")]

    def _read(self, event: JsonObject, out: list[StreamEvent]) -> None:
        match event.get("type"):
            case "content_block_delta":
                self._delta(event, out)
            case "content_block_start":
                self._start_block(event, out)
            case "content_block_stop":
                self._close(out)
            case "message_start":
                self._start(event, out)
            case "message_delta":
                self._message_delta(event, out)
            case "message_stop":
                if not self._has_finished:
                    raise FormatError("message_stop came before a stop reason")
                self._is_over = True
                out.append(End())
            case "ping":
                out.append(Ping())
            case _:
                # Anthropic may add events; clients shall pass over them.
                raise_error(event)

    def _start(self, event: JsonObject, out: list[StreamEvent]) -> None:
        message = member(event, "message") or {}
        usage = message.get("usage")
        out.append(
            Start(
                format="anthropic",
                id=text(message, "id", "message"),
                model=text(message, "model", "message"),
                service_tier=text(usage, "service_tier", "message.usage") if is_object(usage) else "",
            )
        )
        self._tell_usage(usage, out)

    def _tell_usage(self, value: object, out: list[StreamEvent]) -> None:
        usage = read_usage(value, self._usage)
        if usage is not None and usage != self._usage:
            self._usage = usage
            out.append(UsageUpdate(usage))

    def _start_block(self, event: JsonObject, out: list[StreamEvent]) -> None:
        self._close(out)
        path = "content_block"
        block = as_object(event.get("content_block"), path)
        part = read_block(block, path, {})
        wire = integer(event, "index")
        self._wire_index = self._wire_index + 1 if wire is None else wire
        self._index += 1
        self._is_open = True
        if isinstance(part, Foreign):
            self._foreign = part
            return
        said = self._take_content(part)
        self._awaits_arguments = isinstance(part, ToolCall) and not said
        out.append(PartStart(self._index, part))
        if said:
            delta = TextDelta if isinstance(part, Text) else ArgumentsDelta
            out.append(delta(self._index, said))

    @staticmethod
    def _take_content(part: Part) -> str:
        """Blocks begin empty; if one does not, what it holds is its first delta."""
        if isinstance(part, Text):
            said, part.text = part.text, ""
            return said
        if isinstance(part, ToolCall):
            said, part.arguments = part.arguments, ""
            # Arguments follow as deltas; an empty object only stands in for them.
            return "" if said == NO_ARGUMENTS else said
        return ""

    def _delta(self, event: JsonObject, out: list[StreamEvent]) -> None:
        delta = event.get("delta")
        if not is_object(delta) or not self._is_open or event.get("index", self._wire_index) != self._wire_index:
            raise FormatError("a delta belongs to no open block", path="index")
        index = self._index
        match delta.get("type"):
            case "text_delta":
                out.append(TextDelta(index, text(delta, "text", "delta")))
            case "input_json_delta":
                more = text(delta, "partial_json", "delta")
                if self._foreign is not None:
                    self._input.append(more)
                elif more:
                    self._awaits_arguments = False
                    out.append(ArgumentsDelta(index, more))
            case "thinking_delta":
                out.append(ReasoningDelta(index, text(delta, "thinking", "delta")))
            case "signature_delta":
                signature, whose, _ = unseal(text(delta, "signature", "delta"), "anthropic")
                out.append(SignatureDelta(index, signature, 0, whose))
            case "citations_delta":
                citation = as_object(delta.get("citation"), "delta.citation")
                out.append(CitationDelta(index, read_citation(citation, "delta.citation")))
            case _:
                # A delta of a kind that is new changes a block that only Claude's clients would understand.
                required_text(delta, "type", "delta")

    def _close(self, out: list[StreamEvent]) -> None:
        if not self._is_open:
            return
        self._is_open = False
        if self._foreign is not None:
            foreign, self._foreign = self._foreign, None
            if given := "".join(self._input):
                foreign.value = foreign.value | {"input": load_any(given)}
            self._input.clear()
            out.append(PartStart(self._index, foreign))
        elif self._awaits_arguments:
            self._awaits_arguments = False
            out.append(ArgumentsDelta(self._index, NO_ARGUMENTS))
        out.append(PartEnd(self._index))

    def _message_delta(self, event: JsonObject, out: list[StreamEvent]) -> None:
        self._tell_usage(event.get("usage"), out)
        delta = member(event, "delta") or {}
        reason = text(delta, "stop_reason", "delta")
        if reason and not self._has_finished:
            self._close(out)
            self._has_finished = True
            out.append(Finish(stop_reason(reason), text(delta, "stop_sequence", "delta")))
