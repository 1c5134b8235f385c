"""A database with weather: a real one whose transactions can be held up, refused, or confirmed to nobody."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, TypeVar

import trio

from storage.database import Database, Lane
from storage.errors import DatabaseUnavailable, Retryable

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

T = TypeVar("T")


class Weather(Database):
    """Each write takes the next of `forecast`: `away`, `busy`, `in doubt` (stored, not confirmed), or fair if none."""

    def __init__(self, real: Database) -> None:
        self.dialect = real.dialect
        self._real = real
        self.forecast: deque[str] = deque()
        self.hold: trio.Event | None = None
        """When set to an event, writes wait for it before they begin."""
        self.hold_confirmation: trio.Event | None = None
        """The same, once they are stored."""
        self.when_stored: Callable[[], None] | None = None
        """Called when a write is stored and its caller goes on in the same turn of the loop."""

    async def read(self, work: Callable[[Connection], T], lane: Lane = Lane.CONTROL, *, snapshot: bool = False) -> T:
        return await self._real.read(work, lane, snapshot=snapshot)

    async def write(self, work: Callable[[Connection], T], lane: Lane = Lane.CONTROL) -> T:
        if self.hold is not None:
            await self.hold.wait()
        today = self.forecast.popleft() if self.forecast else "fair"
        if today == "away":
            raise DatabaseUnavailable
        if today == "busy":
            raise Retryable("a test is in the way")
        result = await self._real.write(work, lane)
        if self.hold_confirmation is not None:
            await self.hold_confirmation.wait()
        if today == "in doubt":
            raise DatabaseUnavailable(in_doubt=True)
        if self.when_stored is not None:
            self.when_stored()
        return result
