"""What is done to several accounts at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from admin_ui.forms import Form, read_form
from admin_ui.i18n import _, _n
from admin_ui.ui import local_path
from admin_ui.views.picked import ask_to_delete, each, meant_ids
from admin_ui.views.users import user_query, wanted_users
from gateway.accounts import directory
from gateway.accounts import users as people
from gateway.accounts.refusals import Refused
from gateway.accounts.users import UserEdit
from gateway.management.guard import actor, author, needs
from storage.records import Role

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from quart import Blueprint, Response

    from admin_ui.ui import Ui
    from storage.records import User
    from storage.repositories.rows import Page

_LIST = "/users"


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""

    @area.post("/users/bulk")
    @needs(Role.ADMIN)
    async def bulk_users() -> Response:
        form = await read_form()
        back = local_path(form.values.get("next", ""), _LIST)
        query = user_query(ui, back)

        async def read(page: Page) -> tuple[list[User], int]:
            rows, total = await directory.list_users(ui.services, wanted_users(query), query.order, page)
            return [row for row in rows if directory.reaches(actor(), row)], total

        try:
            ids = await meant_ids(read)
        except Refused as error:
            return ui.refused(back, error)
        if form.values.get("do") == "delete" and ids and not form.flag("sure"):
            return ask_to_delete(
                ui,
                ids,
                action="/users/bulk",
                title=_n("Delete {n} user?", "Delete {n} users?", len(ids)),
                text=_("Their accounts are closed, and their tokens stop working."),
                back=back,
            )
        step = _step(ui, form)
        if step is None:
            fault = next(iter(form.errors.values()), _("Please say what to change, and to what."))
            return ui.go(back, note=fault, kind="bad")
        return await each(ui, ids, step, back)


def _step(ui: Ui, form: Form) -> Callable[[int], Awaitable[object]] | None:
    """Return what is done to one account, `None` where that was not said."""
    do, services = form.values.get("do", ""), ui.services
    if do == "delete":
        return lambda number: people.delete_user(services, author(), number)
    if do in ("enable", "disable"):
        return lambda number: _manage(ui, number, do)
    what = form.values.get("what", "")
    group = form.values.get("value", "").strip()
    if what == "group" and group in ui.options.group_ratio:
        return lambda number: _move(ui, number, group)
    if what == "topup":
        units = form.units("value", ui.options)
        if form.is_sound and units:
            return lambda number: _top_up(ui, number, units)
    if what == "group":
        form.fault("value", _("There is no such group: {name}", name=group))
    return None


async def _manage(ui: Ui, number: int, action: str) -> None:
    user = await people.read_user(ui.services, actor(), number)
    await people.manage_user(ui.services, author(), username=user.username, action=action)


async def _move(ui: Ui, number: int, group: str) -> None:
    user = await people.read_user(ui.services, actor(), number)
    edit = UserEdit(id=user.id, username=user.username, display_name=user.display_name or user.username, group=group)
    await people.update_user(ui.services, author(), edit)


async def _top_up(ui: Ui, number: int, units: int) -> None:
    user = await people.read_user(ui.services, actor(), number)
    await people.top_up(ui.services, author(), user_id=user.id, quota=units, remark="")
