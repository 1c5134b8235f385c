"""The parent's half of bus and windows: messages go round to the other workers, windows live here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from gateway.cluster.line import Line
from gateway.cluster.local import LocalWindows
from gateway.cluster.wire import Frame, Hit, Publish, Verdict

if TYPE_CHECKING:
    import socket

    from gateway.observe.types import Journal


class Hub:
    """Connects the workers of one machine."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._windows = LocalWindows()
        self._lines: set[Line] = set()

    async def attend(self, sock: socket.socket) -> None:
        """Serve one worker until it is gone. Owns `sock`."""
        line = Line(sock)
        self._lines.add(line)
        try:
            await line.run(lambda frame: self._on_frame(line, frame))
        except* msgspec.DecodeError as errors:
            self._journal.event("error", "bus.bad_frame", f"a worker does not speak our language: {errors}")
        finally:
            self._lines.discard(line)

    def _on_frame(self, sender: Line, frame: Frame) -> None:
        if isinstance(frame, Hit):
            answer = self._windows.has_room_now if frame.only_looks else self._windows.hit_now
            is_allowed = answer(frame.key, limit=frame.limit, window_s=frame.window_s)
            sender.send(Verdict(frame.number, is_allowed))
        elif isinstance(frame, Publish):
            for line in self._lines - {sender}:
                was_full = line.dropped
                if not line.send(frame) and not was_full:
                    self._journal.event("error", "bus.dropped", "a worker is stuck and misses messages")
