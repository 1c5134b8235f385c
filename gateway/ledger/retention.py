"""Keeps what the ledger writes from growing for ever.

Old ledger rows become one opening per account, which leaves every balance explained. Cost rows, traces and
marks of estimates are deleted, and so is the memory of responses that no provider keeps any more, and of signatures
whose loops of tools are long over; sessions that nobody uses, former keys and tokens that were thrown away go as
well. Logs belong to the operator and stay.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import trio

from storage.errors import StorageError
from storage.repositories import (
    audit,
    channel_keys,
    channel_undo,
    responses,
    shadows,
    sign_ins,
    signatures,
    token_extras,
)
from storage.repositories.ledger_upkeep import delete_costs, delete_reaped, delete_traces, fold_ledger

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from gateway.observe.types import Journal
    from storage.database import Database

INTERVAL_S = 3600.0
TRASH_MS = 60_000
"""A token that was thrown away can be taken out of the bin for ten seconds; a minute is for slow networks."""
_DAY_MS = 24 * 3600 * 1000
# A few milliseconds a transaction, so that a charge that waits for SQLite's only writer hardly notices.
_BATCH = 250
# Other writers get their turn in between.
_BREATH_S = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """How many days each kind of row is kept. Costs: 7, as one-api has it."""

    ledger_days: int = 90
    cost_days: int = 7
    trace_days: int = 30
    estimate_days: int = 30
    shadow_days: int = 30
    audit_days: int = 400
    session_days: int = 31
    """A day longer than the cookie lives."""


class Retention:
    """Service: tidies up at the start and every `interval_s`. Two at the same time do no harm."""

    name = "retention"

    def __init__(
        self,
        database: Database,
        *,
        journal: Journal,
        keep: Keep | None = None,
        interval_s: float = INTERVAL_S,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._database = database
        self._journal = journal
        self._keep = keep or Keep()
        self._interval_s = interval_s
        self._now_ms = now_ms

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Tidy up again and again until cancelled."""
        task_status.started()
        while True:
            try:
                await self.tidy()
            except StorageError as error:
                self._journal.event("warning", "retention.failing", f"old rows stay for now: {error}")
            await trio.sleep(self._interval_s)

    async def aclose(self) -> None:
        """Nothing is owed."""

    async def tidy(self) -> int:
        """Fold and delete all that is too old; return how many rows that was. Raises `StorageError`."""
        now_ms, keep = self._now_ms(), self._keep
        works: list[Callable[[Connection], int]] = [
            partial(fold_ledger, before_ms=now_ms - keep.ledger_days * _DAY_MS, limit=_BATCH),
            partial(delete_costs, before_s=(now_ms - keep.cost_days * _DAY_MS) // 1000, limit=_BATCH),
            partial(delete_traces, before_ms=now_ms - keep.trace_days * _DAY_MS, limit=_BATCH),
            partial(delete_reaped, before_ms=now_ms - keep.estimate_days * _DAY_MS, limit=_BATCH),
            partial(shadows.delete_old, before_ms=now_ms - keep.shadow_days * _DAY_MS, limit=_BATCH),
            partial(audit.delete_old, before_ms=now_ms - keep.audit_days * _DAY_MS, limit=_BATCH),
            partial(responses.delete_expired, now_ms=now_ms, limit=_BATCH),
            partial(channel_undo.delete_expired, now_ms=now_ms, limit=_BATCH),
            channel_keys.forget_stray,
            partial(signatures.delete_expired, now_ms=now_ms, limit=_BATCH),
            partial(sign_ins.delete_unseen, before_ms=now_ms - keep.session_days * _DAY_MS, limit=_BATCH),
            partial(token_extras.delete_old_keys, now_s=now_ms // 1000, limit=_BATCH),
            partial(token_extras.empty_trash, before_ms=now_ms - TRASH_MS, now_ms=now_ms, limit=_BATCH),
        ]
        count = 0
        for work in works:
            while True:
                done = await self._database.write(work)
                count += done
                if not done:
                    break
                await trio.sleep(_BREATH_S)
        return count
