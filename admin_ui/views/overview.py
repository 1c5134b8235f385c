"""The first page of somebody who signed in: is all well, what does it cost, what has changed."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import nlargest
from typing import TYPE_CHECKING, Any

import trio

from admin_ui import ranges
from admin_ui.charts import Chart, Line, sparkline
from admin_ui.i18n import _, mark
from admin_ui.scope import read_scope
from admin_ui.shown import duration, short
from admin_ui.usage_charts import BY, cost_chart, fine_and_lost, kinds, narrowed, outcome_chart, own_name
from admin_ui.views.first_steps import first_steps
from admin_ui.visit import current_visit
from admin_ui.waterfall import failure_word
from gateway.live.board import EVERYBODY
from gateway.traffic import attention, figures
from gateway.traffic.figures import Span
from gateway.traffic.names import labels
from storage.repositories.usage import Sums

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from quart import Response

    from admin_ui.scope import Scope
    from admin_ui.ui import Ui
    from gateway.traffic.figures import Stacked
    from storage.records import User

_TOP = 10
_MOST_CHANGE = 10
TOP_TITLES: dict[str, str] = {
    "model": mark("Top models"),
    "user": mark("Top users"),
    "channel": mark("Top channels"),
    "token": mark("Top tokens"),
}
_FAILURES = ("rate_limit", "server", "timeout", "network", "cut", "auth", "quota", "request")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One figure. `change` is against the time before, as a share; `good` says whether more is better."""

    name: str
    figure: str
    second: str = ""
    """Another figure that belongs to it."""
    exact: str = ""
    change: float | None = None
    more_is: str = ""
    """`good`, `bad`, or empty where it is neither."""
    points: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopRow:
    """One of the largest."""

    label: str
    amount: str
    share: float
    link: str


async def overview(ui: Ui, person: User) -> Response:
    """Return the page of somebody who signed in."""
    by_words = kinds()
    scope = await read_scope(ui, person, default="24h", choices={"by": by_words})
    trouble = await attention.look(ui.services) if current_visit().is_admin else None
    seen = await _read(ui, scope)
    is_fresh = not scope.is_narrowed and not any(sums.requests for sums in seen.whole.whole) and not seen.failed
    return ui.page(
        "pages/overview.html",
        scope=scope,
        steps=await first_steps(ui, person),
        trouble=trouble,
        tiles=_tiles(ui, scope, seen),
        charts=await _charts(ui, scope, seen),
        by_words={word: BY[word] for word in by_words},
        range_titles=range_titles(),
        is_fresh=is_fresh,
        zone=str(current_visit().zone),
    )


@dataclass(slots=True, kw_only=True)
class _Seen:
    """All figures of the page."""

    whole: Stacked
    earlier: Sums
    failed: Mapping[str, int]
    failed_before: Mapping[str, int]
    failed_over_time: Sequence[Mapping[str, int]]
    first: tuple[figures.Percentiles, list[figures.Percentiles]]
    took: tuple[figures.Percentiles, list[figures.Percentiles]]
    attempts: Mapping[str, list[int]]
    running: int


async def _read(ui: Ui, scope: Scope) -> _Seen:
    services, span, before = ui.services, scope.span, scope.before
    by = scope.values["by"] or "model"
    is_admin = current_visit().is_admin
    if not scope.is_known:
        # Nobody of that name: nothing fits.
        span = before = Span(since=span.since, until=span.since, edges=span.edges)
    found: dict[str, Any] = {}

    async def read(name: str, work: Callable[[], Awaitable[object]]) -> None:
        found[name] = await work()

    async with trio.open_nursery() as nursery:
        for name, work in (
            ("whole", lambda: figures.stacked(services, span, by=by)),
            ("earlier", lambda: figures.totals(services, before, by="")),
            ("failed", lambda: figures.failures(services, span)),
            ("failed_before", lambda: figures.failures(services, before)),
            ("first", lambda: figures.first_content(services, span)),
            ("took", lambda: figures.durations(services, span)),
            ("running", lambda: ui.plane.live.board.look(scope.only.user_id or EVERYBODY)),
        ):
            nursery.start_soon(read, name, work)
        if is_admin:
            nursery.start_soon(read, "attempts", lambda: figures.failed_attempts(services, span))
    whole: Stacked = found["whole"]
    return _Seen(
        whole=whole,
        earlier=found["earlier"].get("", Sums()),
        failed=found["failed"][0],
        failed_over_time=found["failed"][1],
        failed_before=found["failed_before"][0],
        first=found["first"],
        took=found["took"],
        attempts=found.get("attempts", {}),
        running=found["running"].total if scope.is_known else 0,
    )


