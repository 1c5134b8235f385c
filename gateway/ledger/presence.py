"""This process's lease: as long as it is renewed, nobody settles for it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import trio

from gateway.ledger.processes import host_identity, process_identity
from storage.database import Lane
from storage.errors import StorageError
from storage.repositories.ledger_leases import Replica, end_lease, renew_lease

if TYPE_CHECKING:
    from gateway.observe.types import Journal
    from storage.database import Database

# Long enough for a restart of the database; reservations of a dead machine stay for as long.
LEASE_S = 30.0
_RETRY_S = 1.0


class Presence:
    """Service: holds the lease of `replica_id`. Must be started before the ledger writer, and closed after it."""

    name = "presence"

    def __init__(self, database: Database, *, replica_id: str, journal: Journal, lease_s: float = LEASE_S) -> None:
        self._database = database
        self._journal = journal
        self._lease_s = lease_s
        self._given_up = False
        self._replica = Replica(replica_id=replica_id, host=host_identity(), process=process_identity())

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Take the lease, then renew it until closed. Raises `StorageError` if it cannot be taken at all."""
        await self._renew()
        task_status.started()
        failing = False
        while True:
            await trio.sleep(_RETRY_S if failing else self._lease_s / 3)
            if self._given_up:
                return
            try:
                had_one = await self._renew()
            except StorageError as error:
                if not failing:
                    self._journal.event("warning", "presence.failing", f"the lease cannot be renewed: {error}")
                failing = True
                continue
            if not had_one:
                self._journal.event(
                    "warning",
                    "presence.lost",
                    "the lease had run out; running requests may have been settled by estimate",
                )
            failing = False

    async def aclose(self) -> None:
        """Give the lease up. What cannot be given up runs out by itself."""
        self._given_up = True
        try:
            await self._database.write(partial(end_lease, replica_id=self._replica.replica_id), lane=Lane.LEDGER)
        except StorageError as error:
            self._journal.event("warning", "presence.failing", f"the lease cannot be given up: {error}")

    async def _renew(self) -> bool:
        work = partial(renew_lease, replica=self._replica, lease_ms=int(self._lease_s * 1000))
        return await self._database.write(work, lane=Lane.LEDGER)
