"""Redemption codes, for administrators."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING

from quart import Response, request
from werkzeug.exceptions import NotFound

from admin_ui.arrangement import Column, arrange
from admin_ui.exports import file_response, instant
from admin_ui.forms import Form, as_amount, read_form
from admin_ui.i18n import _, _n
from admin_ui.lists import read_query
from admin_ui.ui import Undo, local_path
from admin_ui.views.picked import id_in_address
from admin_ui.visit import current_visit
from gateway.accounts import directory, redemptions
from gateway.accounts.refusals import Refused
from gateway.management.guard import author, needs
from storage.records import RedemptionStatus, Role
from storage.repositories.list_figures import OF_CODES
from storage.repositories.people_facts import CodeFacts
from storage.repositories.people_lists import CodeFilter
from storage.repositories.redemptions import SORTABLE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from quart import Blueprint

    from admin_ui.lists import ListQuery
    from admin_ui.ui import Ui
    from storage.records import Redemption
    from storage.repositories.rows import Page

_LIST = "/codes"
CELLS = ("id", "name", "code", "state", "units", "created", "expires", "redeemed", "redeemed_by")
_FIELDS = {"name": "name", "quota": "quota", "number of": "count", "expire": "expires_at"}
_NOTHING = (CodeFacts(), "")
_STATES = {"1": "unused", "2": "disabled", "3": "used", "4": "expired"}


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""
    _list(area, ui)
    _forms(area, ui)


def code_query(address: str | None = None) -> ListQuery:
    """Return what a list of codes is asked for, here or at an address."""
    words = {word: number for number, word in _STATES.items()}
    filters = {"status": tuple(_STATES), "batch": None}
    return read_query(columns=(*SORTABLE, *OF_CODES), filters=filters, choices={"status": words}, address=address)


def wanted_codes(query: ListQuery) -> CodeFilter:
    """Return which codes a list is of."""
    return CodeFilter(
        now_s=int(time.time()),
        text=query.q,
        state=_STATES.get(query.filters["status"], ""),
        name=query.filters["batch"],
    )


def _cells(code: Redemption, known: tuple[CodeFacts, str]) -> list[object]:
    facts, who = known
    state = RedemptionStatus(code.status).name.lower() if code.status in set(RedemptionStatus) else code.status
    if code.status == RedemptionStatus.ENABLED and 0 < facts.expires_at <= time.time():
        state = "expired"
    return [
        code.id,
        code.name,
        code.key,
        state,
        code.quota,
        instant(code.created_time),
        instant(facts.expires_at),
        instant(code.redeemed_time),
        who,
    ]


def _list(area: Blueprint, ui: Ui) -> None:
    @area.get(_LIST)
    @needs(Role.ADMIN)
    async def codes() -> Response:
        query = code_query()
        rows, total = await directory.list_codes(ui.services, wanted_codes(query), query.order, query.rows)
        arranged = await arrange(
            ui,
            "codes",
            query,
            path=_LIST,
            columns=[
                Column("code", _("Code")),
                Column("redeemed", _("Redeemed")),
                Column("created", _("Created")),
                Column("expires", _("Expires")),
            ],
            views=[
                (_("All"), {}),
                (_("Unused"), {"status": 1}),
                (_("Used"), {"status": 3}),
                (_("Expired"), {"status": 4}),
            ],
        )
        known = await directory.code_facts(ui.services, rows)
        return ui.page(
            "pages/codes.html",
            query=query,
            rows=rows,
            total=total,
            arranged=arranged,
            known={row.id: known.get(row.id, _NOTHING) for row in rows},
            now=time.time(),
        )

    @area.get("/codes/export.<kind>")
    @needs(Role.ADMIN)
    async def export_codes(kind: str) -> Response:
        query = code_query()

        wanted = wanted_codes(query)

        async def read(page: Page) -> tuple[list[list[object]], int]:
            return await _as_cells(ui, wanted, query, page)

        return file_response("codes", kind, CELLS, read, _as_they_are)

    @area.post("/codes/<number>/<step>")
    @needs(Role.ADMIN)
    async def step_code(number: str, step: str) -> Response:
        back = local_path((await request.form).get("next", ""), _LIST)
        if step == "delete":
            await redemptions.delete_code(ui.services, author(), id_in_address(number))
            return ui.go(back, note=_("The code was deleted."))
        if step not in ("enable", "disable"):
            raise NotFound
        on = step == "enable"
        try:
            status = RedemptionStatus.ENABLED if on else RedemptionStatus.DISABLED
            await redemptions.switch_code(ui.services, author(), id_in_address(number), status)
        except Refused as error:
            return ui.refused(back, error)
        undo = Undo(f"/codes/{id_in_address(number)}/{'disable' if on else 'enable'}", {"next": back})
        return ui.go(back, note=_("The code is enabled.") if on else _("The code is disabled."), undo=undo)

    @area.get("/codes/<number>/delete")
    @needs(Role.ADMIN)
    async def ask_delete_code(number: str) -> Response:
        code = await redemptions.read_code(ui.services, id_in_address(number))
        return ui.page(
            "pages/confirm.html",
            title=_("Delete code {name}?", name=f"{code.name} #{code.id}"),
            text=_("Nobody can redeem it any more. What was redeemed stays."),
            action=f"/codes/{code.id}/delete",
            verb=_("Delete"),
            back=_LIST,
        )


async def _as_cells(ui: Ui, wanted: CodeFilter, query: ListQuery, page: Page) -> tuple[list[list[object]], int]:
    rows, total = await directory.list_codes(ui.services, wanted, query.order, page)
    return await cells_of(ui, rows), total


async def cells_of(ui: Ui, rows: Sequence[Redemption]) -> list[list[object]]:
    """Return the cells (`CELLS`) of codes in a file."""
    known = await directory.code_facts(ui.services, rows)
    return [_cells(row, known.get(row.id, _NOTHING)) for row in rows]


def _as_they_are(cells: list[object]) -> list[object]:
    return cells


def _expiry(form: Form) -> int:
    """Return when codes of a form expire, 0 for never."""
    until = form.moment("expires_at", current_visit().zone)
    if until is None:
        return 0
    if until <= time.time():
        form.fault("expires_at", _("Please choose a time that is still to come."))
    return until


def _local(seconds: int, zone: tzinfo) -> str:
    return datetime.fromtimestamp(seconds, zone).strftime("%Y-%m-%dT%H:%M") if seconds > 0 else ""


def _forms(area: Blueprint, ui: Ui) -> None:
    @area.get("/codes/new")
    @needs(Role.ADMIN)
    async def new_codes() -> Response:
        return ui.page("pages/code_form.html", form=Form(values={"count": "1"}), code=None)

    @area.post("/codes/new")
    @needs(Role.ADMIN)
    async def create_codes() -> Response:
        form = await read_form()
        name = form.text("name", required=True, most_bytes=redemptions.LONGEST_NAME_BYTES)
        quota = form.units("quota", ui.options)
        if form.is_sound and quota == 0:
            form.fault("quota", _("Please enter more than 0."))
        count = form.integer("count", default=1, least=1, most=redemptions.MOST_ON_A_PAGE)
        expires_at = _expiry(form)
        if form.is_sound and not await ui.is_first(form.values.get("once", "")):
            return ui.go(_LIST, note=_("The codes were made already."), kind="info")
        keys: list[str] = []
        if form.is_sound:
            try:
                keys = await redemptions.create_codes(
                    ui.services,
                    author(),
                    name=name,
                    quota=quota,
                    count=count,
                    expires_at=expires_at,
                    most=redemptions.MOST_ON_A_PAGE,
                )
            except Refused as error:
                form.refuse(error, _FIELDS)
        if not form.is_sound:
            return ui.page("pages/code_form.html", 422, form=form, code=None)
        if form.values.get("as") == "file":
            headers = {"Content-Disposition": "attachment; filename=codes.txt", "Cache-Control": "no-store"}
            return Response("\n".join(keys) + "\n", content_type="text/plain; charset=utf-8", headers=headers)
        title = _n("{n} code was created", "{n} codes were created", len(keys))
        return ui.page(
            "pages/codes_made.html", title=title, keys=keys, name=name, amount=ui.money(quota), expires_at=expires_at
        )

    @area.get("/codes/<number>")
    @needs(Role.ADMIN)
    async def code_page(number: str) -> Response:
        code = await redemptions.read_code(ui.services, id_in_address(number))
        facts, who = (await directory.code_facts(ui.services, [code])).get(code.id, _NOTHING)
        expires_at = _local(facts.expires_at, current_visit().zone)
        values = {"name": code.name, "quota": as_amount(code.quota, ui.options), "expires_at": expires_at}
        return ui.page("pages/code_form.html", form=Form(values=values), code=code, who=who)

    @area.post("/codes/<number>")
    @needs(Role.ADMIN)
    async def update_code(number: str) -> Response:
        code = await redemptions.read_code(ui.services, id_in_address(number))
        form = await read_form()
        name = form.text("name", required=True, most_bytes=redemptions.LONGEST_NAME_BYTES)
        quota = form.units("quota", ui.options)
        facts, who = (await directory.code_facts(ui.services, [code])).get(code.id, _NOTHING)
        kept = form.values.get("expires_at", "") == _local(facts.expires_at, current_visit().zone)
        expires_at = None if kept else _expiry(form)
        if form.is_sound:
            try:
                await redemptions.update_code(
                    ui.services,
                    author(),
                    code.id,
                    name=name,
                    quota=quota,
                    status=None,
                    status_only=False,
                    expires_at=expires_at,
                )
            except Refused as error:
                form.refuse(error, _FIELDS)
        if not form.is_sound:
            return ui.page("pages/code_form.html", 422, form=form, code=code, who=who)
        return ui.go(_LIST, note=_("The code was saved."))
