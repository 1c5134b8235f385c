"""Remembers which channel made a response, for its owner alone.

What a process made it knows at once; a task of its own writes it down, so that other processes and the time after a
restart know it as well, some milliseconds later. While the database is away, what is to be written waits, within
bounds; what is lost then cannot be fetched or gone on from.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Protocol

import trio

from gateway.write_behind import WriteBehind
from storage.database import Lane
from storage.errors import Rejected, StorageError
from storage.repositories import responses
from storage.repositories.responses import response_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.observe.types import Journal
    from storage.database import Database
    from storage.repositories.responses import StoredResponse

MOST_KNOWN = 4096
"""Responses that are kept in memory; the others are looked up."""
MOST_WAITING = 20_000
"""Responses that wait for the database; beyond it the oldest are let go."""
BATCH = 200
RETRY_S = 1.0
LAST_FLUSH_S = 3.0


class ResponseStore(Protocol):
    """Where responses are written down. Every call raises `StorageError`."""

    async def put(self, stored: Sequence[StoredResponse]) -> None:
        """Store, in place of what was known of them."""

    async def find(self, key: str) -> StoredResponse | None:
        """Return what is stored under `key`."""

    async def forget(self, key: str) -> None:
        """Remove what is stored under `key`."""

    async def due(self, *, now_ms: int, limit: int) -> list[StoredResponse]:
        """Return background responses that are to be asked about."""

    async def put_off(self, stored: StoredResponse, *, until_ms: int) -> bool:
        """Ask again later; `False` when somebody else does, or need not any more."""

    async def charged(self, key: str) -> None:
        """Note that a background response is charged."""


class DatabaseResponses:
    """Responses in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, stored: Sequence[StoredResponse]) -> None:
        """See `ResponseStore`."""
        await self._database.write(partial(responses.put, stored=stored), lane=Lane.HOT)

    async def find(self, key: str) -> StoredResponse | None:
        """See `ResponseStore`."""
        return await self._database.read(partial(responses.find, key=key), lane=Lane.HOT)

    async def forget(self, key: str) -> None:
        """See `ResponseStore`."""
        await self._database.write(partial(responses.forget, key=key), lane=Lane.HOT)

    async def due(self, *, now_ms: int, limit: int) -> list[StoredResponse]:
        """See `ResponseStore`."""
        return await self._database.read(partial(responses.due, now_ms=now_ms, limit=limit))

    async def put_off(self, stored: StoredResponse, *, until_ms: int) -> bool:
        """See `ResponseStore`."""
        return await self._database.write(partial(responses.put_off, stored=stored, until_ms=until_ms))

    async def charged(self, key: str) -> None:
        """See `ResponseStore`."""
        await self._database.write(partial(responses.charged, key=key))


class ResponseBook:
    """Service: the memory of responses of this process, and its way to the database."""

    name = "responses"

    def __init__(self, store: ResponseStore, *, journal: Journal) -> None:
        self.store = store
        self._journal = journal
        self._known: dict[str, StoredResponse] = {}
        self._waiting: dict[str, StoredResponse] = {}
        self._lost = 0
        self._is_failing = False
        self._writing = WriteBehind(self._waiting, self._flush, delay_s=0, retry_s=RETRY_S, last_s=LAST_FLUSH_S)

    def note(self, stored: StoredResponse) -> None:
        """Remember `stored` from now on; it is written down soon."""
        key = stored.key
        self._known.pop(key, None)
        self._known[key] = stored
        while len(self._known) > MOST_KNOWN:
            del self._known[next(iter(self._known))]
        self._waiting[key] = stored
        while len(self._waiting) > MOST_WAITING:
            del self._waiting[next(iter(self._waiting))]
            self._lost += 1
        self._writing.wake()

    async def find(self, user_id: int, response_id: str) -> StoredResponse | None:
        """Return a response of this user, `None` if there is none. Raises `StorageError`."""
        key = response_key(user_id, response_id)
        return self._known.get(key) or await self.store.find(key)

    async def charged(self, stored: StoredResponse) -> None:
        """A background response is charged. Raises `StorageError`."""
        done = replace(stored, ask_at=None, pending="")
        for memory in (self._known, self._waiting):
            if stored.key in memory:
                memory[stored.key] = done
        await self.store.charged(stored.key)

    async def forget(self, stored: StoredResponse) -> None:
        """The provider does not keep it any more. Raises `StorageError`."""
        self._known.pop(stored.key, None)
        self._waiting.pop(stored.key, None)
        await self.store.forget(stored.key)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Write down what is noted, until closed."""
        try:
            await self._writing.run(task_status=task_status)
        finally:
            self._lost += len(self._waiting)
            self._tell_lost()

    async def aclose(self) -> None:
        """Write down what waits, within bounds."""
        await self._writing.aclose()

    async def _flush(self) -> bool:
        try:
            await self._write()
        except StorageError as error:
            if not self._is_failing:
                self._journal.event("warning", "responses.failing", f"responses are not written: {error}")
            self._is_failing = True
            return False
        self._is_failing = False
        return True

    async def _write(self) -> None:
        batch = dict(list(self._waiting.items())[:BATCH])
        if not batch:
            return
        try:
            await self.store.put(list(batch.values()))
        except Rejected:
            # One of them is what the database does not take; the others must not wait behind it for ever.
            for stored in batch.values():
                try:
                    await self.store.put([stored])
                except Rejected:
                    self._lost += 1
        for key, stored in batch.items():
            # What was noted again meanwhile waits for its own turn.
            if self._waiting.get(key) is stored:
                del self._waiting[key]
        self._tell_lost()

    def _tell_lost(self) -> None:
        if self._lost:
            self._journal.event("warning", "responses.lost", "responses were not written down", responses=self._lost)
            self._lost = 0