# --- tiles -----------------------------------------------------------------------------------------------


def _tiles(ui: Ui, scope: Scope, seen: _Seen) -> list[Tile]:
    total = Sums()
    for sums in seen.whole.whole:
        total += sums
    fine, lost = fine_and_lost(total.requests, seen.failed)
    before, lost_before = fine_and_lost(seen.earlier.requests, seen.failed_before)
    everything, earlier = fine + _bad(seen.failed), before + _bad(seen.failed_before)
    share = fine / (fine + lost) if fine + lost else None
    share_before = before / (before + lost_before) if before + lost_before else None
    (middle, high), first = seen.first
    (usual, slow), took = seen.took
    tokens = total.prompt_tokens + total.completion_tokens
    tokens_before = seen.earlier.prompt_tokens + seen.earlier.completion_tokens
    whole = seen.whole.whole
    requests = [sums.requests + _uncharged(failed) for sums, failed in zip(whole, seen.failed_over_time, strict=True)]
    return [
        Tile(
            name=_("Requests"),
            figure=short(everything),
            exact=f"{everything:,}",
            change=_change(everything, earlier),
            points=sparkline(requests),
            link=scope.link("/requests", by=""),
        ),
        Tile(
            name=_("Success rate"),
            figure=f"{share:.1%}" if share is not None else "—",
            change=share - share_before if share is not None and share_before is not None else None,
            more_is="good",
            points=sparkline(_success(seen)),
            link=scope.link("/requests", by="", view="failed"),
        ),
        Tile(
            name=_("Cost"),
            figure=ui.money(total.units),
            change=_change(total.units, seen.earlier.units),
            points=sparkline([sums.units for sums in whole]),
            link=scope.link("/cost"),
        ),
        Tile(
            name=_("LLM tokens"),
            figure=short(tokens),
            exact=_(
                "{a} in, {b} of them cached, {c} out",
                a=f"{total.prompt_tokens:,}",
                b=f"{total.cached_tokens:,}",
                c=f"{total.completion_tokens:,}",
            ),
            change=_change(tokens, tokens_before),
            points=sparkline([sums.prompt_tokens + sums.completion_tokens for sums in whole]),
        ),
        Tile(
            name=_("Time to the first byte"),
            figure=_time(middle),
            second=f"p95 {_time(high)}",
            points=sparkline([pair[1] for pair in first]),
        ),
        Tile(
            name=_("Duration"),
            figure=_time(usual),
            second=f"p95 {_time(slow)}",
            points=sparkline([pair[1] for pair in took]),
        ),
        Tile(name=_("Running now"), figure=f"{seen.running:,}", link="/live" if current_visit().is_admin else ""),
    ]


def _bad(failed: Mapping[str, int]) -> int:
    return failed.get("upstream", 0) + failed.get("client", 0) + failed.get("left", 0)


def _uncharged(failed: Mapping[str, int]) -> int:
    return _bad(failed) - failed.get("logged", 0)


def _success(seen: _Seen) -> list[float | None]:
    found: list[float | None] = []
    for sums, failed in zip(seen.whole.whole, seen.failed_over_time, strict=True):
        fine, lost = fine_and_lost(sums.requests, failed)
        found.append(100 * fine / (fine + lost) if fine + lost else None)
    return found


