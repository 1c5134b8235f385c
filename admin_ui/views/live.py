"""What runs right now, and what the journals say: pages that change by themselves."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import msgspec
from quart import g, request

from admin_ui import shown, streams
from admin_ui.format_words import endpoint_word, endpoint_words
from admin_ui.forms import read_form
from admin_ui.i18n import _, _n
from admin_ui.lists import read_query
from admin_ui.ui import local_path
from admin_ui.visit import current_visit
from gateway.live.board import EVERYBODY, STATES, Wanted
from gateway.management.guard import actor, author, needs
from gateway.relay.endpoints import Kind
from storage.records import Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from quart import Blueprint, Response

    from admin_ui.lists import ListQuery
    from admin_ui.ui import Ui
    from admin_ui.visit import Visit
    from gateway.live.board import Picture, Row
    from gateway.live.tails import Line

_PAGE, _CANCEL = "/live", "/live/cancel"
_ROW = (
    "id", "age", "state", "kind", "model", "endpoint", "channel", "attempt", "user", "token", "address", "tokens",
    "speed", "cost", "quiet", "process",
)  # fmt: skip
_LINE = ("at", "level", "kind", "event", "message", "id", "process")
_KINDS = {"debug": "idle", "info": "idle", "warning": "warn", "error": "bad"}
_FOR_ADMINS = ("channel", "user", "group")
_MOST_CHANNELS = 12


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""
    seats = streams.Seats()
    _page(area, ui, seats)
    _cancel(area, ui)


def _page(area: Blueprint, ui: Ui, seats: streams.Seats) -> None:
    @area.get(_PAGE)
    @needs(Role.USER)
    async def live() -> Response:
        query, visit = live_query(), current_visit()
        picture = await ui.plane.live.board.look(wanted_of(query))
        lines: list[Line] = []
        if visit.is_admin:
            lines, _seen = await ui.plane.live.tails.after({})
        return ui.page(
            "pages/live.html",
            query=query,
            filters=_filters(ui),
            rows=[cells(ui, row) for row in open_to(visit, picture.rows)],
            tiles=tiles(ui, picture),
            channels=channel_counts(visit, picture),
            found=found(query, picture),
            cancel_link=replace(query, path=_CANCEL).link(),
            events=replace(query, path="/live/events").link(),
            lines=[line_cells(line, visit) for line in lines],
            blank_row=dict.fromkeys(_ROW, ""),
            blank_line=dict.fromkeys(_LINE, ""),
        )

    @area.get("/live/events")
    @needs(Role.USER)
    async def live_events() -> Response:
        visit = current_visit()
        query = live_query()
        feed = _Feed(ui, visit, wanted_of(query), query, catalogue=g.catalogue)
        return streams.stream_here(ui.services, seats, feed.look)


def live_query() -> ListQuery:
    """Read what somebody looks for among what runs."""
    names = [name for name in ("model", "channel", "user", "token", "group") if _may_ask(name)]
    filters: dict[str, Sequence[str] | None] = {
        "state": STATES,
        **dict.fromkeys(names),
        "format": tuple(Kind),
        "stream": ("yes", "no"),
        "min_s": None,
    }
    choices = {"state": {state: state for state in STATES}, "stream": {"yes": "yes", "no": "no"}}
    return read_query(filters=filters, choices=choices)


def wanted_of(query: ListQuery) -> Wanted:
    """Return it as the board takes it: administrators see everybody's, people what is theirs."""
    values, is_admin = query.filters, current_visit().is_admin
    least = values["min_s"]
    return Wanted(
        user_id=EVERYBODY if is_admin else actor().id,
        text=query.q,
        model=values["model"],
        channel=values.get("channel", ""),
        user=values.get("user", ""),
        token=values["token"],
        group=values.get("group", ""),
        endpoint=values["format"],
        state=values["state"],
        streams={"yes": True, "no": False}.get(values["stream"]),
        least_s=int(least) if least.isascii() and least.isdigit() and len(least) < 7 else 0,
        sees_channels=is_admin,
    )


