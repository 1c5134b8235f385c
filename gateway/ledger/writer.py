"""The one task that writes the books: it groups what relays ask for into few transactions.

Whatever waits when the previous transaction ends goes into the next, so that batches grow with load and
nobody waits for one to fill. A batch that the database cannot take now is tried again; one that it refuses is
halved until the faulty item stands alone, and a faulty settlement is parked.

The queue has no limit of its own. A relay waits for each of its items, so there are at most as many as relays
run, plus one release for each reservation whose caller left; while the database is away, reservations leave
at their deadline and only settlements stay.
"""

from __future__ import annotations

import time
from collections import deque
from itertools import count
from random import Random
from typing import TYPE_CHECKING

import trio

from gateway.ledger.items import Item, Stage, late, refusal, release_of
from gateway.ledger.transactions import LedgerStats, Transactions
from gateway.ledger.types import DuplicateRequest, ReservationGone, Unavailable
from storage.errors import StorageError
from storage.repositories.ledger_ops import Amend, Outcome, Reserve, Settle, Verdict
from storage.repositories.ledger_rows import seed_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.ledger.items import WriterOp
    from gateway.ledger.types import Reservation, Settlement
    from gateway.observe.types import Journal
    from storage.database import Database

# Beyond this a transaction holds its locks too long; 100 bring most of the gain.
MAX_BATCH = 256
_LAST_FLUSH_S = 5.0


