"""Those who tell people what happens, in one hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.budgets.keeper import BudgetKeeper
    from gateway.lifecycle_types import Service
    from gateway.notify.alerts import Alerts
    from gateway.notify.quota import QuotaReminder
    from gateway.notify.root import RootNotifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Notices:
    """Who tells people what happens."""

    root: RootNotifier
    quota: QuotaReminder
    budgets: BudgetKeeper
    alerts: Alerts | None

    @property
    def services(self) -> list[Service]:
        """Those of them that run."""
        return [self.root, self.quota, self.budgets, *([self.alerts] if self.alerts is not None else [])]
