"""What is done to several codes at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from admin_ui.exports import file_response
from admin_ui.forms import read_form
from admin_ui.i18n import _, _n
from admin_ui.ui import local_path
from admin_ui.views import several
from admin_ui.views.codes import CELLS, cells_of, code_query, wanted_codes
from admin_ui.views.several import Deed, Preview, Question, Several
from gateway.accounts import directory, redemptions
from gateway.accounts.refusals import Refused
from gateway.management.guard import needs
from storage.records import RedemptionStatus, Role

if TYPE_CHECKING:
    from quart import Blueprint, Response

    from admin_ui.forms import Form
    from admin_ui.ui import Ui
    from gateway.audit.author import Author
    from storage.records import Redemption
    from storage.repositories.rows import Page

_LIST = "/codes"
_STATES = {"enable": RedemptionStatus.ENABLED, "disable": RedemptionStatus.DISABLED}
_OTHER = {"enable": "disable", "disable": "enable"}


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""

    @area.post("/codes/bulk")
    @needs(Role.ADMIN)
    async def bulk_codes() -> Response:
        form = await read_form()
        if form.values.get("do") == "export":
            return await _export(ui, local_path(form.values.get("next", ""), _LIST))
        return await _several(ui).answer(ui)

    @area.get("/codes/bulk/<job>")
    @needs(Role.ADMIN)
    async def code_job(job: str) -> Response:
        return await several.show_job(ui, job, _several(ui).place)


def _several(ui: Ui) -> Several[Redemption]:
    async def find(address: str, page: Page) -> tuple[list[Redemption], int]:
        query = code_query(address)
        return await directory.list_codes(ui.services, wanted_codes(query), query.order, page)

    async def read(number: int) -> Redemption:
        return await redemptions.read_code(ui.services, number)

    def deed(form: Form, count: int) -> Deed[Redemption] | None:
        do = form.values.get("do", "")
        if do in _STATES:
            return _switch(ui, do)
        return _delete(ui, count) if do == "delete" else None

    return Several(path=_LIST, title=_("Codes"), find=find, read=read, deed=deed)


def _switch(ui: Ui, do: str) -> Deed[Redemption]:
    status = _STATES[do]

    async def step(who: Author, number: int) -> bool:
        if (await redemptions.read_code(ui.services, number)).status == status:
            return False
        await redemptions.switch_code(ui.services, who, number, status)
        return True

    return Deed(action=f"code.{do}", do=step, undo=_OTHER[do])


def _delete(ui: Ui, count: int) -> Deed[Redemption]:
    return Deed(
        action="code.delete",
        do=lambda who, number: redemptions.delete_code(ui.services, who, number),
        question=Question(
            title=_n("Delete {n} code?", "Delete {n} codes?", count),
            text=_("Nobody can redeem them any more. What was redeemed stays."),
            verb=_("Delete"),
            preview=lambda row: Preview(name=f"{row.name} #{row.id}", before=ui.money(row.quota)),
            danger=True,
        ),
    )


async def _export(ui: Ui, back: str) -> Response:
    lot = _several(ui)
    try:
        ids = await lot.meant(back)
    except Refused as error:
        return ui.refused(back, error)
    if not ids:
        return ui.go(back, note=_("Nothing was selected."), kind="info")
    cells = await cells_of(ui, await lot.rows(ids))

    async def read(page: Page) -> tuple[list[list[object]], int]:
        return cells[page.offset : page.offset + page.size], len(cells)

    return file_response("codes", "csv", CELLS, read, lambda row: row)
