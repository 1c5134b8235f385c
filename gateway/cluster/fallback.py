"""The rule for shared windows that cannot be reached: this process's own window answers, never a refusal.

Said once when it begins and once when it is over, and counted in between.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.cluster.local import LocalWindows

if TYPE_CHECKING:
    from gateway.observe.types import Journal


class Fallback:
    """Local windows, and whether they are what answers now. `store` names the shared one for people."""

    def __init__(self, journal: Journal, *, store: str) -> None:
        self._journal = journal
        self._store = store
        self._windows = LocalWindows()
        self.is_on = False
        self.answers = 0
        """Answers given in place of the shared store since the start."""
        self._answers_before = 0

    def hit(self, key: str, *, limit: int, window_s: float) -> bool:
        """Answer in place of the shared store."""
        self.answers += 1
        return self._windows.hit_now(key, limit=limit, window_s=window_s)

    def has_room(self, key: str, *, limit: int, window_s: float) -> bool:
        """The same for a look, which counts nothing."""
        return self._windows.has_room_now(key, limit=limit, window_s=window_s)

    def begin(self, reason: str) -> None:
        """The shared store failed; said only the first time."""
        if self.is_on:
            return
        self.is_on = True
        self._answers_before = self.answers
        message = f"{self._store} cannot be reached: limits hold per process, other processes hear of changes late"
        self._journal.event("warning", "cluster.degraded", message, reason=reason)

    def end(self) -> None:
        """The shared store answers again."""
        if not self.is_on:
            return
        self.is_on = False
        answers = self.answers - self._answers_before
        message = f"{self._store} is back; {answers} limits were checked without it"
        self._journal.event("info", "cluster.restored", message, answers=answers)
