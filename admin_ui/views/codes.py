"""Redemption codes, for administrators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quart import Response, request

from admin_ui.exports import csv_response, instant
from admin_ui.forms import Form, as_amount, read_form
from admin_ui.i18n import _, _n
from admin_ui.lists import read_query
from admin_ui.ui import Undo, local_path
from admin_ui.views.picked import as_number, ask_to_delete, each, meant_ids
from gateway.accounts import directory, redemptions
from gateway.accounts.refusals import Refused
from gateway.management.guard import author, needs
from storage.records import RedemptionStatus, Role
from storage.repositories.filtered import Wanted
from storage.repositories.redemptions import SORTABLE

if TYPE_CHECKING:
    from quart import Blueprint

    from admin_ui.lists import ListQuery
    from admin_ui.ui import Ui
    from storage.records import Redemption
    from storage.repositories.rows import Page

_LIST = "/codes"
_COLUMNS = ("id", "name", "code", "state", "units", "created", "redeemed")
_FIELDS = {"name": "name", "quota": "quota", "number of": "count"}


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""
    _list(area, ui)
    _forms(area, ui)


def _query(address: str | None = None) -> ListQuery:
    return read_query(columns=SORTABLE, filters={"status": ("1", "2", "3")}, address=address)


def _wanted(query: ListQuery) -> Wanted:
    status = query.filters["status"]
    return Wanted(text=query.q, equal={"status": int(status)} if status else {})


def _cells(code: Redemption) -> list[object]:
    status = code.status
    state = RedemptionStatus(status).name.lower() if status in set(RedemptionStatus) else status
    return [code.id, code.name, code.key, state, code.quota, instant(code.created_time), instant(code.redeemed_time)]


def _list(area: Blueprint, ui: Ui) -> None:
    async def switch(number: int, status: RedemptionStatus) -> Redemption:
        return await redemptions.update_code(
            ui.services, author(), number, name="", quota=None, status=status, status_only=True
        )

    @area.get(_LIST)
    @needs(Role.ADMIN)
    async def codes() -> Response:
        query = _query()
        rows, total = await directory.list_codes(ui.services, _wanted(query), query.order, query.rows)
        return ui.page("pages/codes.html", query=query, rows=rows, total=total)

    @area.get("/codes/export.csv")
    @needs(Role.ADMIN)
    async def export_codes() -> Response:
        query = _query()

        async def read(page: Page) -> tuple[list[Redemption], int]:
            return await directory.list_codes(ui.services, _wanted(query), query.order, page)

        return csv_response("codes", _COLUMNS, read, _cells)

    @area.post("/codes/bulk")
    @needs(Role.ADMIN)
    async def bulk_codes() -> Response:
        form = await read_form()
        back = local_path(form.values.get("next", ""), _LIST)
        query, step = _query(back), form.values.get("do", "")

        async def read(page: Page) -> tuple[list[Redemption], int]:
            return await directory.list_codes(ui.services, _wanted(query), query.order, page)

        try:
            ids = await meant_ids(read)
        except Refused as error:
            return ui.refused(back, error)
        if step == "delete" and ids and not form.flag("sure"):
            return ask_to_delete(
                ui,
                ids,
                action="/codes/bulk",
                title=_n("Delete {n} code?", "Delete {n} codes?", len(ids)),
                text=_("Nobody can redeem them any more. What was redeemed stays."),
                back=back,
            )
        if step == "delete":
            return await each(ui, ids, lambda number: redemptions.delete_code(ui.services, author(), number), back)
        status = {"enable": RedemptionStatus.ENABLED, "disable": RedemptionStatus.DISABLED}.get(step)
        if status is None:
            return ui.go(back)
        return await each(ui, ids, lambda number: switch(number, status), back)

    @area.post("/codes/<number>/<step>")
    @needs(Role.ADMIN)
    async def step_code(number: str, step: str) -> Response:
        back = local_path((await request.form).get("next", ""), _LIST)
        if step == "delete":
            await redemptions.delete_code(ui.services, author(), as_number(number))
            return ui.go(back, note=_("The code was deleted."))
        on = step == "enable"
        try:
            await switch(as_number(number), RedemptionStatus.ENABLED if on else RedemptionStatus.DISABLED)
        except Refused as error:
            return ui.refused(back, error)
        undo = Undo(f"/codes/{as_number(number)}/{'disable' if on else 'enable'}", {"next": back})
        return ui.go(back, note=_("The code is enabled.") if on else _("The code is disabled."), undo=undo)

    @area.get("/codes/<number>/delete")
    @needs(Role.ADMIN)
    async def ask_delete_code(number: str) -> Response:
        code = await redemptions.read_code(ui.services, as_number(number))
        return ui.page(
            "pages/confirm.html",
            title=_("Delete code {name}?", name=f"{code.name} #{code.id}"),
            text=_("Nobody can redeem it any more. What was redeemed stays."),
            action=f"/codes/{code.id}/delete",
            verb=_("Delete"),
            back=_LIST,
        )


def _forms(area: Blueprint, ui: Ui) -> None:
    @area.get("/codes/new")
    @needs(Role.ADMIN)
    async def new_codes() -> Response:
        return ui.page("pages/code_form.html", form=Form(values={"count": "1"}), code=None)

    @area.post("/codes/new")
    @needs(Role.ADMIN)
    async def create_codes() -> Response:
        form = await read_form()
        name = form.text("name", required=True, most=redemptions.LONGEST_NAME_BYTES)
        quota = form.units("quota", ui.options)
        count = form.integer("count", default=1, least=1, most=redemptions.MOST_AT_ONCE)
        if form.is_sound and not await ui.is_first(form.values.get("once", "")):
            return ui.go(_LIST)
        keys: list[str] = []
        if form.is_sound:
            try:
                keys = await redemptions.create_codes(ui.services, author(), name=name, quota=quota, count=count)
            except Refused as error:
                form.refuse(error, _FIELDS)
        if not form.is_sound:
            return ui.page("pages/code_form.html", 422, form=form, code=None)
        if form.values.get("as") == "file":
            headers = {"Content-Disposition": "attachment; filename=codes.txt", "Cache-Control": "no-store"}
            return Response("\n".join(keys) + "\n", content_type="text/plain; charset=utf-8", headers=headers)
        title = _n("{n} code was created", "{n} codes were created", len(keys))
        return ui.page("pages/codes_made.html", title=title, keys=keys, name=name, amount=ui.money(quota))

    @area.get("/codes/<number>")
    @needs(Role.ADMIN)
    async def code_page(number: str) -> Response:
        code = await redemptions.read_code(ui.services, as_number(number))
        form = Form(values={"name": code.name, "quota": as_amount(code.quota, ui.options)})
        return ui.page("pages/code_form.html", form=form, code=code)

    @area.post("/codes/<number>")
    @needs(Role.ADMIN)
    async def update_code(number: str) -> Response:
        code = await redemptions.read_code(ui.services, as_number(number))
        form = await read_form()
        name = form.text("name", required=True, most=redemptions.LONGEST_NAME_BYTES)
        quota = form.units("quota", ui.options)
        if form.is_sound:
            try:
                await redemptions.update_code(
                    ui.services, author(), code.id, name=name, quota=quota, status=None, status_only=False
                )
            except Refused as error:
                form.refuse(error, _FIELDS)
        if not form.is_sound:
            return ui.page("pages/code_form.html", 422, form=form, code=code)
        return ui.go(_LIST, note=_("The code was saved."))
