"""Sums the log up by hour and day, so that a chart of a month reads hundreds of rows and not a million.

An hour is summed up a minute after it is over; the hour that runs is always read from the log itself. What is summed
up is one stretch of time without gaps, which grows at both ends: forwards with the clock, backwards until the oldest
entry of a log that was there before. Entries that come late (a reservation that was settled by the reaper, a log on
its way to another database) are noticed by comparing the sums of the last two days with the log.

Tokens are summed up by day alone: there are so many that their hours would be as long as the log.

Two processes at this at once do no harm: an hour is always written whole.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

import trio

from storage.errors import StorageError
from storage.repositories import usage, usage_rolled
from storage.repositories.usage import DAY, HOUR, HOURLY, Buckets, Cells, Only, Sums

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

    from gateway.observe.types import Journal
    from storage.database import Database

EVERY_S = 60.0
# By then the last requests of an hour are settled and remembered, save for a few.
SETTLED_S = 60
COMPARED_S = 48 * HOUR
COMPARE_EVERY = 10
"""In rounds."""
LONGEST_S = 400 * DAY
"""Hours are kept for so long, days for good."""
_BREATH_S = 0.02
_ANYBODY = Only()


class UsageSums:
    """Service: keeps the sums up to date."""

    name = "usage-sums"

    def __init__(
        self, database: Database, logs: Database, *, journal: Journal, now_s: Callable[[], float] = time.time
    ) -> None:
        """`logs` is where the log lives, which may be the same database."""
        self._database = database
        self._logs = logs
        self._journal = journal
        self._now_s = now_s
        self._complained = False

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Sum up again and again until cancelled."""
        task_status.started()
        number = 0
        while True:
            try:
                await self.catch_up()
                if number % COMPARE_EVERY == 0:
                    await self.correct()
                self._complained = False
            except StorageError as error:
                if not self._complained:
                    self._journal.event("warning", "usage.unsummed", f"use is not summed up for now: {error}")
                self._complained = True
            number += 1
            await trio.sleep(EVERY_S)

    async def aclose(self) -> None:
        """Nothing is owed."""

    async def catch_up(self) -> int:
        """Sum up all hours that are over and were not yet; return how many. Raises `StorageError`."""
        closed = int(self._now_s()) - SETTLED_S
        closed -= closed % HOUR
        oldest = await self._logs.read(usage_rolled.first_charge)
        if not oldest:
            return 0
        begin = max(oldest - oldest % HOUR, closed - LONGEST_S)
        first, end = await self._database.read(usage_rolled.rolled_hours)
        if not end:
            first = end = closed
        for since, until in (*_portions(end, closed), *reversed(list(_portions(begin, first)))):
            await self.sum_up(since, until)
        if first < begin and begin == closed - LONGEST_S:
            await self._database.write(lambda conn: usage_rolled.drop_hours(conn, begin))
        return (max(closed - end, 0) + max(first - begin, 0)) // HOUR

    async def correct(self) -> int:
        """Sum the hours of the last two days up anew whose sums are not those of the log; return how many."""
        until = int(self._now_s())
        since = until - until % HOUR - COMPARED_S
        first, end = await self._database.read(usage_rolled.rolled_hours)
        since, until = max(since, first), min(until, end)
        if since >= until:
            return 0
        hours = Buckets(since, HOUR)
        found = await self._logs.read(
            lambda conn: usage.from_log(conn, by="", since=since, until=until, buckets=hours, only=_ANYBODY)
        )
        known = await self._database.read(lambda conn: usage_rolled.rolled_totals(conn, since, until))
        count = 0
        for start in range(since, until, HOUR):
            sums = found.get(((start - since) // HOUR, ""), Sums())
            if known.get(start) != (sums.requests, sums.units):
                await self.sum_up(start, start + HOUR)
                count += 1
        return count

    async def sum_up(self, since: int, until: int) -> None:
        """Sum up the hours from `since` to `until`, which are of one day of UTC, and the day if it is complete."""
        logged = await self._logs.read(partial(_from_log, since, until))
        remembered = await self._database.read(partial(_from_requests, since, until))
        hours: dict[int, list[tuple[str, str, Sums]]] = {start: [] for start in range(since, until, HOUR)}
        for kind, cells in (logged | remembered).items():
            for (number, key), sums in cells.items():
                hours[since + number * HOUR].append((kind, key, sums))
        for number, rows in enumerate(hours.values()):
            if (number, "") not in logged["all"]:
                # The row that says that the hour was looked at.
                rows.append(("all", "", Sums()))

        def store(conn: Connection) -> tuple[int, int]:
            for start, rows in hours.items():
                usage_rolled.store_hour(conn, start, rows)
            return usage_rolled.rolled_hours(conn)

        first, end = await self._database.write(store)
        day = since - since % DAY
        if first <= day and day + DAY <= end:
            await self._sum_up_day(day)
        await trio.sleep(_BREATH_S)

    async def _sum_up_day(self, day: int) -> None:
        until = day + DAY
        tokens = await self._logs.read(
            lambda conn: usage.from_log(conn, by="token", since=day, until=until, buckets=Buckets(), only=_ANYBODY)
        )
        rows = [("token", key, sums) for (_, key), sums in tokens.items()]
        await self._database.write(lambda conn: usage_rolled.store_day(conn, day, rows))


def _portions(since: int, until: int) -> Iterator[tuple[int, int]]:
    """Give the parts of a span that lie in one day of UTC each, oldest first."""
    while since < until:
        following = min(since - since % DAY + DAY, until)
        yield since, following
        since = following


def _from_log(since: int, until: int, conn: Connection) -> dict[str, Cells]:
    def by(kind: str) -> Cells:
        return usage.from_log(conn, by=kind, since=since, until=until, buckets=Buckets(since, HOUR), only=_ANYBODY)

    found = {"all": by("")} | {kind: by(kind) for kind in HOURLY}
    found["took"] = usage.steps_from_log(conn, since=since, until=until, buckets=Buckets(since, HOUR), only=_ANYBODY)
    return found


def _from_requests(since: int, until: int, conn: Connection) -> dict[str, Cells]:
    return {
        "first": usage.first_steps(conn, since=since, until=until, buckets=Buckets(since, HOUR), only=_ANYBODY),
        "outcome": usage.failures(conn, since=since, until=until, buckets=Buckets(since, HOUR), only=_ANYBODY),
    }
