"""What use cost: over time, and by model, user, channel, token or day; figures lead to the requests behind them."""

from __future__ import annotations

import csv
import io
from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from quart import Response

from admin_ui.i18n import _, mark
from admin_ui.scope import read_scope
from admin_ui.usage_charts import BY, cost_chart, kinds, narrowed, own_name
from admin_ui.views.overview import range_titles
from admin_ui.visit import current_visit
from gateway.management.guard import actor, needs
from gateway.traffic import figures
from gateway.traffic.figures import Span
from gateway.traffic.names import labels
from storage.records import Role
from storage.repositories.usage import DAY, Sums

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import tzinfo

    from quart import Blueprint

    from admin_ui.scope import Scope
    from admin_ui.ui import Ui
    from gateway.traffic.figures import Stacked

MEASURES: dict[str, str] = {"units": mark("Cost"), "requests": mark("Requests"), "tokens": mark("LLM tokens")}
_SHOWN = 100
_TIMES = ("day", "week", "month")
_TIME_TITLES = {"day": mark("Day"), "week": mark("Week"), "month": mark("Month")}
_LEAST_DAYS = 7
_MOST_CHANGE = 10
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRow:
    """One line of the table."""

    label: str
    sums: Sums
    before: Sums
    share: float
    link: str = ""
    requests_link: str = ""

    @property
    def change(self) -> float | None:
        """Against the time before; `None` where there was so little then that it says nothing."""
        now, before = self.sums.units, self.before.units
        return (now - before) / before if before and now < before * _MOST_CHANGE else None

    @property
    def units_per_request(self) -> float:
        """What a request cost on average."""
        return self.sums.units / self.sums.requests if self.sums.requests else 0.0

    @property
    def units_per_million(self) -> float:
        """What a million tokens cost on average."""
        tokens = self.sums.prompt_tokens + self.sums.completion_tokens
        return self.sums.units / tokens * _MILLION if tokens else 0.0


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""

    @area.get("/cost")
    @needs(Role.USER)
    async def cost() -> Response:
        scope = await _scope(ui)
        by, measure = scope.values["by"] or "model", scope.values["measure"] or "units"
        kind = "model" if by in _TIMES else by
        span, before = _spans(scope)
        stacked = await figures.stacked(
            ui.services, span, by=kind, measure="prompt_tokens" if measure == "tokens" else measure
        )
        earlier = await figures.totals(ui.services, before, by="" if by in _TIMES else kind)
        rows = _by_time(scope, stacked, by) if by in _TIMES else await _by_key(ui, scope, stacked, earlier, by)
        total = CostRow(label="", sums=_sum(stacked.totals.values()), before=_sum(earlier.values()), share=1.0)
        return ui.page(
            "pages/cost.html",
            scope=scope,
            by=by,
            measure=measure,
            chart_data=await cost_chart(ui, scope, stacked, by=kind, measure=measure, title=_(MEASURES[measure])),
            rows=rows[:_SHOWN],
            more=max(len(rows) - _SHOWN, 0),
            total=total,
            by_words={word: BY[word] for word in kinds()} | _TIME_TITLES,
            measures=MEASURES,
            range_titles=range_titles(),
            forecast=await _forecast(ui, scope),
            zone=str(current_visit().zone),
            title=(BY | _TIME_TITLES)[by],
        )

    @area.get("/cost/export.csv")
    @needs(Role.USER)
    async def export_cost() -> Response:
        scope = await _scope(ui)
        by = scope.values["by"] or "model"
        kind = "model" if by in _TIMES else by
        span, _before = _spans(scope)
        if by in _TIMES:
            stacked = await figures.stacked(ui.services, span, by=kind)
            rows = [(row.label, row.sums) for row in _by_time(scope, stacked, by)]
        else:
            totals = await figures.totals(ui.services, span, by=kind)
            names = await labels(ui.services, kind, totals)
            ranked = sorted(totals.items(), key=lambda item: (-item[1].units, item[0]))
            rows = [(own_name(kind, names[key]), sums) for key, sums in ranked]
        answer = Response(_csv(by, rows, per_unit=float(ui.options.number("QuotaPerUnit"))))
        answer.content_type = "text/csv; charset=utf-8"
        answer.headers["Content-Disposition"] = 'attachment; filename="cost.csv"'
        answer.headers["Cache-Control"] = "no-store"
        answer.headers["X-Content-Type-Options"] = "nosniff"
        return answer