def _may_ask(name: str) -> bool:
    return current_visit().is_admin or name not in _FOR_ADMINS


def _filters(ui: Ui) -> list[tuple[str, str, list[tuple[str, str]] | None]]:
    groups = [(name, name) for name in ui.options.group_ratio]
    every: list[tuple[str, str, list[tuple[str, str]] | None]] = [
        ("state", _("State"), [(state, _state(state)) for state in STATES]),
        ("model", _("Model"), None),
        ("channel", _("Channel"), None),
        ("user", _("User name"), None),
        ("token", _("Token"), None),
        ("group", _("Group"), groups),
        ("format", _("Format"), list(endpoint_words().items())),
        ("stream", _("Streamed"), [("yes", _("Yes")), ("no", _("No"))]),
        ("min_s", _("Seconds old at least"), None),
    ]
    return [one for one in every if _may_ask(one[0])]


def _cancel(area: Blueprint, ui: Ui) -> None:
    @area.get("/live/<request_id>/cancel")
    @needs(Role.USER)
    async def ask_cancel(request_id: str) -> Response:
        picture = await ui.plane.live.board.look(Wanted(user_id=_whose(), text=request_id))
        running = [row for row in picture.rows if row.request_id == request_id]
        if not running:
            return ui.go(_PAGE, note=_("This request has ended already."), kind="info")
        (row,) = running
        return ui.page(
            "pages/confirm.html",
            title=_("End this request?"),
            text=_("{user} asks {model}. The client is told that the request was ended.", **_named(row))
            + " "
            + _("What was delivered is charged, {cost} so far.", cost=ui.money(row.units)),
            action=f"/live/{row.request_id}/cancel",
            verb=_("End request"),
            back=_PAGE,
        )

    @area.post("/live/<request_id>/cancel")
    @needs(Role.USER)
    async def cancel(request_id: str) -> Response:
        if not await ui.plane.live.end(author(), [request_id], user_id=_whose()):
            return ui.go(_PAGE, note=_("This request has ended already."), kind="info")
        return ui.go(_PAGE, note=_("The request was ended."))

    @area.get("/live/cancel")
    @needs(Role.USER)
    async def ask_cancel_all() -> Response:
        query = live_query()
        rows = (await ui.plane.live.board.look(wanted_of(query))).rows
        if not rows:
            return ui.go(_PAGE, note=_("Nothing runs that matches."), kind="info")
        back = replace(query, path=_PAGE).link()
        return ui.page(
            "pages/confirm.html",
            title=_n("End {n} request?", "End {n} requests?", len(rows)),
            text=_("Their clients are told that the requests were ended.")
            + " "
            + _("What was delivered is charged, {cost} so far.", cost=ui.money(sum(row.units for row in rows))),
            items=[f"{row.user} · {row.model}" for row in rows[:20]] + (["…"] if len(rows) > 20 else []),
            action="/live/cancel",
            verb=_("End requests"),
            back=back,
            ids=[row.request_id for row in rows],
            fields={"next": back},
        )

    @area.post("/live/cancel")
    @needs(Role.USER)
    async def cancel_all() -> Response:
        back = local_path((await read_form()).values.get("next", ""), _PAGE)
        ids = (await request.form).getlist("id")[:1000]
        done = await ui.plane.live.end(author(), ids, user_id=_whose())
        return ui.go(back, note=_n("{n} request was ended.", "{n} requests were ended.", done))


@dataclass(slots=True)
class _Feed:
    """What one open page has been told, and what it is to be told next."""

    ui: Ui
    visit: Visit
    wanted: Wanted
    query: ListQuery
    catalogue: object
    seen: dict[str, int] = field(default_factory=dict)
    began: bool = False

    async def look(self) -> bytes:
        """Return the events that are due."""
        g.visit, g.catalogue = self.visit, self.catalogue
        live = self.ui.plane.live
        picture = await live.board.look(self.wanted)
        told = {
            "tiles": tiles(self.ui, picture),
            "channels": channel_counts(self.visit, picture),
            "found": found(self.query, picture),
            "rows": [cells(self.ui, row) for row in open_to(self.visit, picture.rows)],
        }
        out = streams.event("relays", told)
        if self.visit.is_admin:
            lines, self.seen = await live.tails.after(self.seen)
            # The page came with the lines before.
            if lines and self.began:
                out += streams.event("lines", [line_cells(line, self.visit) for line in lines])
            self.began = True
        return out


