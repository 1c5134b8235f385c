"""Who changed what: entries that were written with each change, and are only read here."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from admin_ui import ranges
from admin_ui.arrangement import Column, arrange
from admin_ui.exports import streamed
from admin_ui.i18n import _, _n
from admin_ui.lists import read_query
from admin_ui.views.picked import as_number
from admin_ui.visit import current_visit
from gateway.audit import book
from gateway.audit.author import PROGRAM
from gateway.management.guard import needs
from storage.records import Role
from storage.repositories.audit import MOST_SORTED, SORTABLE, AuditFilter

if TYPE_CHECKING:
    from quart import Blueprint, Response

    from admin_ui.lists import ListQuery
    from admin_ui.ui import Ui
    from storage.repositories.audit import AuditRow

_PAGE = "/audit"
_SPANS = ("1h", "24h", "7d", "30d", "90d")
_VIAS = ("page", "api", "command", "program")
_FILTERS = {
    "kind": book.KINDS, "action": book.VERBS, "range": _SPANS, "who": None, "address": None, "via": _VIAS,
    "field": None, "object": None, "since": None, "until": None,
}  # fmt: skip
_FOLDERS = {
    "alert": "settings/alerts",
    "channel": "channels",
    "user": "users",
    "code": "codes",
    "shadow": "routing/shadows",
}
_TYPED = ("kind", "action", "via", "range")


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""

    @area.get(_PAGE)
    @needs(Role.ADMIN)
    async def audit() -> Response:
        query = _query()
        entries, total = await book.read_page(ui.services, _wanted(query), query.rows, query.order)
        arranged = await arrange(
            ui,
            "audit",
            query,
            path=_PAGE,
            columns=[
                Column("from", _("Address")),
                Column("number", _("Number"), usual=False),
                Column("via", _("By way of"), usual=False),
            ],
            views=[
                (_("All"), {}),
                (_("By people"), {"who": "people"}),
                (_("By the program"), {"who": "program"}),
                (_("Settings"), {"kind": "option"}),
                (_("Keys that were shown"), {"action": "reveal"}),
            ],
        )
        return ui.page(
            "pages/audit.html",
            query=query,
            arranged=arranged,
            entries=entries,
            total=total,
            is_sortable=total <= MOST_SORTED,
            filters=_fields(),
            kind_word=kind_word,
            action_word=action_word,
            several_word=several_word,
            via_word=_via_word,
            link_of=_link,
        )

    @area.get("/audit/<number>")
    @needs(Role.ADMIN)
    async def audit_entry(number: str) -> Response:
        whole = await book.read_whole(ui.services, as_number(number))
        query = read_query()
        entries, total = await book.read_page(ui.services, AuditFilter(part_of=whole.id), query.rows)
        return ui.page(
            "pages/audit_entry.html",
            title=f"{several_word(whole.kind, total)}: {action_word(whole.action)}",
            whole=whole,
            query=query,
            entries=entries,
            total=total,
            kind_word=kind_word,
            action_word=action_word,
            via_word=_via_word,
            link_of=_link,
        )

    @area.get("/audit/export.<kind>")
    @needs(Role.ADMIN)
    async def export_audit(kind: str) -> Response:
        return streamed("audit", kind, book.COLUMNS, book.export(ui.services, _wanted(_query())))


def _fields() -> list[tuple[str, str, list[tuple[str, str]] | str | None]]:
    """Return the filters as the toolbar shows them."""
    return [
        ("kind", _("Kind"), [(kind, kind_word(kind)) for kind in book.KINDS]),
        ("action", _("Action"), [(verb, action_word(f".{verb}")) for verb in book.VERBS]),
        ("range", _("When"), [(name, _(ranges.TITLES[name])) for name in _SPANS]),
        ("who", _("Who (name or number)"), None),
        ("address", _("Address begins with"), None),
        ("via", _("By way of"), [(via, _via_word(via)) for via in _VIAS]),
        ("field", _("Field or setting"), None),
        ("object", _("Number of the thing"), None),
        ("since", _("From day"), "date"),
        ("until", _("To day"), "date"),
    ]


def kind_word(kind: str) -> str:
    """Return what kind of thing something was done to."""
    return {
        "channel": _("Channel"),
        "user": _("Account"),
        "token": _("Token"),
        "option": _("Setting"),
        "charge": _("Charge"),
        "code": _("Code"),
        "log": _("Log"),
        "relay": _("Request"),
        "config": _("Configuration"),
        "alert": _("Alert"),
        "messages": _("Recorded messages"),
        "shadow": _("Shadow test"),
        "budget": _("Budget"),
    }.get(kind, kind)


def several_word(kind: str, n: int) -> str:
    """Return what several things are called that something was done to at once."""
    return {
        "channel": _n("{n} channel at once", "{n} channels at once", n),
        "user": _n("{n} account at once", "{n} accounts at once", n),
        "token": _n("{n} token at once", "{n} tokens at once", n),
        "code": _n("{n} code at once", "{n} codes at once", n),
    }.get(kind) or _n("{n} thing at once", "{n} things at once", n)


def action_word(action: str) -> str:
    """Return what was done."""
    verb = action.partition(".")[2]
    return {
        "create": _("created"),
        "register": _("registered"),
        "update": _("changed"),
        "set": _("setting changed"),
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
        "renew": _("key renewed"),
        "write-again": _("written again"),
        "restore": _("taken back"),
        "end-keys": _("former keys ended"),
        "session-end": _("a session ended"),
        "recovery-codes": _("recovery codes made"),
        "recovery-code-used": _("recovery code used"),
        "reset-mail": _("reset mail sent"),
        "clear": _("cleared"),
        "end": _("ended"),
        "test": _("tested"),
        "balance": _("balance asked for"),
        "prices": _("prices changed"),
        "apply": _("applied from a file"),
        "keys-add": _("keys added"),
        "key-remove": _("key removed"),
        "key-clear": _("key used again"),
        "key-refused": _("key refused by the provider"),
        "key-works": _("key works again"),
        "read": _("read"),
        "search": _("searched"),
    }.get(verb, verb)


def _via_word(via: str) -> str:
    return {
        "page": _("a page"),
        "api": _("the API"),
        "command": _("the command line"),
        "program": _("the program"),
    }.get(via, via)


def _query() -> ListQuery:
    choices = {name: {value: value for value in _FILTERS[name] or ()} for name in _TYPED}
    return read_query(columns=SORTABLE, filters=_FILTERS, choices=choices)


def _wanted(query: ListQuery) -> AuditFilter:
    f = query.filters
    span, who = f["range"], f["who"]
    is_number = who.isascii() and who.isdigit()
    since_ms = int((time.time() - ranges.NAMED[span]) * 1000) if span else 0
    return AuditFilter(
        text=query.q,
        kind=f["kind"],
        actions=book.doings(f["action"]) if f["action"] else (),
        # A number that no id can be finds nothing.
        actor_id=PROGRAM.id if who == "program" else (int(who) if len(who) < 19 else -1) if is_number else None,
        actor="" if who in ("program", "people") or is_number else who,
        only_people=who == "people",
        address=f["address"],
        via=f["via"],
        field=f["field"],
        object_id=as_number(f["object"]),
        since_ms=max(since_ms, _day_ms(f["since"])),
        until_ms=_day_ms(f["until"], days=1),
    )


def _day_ms(text: str, *, days: int = 0) -> int:
    """Return when a day begins for the reader, or so many days later; 0 for what is no day."""
    try:
        day = datetime.fromisoformat(text).replace(hour=0, minute=0, second=0, tzinfo=current_visit().zone)
        return int((day + timedelta(days=days)).timestamp() * 1000)
    except (ValueError, OverflowError):
        return 0


def _link(row: AuditRow) -> str:
    """Return where the thing is, if it has a page."""
    if row.action.endswith(".delete"):
        return ""
    if row.kind in ("relay", "messages") and row.object_name:
        return f"/playground/request/{row.object_name}"
    if row.kind == "option":
        return "/settings"
    folder = _FOLDERS.get(row.kind)
    return f"/{folder}/{row.object_id}" if folder and row.object_id else ""