async def _scope(ui: Ui) -> Scope:
    return await read_scope(
        ui,
        actor(),
        default="30d",
        choices={"by": (*kinds(), *_TIMES), "measure": tuple(MEASURES)},
    )


def _spans(scope: Scope) -> tuple[Span, Span]:
    span, before = scope.span, scope.before
    if scope.is_known:
        return span, before
    # Nobody of that name: nothing fits.
    nothing = Span(since=span.since, until=span.since, edges=span.edges)
    return nothing, nothing


async def _by_key(ui: Ui, scope: Scope, stacked: Stacked, earlier: Mapping[str, Sums], by: str) -> list[CostRow]:
    names = await labels(ui.services, by, stacked.totals)
    total = sum(sums.units for sums in stacked.totals.values()) or 1
    found = []
    for key, sums in sorted(stacked.totals.items(), key=lambda item: (-item[1].units, -item[1].requests, item[0])):
        only = narrowed(by, key, names[key])
        # What one of them was used for is the next question.
        following = "model" if by != "model" else "user" if current_visit().is_admin else "token"
        found.append(
            CostRow(
                label=own_name(by, names[key]),
                sums=sums,
                before=earlier.get(key, Sums()),
                share=sums.units / total,
                link=scope.link("", **only, by=following if following != "model" else ""),
                requests_link=scope.link("/requests", **only, by="", measure=""),
            )
        )
    return found


def _by_time(scope: Scope, stacked: Stacked, by: str) -> list[CostRow]:
    zone = current_visit().zone
    total = sum(sums.units for sums in stacked.whole) or 1
    groups: dict[str, Sums] = {}
    for start, sums in zip(scope.edges, stacked.whole, strict=False):
        name = _calendar(max(start, scope.range.since), by, zone)
        groups[name] = groups.get(name, Sums()) + sums
    return [
        CostRow(label=name, sums=sums, before=Sums(), share=sums.units / total)
        for name, sums in reversed(groups.items())
    ]


def _calendar(moment: float, by: str, zone: tzinfo) -> str:
    local = datetime.fromtimestamp(moment, zone)
    if by == "month":
        return local.strftime("%Y-%m")
    if by == "week":
        year, week, _day = local.isocalendar()
        return f"{year}-W{week:02}"
    return local.strftime("%Y-%m-%d")


async def _forecast(ui: Ui, scope: Scope) -> tuple[int, int] | None:
    """Return what this month has cost so far, and what it will at the pace of its days; `None` while too young."""
    zone = current_visit().zone
    now = datetime.now(zone)
    begin = int(now.replace(day=1, hour=0, minute=0, second=0, microsecond=0).timestamp())
    passed = now.timestamp() - begin
    if passed < _LEAST_DAYS * DAY or not scope.is_known:
        return None
    span = Span(since=begin, until=int(now.timestamp()) + 1, only=scope.only)
    spent = _sum((await figures.totals(ui.services, span, by="")).values()).units
    whole = monthrange(now.year, now.month)[1] * DAY
    return spent, round(spent / passed * whole)


def _sum(parts: Iterable[Sums]) -> Sums:
    whole = Sums()
    for sums in parts:
        whole += sums
    return whole


def _csv(by: str, rows: list[tuple[str, Sums]], *, per_unit: float) -> str:
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    writer.writerow([by, "requests", "prompt_tokens", "cached_tokens", "completion_tokens", "quota", "usd"])
    for label, sums in rows:
        # A cell that begins so would be a formula to a spreadsheet.
        name = f"'{label}" if label.startswith(("=", "+", "-", "@", "\t", "\r")) else label
        writer.writerow(
            [
                name,
                sums.requests,
                sums.prompt_tokens,
                sums.cached_tokens,
                sums.completion_tokens,
                sums.units,
                round(sums.units / per_unit, 6),
            ]
        )
    return "\ufeff" + text.getvalue()
