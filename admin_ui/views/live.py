"""What runs right now, and what the journals say: pages that change by themselves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
from quart import current_app, g, request, session

from admin_ui import shown, streams
from admin_ui.forms import read_form
from admin_ui.i18n import _, _n
from admin_ui.lists import read_query
from admin_ui.ui import local_path
from admin_ui.visit import current_visit
from gateway.live.board import EVERYBODY
from gateway.management.guard import actor, author, needs
from storage.records import Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from quart import Blueprint, Response

    from admin_ui.lists import ListQuery
    from admin_ui.ui import Ui
    from admin_ui.visit import Visit
    from gateway.live.board import Picture, Row
    from gateway.live.tails import Line

_PAGE = "/live"
_ROW = (
    "id", "age", "state", "kind", "model", "endpoint", "channel", "attempt", "user", "token", "address", "tokens",
    "speed", "cost", "quiet", "process",
)  # fmt: skip
_LINE = ("at", "level", "kind", "event", "message", "id", "process")
_KINDS = {"debug": "idle", "info": "idle", "warning": "warn", "error": "bad"}


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""
    seats = streams.Seats()
    _page(area, ui, seats)
    _cancel(area, ui)


def _page(area: Blueprint, ui: Ui, seats: streams.Seats) -> None:
    @area.get(_PAGE)
    @needs(Role.USER)
    async def live() -> Response:
        query = read_query()
        picture = await ui.plane.live.board.look(_whose())
        rows = matching(open_to(current_visit(), picture.rows), query.q)
        lines: list[Line] = []
        if current_visit().is_admin:
            lines, _seen = await ui.plane.live.tails.after({})
        return ui.page(
            "pages/live.html",
            query=query,
            rows=[cells(ui, row) for row in rows],
            tiles=tiles(ui, picture),
            lines=[line_cells(line, current_visit()) for line in lines],
            blank_row=dict.fromkeys(_ROW, ""),
            blank_line=dict.fromkeys(_LINE, ""),
        )

    @area.get("/live/events")
    @needs(Role.USER)
    async def live_events() -> Response:
        viewer, visit = actor(), current_visit()
        feed = _Feed(ui, visit, _whose(), read_query(), catalogue=g.catalogue)
        reader = streams.Reader(user_id=viewer.id, version=session.get("v", 0), role=viewer.role)
        app = current_app._get_current_object()  # type: ignore[attr-defined]

        async def look() -> bytes:
            async with app.app_context():
                return await feed.look()

        return streams.stream(ui.services, seats, reader, look)


def _cancel(area: Blueprint, ui: Ui) -> None:
    @area.get("/live/<request_id>/cancel")
    @needs(Role.USER)
    async def ask_cancel(request_id: str) -> Response:
        picture = await ui.plane.live.board.look(_whose())
        found = [row for row in picture.rows if row.request_id == request_id]
        if not found:
            return ui.go(_PAGE, note=_("This request has ended already."), kind="info")
        (row,) = found
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
        query = read_query()
        picture = await ui.plane.live.board.look(_whose())
        rows = matching(open_to(current_visit(), picture.rows), query.q)
        if not rows:
            return ui.go(_PAGE, note=_("Nothing runs that matches."), kind="info")
        back = _back(query)
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
    whose: int
    query: ListQuery
    catalogue: object
    seen: dict[str, int] = field(default_factory=dict)
    began: bool = False

    async def look(self) -> bytes:
        """Return the events that are due."""
        g.visit, g.catalogue = self.visit, self.catalogue
        live = self.ui.plane.live
        picture = await live.board.look(self.whose)
        rows = [cells(self.ui, row) for row in matching(open_to(self.visit, picture.rows), self.query.q)]
        out = streams.event("relays", {"tiles": tiles(self.ui, picture), "rows": rows})
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
        "kind": {"streaming": "ok", "ending": "idle"}.get(row.state, "info"),
        "model": row.model,
        "endpoint": row.endpoint,
        "channel": row.channel,
        "attempt": _("attempt {n}", n=row.attempt) if row.attempt > 1 else "",
        "user": row.user,
        "token": row.token,
        "address": row.address,
        "tokens": "—" if row.tokens is None else f"{row.tokens:,}",
        "speed": _speed(row),
        "cost": ui.money(row.units),
        "quiet": "—" if row.quiet_s is None else shown.duration(row.quiet_s * 1000),
        "process": row.process,
    }


def tiles(ui: Ui, picture: Picture) -> dict[str, str]:
    """Return the figures above the list."""
    rows = picture.rows
    return {
        "total": f"{picture.total:,}",
        "oldest": shown.duration(rows[0].age_s * 1000) if rows else "—",
        "tokens": f"{sum(row.tokens or 0 for row in rows):,}",
        "cost": ui.money(sum(row.units for row in rows)),
        "processes": f"{len(picture.processes):,}",
    }


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


def matching(rows: Sequence[Row], text: str) -> list[Row]:
    """Return the rows in which every word of `text` occurs."""
    words = text.lower().split()
    return [row for row in rows if all(word in _searched(row) for word in words)]


def _searched(row: Row) -> str:
    return " ".join((row.model, row.channel, row.user, row.token, row.address, row.state, row.process)).lower()


def _whose() -> int:
    return EVERYBODY if current_visit().is_admin else actor().id


def _back(query: ListQuery) -> str:
    return query.link().replace("/live/cancel", _PAGE)


def _named(row: Row) -> dict[str, str]:
    return {"user": row.user, "model": row.model or row.endpoint}


def _speed(row: Row) -> str:
    if not row.tokens or row.age_s <= 0:
        return ""
    return _("{n} per second", n=shown.number(round(row.tokens / row.age_s, 1)))


def _state(state: str) -> str:
    return {
        "connecting": _("Connecting"),
        "waiting": _("Waiting"),
        "streaming": _("Streaming"),
        "ending": _("Ending"),
    }.get(state, state)
