"""The parts that keep budgets, put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.budgets.count import Counts
from gateway.budgets.keeper import BudgetKeeper
from gateway.budgets.ledger import BudgetedLedger

if TYPE_CHECKING:
    from gateway.ledger.types import Ledger
    from gateway.services import Services


def budgeted(services: Services, ledger: Ledger) -> tuple[BudgetedLedger, BudgetKeeper]:
    """Return `ledger` with budgets for relays, and the service that keeps their count."""
    counts = Counts()
    keeper = BudgetKeeper(
        services.database, registry=services.registry, counts=counts, bus=services.bus, journal=services.journal
    )
    return BudgetedLedger(ledger, registry=services.registry, counts=counts), keeper
