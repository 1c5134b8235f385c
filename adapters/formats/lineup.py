"""One part behind the other, for formats that let parts overlap."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from adapters.formats.neutral.events import PartEnd, PartStart

if TYPE_CHECKING:
    from collections.abc import Hashable

    from adapters.formats.neutral.events import StreamEvent
    from adapters.formats.neutral.parts import Part


class Slot:
    """A part of the stream. `is_whole` once it ended; the users of `Lineup` note what else came of it."""

    __slots__ = ("has_citations", "has_content", "held", "index", "is_whole")

    def __init__(self, index: int) -> None:
        self.index = index
        self.held: list[StreamEvent] = []
        self.is_whole = False
        self.has_content = False
        self.has_citations = False


class Lineup:
    """Numbers parts as they begin, and lets the events of one go only when those before it are whole.

    What waits is held in memory; it is at most what the provider interleaves. `take` returns what may go.
    """

    __slots__ = ("_choice", "_count", "_line", "_open", "_ready")

    def __init__(self, choice: int = 0) -> None:
        self._choice = choice
        self._count = 0
        self._open: dict[Hashable, Slot] = {}
        self._line: deque[Slot] = deque()
        self._ready: list[StreamEvent] = []

    def start(self, key: Hashable, part: Part) -> Slot:
        """Begin a part; one of the same key ends."""
        self.end(key)
        slot = Slot(self._count)
        self._count += 1
        self._open[key] = slot
        self._line.append(slot)
        self.put(slot, PartStart(slot.index, part, self._choice))
        return slot

    def find(self, key: Hashable) -> Slot | None:
        """Return the open part of this key."""
        return self._open.get(key)

    def put(self, slot: Slot, event: StreamEvent) -> None:
        """Add an event that belongs to a part."""
        if self._line[0] is slot:
            self._ready.append(event)
        else:
            slot.held.append(event)

    def end(self, key: Hashable) -> None:
        """End the part of this key, if it is open."""
        slot = self._open.pop(key, None)
        if slot is None:
            return
        self.put(slot, PartEnd(slot.index, self._choice))
        slot.is_whole = True
        while self._line and self._line[0].is_whole:
            self._line.popleft()
            if self._line:
                self._ready.extend(self._line[0].held)
                self._line[0].held.clear()

    def end_all(self) -> None:
        """End what is still open."""
        for key in list(self._open):
            self.end(key)

    @property
    def count(self) -> int:
        """How many parts there were."""
        return self._count

    def take(self) -> list[StreamEvent]:
        """Return the events that may go now."""
        ready, self._ready = self._ready, []
        return ready
