"""The first page of somebody who signed in: is all well, what does it cost, what has changed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from heapq import nlargest
from typing import TYPE_CHECKING

from quart import Response, request
from werkzeug.exceptions import NotFound

from admin_ui import ranges, spend_charts, traffic_charts
from admin_ui.chart_files import chart_file
from admin_ui.gathering import gathered
from admin_ui.heat import Heat
from admin_ui.i18n import _, _n, mark
from admin_ui.live_line import LINE_HEIGHT, LINE_WIDTH, LiveLine, live_line
from admin_ui.look import Look
from admin_ui.scope import read_scope
from admin_ui.tiles import tiles
from admin_ui.usage_charts import BY, kinds, narrowed, own_name
from admin_ui.views.first_steps import first_steps
from admin_ui.views.own_account import example_model, own_account
from admin_ui.visit import current_visit
from gateway.ledger import parked
from gateway.live.board import EVERYBODY
from gateway.management.guard import actor, author, needs
from gateway.traffic import attention, figures
from gateway.traffic.names import labels
from gateway.traffic.sources import rolled
from gateway.traffic.sums import counted_share
from storage.records import Role

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from quart import Blueprint

    from admin_ui.charts import Chart
    from admin_ui.ui import Ui
    from storage.records import User

    Builder = Callable[[Look], Awaitable[Chart | Heat]]

_TOP = 10
TOP_TITLES: dict[str, str] = {
    "model": mark("Top models"),
    "user": mark("Top users"),
    "channel": mark("Top channels"),
    "token": mark("Top tokens"),
}
FIRST: Mapping[str, Builder] = {
    "requests": traffic_charts.requests,
    "success": traffic_charts.success,
    "cost": traffic_charts.cost,
    "first": traffic_charts.first_byte,
    "tokens": traffic_charts.tokens,
    "speed": traffic_charts.speed,
}
"""Charts that the page comes with."""
MORE: Mapping[str, Builder] = {
    "flow": traffic_charts.streams,
    "took": traffic_charts.answers,
    "attempts": traffic_charts.errors,
    "retries": traffic_charts.retries,
    "health": traffic_charts.health,
    "pace": spend_charts.pace,
    "cache": spend_charts.cache,
    "when": spend_charts.when,
}
"""Those that it asks for once it is there."""
_WIDE = ("requests", "cost", "tokens", "attempts", "health", "pace")
# What happened on which channel is the site's own business.
_OF_ADMINS = ("attempts", "retries", "health")


@dataclass(frozen=True, slots=True, kw_only=True)
class TopRow:
    """One of the largest."""

    label: str
    amount: str
    share: float
    link: str


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes of the page's parts; the page itself is at `/`."""

    @area.get("/overview/tops")
    @needs(Role.USER)
    async def overview_tops() -> Response:
        look = await _look(ui)
        top = [kind for kind in kinds() if kind in TOP_TITLES]
        found = [(_(TOP_TITLES[kind]), await _top(look, kind)) for kind in top]
        return ui.page("pages/overview_tops.html", scope=look.scope, tops=found)

    @area.get("/overview/more")
    @needs(Role.USER)
    async def overview_more() -> Response:
        look = await _look(ui)
        charts = await _build(look, MORE)
        return ui.page(
            "pages/overview_more.html",
            scope=look.scope,
            charts=charts,
            wides=_WIDE,
            line=await _line(ui),
            width=LINE_WIDTH,
            height=LINE_HEIGHT,
        )

    @area.get("/overview/running")
    @needs(Role.USER)
    async def overview_running() -> Response:
        return ui.page("pages/overview_running.html", line=await _line(ui), width=LINE_WIDTH, height=LINE_HEIGHT)

    @area.post("/overview/parked")
    @needs(Role.ROOT)
    async def write_parked() -> Response:
        written, left = await parked.write_again(ui.services, author())
        if left:
            text = _n("{n} charge was refused again.", "{n} charges were refused again.", left)
            return ui.go("/", note=text, kind="bad")
        return ui.go("/", note=_n("{n} charge was written.", "{n} charges were written.", written))

    @area.get("/overview/table")
    @needs(Role.USER)
    async def overview_table() -> Response:
        look, one = await _chosen(ui)
        return ui.page(
            "pages/overview_table.html",
            scope=look.scope,
            one=one,
            is_heat=isinstance(one, Heat),
            zone=look.scope.zone,
        )

    @area.get("/overview/export.<kind>")
    @needs(Role.USER)
    async def overview_export(kind: str) -> Response:
        _look, one = await _chosen(ui)
        return chart_file(one, kind)


