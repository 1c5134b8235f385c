"""The service behind the count: reads the books every two seconds, and tells of limits that were passed.

Every process has it. While there is no budget it does nothing but look whether there is one.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import trio

from gateway.budgets.catching_up import BEHIND_MS, CatchingUp
from gateway.budgets.periods import span_at
from gateway.budgets.words import dollars, name_of
from storage.database import Lane
from storage.errors import StorageError
from storage.repositories import budgets
from storage.repositories.budget_subjects import subjects_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Connection

    from gateway.budgets.count import Counts
    from gateway.cluster.types import Bus
    from gateway.observe.types import Journal
    from gateway.registry.registry import Registry
    from storage.database import Database
    from storage.repositories.budgets import Budget

EVERY_S = 2.0
TOPIC = "budget"
"""Said on the bus when budgets were changed."""


class BudgetKeeper:
    """Service: keeps `counts` at what the books say, theirs of all processes together."""

    name = "budgets"

    def __init__(
        self,
        database: Database,
        *,
        registry: Registry,
        counts: Counts,
        bus: Bus,
        journal: Journal,
        every_s: float = EVERY_S,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._registry = registry
        self._counts = counts
        self._catching_up = CatchingUp(database, journal=journal)
        self._journal = journal
        self._every_s = every_s
        self._now = now
        self._looking = trio.Lock()
        self._changed = trio.Event()
        self._is_failing = False
        bus.subscribe(TOPIC, self._heard)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Look once, so that the first request is measured already, then go on until cancelled."""
        await self._round()
        task_status.started()
        while True:
            with trio.move_on_after(self._every_s):
                await self._changed.wait()
            self._changed = trio.Event()
            await self._round()

    async def aclose(self) -> None:
        """Nothing is owed: all that counts is in the books."""

    async def look(self) -> None:
        """Bring the count up to date and tell of limits that were passed. Raises `StorageError`.

        Cancelled: the count stays as it was.
        """
        async with self._looking:
            if not self._registry.current.budgets and not len(self._counts):
                return
            now = self._now()
            await self._catching_up.go_on(now)
            ended = self._counts.begin_look()
            done = False
            try:
                rows, starts, spent, partly, held = await self._database.read(
                    lambda conn: _read(conn, now), lane=Lane.HOT
                )
                done = True
            finally:
                if not done:
                    self._counts.fail_look(ended)
            self._counts.end_look(
                ended,
                index=self._registry.current.budgets,
                budgets=rows,
                starts=starts,
                spent=spent,
                partly=partly,
                held=held,
                now=now,
            )
            await self._tell(rows, starts, spent)

    def _heard(self, _payload: str) -> None:
        self._changed.set()

    async def _round(self) -> None:
        try:
            await self.look()
        except StorageError as error:
            # What is known goes on being enforced, and what this process spends is counted.
            if not self._is_failing:
                self._journal.event("warning", "budget.unread", f"budgets cannot be compared with the books: {error}")
            self._is_failing = True
        else:
            self._is_failing = False

    async def _tell(self, rows: list[Budget], starts: Mapping[int, int], spent: Mapping[int, int]) -> None:
        for one in rows:
            start, units = starts[one.id], spent[one.id]
            for is_hard, limit, told in (
                (False, one.soft_units, one.soft_told),
                (True, one.hard_units, one.hard_told),
            ):
                if limit and units >= limit and told < start:
                    await self._tell_of(one, start, is_hard=is_hard, units=units)

    async def _tell_of(self, budget: Budget, start: int, *, is_hard: bool, units: int) -> None:
        """Write the event, which alerts are sent for, unless another process did."""

        def work(conn: Connection) -> str | None:
            if not budgets.tell(conn, budget.id, hard=is_hard, period_start=start):
                return None
            return subjects_of(conn, [budget])[budget.scope].text

        subject = await self._database.write(work)
        if subject is None:
            return
        options = self._registry.current.options
        limit = dollars(options, budget.hard_units if is_hard else budget.soft_units)
        what = f"{name_of(budget, subject)} has passed its {'hard' if is_hard else 'soft'} limit of {limit}"
        end = "requests are refused until it renews" if is_hard else f"{dollars(options, units)} are spent"
        self._journal.event(
            "warning", "budget.hard" if is_hard else "budget.soft", f"{what}: {end}", budget=budget.id
        )


def _read(
    conn: Connection, now: float
) -> tuple[list[Budget], dict[int, int], dict[int, int], frozenset[int], list[budgets.Held]]:
    """Return the budgets, when their periods began, what is spent, of which not all is known, and what is held."""
    now_ms = int(now * 1000)
    rows = budgets.everything(conn)
    starts = {one.id: span_at(one.period, now).start for one in rows}
    partly = frozenset(one.id for one in rows if budgets.is_far(one, starts, now_ms))
    # Reservations first: what is settled between the two statements counts twice for a moment, never not at all.
    held = budgets.held(conn)
    return rows, starts, spent_so_far(conn, rows, starts, now_ms, roughly=True), partly, held


def spent_so_far(
    conn: Connection, rows: list[Budget], starts: Mapping[int, int], now_ms: int, *, roughly: bool
) -> dict[int, int]:
    """Return what each budget has spent, by id; `roughly`: of those that are far behind at least what is known."""
    far = [one for one in rows if budgets.is_far(one, starts, now_ms)] if roughly else []
    near = [one for one in rows if one not in far]
    return budgets.spent(conn, near, starts, now_ms=now_ms) | budgets.spent_at_least(
        conn, far, starts, recent_ms=now_ms - BEHIND_MS
    )
