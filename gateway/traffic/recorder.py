"""Stores how requests ended, a moment later and many at once, so that no client waits for it.

Nothing here is money. What is noted stays in memory until the database has it, once. What does not fit there while
the database is away is dropped, oldest first, said once and counted; a process that is killed loses what waited. Rows
older than a month are deleted.
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
        self._waiting: deque[tuple[FinishedRequest, Sequence[FailedAttempt]]] = deque()
        self._under_way = 0
        """So many of the oldest are being written."""
        self._in_doubt = 0
        """So many of the oldest may be stored already: their COMMIT was not answered."""
        self._singly = 0
        """So many are written one by one, to find the one that the database refuses."""
        self._writing = WriteBehind(self._waiting, self._flush, delay_s=FLUSH_S, retry_s=RETRY_S, last_s=LAST_FLUSH_S)
        self._complained = False
        self.dropped = 0
        """Requests that were forgotten since the start."""

    def note(self, request: FinishedRequest, failures: Sequence[FailedAttempt]) -> None:
        """See `Recorder.note`."""
        if self._writing.is_over:
            self.dropped += 1
            return
        if len(self._waiting) >= BUFFERED:
            # Not one that is being written.
            del self._waiting[self._under_way]
            self._in_doubt -= self._under_way < self._in_doubt
            self._singly -= self._under_way < self._singly
            self.dropped += 1
        self._waiting.append((request, failures))
        self._writing.wake()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Write until `aclose`, then write what is left and return."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._tidy)
            try:
                await self._writing.run(task_status=task_status)
            finally:
                self._forget_rest()
            nursery.cancel_scope.cancel()

    async def aclose(self) -> None:
        """Return when everything is written that can be."""
        await self._writing.aclose()

    async def _flush(self) -> bool:
        """Write the oldest; `False` when the database is away, which leaves them where they are."""
        number = min(len(self._waiting), 1 if self._singly else MOST_AT_ONCE)
        if self._in_doubt:
            # Their transaction alone is repeated.
            number = min(number, self._in_doubt)
        batch = [self._waiting[place] for place in range(number)]
        if not batch:
            return True
        self._under_way = number
        try:
            await self._database.write(partial(_store, batch=batch, looks=bool(self._in_doubt)))
        except (DatabaseUnavailable, Retryable) as error:
            self._complain(f"requests are kept in memory for now: {error}")
            if isinstance(error, DatabaseUnavailable) and error.in_doubt:
                self._in_doubt = max(self._in_doubt, number)
            return False
        except StorageError as error:
            if number > 1:
                self._singly = number
                return True
            self.dropped += 1
            self._complain(f"the request {batch[0][0].request_id} could not be remembered: {error}")
        else:
            self._complained = False
        finally:
            self._under_way = 0
        # Nothing waited since it was written, so that nobody can be cancelled in between.
        for _ in range(number):
            self._waiting.popleft()
        self._singly = max(self._singly - number, 0)
        self._in_doubt = max(self._in_doubt - number, 0)
        return True

    def _forget_rest(self) -> None:
        if self._waiting:
            self.dropped += len(self._waiting)
            self._complained = False
            self._complain(f"{len(self._waiting)} requests could not be remembered before the end")

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


def _store(
    conn: Connection, batch: Sequence[tuple[FinishedRequest, Sequence[FailedAttempt]]], *, looks: bool
) -> None:
    """Write `batch`; with `looks` what is not there yet: a request and its attempts are stored together."""
    there = requests.known(conn, [request.request_id for request, _ in batch]) if looks else frozenset[str]()
    new = [one for one in batch if one[0].request_id not in there]
    requests.add(conn, [request for request, _ in new], [failure for _, failed in new for failure in failed])
