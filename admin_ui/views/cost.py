"""What use cost, cut by one or two of what it can be told apart by; figures lead to the requests behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from admin_ui.chart_files import chart_file
from admin_ui.charts import OTHER_COLOUR, Chart, Line, colours
from admin_ui.cost_table import TIMES, Cut, cut_by, is_time, read_table
from admin_ui.exports import streamed
from admin_ui.gathering import gathered
from admin_ui.i18n import _, mark
from admin_ui.look import Look
from admin_ui.scope import read_scope
from admin_ui.spend_charts import month_ahead
from admin_ui.usage_charts import BY, LISTED, is_listed, kinds, own_name, scale
from admin_ui.views.overview import range_titles
from admin_ui.visit import current_visit
from gateway.management.guard import actor, needs
from gateway.traffic import figures
from gateway.traffic.names import labels
from gateway.traffic.sources import rolled
from gateway.traffic.sums import counted_share
from storage.records import Role
from storage.repositories import upkeep_counts
from storage.repositories.usage import Sums

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from quart import Blueprint, Response

    from admin_ui.cost_table import Table
    from admin_ui.ui import Ui

MEASURES: dict[str, str] = {
    "units": mark("Cost"),
    "requests": mark("Requests"),
    "prompt_tokens": mark("Tokens in"),
    "completion_tokens": mark("Tokens out"),
    "cached_tokens": mark("Cached tokens"),
    "tokens": mark("LLM tokens"),
    "per_request": mark("Cost per request"),
    "per_million": mark("Cost per million tokens"),
    "saved_units": mark("Saved by caches"),
    "upstream_units": mark("Upstream cost"),
    "margin_units": mark("Margin"),
}
_AVERAGES = ("per_request", "per_million")
_RANKED = {"tokens": "prompt_tokens", "per_request": "units", "per_million": "units"}
FORMS: dict[str, str] = {"bars": mark("Bars"), "lines": mark("Lines")}
_SHOWN = 100
_LINES = 7
# Exported columns that are read by programs.
_COLUMNS = (
    "requests",
    "prompt_tokens",
    "cached_tokens",
    "completion_tokens",
    "reasoning_tokens",
    "quota",
    "usd",
    "saved_quota",
)
_COLUMNS_OF_ADMINS = ("upstream_quota", "margin_quota")


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""

    @area.get("/cost")
    @needs(Role.USER)
    async def cost() -> Response:
        look, cut = await _asked(ui)
        scope = look.scope

        async def figures_of() -> tuple[Table, Chart]:
            await look.read_ahead_sums("" if cut.time else cut.by)
            table = await read_table(look, cut, most=_SHOWN)
            return table, await _chart(look, cut, table)

        found = await gathered(
            figures=figures_of,
            forecast=lambda: month_ahead(ui, scope),
            unsettled=lambda: _unsettled(ui),
            counting=lambda: counted_share(ui.services.database, ui.services.log_database),
        )
        table: Table = found["figures"][0]
        return ui.page(
            "pages/cost.html",
            scope=scope,
            cut=cut,
            measure=scope.values["measure"] or "units",
            form=scope.values["as"] or "bars",
            chart_data=found["figures"][1],
            rows=table.rows,
            more=table.count - len(table.rows),
            total=table.total,
            by_words={word: (BY | TIMES)[word] for word in _words()},
            measures=_measures(),
            shows_margin=current_visit().is_admin and is_listed(table.total.sums),
            forms=FORMS,
            range_titles=range_titles(),
            forecast=found["forecast"],
            zone=scope.zone,
            heads=[(BY | TIMES)[kind] for kind in cut.kinds],
            unsettled=found["unsettled"],
            counting=found["counting"],
        )

    @area.get("/cost/table")
    @needs(Role.USER)
    async def cost_over_time() -> Response:
        look, cut = await _asked(ui)
        chart = await _chart(look, cut, await read_table(look, cut, most=_LINES))
        return ui.page("pages/cost_chart.html", scope=look.scope, one=chart, zone=look.scope.zone)

    @area.get("/cost/chart.<kind>")
    @needs(Role.USER)
    async def export_cost_chart(kind: str) -> Response:
        look, cut = await _asked(ui)
        return chart_file(await _chart(look, cut, await read_table(look, cut, most=_LINES)), kind)

    @area.get("/cost/export.<kind>")
    @needs(Role.USER)
    async def export_cost(kind: str) -> Response:
        look, cut = await _asked(ui)
        table = await read_table(look, cut)
        per_unit = float(ui.options.number("QuotaPerUnit"))
        is_admin = current_visit().is_admin

        async def parts() -> AsyncIterator[Sequence[Sequence[object]]]:
            yield [[*row.labels, *_cells(row.sums, per_unit, with_margin=is_admin)] for row in table.rows]

        return streamed("cost", kind, (*cut.kinds, *_COLUMNS, *(_COLUMNS_OF_ADMINS if is_admin else ())), parts())


def _cells(sums: Sums, per_unit: float, *, with_margin: bool) -> tuple[object, ...]:
    margin = (sums.upstream_units, sums.margin_units) if is_listed(sums) else ("", "")
    return (
        sums.requests,
        sums.prompt_tokens,
        sums.cached_tokens,
        sums.completion_tokens,
        sums.reasoning_tokens,
        sums.units,
        round(sums.units / per_unit, 6),
        sums.saved_units,
        *(margin if with_margin else ()),
    )


def _measures() -> dict[str, str]:
    """Return what the reader may look at."""
    is_admin = current_visit().is_admin
    return {word: title for word, title in MEASURES.items() if is_admin or word not in LISTED}


def _words() -> tuple[str, ...]:
    """Return what the reader may group by, the usual first."""
    return (*kinds(), *(("provider",) if current_visit().is_admin else ()), *TIMES)


async def _asked(ui: Ui) -> tuple[Look, Cut]:
    words = _words()
    choices = {"by": words, "and": ("", *words), "measure": tuple(_measures()), "as": tuple(FORMS)}
    scope = await read_scope(ui, actor(), default="30d", choices=choices)
    return Look(ui, scope, await rolled(ui.services)), cut_by(scope.values["by"] or words[0], scope.values["and"])


async def _unsettled(ui: Ui) -> int:
    """Return how many requests hold money and are not settled: everybody's, for those who see everybody."""
    if not current_visit().is_admin:
        return 0
    return await ui.services.database.read(upkeep_counts.reservations)


