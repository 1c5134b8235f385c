"""Settles for the dead: what a killed process had reserved is charged as an estimate, and marked.

A process is dead when its lease ran out, or when it ran on this host and is gone. This process never counts
as dead to itself. Two reapers may work at the same time: a reservation is settled by the one that removes it.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

import trio

from gateway.ledger.processes import host_identity, is_alive
from storage.database import Lane
from storage.errors import DatabaseUnavailable, Retryable, StorageError
from storage.repositories.ledger_leases import forget_replica, read_orphans, read_replicas, reap

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateway.observe.types import Journal
    from storage.database import Database
    from storage.repositories.ledger_leases import Replica
    from storage.repositories.ledger_ops import Reap

INTERVAL_S = 10.0
_BATCH = 100


class Reaper:
    """Service: looks for dead processes at the start and every `interval_s`."""

    name = "reaper"

    def __init__(
        self,
        database: Database,
        *,
        replica_id: str,
        journal: Journal,
        logs_elsewhere: bool = False,
        interval_s: float = INTERVAL_S,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self.reaped = 0
        """How many reservations this reaper has settled."""
        self._database = database
        self._replica_id = replica_id
        self._journal = journal
        self._outbox = logs_elsewhere
        self._interval_s = interval_s
        self._now_ms = now_ms
        self._refused: set[str] = set()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Settle what the past left behind, report started, and go on looking until cancelled."""
        await self._round()
        task_status.started()
        while True:
            await trio.sleep(self._interval_s)
            await self._round()

    async def aclose(self) -> None:
        """Nothing is owed: what is not settled now is settled by the next one."""

    async def reap(self) -> int:
        """Settle for all who are dead now and return how many reservations that were. Raises `StorageError`."""
        replicas = await self._database.read(read_replicas, lane=Lane.LEDGER)
        host = host_identity()
        count = 0
        for replica in replicas:
            if replica.replica_id == self._replica_id:
                continue
            if replica.expired or (replica.host == host and not is_alive(replica.process)):
                count += await self._reap_replica(replica)
        return count

    async def _round(self) -> None:
        try:
            await self.reap()
        except StorageError as error:
            self._journal.event("warning", "reaper.failing", f"looking for abandoned reservations failed: {error}")

    async def _reap_replica(self, replica: Replica) -> int:
        count = 0
        try:
            while True:
                read = partial(read_orphans, replica_id=replica.replica_id, limit=_BATCH, skip=sorted(self._refused))
                ops = await self._database.read(read, lane=Lane.LEDGER)
                if not ops:
                    break
                settled = await self._settle(ops, replica)
                if settled is None:
                    return count
                count += settled
        finally:
            # What is settled is told, whether the rest could be or not.
            if count:
                self.reaped += count
                self._journal.event(
                    "warning",
                    "ledger.reaped",
                    "requests of an interrupted process were settled by estimate",
                    replica=replica.replica_id,
                    requests=count,
                )
        await self._database.write(partial(forget_replica, replica=replica), lane=Lane.LEDGER)
        return count

    async def _settle(self, ops: Sequence[Reap], replica: Replica) -> int | None:
        """Settle `ops`, one by one if the database refuses them together. `None`: the process lives."""
        work = partial(reap, ops=ops, replica=replica, now_ms=self._now_ms(), outbox=self._outbox)
        try:
            return await self._database.write(work, lane=Lane.LEDGER)
        except (DatabaseUnavailable, Retryable):
            # The next round tries again.
            raise
        except (StorageError, ValueError) as error:
            if len(ops) == 1:
                self._refused.add(ops[0].request_id)
                self._journal.event(
                    "error",
                    "reaper.refused",
                    f"an abandoned reservation cannot be settled: {error}",
                    request_id=ops[0].request_id,
                )
                return 0
        count = 0
        for op in ops:
            settled = await self._settle([op], replica)
            if settled is None:
                return None
            count += settled
        return count
