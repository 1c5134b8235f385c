"""The relay's ledger with an eye on budgets: refuses what they forbid, and counts what is held and charged.

Nothing is done where there are no budgets, and next to nothing for requests that none concerns. Between asking a
budget and counting what a request holds of it nothing waits, so a hundred requests at once do not all see the same
rest.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from gateway.ledger.types import InsufficientQuota, LedgerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.budgets.count import Counts, Full
    from gateway.ledger.types import Ledger, Reservation, Settlement
    from gateway.registry.registry import Registry
    from storage.repositories.budgets import Budget


class BudgetSpent(LedgerError):
    """A budget lets no request in, until it renews in `wait_s` seconds or until others give back what they hold."""

    code = "budget_exhausted"

    def __init__(self, full: Full, *, wait_s: float) -> None:
        super().__init__(f"the budget {full.budget.id} is used up")
        self.full = full
        self.wait_s = wait_s


class Budgets(Protocol):
    """What a relay asks before it does any work."""

    def check(self, *, user_id: int, token_id: int, group: str, running_units: int | None = None) -> None:
        """Raise `BudgetSpent` if a budget forbids another request. Never waits.

        `running_units`: for one that goes on, which has used up that much.
        """


class NoBudgets:
    """Where nobody keeps budgets."""

    def check(self, *, user_id: int, token_id: int, group: str, running_units: int | None = None) -> None:
        """Let everything in."""


class BudgetedLedger:
    """Implements `gateway.ledger.types.Ledger` over another one."""

    def __init__(
        self, ledger: Ledger, *, registry: Registry, counts: Counts, now: Callable[[], float] = time.time
    ) -> None:
        self._ledger = ledger
        self._registry = registry
        self._counts = counts
        self._now = now

    def check(self, *, user_id: int, token_id: int, group: str, running_units: int | None = None) -> None:
        """See `Budgets.check`. Looks at memory alone."""
        index = self._registry.current.budgets
        if not index:
            return
        self._check(index.of(user_id, token_id, group), self._now(), running_units)

    async def reserve(self, reservation: Reservation) -> None:
        """See `Ledger.reserve`. Raises `BudgetSpent`, too; what reserves nothing is free and always let in."""
        index = self._registry.current.budgets
        budgets = index.of(reservation.user_id, reservation.token_id, reservation.group) if index else ()
        if not budgets:
            await self._ledger.reserve(reservation)
            return
        now = self._now()
        if reservation.units:
            self._check(budgets, now)
        # What is free is known as well: where its channel fails, it may go on with one that is not.
        self._counts.hold(reservation.request_id, budgets, reservation.units, now)
        try:
            await self._ledger.reserve(reservation)
        except BaseException:
            self._counts.drop(reservation.request_id)
            raise

    async def amend(self, request_id: str, *, channel_id: int, add_units: int) -> None:
        """See `Ledger.amend`."""
        # Before anything waits, so that whoever asks meanwhile sees it.
        self._counts.grow(request_id, add_units)
        try:
            await self._ledger.amend(request_id, channel_id=channel_id, add_units=add_units)
        except InsufficientQuota:
            self._counts.grow(request_id, -add_units)
            raise
        # Whatever else it raises leaves open whether the books took it; the relay ends then, and gives all back.

    async def settle(self, settlement: Settlement) -> None:
        """See `Ledger.settle`."""
        try:
            await self._ledger.settle(settlement)
        finally:
            # Also when the caller does not wait for the end: the ledger writes it all the same.
            self._counts.settle(settlement.request_id, settlement.units, self._now())

    def leave(self, request_id: str) -> None:
        """See `Ledger.leave`."""
        self._ledger.leave(request_id)
        self._counts.leave(request_id)

    def _check(self, budgets: tuple[Budget, ...], now: float, running_units: int | None = None) -> None:
        full = self._counts.full(budgets, now, running_units=running_units)
        if full is not None:
            raise BudgetSpent(full, wait_s=full.renews_at - now)
