"""Neutral events, written as Claude's stream for a client.

Its order is strict: `message_start`, blocks one after the other, `message_delta` with the reason and the usage,
`message_stop`. Since usage may come after the reason, `message_delta` waits for the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from adapters.formats.anthropic.answer_out import stop_reason, write_block, write_citation
from adapters.formats.anthropic.failures import error_event
from adapters.formats.anthropic.usage import write_usage
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
from adapters.formats.reading import dump
from adapters.formats.signatures import seal
from adapters.pricing.usage import Usage

if TYPE_CHECKING:
    from adapters.formats.neutral.events import StreamEvent
    from adapters.formats.neutral.parts import Part
    from adapters.formats.neutral.terms import Format, JsonObject

PING = b'event: ping\ndata: {"type":"ping"}\n\n'
_STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
_text = msgspec.json.Encoder().encode


class StreamEncoder:
    """Writes one stream. `encode` every event; the stream is whole after `End` or `Failure`."""

    __slots__ = (
        "_before",
        "_dropped",
        "_finish",
        "_index",
        "_is_open",
        "_is_over",
        "_is_thinking",
        "_options",
        "_part",
        "_refused",
        "_source",
        "_started",
        "_usage",
    )

    def __init__(self, options: ResponseOptions | None = None) -> None:
        self._options = options or ResponseOptions()
        self._dropped = Dropped()
        self._source: Format = "anthropic"
        self._started = False
        self._index = -1
        self._is_open = False
        self._is_thinking = False
        self._before = b""
        """The bytes of the open block's deltas up to the delta itself."""
        self._part: Part | None = None
        self._refused = False
        self._finish: Finish | None = None
        self._usage = Usage()
        self._is_over = False

    @property
    def dropped(self) -> tuple[str, ...]:
        """What the format could not carry so far."""
        return self._dropped.names()

    def encode(self, event: StreamEvent) -> bytes:
        """Return the events that say what `event` says, perhaps none."""
        if self._is_over:
            return b""
        if getattr(event, "choice", 0):
            self._dropped.add("choices")
            return b""
        match event:
            case TextDelta():
                return self._delta(b'"text_delta","text":', event.text)
            case ReasoningDelta():
                return self._delta(b'"thinking_delta","thinking":', event.text)
            case ArgumentsDelta():
                return self._delta(b'"input_json_delta","partial_json":', event.json)
            case PartStart():
                return self._start_part(event.part)
            case PartEnd():
                return self._end_part()
            case SignatureDelta():
                return self._signature(event)
            case CitationDelta():
                citation = {"type": "citations_delta", "citation": write_citation(event.citation)}
                return b"%s%s}\n\n" % (self._before, dump(citation)) if self._is_open else b""
            case AudioDelta():
                return b""
            case UsageUpdate():
                self._usage = event.usage
            case Start():
                return self._start(event)
            case Finish():
                self._finish = event
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

    def _start(self, event: Start) -> bytes:
        self._started = True
        self._source = event.format
        message: JsonObject = {
            "id": event.id or f"msg_{self._options.request_id}",
            "type": "message",
            "role": "assistant",
            "model": self._options.model or event.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": write_usage(self._usage),
        }
        return b'event: message_start\ndata: {"type":"message_start","message":%s}\n\n' % dump(message)

    def _delta(self, kind: bytes, value: str) -> bytes:
        # Nothing is open when the part is of a kind that Claude does not have.
        return b'%s{"type":%s%s}}\n\n' % (self._before, kind, _text(value)) if self._is_open else b""

    def _signature(self, event: SignatureDelta) -> bytes:
        if not self._is_thinking:
            # Gemini signs calls and texts, too. Of calls the gateway keeps it.
            if isinstance(self._part, Text):
                self._dropped.add(f"{name_of_part(self._part, self._source)}.signature")
            return b""
        signature = seal(event.signature, event.format or self._source, "anthropic")
        return self._delta(b'"signature_delta","signature":', signature)

    def _start_part(self, part: Part) -> bytes:
        head = b"" if self._started else self._start(Start(format=self._source))
        self._part = part
        self._refused = self._refused or isinstance(part, Refusal)
        if isinstance(part, ToolCall):
            block: JsonObject | None = {"type": "tool_use", "id": part.id, "name": part.name, "input": {}}
        else:
            block = write_block(part, self._source)
        if block is None:
            self._dropped.add(name_of_part(part, self._source))
            return head
        self._index += 1
        self._is_open = True
        self._is_thinking = block["type"] == "thinking"
        self._before = (
            b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":' % self._index
        )
        said = b""
        # Clients read what the block begins with and what its deltas add; texts are given as deltas only.
        if isinstance(part, (Text, Refusal)) and part.text:
            block["text"] = ""
            said = self._delta(b'"text_delta","text":', part.text)
        elif isinstance(part, ToolCall) and part.arguments:
            said = self._delta(b'"input_json_delta","partial_json":', part.arguments)
        elif isinstance(part, Reasoning) and self._is_thinking:
            said = self._thoughts(part, block)
        start = b'event: content_block_start\ndata: {"type":"content_block_start","index":%d,"content_block":%s}\n\n'
        return head + start % (self._index, dump(block)) + said

    def _thoughts(self, part: Reasoning, block: JsonObject) -> bytes:
        signature, block["thinking"], block["signature"] = block["signature"], "", ""
        said = self._delta(b'"thinking_delta","thinking":', part.text) if part.text else b""
        if isinstance(signature, str) and signature:
            said += self._delta(b'"signature_delta","signature":', signature)
        return said

    def _end_part(self) -> bytes:
        if not self._is_open:
            return b""
        self._is_open = False
        return b'event: content_block_stop\ndata: {"type":"content_block_stop","index":%d}\n\n' % self._index

    def _end(self) -> bytes:
        self._is_over = True
        head = b"" if self._started else self._start(Start(format=self._source))
        finish = self._finish or Finish(StopReason.STOP)
        delta: JsonObject = {
            "stop_reason": stop_reason(finish.stop_reason, refused=self._refused),
            "stop_sequence": finish.stop_sequence or None,
        }
        usage = dump(write_usage(self._usage))
        told = b'event: message_delta\ndata: {"type":"message_delta","delta":%s,"usage":%s}\n\n' % (
            dump(delta),
            usage,
        )
        return head + self._end_part() + told + _STOP
