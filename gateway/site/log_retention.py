"""Deletes log entries and recorded messages that are older than the operator wants to keep them."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Final

import trio

from gateway.accounts.history import count_before, forget_before
from gateway.audit.author import PROGRAM
from storage.errors import StorageError
from storage.repositories import messages

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.services import Services

INTERVAL_S: Final = 3600.0
_DAY_S: Final = 86_400
# They are long; a charge that waits for SQLite's only writer shall hardly notice.
_MESSAGES_AT_ONCE: Final = 50
_BREATH_S: Final = 0.01


class LogRetention:
    """Service: looks once an hour. The log stays while `LogRetentionDays` is 0."""

    name = "log-retention"

    def __init__(
        self, services: Services, *, interval_s: float = INTERVAL_S, now_s: Callable[[], float] = time.time
    ) -> None:
        self._services = services
        self._interval_s = interval_s
        self._now_s = now_s

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Tidy up again and again until cancelled."""
        task_status.started()
        while True:
            try:
                await self.tidy()
            except StorageError as error:
                self._services.journal.event("warning", "logs.kept", f"old log entries stay for now: {error}")
            try:
                await self.tidy_messages()
            except StorageError as error:
                self._services.journal.event("warning", "messages.kept", f"old recordings stay for now: {error}")
            await trio.sleep(self._interval_s)

    async def aclose(self) -> None:
        """Nothing is owed."""

    async def tidy(self) -> int:
        """Delete what is too old and return how many entries that was. Raises `StorageError`."""
        days = self._services.registry.current.options.integer("LogRetentionDays")
        if not days:
            return 0
        # Whole days, so that sums by hour and day go together with their entries. The second before, since sums that
        # hold the moment go, too.
        moment = int(self._now_s()) // _DAY_S * _DAY_S - days * _DAY_S - 1
        if moment <= 0 or not await count_before(self._services, moment):
            return 0
        count = await forget_before(self._services, PROGRAM, moment)
        self._services.journal.event("info", "logs.deleted", f"{count} log entries were older than {days} days")
        return count

    async def tidy_messages(self) -> int:
        """Delete recorded messages that are too old, whether or not more come. Raises `StorageError`."""
        days = self._services.registry.current.options.integer("MessageRetentionDays")
        work = partial(
            messages.delete_before,
            before_ms=int((self._now_s() - days * _DAY_S) * 1000),
            limit=_MESSAGES_AT_ONCE,
        )
        count = 0
        while gone := await self._services.database.write(work):
            count += gone
            await trio.sleep(_BREATH_S)
        return count
