"""The log: everything that happened, found by filters that live in the address, summed up, exported, deleted."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from quart import Response, request

from admin_ui import ranges
from admin_ui.forms import Form, read_form
from admin_ui.i18n import _, _n, mark
from admin_ui.usage_charts import outcome_chart
from admin_ui.visit import current_visit
from admin_ui.waterfall import WIDTH, failure_word, waterfall
from gateway.accounts import history
from gateway.management.guard import actor, author, needs
from gateway.traffic import figures, log
from gateway.traffic.figures import Span
from gateway.traffic.log import Look
from gateway.traffic.names import find_user
from gateway.traffic.request import read_request
from storage.records import Role
from storage.repositories.log_pages import SEARCHED, SORTABLE, Asked, read_place
from storage.repositories.rows import as_id
from storage.repositories.usage import Only, Sums

if TYPE_CHECKING:
    from collections.abc import Mapping

    from quart import Blueprint

    from admin_ui.charts import Chart
    from admin_ui.ranges import Range
    from admin_ui.ui import Ui

_LIST = "/requests"
SIZES = (25, 50, 100, 200)
_DEFAULT_SIZE = 50
_LONGEST = 200
_SLOW_MS = 10_000
_MOST_SUGGESTED = 300
TYPES: dict[str, str] = {
    "2": mark("Requests"),
    "1": mark("Top-ups"),
    "3": mark("Management"),
    "4": mark("System"),
    "5": mark("Channel tests"),
}
_SEARCHED = ("user", "model", "token", "channel")
_FIELDS = ("q", "view", "type", "model", "channel", "token", "user", "stream", "min_cost", "min_ms")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogQuery:
    """What somebody wants of the log, as it stands in the address."""

    values: Mapping[str, str]
    span: Range
    sort: str
    size: int

    def link(self, path: str = _LIST, **changes: object) -> str:
        """Return an address with some wishes changed; from the newest entry on unless a place is named."""
        wishes: dict[str, object] = dict(self.values)
        wishes |= self.span.query | {"sort": self.sort, "size": self.size if self.size != _DEFAULT_SIZE else ""}
        if "range" in changes:
            wishes |= {"from": "", "to": ""}
        wishes |= changes
        query = urlencode({name: value for name, value in wishes.items() if value not in ("", None, "all")})
        return f"{path}?{query}" if query else path

    @property
    def has_histogram(self) -> bool:
        """Whether requests over time can be drawn: there is a span, and only filters that figures know."""
        others = (name for name in _FIELDS if name not in _SEARCHED)
        return bool(self.span.name) and not any(self.values[name] not in ("", "all") for name in others)

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but the whole log is asked for."""
        return bool(self.span.name or any(value for value in self.values.values() if value != "all"))


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""
    _list(area, ui)
    _sums(area, ui)
    _deletion(area, ui)
    _one(area, ui)


def _list(area: Blueprint, ui: Ui) -> None:
    @area.get(_LIST)
    @needs(Role.USER)
    async def requests_page() -> Response:
        query = read_log_query()
        look, faults = look_of(ui, query)
        place = read_place(request.args.get("at", ""))
        newer = request.args.get("dir") == "newer"
        page = await log.read_page(ui.services, actor(), look, place=place, newer=newer, size=query.size)
        if newer and page.newer is None:
            # Everything newer fits on this page: show it as the first one is shown.
            page = await log.read_page(ui.services, actor(), look, size=query.size)
        names = ui.services.registry.current.channels
        channel = names.get(look.asked.channel_id)
        about = await log.about_how_many(ui.services) if current_visit().is_admin and not query.is_narrowed else None
        return ui.page(
            "pages/requests.html",
            query=query,
            look=look,
            faults=faults,
            page=page,
            about=about,
            searched=SEARCHED,
            is_latest=place is None or page.newer is None,
            channel_name=channel.name if channel is not None else "",
            models=_models(ui),
            range_titles=ranges.TITLES,
            types=TYPES,
            sizes=SIZES,
            zone=_zone(),
            slow_ms=_SLOW_MS,
            words=outcome_word,
        )

    @area.get("/requests/export.csv")
    @needs(Role.USER)
    async def export() -> Response:
        look, _faults = look_of(ui, read_log_query())
        pieces = log.export_csv(ui.services, actor(), look)
        answer = Response(pieces, content_type="text/csv; charset=utf-8")
        answer.headers["Content-Disposition"] = 'attachment; filename="requests.csv"'
        answer.headers["Cache-Control"] = "no-store"
        answer.headers["X-Content-Type-Options"] = "nosniff"
        # As long as it takes: each reading has the database's limit, each write the server's.
        answer.timeout = None
        return answer


def _sums(area: Blueprint, ui: Ui) -> None:
    @area.get("/requests/sums")
    @needs(Role.USER)
    async def sums() -> Response:
        query = read_log_query()
        look, _faults = look_of(ui, query)
        total, failed = await log.sum_up(ui.services, actor(), look)
        chart = await _histogram(ui, query, look)
        return ui.page("pages/request_sums.html", query=query, total=total, failed=failed, chart_data=chart)


