"""What one account or one token spent on each of the last days."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from gateway.traffic.figures import Span, series
from storage.repositories import people_facts, usage_rolled, usage_rows
from storage.repositories.usage import DAY, Buckets, Only, Sums

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from sqlalchemy import Connection

    from gateway.services import Services
    from storage.records import Token, User

DAYS = 30
_RATE_DAYS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One day, which begins at `start` (Unix seconds)."""

    start: int
    requests: int
    units: int


async def days_of_user(services: Services, user_id: int, zone: tzinfo) -> list[Day]:
    """Return the last days of an account, as the calendar of a time zone has them; today is the last."""
    now = int(time.time())
    today = datetime.fromtimestamp(now, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    # Midnight by the calendar, not by adding seconds: two days a year are longer or shorter.
    edges = [int((today - timedelta(days=back)).timestamp()) for back in range(DAYS - 1, -1, -1)]
    edges.append(int((today + timedelta(days=1)).timestamp()))
    span = Span(since=edges[0], until=now + 1, edges=edges, only=Only(user_id=user_id))
    sums = (await series(services, span)).get("", [Sums()] * DAYS)
    return [_day(start, found) for start, found in zip(edges[:-1], sums, strict=True)]


async def days_of_token(services: Services, token: Token) -> list[Day]:
    """Return the last days of a token, days of UTC: tokens are summed up by these alone."""
    now = int(time.time())
    today = now - now % DAY
    since = today - (DAYS - 1) * DAY
    key = f"{token.user_id}:{token.name}"

    def from_sums(conn: Connection) -> tuple[dict[int, Sums], int]:
        _first, end = usage_rolled.rolled_hours(conn)
        stop = max(min(end - end % DAY, today), since)
        return people_facts.token_days(conn, key, since=since, until=stop), stop

    found, stop = await services.database.read(from_sums)
    only = Only(user_id=token.user_id, token_name=token.name)
    rest = await services.log_database.read(
        lambda conn: usage_rows.from_log(conn, by="", spans=[(stop, now + 1)], buckets=Buckets(stop, DAY), only=only)
    )
    for (number, _), sums in rest.items():
        found[stop + number * DAY] = sums
    starts: Sequence[int] = range(since, today + DAY, DAY)
    return [_day(start, found.get(start, Sums())) for start in starts]


def _day(start: int, sums: Sums) -> Day:
    return Day(start=start, requests=sums.requests, units=sums.units)


def lasts_of(person: User, days: Sequence[Day]) -> float | None:
    """Return for how many seconds an account's balance lasts; `None` also where it never grows less."""
    return None if person.unlimited_quota else lasts(person.quota, days)


def lasts(units: int, days: Sequence[Day]) -> float | None:
    """Return for how many seconds a balance lasts at the rate of the last week; `None` if nothing says so."""
    week = days[-_RATE_DAYS:]
    # The last day has only begun.
    seconds = (len(week) - 1) * DAY + max(time.time() - week[-1].start, 1) if week else 0
    spent = sum(day.units for day in week)
    return units / (spent / seconds) if units > 0 and spent > 0 else None
