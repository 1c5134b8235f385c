"""Telling owners that their quota runs low, once each time it falls below the threshold.

Reservations only leave a name here; the balances are read together every few seconds, off the way of relays.
What was told is a row, so several processes and restarts do not tell it twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from gateway.accounts.clock import now_ms
from gateway.accounts.preferences import mail_languages
from gateway.mail.letters import quota_letter
from gateway.mail.smtp import NotConfigured
from storage.errors import StorageError
from storage.repositories import reminders

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from gateway.ledger.types import Ledger, Reservation, Settlement
    from gateway.mail.courier import Courier
    from gateway.mail.letters import Language
    from gateway.services import Services
    from storage.repositories.reminders import Balance

EVERY_S = 5.0
# In one statement; the engines bear at least this many values.
_AT_ONCE = 500
_MOST_KNOWN = 100_000


class QuotaReminder:
    """Service: mails owners whose balance fell below `QuotaRemindThreshold`, or to nothing."""

    name = "quota-reminder"

    def __init__(self, services: Services, courier: Courier, *, every_s: float = EVERY_S) -> None:
        self._services = services
        self._courier = courier
        self._every_s = every_s
        self._active: set[int] = set()
        self._has_enough: set[int] = set()
        """Seen with enough, and the row of an earlier reminder removed."""
        self._something = trio.Event()

    def reserved(self, user_id: int) -> None:
        """Note that somebody's balance went down. Never waits, never raises."""
        self._active.add(user_id)
        self._something.set()

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Look after balances until cancelled."""
        task_status.started()
        while True:
            await self._something.wait()
            await trio.sleep(self._every_s)
            self._something = trio.Event()
            active, self._active = sorted(self._active), set()
            for start in range(0, len(active), _AT_ONCE):
                try:
                    await self._look(active[start : start + _AT_ONCE])
                except StorageError as error:
                    # Whoever goes on spending is looked at again.
                    self._services.journal.event("warning", "quota.unread", f"balances were not looked at: {error}")

    async def aclose(self) -> None:
        """Nothing is owed: a balance that is still low is told with the next request."""

    async def _look(self, user_ids: Sequence[int]) -> None:
        options = self._services.registry.current.options
        threshold = options.integer("QuotaRemindThreshold")
        found = await self._services.database.read(lambda conn: reminders.balances(conn, user_ids))
        low = [one for one in found if not one.is_unlimited and (one.quota < threshold or one.quota <= 0)]
        enough = {one.user_id for one in found} - {one.user_id for one in low}
        recovered = enough - self._has_enough
        self._has_enough -= {one.user_id for one in low}
        if low or recovered:
            low = await self._services.database.write(lambda conn: _note(conn, low, recovered))
        if len(self._has_enough) > _MOST_KNOWN:
            self._has_enough.clear()
        self._has_enough |= enough
        if low:
            known = await mail_languages(self._services, [one.user_id for one in low])
            for one in low:
                self._tell(one, known[one.user_id])

    def _tell(self, one: Balance, language: Language) -> None:
        options = self._services.registry.current.options
        try:
            self._courier.check_configured()
        except NotConfigured:
            return
        if one.email:
            letter = quota_letter(
                language,
                site=options.text("SystemName"),
                name=one.username,
                left=options.money(max(one.quota, 0)),
                is_empty=one.quota <= 0,
                link=options.text("TopUpLink"),
            )
            self._courier.post(one.email, letter)


def _note(conn: Connection, low: list[Balance], recovered: set[int]) -> list[Balance]:
    """Store who has enough again, and return those of `low` who were not told yet."""
    if recovered:
        reminders.forget(conn, recovered)
    return [one for one in low if reminders.note(conn, one.user_id, now_ms=now_ms())]


class ReservationWatch:
    """A ledger that also tells the reminder of each reservation; for the relay, in place of the ledger."""

    def __init__(self, ledger: Ledger, reminder: QuotaReminder) -> None:
        self._ledger = ledger
        self._reminder = reminder

    async def reserve(self, reservation: Reservation) -> None:
        """See `Ledger.reserve`."""
        await self._ledger.reserve(reservation)
        self._reminder.reserved(reservation.user_id)

    async def amend(self, request_id: str, *, channel_id: int, add_units: int) -> None:
        """See `Ledger.amend`."""
        await self._ledger.amend(request_id, channel_id=channel_id, add_units=add_units)

    async def settle(self, settlement: Settlement) -> None:
        """See `Ledger.settle`."""
        await self._ledger.settle(settlement)
        self._reminder.reserved(settlement.user_id)

    def leave(self, request_id: str) -> None:
        """See `Ledger.leave`."""
        self._ledger.leave(request_id)