async def _histogram(ui: Ui, query: LogQuery, look: Look) -> Chart | None:
    """Return requests over time, where that is what is looked at: of a span, by filters that figures know."""
    if not query.has_histogram:
        return None
    asked, user_id = look.asked, actor().id
    if current_visit().is_admin:
        user_id = await find_user(ui.services, asked.username) if asked.username else 0
        if asked.username and not user_id:
            return None
    only = Only(user_id=user_id, token_name=asked.token_name, model=asked.model, channel_id=asked.channel_id)
    edges = ranges.edges(query.span, current_visit().zone)
    span = Span(since=query.span.since, until=query.span.until, edges=edges, only=only)
    charged = (await figures.series(ui.services, span)).get("", [Sums()] * (len(edges) - 1))
    _whole, failed = await figures.failures(ui.services, span)
    return outcome_chart(edges, charged, failed)


def _deletion(area: Blueprint, ui: Ui) -> None:
    @area.get("/requests/delete")
    @needs(Role.ADMIN)
    async def ask_what_to_delete() -> Response:
        return ui.page("pages/requests_delete.html", form=Form(), count=None, zone=_zone())

    @area.post("/requests/delete")
    @needs(Role.ADMIN)
    async def delete_requests() -> Response:
        form = await read_form()
        form.text("before", required=True)
        moment = form.moment("before", current_visit().zone)
        if moment is not None and moment <= 0:
            form.fault("before", _("Please enter a date and a time."))
        if not form.is_sound or moment is None:
            return ui.page("pages/requests_delete.html", 422, form=form, count=None, zone=_zone())
        if not form.flag("sure"):
            count = await history.count_before(ui.services, moment)
            return ui.page("pages/requests_delete.html", form=form, count=count, before=moment, zone=_zone())
        count = await history.forget_before(ui.services, author(), moment)
        return ui.go(_LIST, note=_n("{n} entry was deleted.", "{n} entries were deleted.", count))


def _one(area: Blueprint, ui: Ui) -> None:
    @area.get("/requests/<key>")
    @needs(Role.USER)
    async def one_request(key: str) -> Response:
        page = await read_request(ui.services, actor(), key)
        return ui.page(
            "pages/request.html",
            page=page,
            entry=page.entry,
            detail=page.detail,
            picture=waterfall(page),
            width=WIDTH,
            words=outcome_word,
            failure_word=failure_word,
            types=TYPES,
        )


def read_log_query() -> LogQuery:
    """Read the address at hand. What makes no sense in it is left out."""
    args = request.args
    values = {name: args.get(name, "").replace("\x00", "").strip()[:_LONGEST] for name in _FIELDS}
    known = {"view": ("all", *log.VIEWS), "type": TYPES, "stream": ("yes", "no")}
    for name, words in known.items():
        if values[name] not in words:
            values[name] = ""
    values |= _words(values)
    if not current_visit().is_admin:
        values |= {"user": "", "channel": ""}
    size = args.get("size", "")
    return LogQuery(
        values=values,
        span=ranges.read_range(current_visit().zone, names=tuple(ranges.NAMED), default=""),
        sort=args.get("sort", "") if args.get("sort", "") in SORTABLE else "",
        size=int(size) if size in {str(n) for n in SIZES} else _DEFAULT_SIZE,
    )


def _words(values: Mapping[str, str]) -> dict[str, str]:
    """Take filters out of a search that names them: `model:gpt-4o user:ann timeout`."""
    found: dict[str, str] = {}
    rest: list[str] = []
    for word in values["q"].split():
        name, colon, value = word.partition(":")
        if colon and value and name in _SEARCHED:
            found[name] = value
        else:
            rest.append(word)
    return found | {"q": " ".join(rest)} if found else {}


def look_of(ui: Ui, query: LogQuery) -> tuple[Look, dict[str, str]]:
    """Return what a query asks of the log, and what is wrong with its fields."""
    values, faults = query.values, {}
    channel = as_id(values["channel"]) if values["channel"] else 0
    if channel is None:
        faults["channel"] = _("Please enter the number of a channel.")
    least_ms = as_id(values["min_ms"]) if values["min_ms"] else 0
    if least_ms is None:
        faults["min_ms"] = _("Please enter a whole number.")
    least_units = _units(ui, values["min_cost"])
    if least_units is None:
        faults["min_cost"] = _("Please enter a number.")
    text = values["q"]
    is_id = len(text) in (31, 32) and text.isascii() and text.isalnum()
    asked = Asked(
        type=int(values["type"] or 0),
        username=values["user"],
        token_name=values["token"],
        model=values["model"],
        channel_id=channel or 0,
        since=query.span.since,
        until=query.span.until,
        text="" if is_id else text,
        id=text if is_id else "",
        least_units=least_units or 0,
        least_ms=least_ms or 0,
        is_stream={"yes": True, "no": False}.get(values["stream"]),
    )
    view = values["view"] or "all"
    return Look(asked=asked, view=view, sort=query.sort if view == "all" else ""), faults


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


def _units(ui: Ui, text: str) -> int | None:
    if not text:
        return 0
    try:
        amount = Decimal(text.replace(",", "").lstrip("$"))
    except InvalidOperation:
        return None
    if not amount.is_finite() or not 0 <= amount < 10**12:
        return None
    if ui.options.flag("DisplayInCurrencyEnabled"):
        amount *= ui.options.number("QuotaPerUnit")
    return int(amount)


def _models(ui: Ui) -> list[str]:
    user = actor()
    snapshot = ui.services.registry.current
    if user.role >= Role.ADMIN:
        names = sorted({model for _group, model in snapshot.serving})
    else:
        names = snapshot.models_of(user.group)
    return names[:_MOST_SUGGESTED]


def _zone() -> str:
    return str(current_visit().zone)
