"""Stores how requests ended, a moment later and many at once, so that no client waits for it.

Nothing here is money. What does not fit the buffer while the database is away is dropped, oldest first, said once
and counted; a process that is killed loses what waited. Rows older than a month are deleted.
"""

from __future__ import annotations

import time
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Protocol

import trio

from gateway.write_behind import WriteBehind
from storage.errors import DatabaseUnavailable, Retryable, StorageError
from storage.repositories import requests

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

    from gateway.observe.types import Journal
    from storage.database import Database
    from storage.repositories.requests import FailedAttempt, FinishedRequest

# Pages show a request this much later; every write is a transaction, which SQLite syncs to disk.
FLUSH_S = 0.5
MOST_AT_ONCE = 500
BUFFERED = 20_000
RETRY_S = 2.0
LAST_FLUSH_S = 5.0
KEPT_DAYS = 30
TIDY_S = 3600.0
_DAY_MS = 86_400_000
_TIDIED_AT_ONCE = 250
_BREATH_S = 0.01


class Recorder(Protocol):
    """Where relays tell how they ended. Never waits and never raises."""

    def note(self, request: FinishedRequest, failures: Sequence[FailedAttempt]) -> None:
        """Remember a request and its attempts that failed."""


class Nowhere:
    """Remembers nothing."""

    def note(self, request: FinishedRequest, failures: Sequence[FailedAttempt]) -> None:
        """Do nothing."""


class RequestRecorder:
    """Service: writes what was noted."""

    name = "request-recorder"

    def __init__(
        self,
        database: Database,
        *,
        journal: Journal,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._database = database
        self._journal = journal
        self._now_ms = now_ms
        self._waiting: deque[tuple[FinishedRequest, Sequence[FailedAttempt]]] = deque(maxlen=BUFFERED)
        self._writing = WriteBehind(self._waiting, self._flush, delay_s=FLUSH_S, retry_s=RETRY_S, last_s=LAST_FLUSH_S)
        self._complained = False
        self.dropped = 0
        """Requests that were forgotten since the start."""

    def note(self, request: FinishedRequest, failures: Sequence[FailedAttempt]) -> None:
        """See `Recorder.note`."""
        if len(self._waiting) == BUFFERED:
            self.dropped += 1
        self._waiting.append((request, failures))
        self._writing.wake()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Write until `aclose`, then write what is left and return."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._tidy)
            await self._writing.run(task_status=task_status)
            nursery.cancel_scope.cancel()

    async def aclose(self) -> None:
        """Return when everything is written that can be."""
        await self._writing.aclose()

    async def _flush(self) -> bool:
        """Write the oldest; `False` when the database is away."""
        batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_AT_ONCE))]
        if not batch:
            return True
        rows = [request for request, _ in batch]
        failures = [failure for _, failed in batch for failure in failed]
        try:
            await self._database.write(lambda conn: requests.add(conn, rows, failures))
        except (DatabaseUnavailable, Retryable) as error:
            self._complain(f"requests are kept in memory for now: {error}")
            if isinstance(error, DatabaseUnavailable) and error.in_doubt:
                # They may be stored: better to miss a few than to show them twice.
                self.dropped += len(batch)
                return False
            room = BUFFERED - len(self._waiting)
            self.dropped += max(len(batch) - room, 0)
            self._waiting.extendleft(reversed(batch[-room:] if room else []))
            return False
        except StorageError as error:
            self.dropped += len(batch)
            self._complain(f"{len(batch)} requests could not be remembered: {error}")
            return True
        self._complained = False
        return True

    def _complain(self, text: str) -> None:
        if not self._complained:
            self._journal.event("warning", "requests.unrecorded", text)
        self._complained = True

    async def _tidy(self) -> None:
        while True:
            before_ms = self._now_ms() - KEPT_DAYS * _DAY_MS
            works: list[Callable[[Connection], int]] = [
                partial(requests.delete_requests, before_ms=before_ms, limit=_TIDIED_AT_ONCE),
                partial(requests.delete_attempts, before_ms=before_ms, limit=_TIDIED_AT_ONCE),
            ]
            try:
                for work in works:
                    while True:
                        if not await self._database.write(work):
                            break
                        await trio.sleep(_BREATH_S)
            except StorageError as error:
                self._journal.event("warning", "retention.failing", f"old requests stay for now: {error}")
            await trio.sleep(TIDY_S)