# --- the chart -------------------------------------------------------------------------------------------


async def _chart(look: Look, cut: Cut, table: Table) -> Chart:
    """Return what is measured over time, by the kinds that are no times themselves."""
    scope = look.scope
    measure, form = scope.values["measure"] or "units", scope.values["as"] or "bars"
    by = "+".join(kind for kind in cut.kinds if not is_time(kind))
    write, unit = scale(look.ui, measure)
    rank = _RANKED.get(measure, measure)
    is_average = measure in _AVERAGES
    if not by:
        whole = await look.whole()
        lines = [Line(label=_(MEASURES[measure]), values=[write(sums) for sums in whole], colour=1)]
    elif "+" in by:
        lines = await _pairs(look, by, rank, table)
    else:
        stacked = await look.stacked(by, rank)
        names = await labels(look.services, by, stacked.parts)
        tints = colours(stacked.parts)
        lines = [
            Line(label=own_name(by, names[key]), values=[write(s) for s in values], colour=tints[key])
            for key, values in stacked.parts.items()
        ]
        if any(sums.requests for sums in stacked.other):
            lines.append(Line(label=_("Other"), values=[write(s) for s in stacked.other], colour=OTHER_COLOUR))
    return Chart(
        id="cost",
        title=_(MEASURES[measure]),
        edges=scope.edges,
        # What is an average cannot be added up, and what may be below nothing cannot be stacked.
        kind="lines" if form == "lines" or is_average or measure == "margin_units" else "stack",
        unit=unit,
        lines=lines,
        zone=scope.zone,
        table_link=scope.link("/cost/table"),
        export_link=scope.link("/cost/chart.csv"),
        note=_("Averages stand beside each other; they do not add up.") if is_average and form == "bars" else "",
    )


async def _pairs(look: Look, by: str, rank: str, table: Table) -> list[Line]:
    """Return the largest pairs; what is left of all is another line."""
    write, _unit = scale(look.ui, look.scope.values["measure"] or "units")
    keys = sorted(table.totals, key=lambda key: -int(getattr(table.totals[key], rank)))[:_LINES]
    parts = await figures.series(look.services, look.span, by=by, keys=keys)
    names = await labels(look.services, by, keys)
    tints = colours(keys)
    empty = [Sums()] * (len(look.edges) - 1)
    lines = [
        Line(label=own_name(by, names[key]), values=[write(s) for s in parts.get(key, empty)], colour=tints[key])
        for key in keys
    ]
    other = list(await look.whole())
    for values in parts.values():
        other = [left - right for left, right in zip(other, values, strict=True)]
    if any(sums.requests for sums in other):
        lines.append(Line(label=_("Other"), values=[write(sums) for sums in other], colour=OTHER_COLOUR))
    return lines
