"""Storing a batch, whatever the database thinks of it.

What the database cannot take now comes back to the caller after a pause; a batch that it refuses is halved
until the faulty item stands alone; a faulty settlement is parked, with its charge booked if that is possible.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import trio

from gateway.ledger.items import Item, Stage
from storage.database import Lane
from storage.errors import DatabaseUnavailable, Retryable, StorageError, TooSlow
from storage.repositories.ledger_batch import apply
from storage.repositories.ledger_ops import DONE, Outcome, Settle
from storage.repositories.ledger_parked import park

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from sqlalchemy import Connection

    from gateway.observe.types import Journal
    from storage.database import Database

# A batch that stands in others' way this often is halved, so that one locked row does not hold up all.
_TRIES = 3
_FIRST_PAUSE_S = 0.005
_LONGEST_PAUSE_S = 2.0
# Above the time limits of statements and of waiting for SQLite's only writer: reached only if those fail.
_WRITE_LIMIT_S = 90.0


@dataclass(slots=True)
class LedgerStats:
    """What the writer has done since it started."""

    batches: int = 0
    items: int = 0
    repeated_batches: int = 0
    """Tries that ended in a deadlock, a lock not granted, or a database that was away."""
    late: int = 0
    """Settlements that came after an estimate had been booked."""
    released: int = 0
    """Reservations that were given back since their caller had left."""
    parked: int = 0
    refused: int = 0
    """Items that the database refused on their own."""
    flushed_at_ms: int = 0
    """When a transaction was last stored (Unix milliseconds)."""


@dataclass(slots=True, kw_only=True)
class Transactions:
    """The writer's way to the database. `answer` is called for each item that is stored, `refuse` for faulty ones."""

    database: Database
    journal: Journal
    outbox: bool
    now_ms: Callable[[], int]
    rng: Random
    stats: LedgerStats
    answer: Callable[[Item, Outcome], None]
    refuse: Callable[[Item, Exception], None]
    failures: int = 0
    """How many tries in a row the database could not take anything."""

    async def store(self, batch: list[Item]) -> list[Item]:
        """Store `batch`, in as many transactions as its faults make necessary, and return what is left.

        That is empty unless the database cannot take it now; the caller then pauses before its next try. Not cut
        short by cancellation: it never lasts longer than the database's time limits.
        """
        parts = [batch]
        error = await self._store_parts(parts)
        if error is not None:
            self._failed(error)
        return [item for part in reversed(parts) for item in part]

    async def _store_parts(self, parts: list[list[Item]]) -> StorageError | None:
        """Store `parts` from the last to the first, taking each off the list that is dealt with.

        Returns why the database cannot take the rest now.
        """
        tries = 0
        while parts:
            part = parts[-1]
            try:
                outcomes = await self._write(part)
            except (Retryable, DatabaseUnavailable) as error:
                self.stats.repeated_batches += 1
                tries += 1
                if not isinstance(error, Retryable):
                    for item in part:
                        item.doubt()
                if not isinstance(error, Retryable | TooSlow):
                    return error
                if tries >= _TRIES:
                    if len(part) == 1:
                        return error
                    parts[-1:] = _halves(part)
                    tries = 0
                with trio.CancelScope(shield=True):
                    await trio.sleep(self.rng.uniform(0, _FIRST_PAUSE_S))
            except Exception as error:  # noqa: BLE001 - whatever it is, the other items must not suffer for it
                parts[-1:] = _halves(part) if len(part) > 1 else []
                if len(part) == 1:
                    self.refuse(part[0], error)
            else:
                parts.pop()
                tries = 0
                self._recovered()
                self.stats.batches += 1
                self.stats.items += len(part)
                self.stats.flushed_at_ms = self.now_ms()
                for item, outcome in zip(part, outcomes, strict=True):
                    self.answer(item, outcome)
        return None

    async def _write(self, part: list[Item]) -> list[Outcome]:
        """Run one transaction. Shielded: what was stored must be known to be stored."""
        now_ms = self.now_ms()
        first = part[0]
        if first.stage is Stage.BATCHED or not isinstance(first.op, Settle):
            work = partial(apply, ops=[item.op for item in part], now_ms=now_ms, outbox=self.outbox)
        else:
            work = partial(self._park, op=first.op, fault=first.fault, stage=first.stage, now_ms=now_ms)
        with trio.move_on_after(_WRITE_LIMIT_S, shield=True):
            return await self.database.write(work, lane=Lane.LEDGER)
        raise DatabaseUnavailable("no turn for the ledger's transaction")

    def _park(self, conn: Connection, op: Settle, fault: str, stage: Stage, now_ms: int) -> list[Outcome]:
        park(conn, op, error=fault, now_ms=now_ms, outbox=self.outbox, with_money=stage is Stage.PARK_PRICED)
        return [DONE]

    async def pause(self) -> None:
        """Wait before the next try, longer each time, each process its own while."""
        longest = min(_FIRST_PAUSE_S * 2 ** min(self.failures, 16), _LONGEST_PAUSE_S)
        await trio.sleep(self.rng.uniform(longest / 2, longest))

    def _failed(self, error: StorageError) -> None:
        self.failures += 1
        if self.failures == 1:
            self.journal.event("warning", "ledger.waiting", f"the ledger waits for the database: {error}")

    def _recovered(self) -> None:
        if self.failures:
            self.failures = 0
            self.journal.event("info", "ledger.recovered", "the ledger writes again")


def _halves(part: list[Item]) -> list[list[Item]]:
    """Return the halves of `part`, the one to do first at the end."""
    middle = (len(part) + 1) // 2
    return [part[middle:], part[:middle]]