async def overview(ui: Ui, person: User) -> Response:
    """Return the page of somebody who signed in."""
    look = await _look(ui, person)
    scope = look.scope
    is_admin = current_visit().is_admin
    services = ui.services
    found = await gathered(
        figures=lambda: look.read_ahead("model"),
        running=lambda: ui.plane.live.board.look(scope.only.user_id or EVERYBODY),
        steps=lambda: first_steps(ui, person),
        counting=lambda: counted_share(services.database, services.log_database),
        **(
            {"trouble": lambda: attention.look(services, ui.plane.live)}
            if is_admin
            else {"own": lambda: own_account(ui, person)}
        ),
    )
    shown = await tiles(look, found["running"].running if scope.is_known else 0)
    charts = await _build(look, FIRST)
    failed, _over_time = await look.failures()
    is_fresh = not scope.is_narrowed and not any(sums.requests for sums in await look.whole()) and not failed
    return ui.page(
        "pages/overview.html",
        scope=scope,
        steps=found["steps"],
        own=found.get("own"),
        trouble=found.get("trouble"),
        tiles=shown,
        charts=charts,
        wide=_WIDE,
        by_words={word: BY[word] for word in kinds()},
        range_titles=range_titles(),
        is_fresh=is_fresh,
        example_model=example_model(ui, person),
        zone=scope.zone,
        counting=found["counting"],
    )


async def _look(ui: Ui, person: User | None = None) -> Look:
    scope = await read_scope(ui, person or actor(), default="24h", choices={"by": kinds()})
    return Look(ui, scope, await rolled(ui.services))


def _builders() -> dict[str, Builder]:
    return {name: build for name, build in {**FIRST, **MORE}.items() if _may_see(name)}


def _may_see(name: str) -> bool:
    return current_visit().is_admin or name not in _OF_ADMINS


async def _build(look: Look, wanted: Mapping[str, Builder]) -> list[Chart | Heat]:
    """Build charts side by side."""
    found = await gathered(**{name: partial(build, look) for name, build in wanted.items() if _may_see(name)})
    return [found[name] for name in wanted if name in found]


async def _chosen(ui: Ui) -> tuple[Look, Chart | Heat]:
    """Return the one chart that the address names."""
    builder = _builders().get(request.args.get("chart", ""))
    if builder is None:
        raise NotFound
    look = await _look(ui)
    return look, await builder(look)


async def _line(ui: Ui) -> LiveLine:
    """Return what the live line shows: everybody's to administrators, else one's own."""
    return live_line(await ui.plane.live.flow.look(EVERYBODY if current_visit().is_admin else actor().id))


# --- the largest -----------------------------------------------------------------------------------------


async def _top(look: Look, kind: str) -> list[TopRow]:
    sums = await figures.totals(look.services, look.span, by=kind)
    total = sum(one.units for one in sums.values()) or 1
    ranked = nlargest(_TOP, sums.items(), key=lambda item: (item[1].units, item[1].requests))
    names = await labels(look.services, kind, [key for key, _sums in ranked])
    following = {"model": "user" if current_visit().is_admin else "token"}.get(kind, "model")
    return [
        TopRow(
            label=own_name(kind, names[key]),
            amount=look.ui.money(one.units),
            share=one.units / total,
            link=look.scope.link("/cost", **narrowed(kind, key, names[key]), by=following),
        )
        for key, one in ranked
    ]


def range_titles() -> dict[str, str]:
    """Return the spans that the reader may choose."""
    is_admin = current_visit().is_admin
    return {name: title for name, title in ranges.TITLES.items() if is_admin or name != "1y"}
