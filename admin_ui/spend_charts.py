"""Charts of money: when it is spent, how this month goes, and what caches save."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from admin_ui import shown
from admin_ui.charts import Chart, Line
from admin_ui.forecast import Forecast, forecast
from admin_ui.heat import Heat, HeatRow
from admin_ui.i18n import _
from admin_ui.usage_charts import scale, told
from admin_ui.visit import current_visit
from gateway.budgets.edits import monthly_limit
from gateway.traffic import figures
from gateway.traffic.figures import Span
from storage.repositories.usage import Sums

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from admin_ui.charts import Value
    from admin_ui.look import Look
    from admin_ui.scope import Scope
    from admin_ui.ui import Ui

_WEEK_S = 7 * 86_400
_LEVELS = 5
_HOURS = 24
# Whoever looks at a part of what somebody spends does not look at what a budget is for.
_NARROWER = ("model", "channel", "provider", "format")


async def cache(look: Look) -> Chart:
    """Return which part of the input came from caches, and what that saved."""
    whole = await look.whole()
    write, unit = scale(look.ui, "saved_units")
    share = [100 * s.cached_tokens / s.prompt_tokens if s.prompt_tokens else None for s in whole]
    lines = [
        Line(label=_("Saved"), values=[write(sums) for sums in whole], colour=4),
        Line(label=_("Share of the input"), values=share, colour=1, form="line", unit="percent"),
    ]
    chart = Chart(
        id="cache",
        title=_("Read from caches"),
        edges=look.edges,
        kind="stack",
        unit=unit,
        lines=lines if any(sums.cached_tokens for sums in whole) else [],
        note=_("Saved is what the same tokens would have cost more at the price of input."),
    )
    return told(chart, look.scope)


async def when(look: Look) -> Heat:
    """Return on which days of the week and at which hours there is most; of at least a week."""
    zone = current_visit().zone
    since = min(look.span.since, look.span.until - _WEEK_S)
    edges = list(range(since - since % 3600, look.span.until + 3600, 3600))
    wide = Span(since=max(since, 1), until=look.span.until, edges=edges, only=look.span.only)
    if not look.scope.is_known:
        wide = replace(wide, until=wide.since)
    sums = (await figures.series(look.services, wide)).get("", [])
    squares: dict[tuple[int, int], int] = {}
    for start, one in zip(edges, sums, strict=False):
        if one.requests:
            local = datetime.fromtimestamp(start, zone)
            place = local.weekday(), local.hour
            squares[place] = squares.get(place, 0) + one.requests
    most = max(squares.values(), default=0)
    days = [_("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"), _("Sunday")]
    rows = [
        _day(day, [squares.get((number, hour), 0) for hour in range(_HOURS)], most) for number, day in enumerate(days)
    ]
    heat = Heat(
        id="when",
        title=_("When"),
        scale="amounts",
        rows=rows,
        columns=[f"{hour:02}:00" for hour in range(_HOURS)],
        ticks=["00", "06", "12", "18", "24"],
        levels=[
            (0, "0"),
            *((level, _("up to {n}", n=f"{limit:,}")) for level, limit in limits_of_colours(most)),
        ],
        none="0",
        note=_("Requests by weekday and hour, since {when}.", when=shown.bucket(wide.since, zone)),
    )
    return told(heat, look.scope)


def colour_of(count: int, most: int) -> int:
    """Return which colour a number has where `most` is the largest; 0 for nothing."""
    return -(-count * _LEVELS // most) if count else 0


def limits_of_colours(most: int) -> list[tuple[int, int]]:
    """Return the colours that some number up to `most` has, each with the largest number that has it."""
    limits = [most * level // _LEVELS for level in range(_LEVELS + 1)]
    return [(level, limits[level]) for level in range(1, _LEVELS + 1) if limits[level] > limits[level - 1]]


def _day(day: str, counts: Sequence[int], most: int) -> HeatRow:
    levels = [colour_of(count, most) for count in counts]
    return HeatRow(
        label=day,
        words=_("{n} requests", n=f"{sum(counts):,}"),
        cells=[f"{count:,}" if count else "" for count in counts],
        levels=levels,
    )


async def pace(look: Look) -> Chart:
    """Return what this month has cost day by day, the last one beside it, and how it may go on."""
    zone = current_visit().zone
    now = datetime.now(zone)
    this = _days_of(now.year, now.month, zone)
    last = now.replace(day=1) - timedelta(days=1)
    before = _days_of(last.year, last.month, zone)
    write, unit = scale(look.ui, "units")
    spent = await _by_day(look.ui, look.scope, this, until=int(now.timestamp()) + 1)
    earlier = await _by_day(look.ui, look.scope, before, until=before[-1])
    passed = now.day
    width = len(this) - 1
    mine: list[Value] = [*(write(sums) for sums in _cumulated(spent[:passed])), *[None] * (width - passed)]
    others: list[Value] = [write(sums) for sums in _cumulated(earlier)]
    others = [*others[:width], *[None] * (width - len(others))]
    lines = [
        Line(label=_("This month"), values=mine, colour=1, form="line"),
        Line(label=_("Last month"), values=others, colour=8, form="dashed"),
    ]
    limit = await _budget(look)
    if limit:
        lines.append(Line(label=_("Budget"), values=[write(Sums(units=limit))] * width, colour="bad", form="line"))
    ahead = _forecast(earlier, spent, now)
    if ahead is not None:
        lines += _ahead(ahead, passed, width, lambda units: write(Sums(units=units)))
    chart = Chart(
        id="pace",
        title=_("Spend pace"),
        edges=this,
        kind="lines",
        unit=unit,
        lines=lines if any(sums.units for sums in (*spent, *earlier)) else [],
        is_fixed=True,
        note=_("Added up from the first of the month. The range above does not change it."),
    )
    return told(chart, look.scope)


async def _budget(look: Look) -> int:
    """Return the monthly budget of whom the page is about, 0 where that is not one user, token or group."""
    scope = look.scope
    others = (*_NARROWER, "group") if scope.only.user_id else _NARROWER
    if not scope.is_known or any(scope.values.get(name) for name in others):
        return 0
    return await monthly_limit(
        look.services, user_id=scope.only.user_id, token_name=scope.only.token_name, group=scope.only.group
    )


def _ahead(ahead: Forecast, passed: int, width: int, write: object) -> list[Line]:
    """Return the lines of a forecast, from today to the month's end."""
    found = []
    for label, end, form, colour in (
        (_("At this pace"), ahead.units, "dashed", 1),
        (_("at most, most likely"), ahead.high, "dashed", 2),
        (_("at least, most likely"), ahead.low, "dashed", 2),
    ):
        values: list[Value] = [None] * width
        for day in range(passed - 1, width):
            share = (day + 1 - passed) / max(width - passed, 1)
            values[day] = write(round(ahead.spent + (end - ahead.spent) * share))  # type: ignore[operator]
        found.append(Line(label=label, values=values, colour=colour, form=form))  # type: ignore[arg-type]
    return found


