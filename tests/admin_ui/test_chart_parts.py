"""What charts are made of: rules for what stands out, forecasts, heat maps, buckets of a calendar with changed clocks."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

import pytest

from admin_ui import outliers
from admin_ui.charts import Chart, Line
from admin_ui.forecast import forecast
from admin_ui.heat import HeatRow
from admin_ui.live_line import live_line
from admin_ui.ranges import Range, custom, edges
from admin_ui.spend_charts import colour_of, limits_of_colours
from gateway.live.flow import SECONDS

DAY = 86_400


def test_chance_makes_no_sentence() -> None:
    rng = Random(1)
    for usual in (0.1, 1, 5, 50, 1000):
        for _ in range(100):
            counts = [sum(rng.random() < usual / 2000 for _ in range(2000)) for _ in range(24)]
            assert outliers.of_counts(counts) is None


@pytest.mark.parametrize(("usual", "high"), [(0, 15), (4, 30), (100, 350)])
def test_a_rise_that_chance_does_not_make_is_found(usual: int, high: int) -> None:
    values = [usual] * 20 + [high] + [usual] * 5
    found = outliers.of_counts(values)
    assert found is not None
    assert found.index == 20
    assert found.times >= outliers.TIMES


def test_few_buckets_and_few_events_say_nothing() -> None:
    assert outliers.of_counts([0] * 7 + [100]) is None
    assert outliers.of_counts([0] * 30 + [9]) is None
    assert outliers.of_sizes([None] * 30 + [5.0]) is None


def test_a_time_stands_out_that_is_far_from_how_the_others_scatter() -> None:
    rng = Random(2)
    usual = [rng.gauss(400, 30) for _ in range(40)]
    assert outliers.of_sizes(usual) is None
    found = outliers.of_sizes([*usual, 1600.0])
    assert found is not None
    assert found.index == 40
    # Three times as much is nothing where everything is now so, now so.
    assert outliers.of_sizes([100, 900, 120, 1000, 90, 800, 110, 950, 100, 1100]) is None


def test_a_month_is_foretold_from_the_eighth_day_on() -> None:
    days = [100] * 7 + [0] * 23
    assert forecast(days, 6.9) is None
    even = forecast(days, 7.0)
    assert even is not None
    assert (even.spent, even.units, even.low, even.high) == (700, 3000, 3000, 3000)
    uneven = forecast([50, 150] * 7 + [0] * 16, 14.5)
    assert uneven is not None
    assert uneven.spent <= uneven.low < uneven.units < uneven.high


def test_days_before_the_first_request_foretell_nothing() -> None:
    days = [0] * 10 + [100] * 10 + [0] * 10
    assert forecast(days, 16.5, unknown=10) is None
    found = forecast(days, 20.0, unknown=10)
    assert found is not None
    assert (found.spent, found.units, found.low, found.high) == (1000, 2000, 2000, 2000)


def test_the_band_of_a_forecast_holds_nine_months_of_ten() -> None:
    rng = Random(3)
    held = 0
    for _ in range(400):
        days = [max(round(rng.gauss(1000, 300)), 0) for _ in range(30)]
        found = forecast([*days[:15], *[0] * 15], 15.0)
        assert found is not None
        held += found.low <= sum(days) <= found.high
    assert 0.84 <= held / 400 <= 0.96


def test_squares_of_one_colour_are_one_path() -> None:
    row = HeatRow(label="x", words="", cells=["", "a", "b", ""], levels=[0, 4, 4, 0])
    assert row.paths == [(0, "M0 0h1v1H0zM3 0h1v1H3z"), (4, "M1 0h2v1H1z")]


def test_the_live_line_ends_now_and_keeps_its_turns() -> None:
    line = live_line([0] * 10 + [3, 3, 3] + [1])
    assert (line.now, line.most, line.seconds) == (1, 3, 14)
    points = [point.split(",") for point in line.points.split()]
    assert points[0][0] == str(SECONDS - 14)
    assert points[-1][0] == str(SECONDS - 1)
    assert len(points) < 14
    assert live_line([]).points == ""


@pytest.mark.parametrize(
    ("zone", "until"),
    [
        ("Europe/Berlin", datetime(2026, 11, 5, 9, 21, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2026, 4, 5, 9, 21, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 11, 20, 9, 21, tzinfo=UTC)),
        ("America/St_Johns", datetime(2026, 3, 20, 9, 21, tzinfo=UTC)),
        ("Asia/Kolkata", datetime(2026, 11, 5, 9, 21, tzinfo=UTC)),
    ],
)
@pytest.mark.parametrize(("days", "step"), [(30, 8), (7, 2), (90, 24)])
def test_buckets_begin_at_whole_steps_of_the_reader_s_clock(zone: str, until: datetime, days: int, step: int) -> None:
    end, place = int(until.timestamp()), ZoneInfo(zone)
    found = edges(Range("", end - days * DAY, end), place)
    for edge in found:
        local = datetime.fromtimestamp(edge, place)
        # The hour that there is not is one later.
        assert (local.hour % step, local.minute) in ((0, 0), (1, 0)), local
    assert sum(datetime.fromtimestamp(edge, place).hour % step == 0 for edge in found) >= len(found) - 1
    lengths = {later - earlier for earlier, later in pairwise(found)}
    assert max(lengths) - min(lengths) <= 7200


@pytest.mark.parametrize(
    ("since", "until", "found"),
    [
        ("1970-01-01T00:10", "1970-01-01T00:20", (600, 1200, "1970-01-01T00:10")),
        ("1970-01-01T00:20", "1970-01-01T00:10", (600, 1200, "1970-01-01T00:10")),
        ("1970-01-01T00:10", "", (600, 5001, "1970-01-01T00:10")),
        ("", "1970-01-01T00:20", (1, 1200, "")),
        ("2970-01-01T00:00", "2970-01-02T00:00", (5000, 5001, "2970-01-01T00:00")),
        ("0001-01-01T00:00", "0001-01-02T00:00", (1, 2, "0001-01-01T00:00")),
        ("yesterday", "", None),
    ],
)
def test_a_span_that_was_typed_is_the_one_that_is_shown(
    since: str, until: str, found: tuple[int, int, str] | None
) -> None:
    span = custom(since, until, UTC, 5000)
    assert (None if span is None else (span.since, span.until, span.since_text)) == found


def test_the_bucket_that_runs_is_marked() -> None:
    now = int(datetime.now(UTC).timestamp())
    line = Line(label="x", values=[1, 2, 3])
    assert Chart(id="x", title="x", edges=[now - 180, now - 120, now - 60, now + 1], lines=[line]).open == 2
    assert Chart(id="x", title="x", edges=[now - 60, now + 60, now + 120, now + 180], lines=[line]).open == 0
    assert Chart(id="x", title="x", edges=[0, 60, 120, 180], lines=[line]).open is None


@pytest.mark.parametrize(
    ("most", "limits"),
    [(0, []), (1, [(5, 1)]), (3, [(2, 1), (4, 2), (5, 3)]), (10, [(1, 2), (2, 4), (3, 6), (4, 8), (5, 10)])],
)
def test_a_legend_names_each_colour_that_a_number_has_by_its_largest(
    most: int, limits: list[tuple[int, int]]
) -> None:
    assert limits_of_colours(most) == limits
    for count in range(1, most + 1):
        assert next(level for level, limit in limits if count <= limit) == colour_of(count, most)
