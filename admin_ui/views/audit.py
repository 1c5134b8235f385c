"""Who changed what: entries that were written with each change, and are only read here."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from quart import Response

from admin_ui import ranges
from admin_ui.i18n import _
from admin_ui.lists import read_query
from admin_ui.views.picked import as_number
from gateway.audit import book
from gateway.audit.author import PROGRAM
from gateway.management.guard import needs
from storage.records import Role
from storage.repositories.audit import AuditFilter

if TYPE_CHECKING:
    from quart import Blueprint

    from admin_ui.lists import ListQuery
    from admin_ui.ui import Ui
    from storage.repositories.audit import AuditRow

_PAGE = "/audit"
_SPANS = ("1h", "24h", "7d", "30d", "90d")


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""

    @area.get(_PAGE)
    @needs(Role.ADMIN)
    async def audit() -> Response:
        query = _query()
        entries, total = await book.read_page(ui.services, _wanted(query), query.rows)
        return ui.page(
            "pages/audit.html",
            query=query,
            entries=entries,
            total=total,
            kinds=[(kind, kind_word(kind)) for kind in book.KINDS],
            spans=[(name, _(ranges.TITLES[name])) for name in _SPANS],
            kind_word=kind_word,
            action_word=action_word,
            link_of=_link,
        )

    @area.get("/audit/export.csv")
    @needs(Role.ADMIN)
    async def export_audit() -> Response:
        response = Response(book.export_csv(ui.services, _wanted(_query())), content_type="text/csv; charset=utf-8")
        response.headers["Content-Disposition"] = 'attachment; filename="audit.csv"'
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Content-Type-Options"] = "nosniff"
        # As long as it takes: each reading has the database's limit, each write the server's.
        response.timeout = None
        return response


def kind_word(kind: str) -> str:
    """Return what kind of thing something was done to."""
    return {
        "channel": _("Channel"),
        "user": _("Account"),
        "token": _("Token"),
        "option": _("Setting"),
        "code": _("Code"),
        "log": _("Log"),
        "relay": _("Request"),
    }.get(kind, kind)


def action_word(action: str) -> str:
    """Return what was done."""
    verb = action.partition(".")[2]
    return {
        "create": _("created"),
        "register": _("registered"),
        "update": _("changed"),
        "set": _("changed"),
        "delete": _("deleted"),
        "enable": _("enabled"),
        "disable": _("disabled"),
        "auto-disable": _("switched off by itself"),
        "resume": _("suspension cleared"),
        "promote": _("made administrator"),
        "demote": _("made user"),
        "topup": _("topped up"),
        "sign-out": _("signed out everywhere"),
        "2fa-on": _("second factor switched on"),
        "2fa-off": _("second factor switched off"),
        "access-token": _("access token renewed"),
        "password-reset": _("password reset by mail"),
        "reveal": _("key shown"),
        "clear": _("cleared"),
        "end": _("ended"),
    }.get(verb, verb)


def _query() -> ListQuery:
    return read_query(filters={"kind": book.KINDS, "range": _SPANS, "who": None, "object": None})


def _wanted(query: ListQuery) -> AuditFilter:
    span, who = query.filters["range"], query.filters["who"]
    return AuditFilter(
        text=query.q,
        kind=query.filters["kind"],
        actor_id=None if not who else PROGRAM.id if who == "program" else as_number(who),
        object_id=as_number(query.filters["object"]),
        since_ms=int((time.time() - ranges.NAMED[span]) * 1000) if span else 0,
    )


def _link(row: AuditRow) -> str:
    """Return where the thing is, if it has a page."""
    if row.action.endswith(".delete"):
        return ""
    if row.kind == "relay" and row.object_name:
        return f"/playground/request/{row.object_name}"
    if row.kind == "option":
        return "/settings"
    folder = {"channel": "channels", "user": "users", "code": "codes"}.get(row.kind)
    return f"/{folder}/{row.object_id}" if folder and row.object_id else ""