def cells(ui: Ui, row: Row) -> dict[str, str]:
    """Return what a running relay's row shows, by column."""
    return {
        "id": row.request_id,
        "age": shown.duration(row.age_s * 1000),
        "state": _state(row.state),
        "kind": {"streaming": "ok", "ending": "idle", "settling": "idle"}.get(row.state, "info"),
        "model": row.model,
        "endpoint": endpoint_word(row.endpoint),
        "channel": row.channel,
        "attempt": _("attempt {n}", n=row.attempt) if row.attempt > 1 else "",
        "user": row.user,
        "token": row.token,
        "address": row.address,
        "tokens": "—" if row.tokens is None else f"{row.tokens:,}",
        "speed": " · ".join(part for part in (_speed(row), _sent(row)) if part),
        "cost": ui.money(row.units),
        "quiet": "—" if row.quiet_s is None else shown.duration(row.quiet_s * 1000),
        "process": row.process,
    }


def tiles(ui: Ui, picture: Picture) -> dict[str, str]:
    """Return the figures above the list."""
    rows = picture.rows
    return {
        "total": f"{picture.running:,}",
        "oldest": shown.duration(picture.oldest_s * 1000) if picture.running else "—",
        "tokens": f"{sum(row.tokens or 0 for row in rows):,}",
        "cost": ui.money(sum(row.units for row in rows)),
        "connections": f"{picture.connections:,}",
        "backlog": f"{picture.backlog:,}",
        "processes": f"{len(picture.processes):,}",
    }


def channel_counts(visit: Visit, picture: Picture) -> list[dict[str, str]]:
    """Return how many requests each channel serves, the busiest first; for administrators."""
    if not visit.is_admin:
        return []
    busiest = list(picture.channels.items())[:_MOST_CHANNELS]
    return [{"name": name, "count": f"{count:,}"} for name, count in busiest]


def found(query: ListQuery, picture: Picture) -> str:
    """Return in words how many requests are shown."""
    rows = len(picture.rows)
    if rows < picture.total:
        return _("The oldest {n} of {total} are shown.", n=rows, total=f"{picture.total:,}")
    return _n("{n} matches", "{n} match", rows) if query.is_narrowed else ""


def line_cells(line: Line, visit: Visit) -> dict[str, str]:
    """Return what a line of a journal shows."""
    return {
        "at": shown.moment(line.at_s, visit.zone)[11:],
        "level": line.level,
        "kind": _KINDS.get(line.level, "idle"),
        "event": line.event,
        "message": line.message,
        "id": line.request_id,
        "process": line.process,
    }


def open_to(visit: Visit, rows: Sequence[Row]) -> Sequence[Row]:
    """Return the rows as the visitor may see them: whose channels serve, and where, is the site's own business."""
    return rows if visit.is_admin else [msgspec.structs.replace(row, channel="", process="") for row in rows]


def _whose() -> int:
    return EVERYBODY if current_visit().is_admin else actor().id


def _named(row: Row) -> dict[str, str]:
    return {"user": row.user, "model": row.model or row.endpoint}


def _speed(row: Row) -> str:
    return "" if row.speed is None else _("{n} per second", n=shown.number(round(row.speed, 1)))


def _sent(row: Row) -> str:
    return shown.size(row.sent_bytes) if row.sent_bytes else ""


def _state(state: str) -> str:
    return {
        "admitted": _("Admitted"),
        "reserved": _("Reserved"),
        "connecting": _("Connecting"),
        "waiting": _("Waiting for the first byte"),
        "streaming": _("Streaming"),
        "ending": _("Ending"),
        "settling": _("Settling"),
    }.get(state, state)