class LedgerWriter:
    """The books of this process; implements `gateway.ledger.types.Ledger` and the process tree's `Service`."""

    name = "ledger"

    def __init__(
        self,
        database: Database,
        *,
        replica_id: str,
        journal: Journal,
        logs_elsewhere: bool = False,
        reserve_limit_s: float = 5.0,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        rng: Random | None = None,
    ) -> None:
        """`replica_id` must have its lease before the first reservation. `logs_elsewhere`: `LOG_SQL_DSN` is set."""
        self.stats = LedgerStats()
        self._replica_id = replica_id
        self._journal = journal
        self._reserve_limit_s = reserve_limit_s
        self._transactions = Transactions(
            database=database,
            journal=journal,
            outbox=logs_elsewhere,
            now_ms=now_ms,
            rng=rng or Random(),  # noqa: S311 - spreads retries, nothing secret
            stats=self.stats,
            answer=self._answer,
            refuse=self._refuse,
        )
        self._queue: deque[Item] = deque()
        self._wake = trio.Event()
        self._held: dict[str, tuple[int, int]] = {}
        self._numbers = count(1)
        self._closing = False
        self._stopped = trio.Event()

    @property
    def backlog(self) -> int:
        """How many items wait."""
        return len(self._queue)

    async def reserve(self, reservation: Reservation) -> None:
        """See `Ledger.reserve`."""
        if reservation.request_id in self._held:
            raise DuplicateRequest("the request id is in use")
        op = Reserve(
            request_id=reservation.request_id,
            replica_id=self._replica_id,
            user_id=reservation.user_id,
            token_id=reservation.token_id,
            channel_id=reservation.channel_id,
            model=reservation.model,
            units=reservation.units,
            log_seed=seed_text(reservation.log_seed),
        )
        await self._ask(op)

    async def amend(self, request_id: str, *, channel_id: int, add_units: int) -> None:
        """See `Ledger.amend`."""
        account = self._held.get(request_id)
        if account is None:
            raise ReservationGone("there is no such reservation")
        user_id, token_id = account
        op = Amend(
            request_id=request_id,
            user_id=user_id,
            token_id=token_id,
            channel_id=channel_id,
            add_units=add_units,
            number=next(self._numbers),
        )
        await self._ask(op)

    async def settle(self, settlement: Settlement) -> None:
        """See `Ledger.settle`."""
        op = Settle(
            request_id=settlement.request_id,
            user_id=settlement.user_id,
            token_id=settlement.token_id,
            channel_id=settlement.channel_id,
            units=settlement.units,
            counted=settlement.counted,
            log=settlement.log,
            trace=settlement.trace,
        )
        item = self._put(op)
        await item.done.wait()
        if item.error is not None:
            raise item.error

    def leave(self, request_id: str) -> None:
        """See `Ledger.leave`. The reservation stays in the books."""
        self._held.pop(request_id, None)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Write until `aclose`, then write what is left and return.

        Cancelled: the transaction under way ends first, then one last try is made for what waits, within 5 seconds.
        """
        task_status.started()
        try:
            while self._queue or not self._closing:
                if not self._queue:
                    self._wake = trio.Event()
                    await self._wake.wait()
                await self._commit()
                if self._transactions.failures:
                    await self._transactions.pause()
        finally:
            self._closing = True
            with trio.move_on_after(_LAST_FLUSH_S, shield=True):
                while self._queue and not self._transactions.failures:
                    await self._commit()
            self._stop()

    async def aclose(self) -> None:
        """Take no more reservations, write what waits, and return when `run` has; the caller bounds this."""
        self._closing = True
        self._wake.set()
        await self._stopped.wait()

    # --- the queue

    async def _ask(self, op: Reserve | Amend) -> None:
        """Queue `op` and wait for its answer, at most `reserve_limit_s`."""
        if self._closing:
            raise Unavailable("the ledger is closing")
        item = self._put(op)
        answered = False
        try:
            with trio.move_on_after(self._reserve_limit_s):
                await item.done.wait()
                answered = True
        finally:
            if not answered:
                self._abandon(item)
        if not answered:
            raise late()
        if item.error is not None:
            raise item.error

    def _abandon(self, item: Item) -> None:
        """Note that the caller left. Its answer may have come in the very moment that it was cancelled."""
        item.abandoned = True
        if item.done.is_set() and item.error is None:
            self._undo(item)

    def _undo(self, item: Item) -> None:
        if isinstance(item.op, Reserve):
            self.stats.released += 1
            self._held.pop(item.op.request_id, None)
            self._put(release_of(item.op))

    def _put(self, op: WriterOp) -> Item:
        item = Item(op)
        if self._stopped.is_set():
            self._give_up([item])
            return item
        self._queue.append(item)
        self._wake.set()
        return item

    def _take(self) -> list[Item]:
        """Return the next batch. Abandoned reservations are left out, or undone if they may have been stored."""
        batch: list[Item] = []
        while self._queue and len(batch) < MAX_BATCH:
            item = self._queue.popleft()
            if item.abandoned and not isinstance(item.op, Settle):
                if item.in_doubt and isinstance(item.op, Reserve):
                    batch.append(Item(release_of(item.op)))
                continue
            if item.stage is not Stage.BATCHED:
                # Faulty ones go alone.
                if batch:
                    self._queue.appendleft(item)
                    return batch
                return [item]
            batch.append(item)
        return batch

    def _put_back(self, items: list[Item]) -> None:
        self._queue.extendleft(reversed(items))

    # --- the books

    async def _commit(self) -> None:
        """Store the next batch; what the database cannot take now goes back to the queue's head."""
        batch = self._take()
        if batch:
            self._put_back(await self._transactions.store(batch))

    def _answer(self, item: Item, outcome: Outcome) -> None:
        op = item.op
        error = refusal(outcome)
        if isinstance(op, Settle):
            self._held.pop(op.request_id, None)
            self.stats.late += outcome.verdict is Verdict.LATE
            if item.stage is not Stage.BATCHED:
                self.stats.parked += 1
                self._journal.event(
                    "error", "ledger.parked", "a settlement was refused and is parked", request_id=op.request_id
                )
        elif isinstance(op, Reserve) and error is None:
            if item.abandoned:
                self._undo(item)
            else:
                self._held[op.request_id] = (op.user_id, op.token_id)
        item.finish(error)

    def _refuse(self, item: Item, error: Exception) -> None:
        """Deal with an item that the database, or common sense, refuses on its own."""
        self.stats.refused += 1
        reason = f"{type(error).__name__}: {error}" if isinstance(error, StorageError | ValueError) else repr(error)
        if isinstance(item.op, Settle) and item.stage is not Stage.PARK:
            item.stage = Stage(item.stage + 1)
            item.fault = item.fault or reason
            self._put_back([item])
            return
        self._journal.event(
            "error", "ledger.refused", f"the ledger cannot store this: {reason}", request_id=item.op.request_id
        )
        if isinstance(item.op, Settle):
            self._held.pop(item.op.request_id, None)
        item.finish(Unavailable("the database refused this"))

    def _stop(self) -> None:
        self._stopped.set()
        self._give_up(list(self._queue))
        self._queue.clear()

    def _give_up(self, items: list[Item]) -> None:
        """Answer what cannot be written any more."""
        left = sum(isinstance(item.op, Settle) for item in items)
        if left:
            self._journal.event(
                "error",
                "ledger.unwritten",
                "settlements could not be written; the next start settles them by estimate",
                requests=left,
            )
        for item in items:
            item.finish(Unavailable("the ledger has stopped"))
