"""Sums the log up by hour and day, so that a chart of a month reads hundreds of rows and not a million.

An hour is summed up a minute after it is over; the hour that runs is always read from the log itself. What is summed
up is one stretch of time without gaps, which grows at both ends: forwards with the clock, backwards until the oldest
entry of a log that was there before. Entries that come late (a reservation that was settled by the reaper, a log on
its way to another database) are noticed by comparing the sums of the last two days with the log.

Tokens are summed up by day alone: there are so many that their hours would be as long as the log. For questions that
none of the sums answers, the log is kept a second time by quarters of an hour, narrower (`gw_tallies`); all else is
summed up from that.

Two processes at this at once do no harm: an hour is always written whole.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

import trio

from storage.errors import StorageError
from storage.repositories import tallies, usage_rolled, usage_rows
from storage.repositories.tallies import Fate
from storage.repositories.usage import DAY, HOUR, Buckets, Only, Sums

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from sqlalchemy import Connection

    from gateway.observe.types import Journal
    from storage.database import Database
    from storage.repositories.tallies import Charge

EVERY_S = 60.0
# By then the last requests of an hour are settled and remembered, save for a few.
SETTLED_S = 60
COMPARED_S = 48 * HOUR
COMPARE_EVERY = 10
"""In rounds."""
LONGEST_S = 400 * DAY
"""Hours are kept for so long, days for good."""
_BREATH_S = 0.005
_ANYBODY = Only()
_UNKNOWN = Fate()
# Entries of a log elsewhere that are looked up together.
_AT_ONCE = 500
# A log shorter than this is summed up before anybody notices.
_LONG_S = 3 * HOUR


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
        for start in range(end, closed, HOUR):
            await self._sum_up(start)
        # Backwards: what is known must never have a gap.
        for start in reversed(range(begin, first, HOUR)):
            await self._sum_up(start)
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
            lambda conn: usage_rows.from_log(conn, by="", spans=[(since, until)], buckets=hours, only=_ANYBODY)
        )
        known = await self._database.read(lambda conn: usage_rolled.rolled_totals(conn, since, until))
        count = 0
        for start in range(since, until, HOUR):
            sums = found.get(((start - since) // HOUR, ""), Sums())
            if known.get(start) != (sums.requests, sums.units):
                await self._sum_up(start)
                count += 1
        return count

    async def _sum_up(self, start: int) -> None:
        """Sum up the hour from `start`, and with it the day of UTC whose hours are all known then."""
        end = start + HOUR
        rows = await self._database.read(partial(_from_requests, start, end))
        elsewhere: list[tuple[Charge, Fate]] | None = None
        if self._logs is not self._database:
            elsewhere = [pair async for pair in charges_elsewhere(self._logs, self._database, start, end)]

        def store(conn: Connection) -> None:
            tallies.forget(conn, start, end)
            if elsewhere is None:
                tallies.store_charged(conn, start, end)
            else:
                tallies.store(conn, elsewhere)
            tallies.store_uncharged(conn, start, end)
            usage_rolled.sum_up_hour(conn, start, rows)
            # At once: whoever reads takes a day whose hours are all there for one that is summed up.
            first, last = usage_rolled.rolled_hours(conn)
            day = start - start % DAY
            if first <= day and day + DAY <= last:
                usage_rolled.sum_up_day(conn, day)

        await self._database.write(store)
        await trio.sleep(_BREATH_S)


async def charges_elsewhere(
    log_database: Database, database: Database, since: int, until: int
) -> AsyncIterator[tuple[Charge, Fate]]:
    """Give the charges of a span from a log of its own, each with what is known of its request."""
    after = 0
    while True:
        found = await log_database.read(
            partial(tallies.charges, since=since, until=until, after=after, limit=_AT_ONCE)
        )
        ids = [one.request_id for _number, one in found if one.request_id]
        fates = await database.read(partial(tallies.fates, request_ids=ids)) if ids else {}
        for _number, one in found:
            yield one, fates.get(one.request_id, _UNKNOWN)
        if len(found) < _AT_ONCE:
            return
        after = found[-1][0]


async def counted_share(database: Database, log_database: Database, *, now_s: float | None = None) -> float | None:
    """Return what part of the log is summed up; `None` when all of it is."""
    now_s = time.time() if now_s is None else now_s
    oldest = await log_database.read(usage_rolled.first_charge)
    first, end = await database.read(usage_rolled.rolled_hours)
    begin = max(oldest - oldest % HOUR, int(now_s) - LONGEST_S)
    if not oldest or now_s - oldest < _LONG_S or (end and first <= begin + HOUR):
        return None
    return (end - first) / (now_s - begin) if end else 0.0


def _from_requests(since: int, until: int, conn: Connection) -> list[tuple[str, str, Sums]]:
    """Return counts that are of requests and attempts rather than of charges."""
    rows: list[tuple[str, str, Sums]] = []
    for read in (usage_rows.ends, usage_rows.speeds, usage_rows.attempts):
        found = read(conn, spans=[(since, until)], buckets=Buckets(), only=_ANYBODY)
        rows += [(kind, key, Sums(count)) for kind, counts in found.items() for (_, key), count in counts.items()]
    return rows