def _cumulated(parts: Sequence[Sums]) -> list[Sums]:
    found, whole = [], Sums()
    for sums in parts:
        whole += sums
        found.append(whole)
    return found


def _part_of_day(now: datetime) -> float:
    return (now.hour * 3600 + now.minute * 60 + now.second) / 86_400


def _days_of(year: int, month: int, zone: tzinfo) -> list[int]:
    days = monthrange(year, month)[1]
    first = datetime(year, month, 1, tzinfo=zone)
    local = first.replace(tzinfo=None)
    return [int((local + timedelta(days=day)).replace(tzinfo=zone).timestamp()) for day in range(days + 1)]


async def _by_day(ui: Ui, scope: Scope, edges: Sequence[int], *, until: int) -> list[Sums]:
    nothing = [Sums()] * (len(edges) - 1)
    if not scope.is_known:
        return nothing
    span = Span(since=edges[0], until=until, edges=edges, only=scope.only)
    return (await figures.series(ui.services, span)).get("", nothing)


async def month_ahead(ui: Ui, scope: Scope) -> Forecast | None:
    """Return what this month will cost at its pace, with what it has cost; `None` while it is too young to tell."""
    zone = current_visit().zone
    now = datetime.now(zone)
    edges = _days_of(now.year, now.month, zone)
    spent = await _by_day(ui, scope, edges, until=int(now.timestamp()) + 1)
    last = now.replace(day=1) - timedelta(days=1)
    before = _days_of(last.year, last.month, zone)
    return _forecast(await _by_day(ui, scope, before, until=before[-1]), spent, now)


def _forecast(earlier: Sequence[Sums], spent: Sequence[Sums], now: datetime) -> Forecast | None:
    """Return what the month comes to. Of somebody without requests last month, it counts from the first one on."""
    began = next((day for day, sums in enumerate(spent) if sums.requests), 0)
    unknown = 0 if any(sums.requests for sums in earlier) else began
    return forecast([sums.units for sums in spent], now.day - 1 + _part_of_day(now), unknown=unknown)
