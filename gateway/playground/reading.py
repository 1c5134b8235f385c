"""What an answer of any format says, for a person who reads it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from adapters.formats.errors import FormatError
from adapters.formats.neutral.events import (
    ArgumentsDelta,
    Failure,
    PartStart,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    UsageUpdate,
)
from adapters.formats.neutral.parts import Image, Part, Reasoning, Refusal, Text, ToolCall
from adapters.formats.table import PROVIDERS
from adapters.sse import EventScanner

if TYPE_CHECKING:
    from adapters.formats.codec import StreamDecoder
    from adapters.pricing.usage import Usage


@dataclass(slots=True)
class Said:
    """What one piece of an answer adds."""

    text: str = ""
    thought: str = ""


@dataclass(slots=True)
class Reading:
    """Reads one answer in format `name`, as it comes or whole."""

    name: str
    is_stream: bool
    status: int
    text: str = ""
    thought: str = ""
    usage: Usage | None = None
    error: str = ""
    """Why there is no answer, or why it broke off, in the gateway's words."""
    _scanner: EventScanner = field(default_factory=EventScanner)
    _decoder: StreamDecoder | None = None
    _whole: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes) -> Said:
        """Take a piece of the body and return what it says."""
        said = Said()
        if not self.is_stream:
            self._whole += data
            return said
        for event in self._scanner.feed(data):
            if event.data:
                self._note(self._stream().feed(event), said)
        return said

    def close(self) -> Said:
        """The body is over: return what was still missing."""
        said = Said()
        if self.is_stream:
            if self._decoder is not None and not self.error:
                self._note(self._stream().close(), said)
            return said
        if self.status >= 400:
            self.error = PROVIDERS[self.name].read_error(bytes(self._whole), self.status).message
            return said
        try:
            response = PROVIDERS[self.name].decode_response(bytes(self._whole))
        except FormatError as error:
            self.error = str(error)
            return said
        self.usage = response.usage
        for choice in response.choices[:1]:
            for part in choice.parts:
                self._part(part, said)
        self._add(said)
        return said

    def _stream(self) -> StreamDecoder:
        if self._decoder is None:
            self._decoder = PROVIDERS[self.name].stream_decoder()
        return self._decoder

    def _note(self, events: list[StreamEvent], said: Said) -> None:
        here = Said()
        for event in events:
            match event:
                case TextDelta(text=text, choice=0):
                    here.text += text
                case ReasoningDelta(text=text, choice=0):
                    here.thought += text
                case ArgumentsDelta(json=text, choice=0):
                    here.text += text
                case PartStart(part=part, choice=0):
                    self._part(part, here)
                case UsageUpdate(usage=usage):
                    self.usage = usage
                case Failure(message=message):
                    self.error = message
        self._add(here)
        said.text += here.text
        said.thought += here.thought

    def _part(self, part: Part, said: Said) -> None:
        match part:
            case Text(text=text) | Refusal(text=text):
                said.text += text
            case Reasoning(text=text):
                said.thought += text
            case ToolCall(name=name, arguments=arguments):
                said.text += f"{chr(10) if self.text or said.text else ''}→ {name} {arguments}"
            case Image(url=url):
                said.text += f"[{url or 'image'}]"

    def _add(self, said: Said) -> None:
        self.text += said.text
        self.thought += said.thought
