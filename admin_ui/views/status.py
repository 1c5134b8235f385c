"""The status page: how models are, for people who use them, and for everybody where the operator allows that."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from quart import request

from admin_ui.i18n import _
from admin_ui.lists import read_query
from admin_ui.ui import with_query
from admin_ui.visit import current_visit
from gateway.management.guard import anybody
from gateway.site.uptime import DAYS, Uptime
from storage.records import Role

if TYPE_CHECKING:
    from quart import Blueprint, Response

    from admin_ui.ui import Ui
    from gateway.site.uptime import Day, ModelStatus

_GROUP = "default"
_WIDTH, _GAP, HEIGHT = 5, 1, 24
_GOOD, _FAIR = 0.99, 0.9


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""
    uptime = Uptime(ui.services)

    @area.get("/status")
    @anybody()
    async def status() -> Response:
        visit = current_visit()
        if visit.user is None and not ui.options.flag("StatusPageEnabled"):
            return ui.go(with_query("/login", next=request.path))
        group = visit.user.group if visit.user is not None else _GROUP
        query = read_query()
        wanted = uptime.models(group) if ui.options.flag("StatusPageModels") else []
        models = [model for model in wanted if query.q.lower() in model.lower()]
        found = await uptime.look(group, query.rows.of(models))
        return ui.page(
            "pages/status.html",
            query=query,
            rows=[(one, bars(one)) for one in found],
            total=len(models),
            has_models=bool(wanted),
            public=[(one, bars(one)) for one in await uptime.services()],
            days=DAYS,
            width=DAYS * _WIDTH,
            height=HEIGHT,
            percent=percent,
            told=_told,
            is_public=ui.options.flag("StatusPageEnabled"),
            may_open=visit.reaches(Role.ROOT),
        )


def bars(status: ModelStatus) -> dict[str, str]:
    """Return the days as one path for each colour."""
    paths: dict[str, list[str]] = {"ok": [], "warn": [], "bad": [], "none": []}
    for number, day in enumerate(status.days):
        paths[_kind(day)].append(f"M{number * _WIDTH} 0h{_WIDTH - _GAP}v{HEIGHT}h-{_WIDTH - _GAP}z")
    return {kind: "".join(parts) for kind, parts in paths.items() if parts}


def percent(share: float | None) -> str:
    """Write a share; one that is not quite whole is never written as 100 %."""
    if share is None:
        return "—"
    text = f"{share * 100:.2f}"
    return f"{'99.99' if text == '100.00' and share < 1 else text.rstrip('0').rstrip('.')} %"


def _kind(day: Day) -> str:
    share = day.share
    if share is None:
        return "none"
    return "ok" if share >= _GOOD else "warn" if share >= _FAIR else "bad"


def _told(status: ModelStatus) -> str:
    """Return what the picture shows, in words."""
    if status.share is None:
        return _("No requests in {n} days", n=DAYS)
    text = _("{share} of requests answered in {n} days", share=percent(status.share), n=DAYS)
    worst = status.worst
    if worst is None:
        return text
    day = datetime.fromtimestamp(worst.start, UTC).strftime("%Y-%m-%d")
    return f"{text}; " + _("the worst day was {day} with {share}", day=day, share=percent(worst.share))
