"""The last records of this process, for people who look at them in a browser."""

from __future__ import annotations

from collections import deque
from itertools import count
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from gateway.observe.records import Record
    from gateway.observe.redact import Redactor

KEPT: Final = 300
"""Records: some hundred kilobytes."""


class Tail:
    """Keeps the last records, numbered from 1. `put` may be called from any thread, and never waits."""

    def __init__(self, redactor: Redactor, *, kept: int = KEPT) -> None:
        self._redactor = redactor
        self._records: deque[tuple[int, Record]] = deque(maxlen=kept)
        self._numbers = count(1)

    def put(self, record: Record) -> None:
        """Keep a record; the oldest goes."""
        self._records.append((next(self._numbers), record))

    def after(self, number: int, *, most: int) -> list[tuple[int, Record]]:
        """Return the last records that came after `number`, at most `most`, with secrets masked."""
        # Copied at once: another thread may put one in meanwhile.
        found = [(at, record) for at, record in tuple(self._records) if at > number][-most:]
        return [(at, self._redactor.record(record)) for at, record in found]
