"""Days, weeks and months of the calendar, in UTC: what a budget is renewed by."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

DAY: Final = "day"
WEEK: Final = "week"
MONTH: Final = "month"
PERIODS: Final = (DAY, WEEK, MONTH)
WORDS: Final = {DAY: "daily", WEEK: "weekly", MONTH: "monthly"}


class Span(NamedTuple):
    """One period, from its first second to the first of the next, Unix seconds."""

    start: int
    end: int


def span_at(period: str, now: float) -> Span:
    """Return the day, week (from Monday) or month that `now`, Unix seconds, lies in."""
    first = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if period == DAY:
        after = first + timedelta(days=1)
    elif period == WEEK:
        first -= timedelta(days=first.weekday())
        after = first + timedelta(days=7)
    else:
        first = first.replace(day=1)
        after = (first + timedelta(days=32)).replace(day=1)
    return Span(int(first.timestamp()), int(after.timestamp()))
