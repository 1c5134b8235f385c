"""Thoughts that a model writes into its text as `<think>…</think>`: the first block becomes `Reasoning`.

Later blocks stay text. Tags may be cut anywhere between two events: what may be the beginning of one is held back
until that is known, and everything else goes on at once. Blanks around the block vanish with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from adapters.formats.neutral.events import (
    ArgumentsDelta,
    AudioDelta,
    CitationDelta,
    PartEnd,
    PartStart,
    ReasoningDelta,
    SignatureDelta,
    TextDelta,
)
from adapters.formats.neutral.parts import Reasoning, Text

if TYPE_CHECKING:
    from adapters.formats.neutral.answers import Choice, Response
    from adapters.formats.neutral.events import StreamEvent
    from adapters.formats.neutral.parts import Part

OPENS = "<think>"
CLOSES = "</think>"


class ThinkTags:
    """Cuts the block out of one answer (see `adapters.formats.shaping.Shaper`)."""

    def __init__(self) -> None:
        self._choices: dict[int, _Choice] = {}

    def event(self, event: StreamEvent) -> list[StreamEvent]:
        """Return what an event becomes; parts behind the block get other numbers."""
        match event:
            case (
                PartStart()
                | PartEnd()
                | TextDelta()
                | ReasoningDelta()
                | SignatureDelta()
                | ArgumentsDelta()
                | CitationDelta()
                | AudioDelta()
            ):
                choice = self._choices.get(event.choice)
                if choice is None:
                    choice = self._choices[event.choice] = _Choice(event.choice)
                return choice.take(event)
        return [event]

    def whole(self, response: Response) -> Response:
        """Cut the block out of each choice of a whole answer."""
        for choice in response.choices:
            _cut(choice)
        return response


def _cut(choice: Choice) -> None:
    for place, part in enumerate(choice.parts):
        if not isinstance(part, Text):
            continue
        before, opens, rest = part.text.partition(OPENS)
        if not opens:
            continue
        thought, _, after = rest.partition(CLOSES)
        found: list[Part] = [Reasoning(text=thought.strip())]
        if before.strip():
            found.insert(0, Text(before.rstrip()))
        if after.strip():
            part.text = after.strip()
            found.append(part)
        choice.parts[place : place + 1] = found
        return


class _Choice:
    """One choice of a stream: where it stands, and the numbers of its parts."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._next = 0
        self._index = 0
        """The number of the open part, as the client sees it."""
        self._open = ""
        """The kind of the open part of ours: `text`, `thought`, or empty."""
        self._in_text = False
        """The provider's own part is a text that is looked at."""
        self._state = "before"
        """`before`, `inside` or `after` the block."""
        self._held = ""
        """What may be the beginning of a tag."""
        self._strips = False
        """Blanks are skipped: right behind a tag."""

    def take(
        self,
        event: PartStart
        | PartEnd
        | TextDelta
        | ReasoningDelta
        | SignatureDelta
        | ArgumentsDelta
        | CitationDelta
        | AudioDelta,
    ) -> list[StreamEvent]:
        out: list[StreamEvent] = []
        if isinstance(event, PartStart):
            self._in_text = isinstance(event.part, Text) and self._state != "after"
            if self._in_text and isinstance(event.part, Text):
                self._read(event.part.text, out)
            else:
                self._begin("other", event.part, out)
        elif isinstance(event, TextDelta) and self._in_text:
            self._read(event.text, out)
        elif isinstance(event, PartEnd):
            if self._in_text:
                self._flush(out)
                self._in_text = False
            self._end(out)
        else:
            if not self._open:
                self._begin("text", Text(), out)
            out.append(msgspec.structs.replace(event, index=self._index))
        return out

    def _read(self, said: str, out: list[StreamEvent]) -> None:
        said = self._held + said
        self._held = ""
        while self._state != "after":
            tag = OPENS if self._state == "before" else CLOSES
            before, found, rest = said.partition(tag)
            if not found:
                cut = len(said) - _beginning(said, tag)
                self._say(said[:cut], out)
                self._held = said[cut:]
                return
            self._say(before, out)
            self._end(out)
            self._state = "inside" if tag == OPENS else "after"
            if self._state == "inside":
                self._begin("thought", Reasoning(), out)
            self._strips = True
            said = rest
        self._say(said, out)

    def _flush(self, out: list[StreamEvent]) -> None:
        self._say(self._held, out)
        self._held = ""
        if self._state == "inside":
            self._state = "after"

    def _say(self, said: str, out: list[StreamEvent]) -> None:
        if self._strips:
            said = said.lstrip()
        if not said:
            return
        self._strips = False
        if self._state == "inside":
            out.append(ReasoningDelta(self._index, said, self._number))
            return
        if self._open != "text":
            self._begin("text", Text(), out)
        out.append(TextDelta(self._index, said, self._number))

    def _begin(self, kind: str, part: Part, out: list[StreamEvent]) -> None:
        self._index = self._next
        self._next += 1
        self._open = kind
        out.append(PartStart(self._index, part, self._number))

    def _end(self, out: list[StreamEvent]) -> None:
        if self._open:
            out.append(PartEnd(self._index, self._number))
            self._open = ""


def _beginning(said: str, tag: str) -> int:
    """Return how many characters at the end of `said` may be the beginning of `tag`."""
    for size in range(min(len(said), len(tag) - 1), 0, -1):
        if said.endswith(tag[:size]):
            return size
    return 0