def _change(now: int, before: int) -> float | None:
    """Return the change as a share; `None` where there was so little before that it says nothing."""
    return (now - before) / before if before and now < before * _MOST_CHANGE else None


def _time(milliseconds: float | None) -> str:
    return "—" if milliseconds is None else duration(milliseconds)


# --- charts ----------------------------------------------------------------------------------------------


async def _charts(ui: Ui, scope: Scope, seen: _Seen) -> list[Chart]:
    edges, whole = scope.edges, seen.whole.whole
    failed = seen.failed_over_time
    charts = [
        outcome_chart(edges, whole, failed),
        Chart(
            id="success",
            title=_("Success rate"),
            edges=edges,
            unit="percent",
            least=90,
            lines=[Line(label=_("Success rate"), values=_success(seen), colour="ok")],
            note=_("What clients did wrong does not count."),
        ),
        await cost_chart(ui, scope, seen.whole, by=scope.values["by"] or "model"),
        _waits("first", _("Time to the first byte"), edges, seen.first[1]),
        Chart(
            id="tokens",
            title=_("LLM tokens"),
            edges=edges,
            kind="stack",
            unit="tokens",
            lines=[
                Line(label=_("Input"), values=[s.prompt_tokens - s.cached_tokens for s in whole], colour=1),
                Line(label=_("Read from a cache"), values=[s.cached_tokens for s in whole], colour=4),
                Line(label=_("Output"), values=[s.completion_tokens for s in whole], colour=2),
            ],
        ),
        _waits("took", _("Duration"), edges, seen.took[1]),
    ]
    if current_visit().is_admin:
        kinds = [kind for kind in _FAILURES if kind in seen.attempts]
        lines = [
            Line(label=failure_word(kind), values=seen.attempts[kind], colour=number)
            for number, kind in enumerate(kinds, 1)
        ]
        note = _("Every attempt counts, those too that another channel made good.")
        charts.append(
            Chart(id="attempts", title=_("Failed attempts"), edges=edges, kind="stack", lines=lines, note=note)
        )
    return charts


def _waits(name: str, title: str, edges: Sequence[int], pairs: Sequence[figures.Percentiles]) -> Chart:
    return Chart(
        id=name,
        title=title,
        edges=edges,
        kind="band",
        unit="ms",
        lines=[
            Line(label=_("p95: 19 of 20 are faster"), values=[pair[1] for pair in pairs], colour=2),
            Line(label=_("p50: half are faster"), values=[pair[0] for pair in pairs], colour=1),
        ],
    )


# --- the largest -----------------------------------------------------------------------------------------


async def tops(ui: Ui, person: User) -> Response:
    """Return the largest of each kind, which the page asks for once it is there."""
    scope = await read_scope(ui, person, default="24h", choices={"by": kinds()})
    span = scope.span if scope.is_known else Span(since=scope.span.since, until=scope.span.since)
    found = [(_(TOP_TITLES[kind]), await _top(ui, scope, span, kind)) for kind in kinds()]
    return ui.page("pages/overview_tops.html", scope=scope, tops=found)


async def _top(ui: Ui, scope: Scope, span: Span, kind: str) -> list[TopRow]:
    sums = await figures.totals(ui.services, span, by=kind)
    total = sum(one.units for one in sums.values()) or 1
    ranked = nlargest(_TOP, sums.items(), key=lambda item: (item[1].units, item[1].requests))
    names = await labels(ui.services, kind, [key for key, _sums in ranked])
    return [
        TopRow(
            label=own_name(kind, names[key]) or _("no model"),
            amount=ui.money(one.units),
            share=one.units / total,
            link=scope.link("", **narrowed(kind, key, names[key])),
        )
        for key, one in ranked
    ]


def range_titles() -> dict[str, str]:
    """Return the spans that the reader may choose."""
    is_admin = current_visit().is_admin
    return {name: title for name, title in ranges.TITLES.items() if is_admin or name != "1y"}
