"""Finds what is to be remembered in an answer, whole or as a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.neutral.events import PartEnd, PartStart, ReasoningDelta, SignatureDelta, Start
from adapters.formats.neutral.parts import Reasoning, ToolCall
from gateway.relay.signed.kept import Kept

if TYPE_CHECKING:
    from adapters.formats.neutral.answers import Response
    from adapters.formats.neutral.events import StreamEvent
    from adapters.formats.neutral.terms import Format

_NO_ROOM_FOR_THOUGHTS: frozenset[Format] = frozenset(["openai_chat"])
"""Thoughts may travel in `reasoning_details`, but few clients send those back."""
_NO_ROOM_ON_CALLS: frozenset[Format] = frozenset(["openai_chat", "openai_responses", "anthropic"])


class Collector:
    """A `Shaper` that changes nothing. `kept` is by call, of the first choice: no loop goes on from another one."""

    def __init__(self, client: Format, channel_id: int) -> None:
        self.kept: dict[str, Kept] = {}
        self._wants_thoughts = client in _NO_ROOM_FOR_THOUGHTS
        self._wants_calls = client in _NO_ROOM_ON_CALLS
        self._channel_id = channel_id
        self._source: Format | None = None
        self._open: Reasoning | ToolCall | None = None
        self._said: list[str] = []
        self._thoughts: list[Reasoning] = []

    def event(self, event: StreamEvent) -> list[StreamEvent]:
        """See `adapters.formats.shaping.Shaper`."""
        match event:
            case ReasoningDelta():
                if isinstance(self._open, Reasoning) and not event.choice:
                    self._said.append(event.text)
            case SignatureDelta():
                if self._open is not None and not event.choice:
                    self._open.signature = event.signature
                    self._open.signature_format = event.format or self._source
            case PartStart(part=Reasoning() as part) if not event.choice:
                self._open = _thought(part, part.text)
                self._said = [part.text]
            case PartStart(part=ToolCall() as part) if not event.choice:
                self._open = ToolCall(
                    id=part.id, name="", signature=part.signature, signature_format=part.signature_format
                )
            case PartEnd() if not event.choice:
                self._end_part()
            case Start():
                self._source = event.format
        return [event]

    def whole(self, response: Response) -> Response:
        """See `adapters.formats.shaping.Shaper`."""
        for part in response.choices[0].parts:
            if isinstance(part, Reasoning):
                self._add_thought(_thought(part, part.text))
            elif isinstance(part, ToolCall):
                self._add_call(part)
        return response

    def _end_part(self) -> None:
        part, self._open = self._open, None
        if isinstance(part, Reasoning):
            self._add_thought(_thought(part, "".join(self._said)))
            self._said = []
        elif isinstance(part, ToolCall):
            self._add_call(part)

    def _add_thought(self, thought: Reasoning) -> None:
        if self._wants_thoughts and (thought.signature or thought.redacted):
            self._thoughts.append(thought)

    def _add_call(self, call: ToolCall) -> None:
        thoughts, self._thoughts = self._thoughts, []
        signature = call.signature if self._wants_calls else ""
        whose = call.signature_format if signature else thoughts[-1].signature_format if thoughts else None
        if whose is not None:
            self.kept[call.id] = Kept(
                format=whose, channel_id=self._channel_id, thoughts=thoughts, signature=signature
            )


def _thought(part: Reasoning, text: str) -> Reasoning:
    return Reasoning(
        text=text,
        signature=part.signature,
        redacted=part.redacted,
        signature_format=part.signature_format or ("anthropic" if part.redacted else None),
        id=part.id,
    )
