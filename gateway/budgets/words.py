"""What clients and operators are told of budgets: whose, how much in dollars, and until when."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from gateway.budgets.periods import WORDS
from storage.repositories.budgets import GROUP, TOKEN

if TYPE_CHECKING:
    from gateway.budgets.count import Full
    from gateway.registry.options import Options
    from storage.repositories.budgets import Budget


def dollars(options: Options, units: int) -> str:
    """Write quota units as dollars: whole cents, small amounts to the millionth."""
    amount = Decimal(units) / options.number("QuotaPerUnit")
    return f"${amount:.2f}" if amount >= 1 or amount == round(amount, 2) else f"${amount:.6f}"


def name_of(budget: Budget, subject: str) -> str:
    """Name a budget: "the daily budget of the token laptop"."""
    whose = {TOKEN: "token", GROUP: "group"}.get(budget.kind, "user")
    return f"the {WORDS.get(budget.period, budget.period)} budget of the {whose} {subject}"


def refusal_text(full: Full, options: Options, *, token: str, user: str) -> str:
    """Tell a client which budget lets it wait, and how long."""
    budget = full.budget
    subject = {TOKEN: token, GROUP: budget.subject}.get(budget.kind, user)
    what = f"{name_of(budget, subject)} ({dollars(options, budget.hard_units)})"
    if not full.is_spent:
        return f"{what} is held by requests that run now, try again in a few seconds"
    until = datetime.fromtimestamp(full.renews_at, UTC)
    return f"{what} is spent; it renews at {until:%Y-%m-%d %H:%M} UTC"
