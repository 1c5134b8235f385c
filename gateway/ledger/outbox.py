"""Carries log rows to the database of `LOG_SQL_DSN`, each exactly once.

A settlement writes its log row into `gw_outbox`, in its own transaction. From there it is stored in the log
database together with its key, and then removed here. After a crash in between it is sent again, and found to
be there by its key. Keys are kept far longer than any sender can be late.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

import trio

from storage.errors import Conflict, Rejected, StorageError
from storage.repositories.ledger_upkeep import (
    delete_delivered,
    deliver,
    prepare_log_database,
    read_outbox,
    remove_delivered,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateway.observe.types import Journal
    from storage.database import Database
    from storage.repositories.ledger_upkeep import Parcel

INTERVAL_S = 1.0
_BATCH = 200
# A sender that read a row and then hung would have to hang for a day to deliver it twice.
_KEEP_KEYS_MS = 24 * 3600 * 1000
_LONGEST_PAUSE_S = 30.0


class Outbox:
    """Service, needed only with `LOG_SQL_DSN`: empties the outbox every `interval_s`.

    Several processes may run it at the same time.
    """

    name = "outbox"

    def __init__(
        self,
        database: Database,
        log_database: Database,
        *,
        journal: Journal,
        interval_s: float = INTERVAL_S,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self.delivered = 0
        """How many rows this process has carried over."""
        self._database = database
        self._log_database = log_database
        self._journal = journal
        self._interval_s = interval_s
        self._now_ms = now_ms
        self._prepared = False
        self._refused: set[str] = set()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Carry rows over until cancelled. A log database that is away is waited for: rows are safe here."""
        task_status.started()
        failures = 0
        while True:
            try:
                await self.empty()
            except StorageError as error:
                failures += 1
                if failures == 1:
                    self._journal.event("warning", "outbox.waiting", f"log rows wait for their database: {error}")
            else:
                if failures:
                    self._journal.event("info", "outbox.recovered", "log rows reach their database again")
                failures = 0
            await trio.sleep(min(self._interval_s * 2 ** min(failures, 10), _LONGEST_PAUSE_S))

    async def aclose(self) -> None:
        """Carry over what the last settlements wrote, if the log database takes it; else the next start does."""
        try:
            await self.empty()
        except StorageError as error:
            self._journal.event("warning", "outbox.waiting", f"log rows stay in the outbox: {error}")

    async def empty(self) -> int:
        """Carry over all that is there and return how many rows. Raises `StorageError`; then the rest stays."""
        if not self._prepared:
            await self._log_database.write(prepare_log_database)
            self._prepared = True
        count = 0
        while True:
            limit = _BATCH + len(self._refused)
            found = await self._database.read(partial(read_outbox, limit=limit))
            parcels = [parcel for parcel in found if parcel.key not in self._refused]
            if not parcels:
                break
            sent = await self._send(parcels)
            if sent:
                await self._database.write(partial(remove_delivered, parcels=sent))
            count += len(sent)
            self.delivered += len(sent)
        await self._forget()
        return count

    async def _send(self, parcels: Sequence[Parcel]) -> Sequence[Parcel]:
        """Deliver `parcels`, one by one if they cannot go together; return those that are there."""
        work = partial(deliver, parcels=parcels, now_ms=self._now_ms())
        try:
            await self._log_database.write(work)
        except Conflict:
            # Another sender brought one in this moment. By now it can be seen.
            await self._log_database.write(work)
        except (Rejected, ValueError) as error:
            return await self._send_apart(parcels, error)
        return parcels

    async def _send_apart(self, parcels: Sequence[Parcel], error: Exception) -> Sequence[Parcel]:
        if len(parcels) == 1:
            self._refused.add(parcels[0].key)
            self._journal.event(
                "error", "outbox.refused", f"the log database refuses a row: {error}", outbox_id=parcels[0].id
            )
            return []
        return [sent for parcel in parcels for sent in await self._send([parcel])]

    async def _forget(self) -> None:
        before = self._now_ms() - _KEEP_KEYS_MS
        while await self._log_database.write(partial(delete_delivered, before_ms=before, limit=_BATCH)) == _BATCH:
            pass
