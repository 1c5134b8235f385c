"""Statements that took the database long: the worst of them, by what they do, since the process began.

Only the text is kept, in which values are placeholders. Called from the threads that run statements.
"""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

SLOW_S: Final = 0.1
KEPT: Final = 50
_LONGEST: Final = 2000
# Lists of placeholders grow with what is looked for; the statement is the same one.
_PLACES: Final = re.compile(r"\((?:\s*(?:\?|%s|%\(\w+\)s|:\w+)\s*,?)+\)")
_BLANKS: Final = re.compile(r"\s+")


@dataclass(slots=True)
class SlowStatement:
    """One statement. Times in seconds; `last_at` is Unix time."""

    text: str
    count: int = 0
    total_s: float = 0.0
    worst_s: float = 0.0
    last_at: float = 0.0


class SlowStatements:
    """Keeps the `KEPT` statements that took longest at their worst."""

    def __init__(self, *, slow_s: float = SLOW_S, now: Callable[[], float] = time.time) -> None:
        self._slow_s = slow_s
        self._now = now
        self._lock = threading.Lock()
        self._known: dict[str, SlowStatement] = {}

    def note(self, statement: str, seconds: float) -> None:
        """Count a statement if it was slow."""
        if seconds < self._slow_s:
            return
        text = _BLANKS.sub(" ", _PLACES.sub("(…)", statement)).strip()[:_LONGEST]
        with self._lock:
            known = self._known.get(text)
            if known is None:
                known = self._known[text] = SlowStatement(text)
            known.count += 1
            known.total_s += seconds
            known.worst_s = max(known.worst_s, seconds)
            known.last_at = self._now()
            if len(self._known) > KEPT:
                del self._known[min(self._known.values(), key=lambda one: one.worst_s).text]

    def worst(self) -> list[SlowStatement]:
        """Return what is known, the worst first."""
        with self._lock:
            return sorted(self._known.values(), key=lambda one: -one.worst_s)
