"""The log: everything that happened, found by filters that live in the address, summed up, exported, deleted."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from quart import Response, jsonify, request

from admin_ui import ranges
from admin_ui.arrangement import Arrangement, Column, arrange
from admin_ui.exports import streamed
from admin_ui.format_words import FORMAT_TAGS, endpoint_words
from admin_ui.forms import Form, read_form
from admin_ui.histogram import HEIGHT, WIDTH, Histogram, histogram
from admin_ui.i18n import _, _n
from admin_ui.log_query import PATH, STATUSES, TYPES, LogQuery, read_log_query, read_look
from admin_ui.ranges import Range
from admin_ui.visit import current_visit
from gateway.accounts import history
from gateway.management.guard import actor, author, needs
from gateway.traffic import export, log, totals
from storage.records import Role
from storage.repositories.log_asked import SEARCHED
from storage.repositories.log_pages import read_place

if TYPE_CHECKING:
    from quart import Blueprint

    from admin_ui.log_query import Read
    from admin_ui.ui import Ui

_MOST_SUGGESTED = 300
_MOST_NEW = 200
# Spans that the whole log may be drawn over, shortest first.
_SPANS = ("24h", "7d", "30d", "90d", "1y")


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""
    _list(area, ui)
    _parts(area, ui)
    _deletion(area, ui)


def _list(area: Blueprint, ui: Ui) -> None:
    @area.get(PATH)
    @needs(Role.USER)
    async def requests_page() -> Response:
        query = read_log_query()
        read = await read_look(ui, query)
        place = read_place(request.args.get("at", ""))
        newer = request.args.get("dir") == "newer"
        page = await log.read_page(ui.services, actor(), read.look, place=place, newer=newer, size=query.rows)
        if newer and page.newer is None:
            # Everything newer fits on this page: show it as the first one is shown.
            place = None
            page = await log.read_page(ui.services, actor(), read.look, size=query.rows)
        visit = current_visit()
        about = await log.about_how_many(ui.services) if visit.is_admin and not query.is_narrowed else None
        channel = ui.services.registry.current.channels.get(read.look.asked.channel_id)
        return ui.page(
            "pages/requests.html",
            query=query,
            asked=read.look.asked,
            read=read,
            page=page,
            about=about,
            is_whole=page.newer is None and page.older is None and page.reached is None,
            arranged=await _arrangement(ui, query),
            filters=_filters(ui, query),
            searched=SEARCHED,
            # Where something new would stand: not in a list that is sorted otherwise.
            is_latest=(place is None or page.newer is None) and not read.look.sort,
            channel_name=channel.name if channel is not None else "",
            models=_models(ui),
            range_titles=ranges.TITLES,
            types=TYPES,
            endpoint_titles=endpoint_words(),
            format_words=FORMAT_TAGS,
            zone=str(visit.zone),
            words=outcome_word,
        )

    @area.get("/requests/export.<kind>")
    @needs(Role.USER)
    async def export_requests(kind: str) -> Response:
        look = (await read_look(ui, read_log_query())).look
        rows = export.export(ui.services, actor(), look)
        return streamed("requests", kind, export.columns_for(actor()), rows)


async def _arrangement(ui: Ui, query: LogQuery) -> Arrangement:
    is_admin = current_visit().is_admin
    columns = [
        Column("channel", _("Channel")),
        Column("user", _("User name")),
        Column("token", _("Token")),
        Column("tokens", _("Tokens in and out")),
        Column("cost", _("Cost")),
        Column("first", _("First byte")),
        Column("total", _("Total")),
        Column("notes", _("Notes")),
        Column("speed", _("Tokens per second"), usual=False),
        Column("format", _("Format"), usual=False),
        Column("type", _("Kind"), usual=False),
        Column("group", _("Group"), usual=False),
        Column("address", _("Address"), usual=False),
        Column("request_id", _("Request id"), usual=False),
        Column("trace_id", _("Trace id"), usual=False),
        Column("error", _("Error"), usual=False),
    ]
    views = [
        (_("All"), query.view()),
        (_("Errors"), query.view(view="failed")),
        (_("Slow"), query.view(view="slow")),
        (_("Expensive"), query.view(type="2", sort="quota")),
        (_("Retried"), query.view(view="retried")),
    ]
    if is_admin:
        views.append((_("Tests"), query.view(type="5")))
    hidden = () if is_admin else ("channel", "user")
    return await arrange(
        ui,
        "requests",
        query,
        path=PATH,
        columns=[column for column in columns if column.name not in hidden],
        views=views,
    )


def _filters(ui: Ui, query: LogQuery) -> list[tuple[str, str, list[tuple[str, str]] | None]]:
    """Return the filters as the toolbar shows them: name, label, and choices where there are few."""
    yes_no = [("yes", _("Yes")), ("no", _("No"))]
    statuses = [(word, word) for word in STATUSES]
    if query.filters["status"] and query.filters["status"] not in STATUSES:
        statuses.append((query.filters["status"], query.filters["status"]))
    groups = [(name, name) for name in ui.options.group_ratio]
    found: list[tuple[str, str, list[tuple[str, str]] | None]] = [
        ("status", _("Status"), statuses),
        ("model", _("Model"), None),
        ("type", _("Kind"), [(key, _(title)) for key, title in TYPES.items()]),
        ("channel", _("Channel"), None),
        ("user", _("User name"), None),
        ("token", _("Token"), None),
        ("group", _("Group"), groups),
        ("format", _("Format"), list(endpoint_words().items())),
        ("stream", _("Streamed"), yes_no),
        ("retried", _("Retried"), yes_no),
        ("min_cost", _("Cost at least"), None),
        ("max_cost", _("Cost at most"), None),
        ("min_first", _("First byte at least, ms"), None),
        ("min_ms", _("Total at least, ms"), None),
        ("session", _("Session"), None),
        ("error", _("Error text"), None),
        ("content", _("Text of the entry"), None),
        ("said", _("Text of recorded messages"), None),
    ]
    hidden = () if current_visit().is_admin else ("channel", "user", "group")
    return [one for one in found if one[0] not in hidden]


def _parts(area: Blueprint, ui: Ui) -> None:
    @area.get("/requests/sums")
    @needs(Role.USER)
    async def sums() -> Response:
        query = read_log_query()
        read = await read_look(ui, query)
        found = await totals.sum_up(ui.services, actor(), read.look.asked)
        span = await _drawn(ui, query)
        picture = await _histogram(ui, query, read, span)
        return ui.page(
            "pages/request_sums.html",
            query=query,
            total=found,
            picture=picture,
            width=WIDTH,
            height=HEIGHT,
            span_title=_(ranges.TITLES[span.name]) if span.name != query.span.name else "",
        )

    @area.get("/requests/new")
    @needs(Role.USER)
    async def new_requests() -> Response:
        read = await read_look(ui, read_log_query())
        place = read_place(request.args.get("at", ""))
        count = 0
        if place is not None and not read.look.sort:
            count = await log.count_newer(ui.services, actor(), read.look, place, most=_MOST_NEW)
        text = _n("{n} new", "{n} new", count) if count < _MOST_NEW else _("{n} or more new", n=count)
        answer = jsonify({"n": count, "text": text if count else ""})
        answer.headers["Cache-Control"] = "no-store"
        return answer


async def _drawn(ui: Ui, query: LogQuery) -> Range:
    """Return the span that is drawn: the one that is looked at, or as much of the last year as there is."""
    if query.span.name:
        return query.span
    now = int(time.time()) + 1
    begin = await totals.begin_of(ui.services) or now
    name = next((name for name in _SPANS if begin >= now - ranges.NAMED[name]), _SPANS[-1])
    return Range(name, now - ranges.NAMED[name], now)


async def _histogram(ui: Ui, query: LogQuery, read: Read, span: Range) -> Histogram:
    zone = current_visit().zone
    edges = ranges.edges(span, zone)
    asked = read.look.asked
    charged, failed = await totals.spread(ui.services, actor(), asked, edges)
    return histogram(
        edges, charged, failed, zone=zone, link=lambda since, until: query.link(**_between(since, until))
    )


def _between(since: str, until: str) -> dict[str, object]:
    return {"range": "custom", "from": since, "to": until}


def _deletion(area: Blueprint, ui: Ui) -> None:
    @area.get("/requests/delete")
    @needs(Role.ROOT)
    async def ask_what_to_delete() -> Response:
        return ui.page("pages/requests_delete.html", form=Form(), count=None, zone=str(current_visit().zone))

    @area.post("/requests/delete")
    @needs(Role.ROOT)
    async def delete_requests() -> Response:
        form, zone = await read_form(), str(current_visit().zone)
        form.text("before", required=True)
        moment = form.moment("before", current_visit().zone)
        if moment is not None and moment <= 0:
            form.fault("before", _("Please enter a date and a time."))
        if not form.is_sound or moment is None:
            return ui.page("pages/requests_delete.html", 422, form=form, count=None, zone=zone)
        if not form.flag("sure"):
            count = await history.count_before(ui.services, moment)
            return ui.page("pages/requests_delete.html", form=form, count=count, before=moment, zone=zone)
        count = await history.forget_before(ui.services, author(), moment)
        return ui.go(PATH, note=_n("{n} entry was deleted.", "{n} entries were deleted.", count))


def outcome_word(outcome: str) -> str:
    """Return how a request ended in words."""
    words = {
        "ok": _("OK"),
        "client_gone": _("Client left"),
        "upstream_failed": _("Provider failed"),
        "refused": _("Refused"),
        "deadline": _("Took too long"),
        "drained": _("Shut down"),
        "cancelled": _("Ended by hand"),
        "quota": _("No quota"),
    }
    return words.get(outcome, outcome)


def _models(ui: Ui) -> list[str]:
    user = actor()
    snapshot = ui.services.registry.current
    if user.role >= Role.ADMIN:
        names = sorted({model for _group, model in snapshot.serving})
    else:
        names = snapshot.models_of(user.group)
    return names[:_MOST_SUGGESTED]
