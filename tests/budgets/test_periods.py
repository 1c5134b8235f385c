"""When days, weeks and months of budgets begin and end."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.budgets.periods import DAY, MONTH, PERIODS, WEEK, span_at


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("period", "now", "start", "end"),
    [
        (DAY, "2026-11-26T10:12:43", "2026-11-26", "2026-11-27"),
        (DAY, "2026-12-31T23:59:59", "2026-12-31", "2027-01-01"),
        (WEEK, "2026-11-26T10:12:43", "2026-11-23", "2026-11-30"),
        (WEEK, "2026-11-23T00:00:00", "2026-11-23", "2026-11-30"),
        (WEEK, "2027-01-03T12:00:00", "2026-12-28", "2027-01-04"),
        (MONTH, "2026-11-26T10:12:43", "2026-11-01", "2026-12-01"),
        (MONTH, "2026-12-01T00:00:00", "2026-12-01", "2027-01-01"),
        (MONTH, "2028-02-29T12:00:00", "2028-02-01", "2028-03-01"),
    ],
)
def test_periods_are_those_of_the_calendar(period: str, now: str, start: str, end: str) -> None:
    assert span_at(period, at(now)) == (at(start), at(end))


@given(st.sampled_from(PERIODS), st.integers(0, 4_000_000_000))
def test_periods_follow_each_other_without_a_gap(period: str, now: int) -> None:
    span = span_at(period, now)
    assert span.start <= now < span.end
    assert span_at(period, span.end).start == span.end
    assert span_at(period, span.start) == span_at(period, span.end - 1) == span
